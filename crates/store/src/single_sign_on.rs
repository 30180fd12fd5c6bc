//! Signing in through the municipality's own identity provider: what is under way, and who is who.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, UserId};
use domain::time::Millis;

use crate::people::{User, insert_user, shut_out, user, user_columns};
use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    BEGIN = "insert into single_sign_ons (lookup, municipality_id, nonce, verifier, expires_at) values ($1, $2, $3, $4, $5)";
    TAKE = "delete from single_sign_ons where lookup = $1 returning municipality_id, nonce, verifier, expires_at";
    SWEEP = "delete from single_sign_ons where expires_at <= $1";
    KNOWN = concat!("select ", user_columns!(), " from identities d join users u on u.id = d.user_id
        where d.municipality_id = $1 and d.issuer = $2 and d.subject = $3");
    BY_EMAIL = concat!("select ", user_columns!(), " from users u where u.municipality_id = $1 and u.email = $2");
    LINK = "insert into identities (municipality_id, issuer, subject, user_id, created_at) values ($1, $2, $3, $4, $5)";
    SET_ROLE = "update users set role = $2 where id = $1 and role <> $2";
    END_ALL = "delete from sessions where user_id = $1";
    DROP_PASSWORD = "delete from passwords where user_id = $1";
}

/// A sign-in elsewhere that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// At whose door it began.
    pub municipality: MunicipalityId,
    /// Must come back in the token.
    pub nonce: String,
    /// PKCE: shows that who began is who ends.
    pub verifier: String,
}

/// Whom the provider says somebody is. No `Debug`: it holds an address.
#[derive(Clone, Copy)]
pub struct Claimed<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// The provider's id of the person.
    pub subject: &'a str,
    /// Name.
    pub name: &'a str,
    /// Address, which the provider has verified.
    pub email: &'a str,
    /// What their groups allow here; `None`: nothing (any more).
    pub role: Option<Role>,
}

impl Store {
    /// Keeps a sign-in that begins.
    pub async fn begin_single_sign_on(&self, lookup: &str, under_way: &UnderWay, expires_at: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(BEGIN)
            .text(lookup)
            .text(under_way.municipality.as_str())
            .text(&under_way.nonce)
            .text(&under_way.verifier)
            .at(expires_at)
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes a sign-in that comes back; works once. `None`: unknown or too late.
    pub async fn take_single_sign_on(&self, lookup: &str, now: Millis) -> Result<Option<UnderWay>> {
        let mut tx = self.begin().await?;
        let row = call(TAKE).text(lookup).maybe_row(&mut tx).await?;
        call(SWEEP).at(now).run(&mut tx).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let mut c = columns(&row);
        let under_way = UnderWay { municipality: MunicipalityId(c.text()?), nonce: c.text()?, verifier: c.text()? };
        Ok((c.at()? > now).then_some(under_way))
    }

    /// The account of somebody the provider vouches for: made at the first sign-in, its role taken from the groups each time.
    /// `None`: no group of theirs opens anything here; what was open is closed.
    pub async fn single_sign_on(
        &self,
        municipality: &MunicipalityId,
        claimed: &Claimed<'_>,
        now: Millis,
    ) -> Result<Option<User>> {
        let mut tx = self.begin().await?;
        let found = call(KNOWN).text(municipality.as_str()).text(claimed.issuer).text(claimed.subject);
        let mut found = found.maybe_row(&mut tx).await?.map(|row| user(&mut columns(&row))).transpose()?;
        let Some(role) = claimed.role else {
            // The group is gone: so is every other way in. The account stays for the audit trail and opens nothing by itself.
            if let Some(found) = &found {
                shut_out(&mut tx, &found.id).await?;
                call(DROP_PASSWORD).text(found.id.as_str()).run(&mut tx).await?;
                tx.commit().await?;
            }
            return Ok(None);
        };
        if found.is_none() {
            let email = claimed.email.trim().to_lowercase();
            let row = call(BY_EMAIL).text(municipality.as_str()).text(&email).maybe_row(&mut tx).await?;
            let account = match row {
                Some(row) => user(&mut columns(&row))?,
                None => insert_user(&mut tx, municipality, claimed.name, &email, role, now).await?,
            };
            link(&mut tx, municipality, claimed, &account.id, now).await?;
            found = Some(account);
        }
        let Some(mut account) = found.filter(|account| account.disabled_at.is_none()) else { return Ok(None) };
        if call(SET_ROLE).text(account.id.as_str()).text(role.as_str()).run(&mut tx).await? > 0 {
            call(END_ALL).text(account.id.as_str()).run(&mut tx).await?;
            account.role = role;
        }
        tx.commit().await?;
        Ok(Some(account))
    }
}

async fn link(
    conn: &mut sqlx::AnyConnection,
    municipality: &MunicipalityId,
    claimed: &Claimed<'_>,
    account: &UserId,
    now: Millis,
) -> Result<()> {
    call(LINK)
        .text(municipality.as_str())
        .text(claimed.issuer)
        .text(claimed.subject)
        .text(account.as_str())
        .at(now)
        .run_new(conn, "identity")
        .await
}
