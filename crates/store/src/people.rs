//! Members of staff, their one-time links and their sessions.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, UserId};
use domain::time::Millis;

use crate::{Result, Store};

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
    pub async fn create_user(&self, municipality: &MunicipalityId, name: &str, email: &str, role: Role, now: Millis) -> Result<User> {
        todo!("{municipality} {} {} {role:?} {now:?}", name.len(), email.len())
    }

    /// The staff, by name.
    pub async fn users(&self, municipality: &MunicipalityId) -> Result<Vec<User>> {
        todo!("{municipality}")
    }

    /// The member of staff with this address.
    pub async fn user_by_email(&self, municipality: &MunicipalityId, email: &str) -> Result<Option<User>> {
        todo!("{municipality} {}", email.len())
    }

    /// Replaces name and role; `disabled` ends every session.
    pub async fn update_user(&self, municipality: &MunicipalityId, id: &UserId, name: &str, role: Role, disabled: bool, now: Millis) -> Result<()> {
        todo!("{municipality} {id} {} {role:?} {disabled} {now:?}", name.len())
    }

    /// Keeps a one-time sign-in link (the lookup hash of its token).
    pub async fn create_sign_in(&self, municipality: &MunicipalityId, user: &UserId, lookup: &str, expires_at: Millis, now: Millis) -> Result<()> {
        todo!("{municipality} {user} {} {expires_at:?} {now:?}", lookup.len())
    }

    /// Uses a one-time link up and opens a session; `None`: unknown, used, expired, or the person is disabled.
    pub async fn use_sign_in(&self, lookup: &str, session_lookup: &str, session_expires_at: Millis, now: Millis) -> Result<Option<User>> {
        todo!("{} {} {session_expires_at:?} {now:?}", lookup.len(), session_lookup.len())
    }

    /// Opens a session for a known person (the demo's "sign in as").
    pub async fn open_session(&self, municipality: &MunicipalityId, user: &UserId, session_lookup: &str, expires_at: Millis, now: Millis) -> Result<()> {
        todo!("{municipality} {user} {} {expires_at:?} {now:?}", session_lookup.len())
    }

    /// The session behind a cookie's lookup hash; `None`: unknown, ended or expired.
    pub async fn session(&self, lookup: &str, now: Millis) -> Result<Option<Session>> {
        todo!("{} {now:?}", lookup.len())
    }

    /// Ends a session.
    pub async fn end_session(&self, lookup: &str) -> Result<()> {
        todo!("{}", lookup.len())
    }

    /// Deletes expired sessions and sign-in links. Returns how many.
    pub async fn sweep_sessions(&self, now: Millis) -> Result<u64> {
        todo!("{now:?}")
    }
}
