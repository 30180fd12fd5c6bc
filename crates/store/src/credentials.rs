//! How staff prove who they are: passwords, the second step, recovery codes, and the brake on those who guess.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, UserId};
use domain::language::Country;
use domain::municipality::{Municipality, Settings};
use domain::time::Millis;

use crate::people::{NewSession, Purpose, User, add_session, insert_user, known, shut_out, use_link};
use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError};

statements! {
    PASSWORD = "select hash from passwords where user_id = $1";
    SET_PASSWORD = "insert into passwords (user_id, hash, changed_at) values ($1, $2, $3)
        on conflict (user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at";
    REHASH = "update passwords set hash = $3 where user_id = $1 and hash = $2";
    SECOND_STEP = "select generation, confirmed_at, last_step from second_steps where user_id = $1";
    BEGIN_SECOND_STEP = "insert into second_steps (user_id, generation, last_step, created_at) values ($1, 1, 0, $2)
        on conflict (user_id) do update set generation = second_steps.generation + 1, confirmed_at = null, last_step = 0, created_at = excluded.created_at
        where second_steps.confirmed_at is null and second_steps.created_at < $3";
    CONFIRM_SECOND_STEP = "update second_steps set confirmed_at = $3, last_step = $4 where user_id = $1 and generation = $2 and confirmed_at is null";
    USE_STEP = "update second_steps set last_step = $2 where user_id = $1 and last_step < $2 and confirmed_at is not null";
    DROP_SECOND_STEP = "update second_steps set generation = generation + 1, confirmed_at = null, last_step = 0 where user_id = $1";
    DROP_CODES = "delete from recovery_codes where user_id = $1";
    ADD_CODE = "insert into recovery_codes (user_id, lookup, created_at) values ($1, $2, $3)";
    USE_CODE = "update recovery_codes set used_at = $3 where user_id = $1 and lookup = $2 and used_at is null";
    CODES_LEFT = "select cast(count(*) as bigint) from recovery_codes where user_id = $1 and used_at is null";
    BRAKE = "insert into brakes (lookup, failures, until, updated_at) values ($1, 1, 0, $2)
        on conflict (lookup) do update set
            failures = case when brakes.updated_at < $3 then 1 else brakes.failures + 1 end, updated_at = $2
        where brakes.until <= $2 returning failures";
    BRAKE_UNTIL = "select until from brakes where lookup = $1";
    SET_BRAKE = "update brakes set until = $2 where lookup = $1";
    RELEASE = "delete from brakes where lookup = $1";
    SWEEP_BRAKES = "delete from brakes where updated_at < $1 and until < $1";
    ANYBODY = "select cast(count(*) as bigint) from users";
    MUNICIPALITIES = "select cast(count(*) as bigint) from municipalities";
    DROP_SET_UPS = "delete from set_ups";
    ADD_SET_UP = "insert into set_ups (lookup, expires_at, created_at) values ($1, $2, $3)";
    SET_UP = "select lookup from set_ups where lookup = $1 and used_at is null and expires_at > $2";
    USE_SET_UP = "update set_ups set used_at = $2 where lookup = $1 and used_at is null and expires_at > $2";
    INSERT_MUNICIPALITY = "insert into municipalities (id, slug, name, country, settings, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)";
}

/// A day without a try, and somebody begins anew.
const FORGIVEN_SECONDS: i64 = 24 * 60 * 60;
/// A secret that was shown and not confirmed is another one after this time.
const SET_UP_SECONDS: i64 = 15 * 60;

/// The second step of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondStep {
    /// From which the secret is derived.
    pub generation: i64,
    /// The person has shown a code of it.
    pub confirmed: bool,
    /// The last time step of which a code was used.
    pub last_step: i64,
}

/// How often one may try before waiting, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake<'a> {
    /// Keyed hash of what is tried: an account, an address, both together.
    pub lookup: &'a str,
    /// So many tries cost nothing.
    pub free: i64,
    /// The longest wait, in seconds.
    pub most_seconds: i64,
}

impl Brake<'_> {
    /// Seconds to wait after so many tries: one, two, four …
    fn seconds(&self, tries: i64) -> i64 {
        let over = tries - self.free;
        if over < 0 { 0 } else { (1_i64 << over.min(30)).min(self.most_seconds) }
    }
}

/// A first administrator and their municipality.
#[derive(Debug, Clone, Copy)]
pub struct FirstAdministrator<'a> {
    /// The municipality's short name in addresses.
    pub slug: &'a str,
    /// Its name.
    pub municipality: &'a str,
    /// Its country.
    pub country: Country,
    /// Its settings.
    pub settings: &'a Settings,
    /// Name of the person.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// The hash of their password.
    pub hash: &'a str,
}

