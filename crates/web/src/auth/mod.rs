//! How staff prove who they are, without pages: rules, passwords, the second step, the brake on guessing, single sign-on.
//!
//! # Layout
//! - [`Rules`]: what the configuration says of signing in
//! - [`passwords`]: argon2id, and what makes a password too weak, in words
//! - [`second_step`]: codes of an authenticator app; [`qr`]: its secret as a drawing
//! - [`brake`]: those who guess wait longer and longer; nobody is locked out
//! - [`single`]: the municipality's own sign-in (OpenID Connect)
pub mod brake;
pub mod passwords;
pub mod qr;
pub mod second_step;
pub mod single;

use std::sync::Arc;

use domain::fieldwork::Role;

/// What the configuration says of signing in.
#[derive(Clone)]
pub struct Rules {
    /// People sign in by a password kept here.
    pub local_passwords: bool,
    /// Roles that need a second step beside their password.
    pub second_step: Vec<Role>,
    /// Seconds without a request after which a session ends.
    pub idle_seconds: i64,
    /// Seconds after which a session ends in any case.
    pub most_seconds: i64,
    /// Mail reaches people (or the demo's catcher): links need not be handed over by hand.
    pub mail: bool,
    /// The municipality's own sign-in.
    pub single: Option<Arc<single::Provider>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            local_passwords: true,
            second_step: vec![Role::Administrator, Role::Analyst],
            idle_seconds: 4 * 60 * 60,
            most_seconds: 12 * 60 * 60,
            mail: false,
            single: None,
        }
    }
}
