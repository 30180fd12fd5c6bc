//! Members of staff, their one-time links and their sessions.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, UserId};
use domain::time::Millis;

use crate::sql::{Columns, call, columns, statements};
use crate::{Result, Store};

/// The columns of a user, in the order in which [`user`] reads them.
macro_rules! user_columns {
    () => {
        "u.id, u.municipality_id, u.name, u.email, u.role, u.disabled_at"
    };
}

statements! {
    INSERT = "insert into users (id, municipality_id, name, email, role, created_at) values ($1, $2, $3, $4, $5, $6)";
    ALL = concat!("select ", user_columns!(), " from users u where u.municipality_id = $1 order by u.name, u.id");
    BY_EMAIL = concat!("select ", user_columns!(), " from users u where u.municipality_id = $1 and u.email = $2");
    BY_ID = concat!("select ", user_columns!(), " from users u where u.id = $1");
    UPDATE = "update users set name = $3, role = $4, disabled_at = case when $5 = 0 then null else coalesce(disabled_at, $6) end where id = $1 and municipality_id = $2";
    END_ALL = "delete from sessions where user_id = $1";
    VOID_SIGN_INS = "delete from sign_ins where user_id = $1 and used_at is null";
    ADD_SIGN_IN = "insert into sign_ins (lookup, user_id, expires_at, created_at) select $1, u.id, $4, $5 from users u where u.id = $2 and u.municipality_id = $3 and u.disabled_at is null";
    USE_SIGN_IN = "update sign_ins set used_at = $2 where lookup = $1 and used_at is null and expires_at > $2
        and user_id in (select id from users where disabled_at is null) returning user_id";
    ADD_SESSION = "insert into sessions (lookup, user_id, expires_at, created_at) select $1, u.id, $3, $4 from users u where u.id = $2 and u.disabled_at is null";
    SESSION = concat!("select s.expires_at, ", user_columns!(), " from sessions s join users u on u.id = s.user_id where s.lookup = $1 and s.expires_at > $2 and u.disabled_at is null");
    END = "delete from sessions where lookup = $1";
    SWEEP_SESSIONS = "delete from sessions where expires_at <= $1";
    SWEEP_SIGN_INS = "delete from sign_ins where expires_at <= $1";
}

/// A member of staff of one municipality. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Where.
    pub municipality: MunicipalityId,
    /// Name.
    pub name: String,
    /// Address, folded to lower case.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// May no longer sign in.
    pub disabled_at: Option<Millis>,
}

/// A session that is alive.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user: User,
    /// Until when.
    pub expires_at: Millis,
}

impl Store {
    /// A new member of staff; `Conflict` when the address is taken in this municipality.
    pub async fn create_user(
        &self,
        municipality: &MunicipalityId,
        name: &str,
        email: &str,
        role: Role,
        now: Millis,
    ) -> Result<User> {
        let user = User {
            id: UserId::new(now),
            municipality: municipality.clone(),
            name: name.to_owned(),
            email: email.trim().to_lowercase(),
            role,
            disabled_at: None,
        };
        let mut tx = self.begin().await?;
        call(INSERT)
            .text(user.id.as_str())
            .text(municipality.as_str())
            .text(name)
            .text(&user.email)
            .text(role.as_str())
            .at(now)
            .run_new(&mut tx, "user with this address")
            .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// The staff, by name.
    pub async fn users(&self, municipality: &MunicipalityId) -> Result<Vec<User>> {
        call(ALL)
            .text(municipality.as_str())
            .rows(&mut *self.read().await?)
            .await?
            .iter()
            .map(|row| user(&mut columns(row)))
            .collect()
    }

    /// The member of staff with this address.
    pub async fn user_by_email(&self, municipality: &MunicipalityId, email: &str) -> Result<Option<User>> {
        let email = email.trim().to_lowercase();
        let row = call(BY_EMAIL).text(municipality.as_str()).text(&email).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| user(&mut columns(&row))).transpose()
    }

    /// Replaces name and role; `disabled` ends every session.
    pub async fn update_user(
        &self,
        municipality: &MunicipalityId,
        id: &UserId,
        name: &str,
        role: Role,
        disabled: bool,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(UPDATE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(name)
            .text(role.as_str())
            .int(disabled.into())
            .at(now)
            .run_one(&mut tx, "user")
            .await?;
        if disabled {
            call(END_ALL).text(id.as_str()).run(&mut tx).await?;
            call(VOID_SIGN_INS).text(id.as_str()).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Keeps a one-time sign-in link (the lookup hash of its token).
    pub async fn create_sign_in(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        lookup: &str,
        expires_at: Millis,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(ADD_SIGN_IN)
            .text(lookup)
            .text(user.as_str())
            .text(municipality.as_str())
            .at(expires_at)
            .at(now)
            .run_one(&mut tx, "user")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Uses a one-time link up and opens a session; `None`: unknown, used, expired, or the person is disabled.
    pub async fn use_sign_in(
        &self,
        lookup: &str,
        session_lookup: &str,
        session_expires_at: Millis,
        now: Millis,
    ) -> Result<Option<User>> {
        let mut tx = self.begin().await?;
        let Some(row) = call(USE_SIGN_IN).text(lookup).at(now).maybe_row(&mut tx).await? else { return Ok(None) };
        let id = columns(&row).text()?;
        call(ADD_SESSION)
            .text(session_lookup)
            .text(&id)
            .at(session_expires_at)
            .at(now)
            .run_one(&mut tx, "user")
            .await?;
        let found = user(&mut columns(&call(BY_ID).text(&id).row(&mut tx, "user").await?))?;
        tx.commit().await?;
        Ok(Some(found))
    }

    /// Opens a session for a known person (the demo's "sign in as").
    pub async fn open_session(
        &self,
        municipality: &MunicipalityId,
        user_id: &UserId,
        session_lookup: &str,
        expires_at: Millis,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let found = user(&mut columns(&call(BY_ID).text(user_id.as_str()).row(&mut tx, "user").await?))?;
        if found.municipality != *municipality {
            return Err(crate::StoreError::NotFound("user"));
        }
        call(ADD_SESSION)
            .text(session_lookup)
            .text(user_id.as_str())
            .at(expires_at)
            .at(now)
            .run_one(&mut tx, "user")
            .await?;
        Ok(tx.commit().await?)
    }

    /// The session behind a cookie's lookup hash; `None`: unknown, ended or expired.
    pub async fn session(&self, lookup: &str, now: Millis) -> Result<Option<Session>> {
        let row = call(SESSION).text(lookup).at(now).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok(Session { expires_at: c.at()?, user: user(&mut c)? })
        })
        .transpose()
    }

    /// Ends a session.
    pub async fn end_session(&self, lookup: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(END).text(lookup).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes expired sessions and sign-in links. Returns how many.
    pub async fn sweep_sessions(&self, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let swept =
            call(SWEEP_SESSIONS).at(now).run(&mut tx).await? + call(SWEEP_SIGN_INS).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

fn user(c: &mut Columns<'_>) -> Result<User> {
    Ok(User {
        id: UserId(c.text()?),
        municipality: MunicipalityId(c.text()?),
        name: c.text()?,
        email: c.text()?,
        role: c.word("role", Role::parse)?,
        disabled_at: c.maybe_at()?,
    })
}
