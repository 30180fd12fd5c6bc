//! `pejling user`
use anyhow::{Context, Result};
use domain::fieldwork::Role;
use domain::ids::UserId;
use domain::municipality::Municipality;

use crate::cli::User;
use crate::config::Config;
use crate::wiring::Parts;

/// Hours for which a one-time link is good.
const LINK_HOURS: i64 = 24;

/// Makes members of staff and links.
///
/// # Errors
/// An unknown municipality, a taken address.
pub async fn run(command: User, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, user, action) = match command {
        User::Add { municipality, role, name, email } => {
            let municipality = parts.municipality(municipality.as_deref()).await?;
            let role = Role::parse(&role).context("the role is not known")?;
            let email = intake::email::parse(&email).with_context(|| format!("{email:?} is not a mail address"))?;
            let user = parts.store.create_user(&municipality.id, &name, &email, role, parts.clock.now()).await?;
            (municipality, user, "user.added")
        }
        User::Link { municipality, email } => {
            let municipality = parts.municipality(municipality.as_deref()).await?;
            let user = parts.store.user_by_email(&municipality.id, &email).await?;
            (municipality, user.context("nobody of this municipality has that address")?, "user.link")
        }
    };
    let link = sign_in_link(&parts, &municipality, &user.id, &config.public_url(), LINK_HOURS).await?;
    parts.store.audit(&municipality.id, None, action, user.id.as_str(), "", parts.clock.now()).await?;
    println!("{link}");
    eprintln!("The link signs in once, within {LINK_HOURS} hours.");
    Ok(())
}

/// A one-time link to sign in.
///
/// # Errors
/// When the database refuses.
pub async fn sign_in_link(
    parts: &Parts,
    municipality: &Municipality,
    user: &UserId,
    public_url: &str,
    hours: i64,
) -> Result<String> {
    let token = parts.keys.random_token();
    let now = parts.clock.now();
    let lookup = parts.keys.lookup(token.reveal());
    parts.store.create_sign_in(&municipality.id, user, &lookup, now.plus_seconds(hours * 3600), now).await?;
    Ok(format!("{public_url}/sign-in/{}", token.reveal()))
}
