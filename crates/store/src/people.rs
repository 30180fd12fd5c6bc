//! Members of staff, their one-time links and their sessions.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, PublicationId, UserId};
use domain::time::Millis;

use crate::sql::{Columns, call, columns, statements};
use crate::{Result, Store, StoreError};

/// The columns of a user, in the order in which [`user`] reads them.
macro_rules! user_columns {
    () => {
        "u.id, u.municipality_id, u.name, u.email, u.role, u.disabled_at"
    };
}
pub(crate) use user_columns;

/// The columns of a session, in the order in which [`session`] reads them.
macro_rules! session_columns {
    () => {
        "substr(s.lookup, 1, 16), s.expires_at, s.created_at, s.seen_at, s.proved_at, s.stage, s.method, s.device, s.publication_id"
    };
}

statements! {
    INSERT = "insert into users (id, municipality_id, name, email, role, created_at) values ($1, $2, $3, $4, $5, $6)";
    ALL = concat!("select ", user_columns!(), " from users u where u.municipality_id = $1
        and not exists (select 1 from reader_links r where r.user_id = u.id) order by u.name, u.id");
    PEOPLE = concat!("select ", user_columns!(), ", u.last_sign_in_at, u.created_at,
            (select max(i.created_at) from sign_ins i where i.user_id = u.id and i.purpose = 'invitation' and i.used_at is null and i.expires_at > $2),
            (select p.changed_at from passwords p where p.user_id = u.id),
            (select t.confirmed_at from second_steps t where t.user_id = u.id),
            (select min(d.created_at) from identities d where d.user_id = u.id)
        from users u where u.municipality_id = $1 and ($3 = '' or u.id = $3)
        and not exists (select 1 from reader_links r where r.user_id = u.id) order by u.name, u.id");
    BY_EMAIL = concat!("select ", user_columns!(), " from users u where u.municipality_id = $1 and u.email = $2");
    BY_ID = concat!("select ", user_columns!(), " from users u where u.id = $1");
    UPDATE = "update users set name = $3, role = $4, disabled_at = case when $5 = 0 then null else coalesce(disabled_at, $6) end where id = $1 and municipality_id = $2";
    LOCK_MUNICIPALITY = "update municipalities set updated_at = updated_at where id = $1";
    OTHER_ADMINISTRATORS = "select cast(count(*) as bigint) from users where municipality_id = $1 and id <> $2 and role = 'administrator' and disabled_at is null";
    END_ALL = "delete from sessions where user_id = $1";
    END_OTHERS = "delete from sessions where user_id = $1 and lookup <> $2";
    END_ONE = "delete from sessions where user_id = $1 and substr(lookup, 1, 16) = $2";
    VOID_SIGN_INS = "delete from sign_ins where user_id = $1 and used_at is null";
    VOID_PURPOSE = "delete from sign_ins where user_id = $1 and purpose = $2 and used_at is null";
    ADD_SIGN_IN = "insert into sign_ins (lookup, user_id, purpose, expires_at, created_at) select $1, u.id, $6, $4, $5 from users u where u.id = $2 and u.municipality_id = $3 and u.disabled_at is null";
    SIGN_IN = concat!("select i.purpose, ", user_columns!(), " from sign_ins i join users u on u.id = i.user_id
        where i.lookup = $1 and i.used_at is null and i.expires_at > $2 and u.disabled_at is null");
    USE_SIGN_IN = "update sign_ins set used_at = $2 where lookup = $1 and used_at is null and expires_at > $2
        and user_id in (select id from users where disabled_at is null) returning user_id, purpose";
    ADD_SESSION = "insert into sessions (lookup, user_id, expires_at, created_at, seen_at, proved_at, stage, method, device, publication_id)
        select $1, u.id, $3, $4, $4, $4, $5, $6, $7, $8 from users u where u.id = $2 and u.disabled_at is null";
    SEEN = "update users set last_sign_in_at = $2 where id = $1";
    SESSION = concat!("select ", session_columns!(), ", ", user_columns!(), " from sessions s join users u on u.id = s.user_id where s.lookup = $1 and s.expires_at > $2 and u.disabled_at is null");
    SESSIONS = concat!("select ", session_columns!(), ", ", user_columns!(), " from sessions s join users u on u.id = s.user_id where u.id = $1 and u.municipality_id = $2 and s.expires_at > $3 and s.stage = 'in' order by s.seen_at desc, s.lookup");
    TOUCH = "update sessions set seen_at = $2, expires_at = case when $3 < created_at + $4 then $3 else created_at + $4 end where lookup = $1 and seen_at < $5";
    ROTATE = "update sessions set lookup = $2, expires_at = case when stage = 'in' then expires_at else $4 end, stage = 'in', proved_at = $3, seen_at = $3 where lookup = $1 and expires_at > $3";
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

/// A member of staff as the list of people shows them. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: User,
    /// Signed in last; `None`: never.
    pub last_sign_in_at: Option<Millis>,
    /// Known since.
    pub created_at: Millis,
    /// An invitation that is still good was made then.
    pub invited_at: Option<Millis>,
    /// Chose a password then.
    pub password_at: Option<Millis>,
    /// Set up the second step then.
    pub second_step_at: Option<Millis>,
    /// Signed in through the municipality's own sign-in since.
    pub single_since: Option<Millis>,
}

/// How far signing in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Signed in.
    In,
    /// The password was right; the second step is missing.
    Code,
    /// The second step must be set up first.
    SetUp,
}

impl Stage {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Code => "code",
            Self::SetUp => "set_up",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::In, Self::Code, Self::SetUp].into_iter().find(|stage| stage.as_str() == text)
    }
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a one-time link.
    Link,
    /// By password.
    Password,
    /// Through the municipality's own sign-in.
    Single,
    /// By a reader's link.
    Reader,
    /// The demo's "look around as".
    Demo,
}