impl Store {
    /// The hash of a person's password.
    pub async fn password_hash(&self, user: &UserId) -> Result<Option<String>> {
        let row = call(PASSWORD).text(user.as_str()).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| columns(&row).text()).transpose()
    }

    /// Replaces a person's password and ends their other sessions; `keep` (a lookup hash) goes on.
    pub async fn set_password(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        hash: &str,
        keep: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, user).await?;
        call(SET_PASSWORD).text(user.as_str()).text(hash).at(now).run(&mut tx).await?;
        call(crate::people::END_OTHERS).text(user.as_str()).text(keep).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// The same password under stronger parameters; nothing happens when it was changed meanwhile.
    pub async fn rehash_password(&self, user: &UserId, old: &str, new: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(REHASH).text(user.as_str()).text(old).text(new).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Uses an invitation or a reset up: the password is set, every session ended. `None`: the link is not good (any more).
    pub async fn set_password_by_link(&self, lookup: &str, hash: &str, now: Millis) -> Result<Option<UserId>> {
        let mut tx = self.begin().await?;
        let Some((user, purpose)) = use_link(&mut tx, lookup, now).await? else { return Ok(None) };
        if purpose == Purpose::Session {
            return Ok(None);
        }
        shut_out(&mut tx, &user).await?;
        call(SET_PASSWORD).text(user.as_str()).text(hash).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// A person's second step.
    pub async fn second_step(&self, user: &UserId) -> Result<Option<SecondStep>> {
        let row = call(SECOND_STEP).text(user.as_str()).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok(SecondStep { generation: c.int()?, confirmed: c.flag()?, last_step: c.int()? })
        })
        .transpose()
    }

    /// Begins setting the second step up; what was begun a moment ago goes on, so that a page shown again shows the same secret.
    pub async fn begin_second_step(&self, user: &UserId, now: Millis) -> Result<SecondStep> {
        let mut tx = self.begin().await?;
        let old = now.plus_seconds(-SET_UP_SECONDS);
        call(BEGIN_SECOND_STEP).text(user.as_str()).at(now).at(old).run(&mut tx).await?;
        let row = call(SECOND_STEP).text(user.as_str()).row(&mut tx, "second step").await?;
        let mut c = columns(&row);
        let step = SecondStep { generation: c.int()?, confirmed: c.flag()?, last_step: c.int()? };
        tx.commit().await?;
        Ok(step)
    }

    /// Confirms the second step by a code of `step` and replaces the recovery codes (lookup hashes).
    pub async fn confirm_second_step(
        &self,
        user: &UserId,
        generation: i64,
        step: i64,
        codes: &[String],
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(CONFIRM_SECOND_STEP)
            .text(user.as_str())
            .int(generation)
            .at(now)
            .int(step)
            .run_one(&mut tx, "second step")
            .await?;
        replace_codes(&mut tx, user, codes, now).await?;
        Ok(tx.commit().await?)
    }

    /// Notes that a code of this time step was used; `false`: that step or a later one was used before.
    pub async fn use_step(&self, user: &UserId, step: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        let used = call(USE_STEP).text(user.as_str()).int(step).run(&mut tx).await?;
        tx.commit().await?;
        Ok(used == 1)
    }

    /// Uses a recovery code up; `false`: there is none such (any more).
    pub async fn use_recovery_code(&self, user: &UserId, lookup: &str, now: Millis) -> Result<bool> {
        let mut tx = self.begin().await?;
        let used = call(USE_CODE).text(user.as_str()).text(lookup).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(used == 1)
    }

    /// Recovery codes that are left.
    pub async fn recovery_codes_left(&self, user: &UserId) -> Result<u64> {
        let row = call(CODES_LEFT).text(user.as_str()).row(&mut *self.read().await?, "count").await?;
        columns(&row).count()
    }

    /// Replaces the recovery codes (lookup hashes).
    pub async fn replace_recovery_codes(&self, user: &UserId, codes: &[String], now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        replace_codes(&mut tx, user, codes, now).await?;
        Ok(tx.commit().await?)
    }

    /// Takes a person's second step and recovery codes away.
    pub async fn drop_second_step(&self, municipality: &MunicipalityId, user: &UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, user).await?;
        call(DROP_SECOND_STEP).text(user.as_str()).run(&mut tx).await?;
        call(DROP_CODES).text(user.as_str()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Counts a try against every brake, before what was tried is looked at, so that a hundred at once are a hundred.
    /// `Some`: one must wait until then, and nothing was counted.
    pub async fn attempt(&self, brakes: &[Brake<'_>], now: Millis) -> Result<Option<Millis>> {
        let mut tx = self.begin().await?;
        let mut wait: Option<Millis> = None;
        for brake in brakes {
            let forgiven = now.plus_seconds(-FORGIVEN_SECONDS);
            match call(BRAKE).text(brake.lookup).at(now).at(forgiven).maybe_row(&mut tx).await? {
                Some(row) => {
                    let until = now.plus_seconds(brake.seconds(columns(&row).int()?));
                    call(SET_BRAKE).text(brake.lookup).at(until).run(&mut tx).await?;
                }
                None => {
                    let row = call(BRAKE_UNTIL).text(brake.lookup).row(&mut tx, "brake").await?;
                    wait = wait.max(Some(columns(&row).at()?));
                }
            }
        }
        if wait.is_none() {
            tx.commit().await?;
        }
        Ok(wait)
    }

    /// Lets go of brakes, after somebody has shown who they are.
    pub async fn release(&self, lookups: &[&str]) -> Result<()> {
        let mut tx = self.begin().await?;
        for lookup in lookups {
            call(RELEASE).text(lookup).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets brakes of which nobody has taken notice for a day. Returns how many.
    pub async fn sweep_brakes(&self, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let swept = call(SWEEP_BRAKES).at(now.plus_seconds(-FORGIVEN_SECONDS)).run(&mut tx).await?;
        tx.commit().await?;
        Ok(swept)
    }

    /// Is there neither a municipality nor anybody yet?
    pub async fn is_empty(&self) -> Result<bool> {
        let mut conn = self.read().await?;
        Ok(columns(&call(MUNICIPALITIES).row(&mut conn, "count").await?).int()? == 0
            && columns(&call(ANYBODY).row(&mut conn, "count").await?).int()? == 0)
    }

    /// Keeps the one-time link of an empty database; an earlier one stops to work.
    pub async fn create_set_up(&self, lookup: &str, expires_at: Millis, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_SET_UPS).run(&mut tx).await?;
        call(ADD_SET_UP).text(lookup).at(expires_at).at(now).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Is this the one-time link of an empty database?
    pub async fn is_set_up(&self, lookup: &str, now: Millis) -> Result<bool> {
        Ok(call(SET_UP).text(lookup).at(now).maybe_row(&mut *self.read().await?).await?.is_some())
    }

    /// Uses the one-time link of an empty database up: municipality, first administrator, session. `None`: the link is not good
    /// (any more).
    pub async fn set_up(
        &self,
        lookup: &str,
        first: &FirstAdministrator<'_>,
        session: &NewSession<'_>,
        now: Millis,
    ) -> Result<Option<(Municipality, User)>> {
        let mut tx = self.begin().await?;
        if call(USE_SET_UP).text(lookup).at(now).run(&mut tx).await? == 0 {
            return Ok(None);
        }
        // Somebody was quicker on the command line.
        if columns(&call(ANYBODY).row(&mut tx, "count").await?).int()? != 0 {
            return Ok(None);
        }
        let municipality = Municipality {
            id: MunicipalityId::new(now),
            slug: first.slug.to_owned(),
            name: first.municipality.to_owned(),
            country: first.country,
            settings: first.settings.clone(),
        };
        call(INSERT_MUNICIPALITY)
            .text(municipality.id.as_str())
            .text(first.slug)
            .text(first.municipality)
            .text(first.country.code())
            .text(&crate::sql::to_json("settings", first.settings)?)
            .at(now)
            .run_new(&mut tx, "municipality")
            .await?;
        let user = insert_user(&mut tx, &municipality.id, first.name, first.email, Role::Administrator, now).await?;
        call(SET_PASSWORD).text(user.id.as_str()).text(first.hash).at(now).run(&mut tx).await?;
        add_session(&mut tx, &user.id, session, now).await?;
        tx.commit().await?;
        Ok(Some((municipality, user)))
    }
}

async fn replace_codes(
    conn: &mut sqlx::AnyConnection,
    user: &UserId,
    codes: &[String],
    now: Millis,
) -> Result<(), StoreError> {
    call(DROP_CODES).text(user.as_str()).run(conn).await?;
    for code in codes {
        call(ADD_CODE).text(user.as_str()).text(code).at(now).run(conn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_and_has_an_end() {
        let brake = Brake { lookup: "", free: 5, most_seconds: 60 };
        let waits: Vec<i64> = (1..=14).map(|tries| brake.seconds(tries)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(brake.seconds(i64::MAX), 60);
    }
}