impl Method {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Password => "password",
            Self::Single => "single",
            Self::Reader => "reader",
            Self::Demo => "demo",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Link, Self::Password, Self::Single, Self::Reader, Self::Demo].into_iter().find(|m| m.as_str() == text)
    }
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs in (the command line, the demo).
    Session,
    /// Welcomes a colleague, who chooses a password.
    Invitation,
    /// Chooses a new password.
    Reset,
}

impl Purpose {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Session, Self::Invitation, Self::Reset].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// Lookup hash of its token.
    pub lookup: &'a str,
    /// How far signing in has come.
    pub stage: Stage,
    /// How.
    pub method: Method,
    /// Where: browser and system, as far as the browser says.
    pub device: &'a str,
    /// The only publication to be shown.
    pub publication: Option<&'a PublicationId>,
    /// Until when, if nobody comes back.
    pub expires_at: Millis,
}

/// A session that is alive.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// What it is called in lists; opens nothing.
    pub id: String,
    /// Until when.
    pub expires_at: Millis,
    /// Since when.
    pub created_at: Millis,
    /// Last request, to the minute.
    pub seen_at: Millis,
    /// When the person last proved who they are.
    pub proved_at: Millis,
    /// How far signing in has come.
    pub stage: Stage,
    /// How.
    pub method: Method,
    /// Where.
    pub device: String,
    /// The only publication to be shown.
    pub publication: Option<PublicationId>,
    /// Whose.
    pub user: User,
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
        let mut tx = self.begin().await?;
        let user = insert_user(&mut tx, municipality, name, email, role, now).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// The staff, by name; without readers from outside.
    pub async fn users(&self, municipality: &MunicipalityId) -> Result<Vec<User>> {
        call(ALL)
            .text(municipality.as_str())
            .rows(&mut *self.read().await?)
            .await?
            .iter()
            .map(|row| user(&mut columns(row)))
            .collect()
    }

    /// The staff with what is known of their signing in, by name.
    pub async fn people(&self, municipality: &MunicipalityId, now: Millis) -> Result<Vec<Person>> {
        let rows = call(PEOPLE).text(municipality.as_str()).at(now).text("").rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| person(&mut columns(row))).collect()
    }

    /// One member of staff with what is known of their signing in.
    pub async fn person(&self, municipality: &MunicipalityId, id: &UserId, now: Millis) -> Result<Person> {
        let call = call(PEOPLE).text(municipality.as_str()).at(now).text(id.as_str());
        let row = call.maybe_row(&mut *self.read().await?).await?.ok_or(StoreError::NotFound("user"))?;
        person(&mut columns(&row))
    }

    /// The member of staff with this address.
    pub async fn user_by_email(&self, municipality: &MunicipalityId, email: &str) -> Result<Option<User>> {
        let email = email.trim().to_lowercase();
        let row = call(BY_EMAIL).text(municipality.as_str()).text(&email).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| user(&mut columns(&row))).transpose()
    }

    /// Replaces name and role; a change of role or `disabled` ends every session, since what they open has changed.
    ///
    /// # Errors
    /// `State("last administrator")` when nobody would be left who can let others in.
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
        // Two administrators who put each other out at the same moment wait for one another here.
        call(LOCK_MUNICIPALITY).text(municipality.as_str()).run_one(&mut tx, "municipality").await?;
        let before = user(&mut columns(&call(BY_ID).text(id.as_str()).row(&mut tx, "user").await?))?;
        let was = before.role == Role::Administrator && before.disabled_at.is_none();
        if was && (disabled || role != Role::Administrator) {
            let others = call(OTHER_ADMINISTRATORS).text(municipality.as_str()).text(id.as_str());
            if columns(&others.row(&mut tx, "count").await?).int()? == 0 {
                return Err(StoreError::State("last administrator"));
            }
        }
        call(UPDATE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(name)
            .text(role.as_str())
            .int(disabled.into())
            .at(now)
            .run_one(&mut tx, "user")
            .await?;
        if disabled || role != before.role {
            call(END_ALL).text(id.as_str()).run(&mut tx).await?;
        }
        if disabled {
            call(VOID_SIGN_INS).text(id.as_str()).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Keeps a one-time link that signs in (the lookup hash of its token).
    pub async fn create_sign_in(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        lookup: &str,
        expires_at: Millis,
        now: Millis,
    ) -> Result<()> {
        self.create_link(municipality, user, Purpose::Session, lookup, expires_at, now).await
    }

    /// Keeps a one-time link; an earlier invitation or reset of this person stops to work.
    pub async fn create_link(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        purpose: Purpose,
        lookup: &str,
        expires_at: Millis,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        if purpose != Purpose::Session {
            call(VOID_PURPOSE).text(user.as_str()).text(purpose.as_str()).run(&mut tx).await?;
        }
        call(ADD_SIGN_IN)
            .text(lookup)
            .text(user.as_str())
            .text(municipality.as_str())
            .at(expires_at)
            .at(now)
            .text(purpose.as_str())
            .run_one(&mut tx, "user")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes back the links of this purpose that nobody has used.
    pub async fn void_links(&self, municipality: &MunicipalityId, id: &UserId, purpose: Purpose) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, id).await?;
        call(VOID_PURPOSE).text(id.as_str()).text(purpose.as_str()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// What a one-time link is for and whose it is, without using it up; `None`: unknown, used, expired, or the person is disabled.
    pub async fn sign_in_link(&self, lookup: &str, now: Millis) -> Result<Option<(Purpose, User)>> {
        let row = call(SIGN_IN).text(lookup).at(now).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok((c.word("purpose", Purpose::parse)?, user(&mut c)?))
        })
        .transpose()
    }

    /// Uses a one-time link that signs in up and opens a session; `None`: unknown, used, expired, for something else, or the
    /// person is disabled.
    pub async fn use_sign_in(&self, lookup: &str, new: &NewSession<'_>, now: Millis) -> Result<Option<User>> {
        let mut tx = self.begin().await?;
        let Some(row) = call(USE_SIGN_IN).text(lookup).at(now).maybe_row(&mut tx).await? else { return Ok(None) };
        let mut c = columns(&row);
        let (id, purpose) = (UserId(c.text()?), c.word("purpose", Purpose::parse)?);
        if purpose != Purpose::Session {
            return Ok(None);
        }
        add_session(&mut tx, &id, new, now).await?;
        let found = user(&mut columns(&call(BY_ID).text(id.as_str()).row(&mut tx, "user").await?))?;
        tx.commit().await?;
        Ok(Some(found))
    }

    /// Opens a session for a known person.
    pub async fn open_session(
        &self,
        municipality: &MunicipalityId,
        user_id: &UserId,
        new: &NewSession<'_>,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, user_id).await?;
        add_session(&mut tx, user_id, new, now).await?;
        Ok(tx.commit().await?)
    }

    /// The session behind a cookie's lookup hash; `None`: unknown, ended or expired.
    pub async fn session(&self, lookup: &str, now: Millis) -> Result<Option<Session>> {
        let row = call(SESSION).text(lookup).at(now).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| session(&mut columns(&row))).transpose()
    }

    /// The sessions of a person, the latest first.
    pub async fn sessions(&self, municipality: &MunicipalityId, id: &UserId, now: Millis) -> Result<Vec<Session>> {
        let call = call(SESSIONS).text(id.as_str()).text(municipality.as_str()).at(now);
        call.rows(&mut *self.read().await?).await?.iter().map(|row| session(&mut columns(row))).collect()
    }

    /// Notes that a session is in use, unless that was noted within `every_seconds`: it lasts `idle_seconds` from now, but no
    /// longer than `most_seconds` in all.
    pub async fn touch_session(
        &self,
        lookup: &str,
        every_seconds: i64,
        idle_seconds: i64,
        most_seconds: i64,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(TOUCH)
            .text(lookup)
            .at(now)
            .at(now.plus_seconds(idle_seconds))
            .int(most_seconds * 1000)
            .at(now.plus_seconds(-every_seconds))
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Gives a session a new token, after its person has proved who they are (again). One that was not in yet lasts until
    /// `expires_at` from now on.
    pub async fn rotate_session(&self, lookup: &str, new_lookup: &str, expires_at: Millis, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(ROTATE).text(lookup).text(new_lookup).at(now).at(expires_at).run_one(&mut tx, "session").await?;
        Ok(tx.commit().await?)
    }

    /// Ends a session.
    pub async fn end_session(&self, lookup: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(END).text(lookup).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Ends one of a person's sessions by what it is called in lists.
    pub async fn end_session_of(&self, municipality: &MunicipalityId, id: &UserId, session: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, id).await?;
        call(END_ONE).text(id.as_str()).text(session).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a person's sessions but the one to be kept. Returns how many.
    pub async fn end_sessions(&self, municipality: &MunicipalityId, id: &UserId, keep: Option<&str>) -> Result<u64> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, id).await?;
        let ended = call(END_OTHERS).text(id.as_str()).text(keep.unwrap_or_default()).run(&mut tx).await?;
        tx.commit().await?;
        Ok(ended)
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

/// A new member of staff within somebody else's transaction.
pub(crate) async fn insert_user(
    conn: &mut sqlx::AnyConnection,
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
    call(INSERT)
        .text(user.id.as_str())
        .text(municipality.as_str())
        .text(name)
        .text(&user.email)
        .text(role.as_str())
        .at(now)
        .run_new(conn, "user with this address")
        .await?;
    Ok(user)
}

/// A session within somebody else's transaction.
pub(crate) async fn add_session(
    conn: &mut sqlx::AnyConnection,
    user: &UserId,
    new: &NewSession<'_>,
    now: Millis,
) -> Result<()> {
    call(ADD_SESSION)
        .text(new.lookup)
        .text(user.as_str())
        .at(new.expires_at)
        .at(now)
        .text(new.stage.as_str())
        .text(new.method.as_str())
        .text(new.device)
        .maybe(new.publication.map(PublicationId::as_str))
        .run_one(conn, "user")
        .await?;
    call(SEEN).text(user.as_str()).at(now).run(conn).await?;
    Ok(())
}

/// Uses a link of this purpose up; returns whose it was.
pub(crate) async fn use_link(
    conn: &mut sqlx::AnyConnection,
    lookup: &str,
    now: Millis,
) -> Result<Option<(UserId, Purpose)>> {
    let Some(row) = call(USE_SIGN_IN).text(lookup).at(now).maybe_row(conn).await? else { return Ok(None) };
    let mut c = columns(&row);
    Ok(Some((UserId(c.text()?), c.word("purpose", Purpose::parse)?)))
}

/// Ends all sessions and voids all links of a person, within somebody else's transaction.
pub(crate) async fn shut_out(conn: &mut sqlx::AnyConnection, user: &UserId) -> Result<()> {
    call(END_ALL).text(user.as_str()).run(conn).await?;
    call(VOID_SIGN_INS).text(user.as_str()).run(conn).await?;
    Ok(())
}

/// A person of this municipality; `NotFound` otherwise.
pub(crate) async fn known(conn: &mut sqlx::AnyConnection, municipality: &MunicipalityId, id: &UserId) -> Result<User> {
    let found = user(&mut columns(&call(BY_ID).text(id.as_str()).row(conn, "user").await?))?;
    if found.municipality == *municipality { Ok(found) } else { Err(StoreError::NotFound("user")) }
}

pub(crate) fn user(c: &mut Columns<'_>) -> Result<User> {
    Ok(User {
        id: UserId(c.text()?),
        municipality: MunicipalityId(c.text()?),
        name: c.text()?,
        email: c.text()?,
        role: c.word("role", Role::parse)?,
        disabled_at: c.maybe_at()?,
    })
}

fn person(c: &mut Columns<'_>) -> Result<Person> {
    Ok(Person {
        user: user(c)?,
        last_sign_in_at: c.maybe_at()?,
        created_at: c.at()?,
        invited_at: c.maybe_at()?,
        password_at: c.maybe_at()?,
        second_step_at: c.maybe_at()?,
        single_since: c.maybe_at()?,
    })
}

fn session(c: &mut Columns<'_>) -> Result<Session> {
    Ok(Session {
        id: c.text()?,
        expires_at: c.at()?,
        created_at: c.at()?,
        seen_at: c.at()?,
        proved_at: c.at()?,
        stage: c.word("stage", Stage::parse)?,
        method: c.word("method", Method::parse)?,
        device: c.text()?,
        publication: c.maybe()?.map(PublicationId),
        user: user(c)?,
    })
}
