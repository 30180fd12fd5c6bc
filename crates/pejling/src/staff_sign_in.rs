//! What the configuration says of signing in, as the rules that the pages follow.
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::fieldwork::Role;
use web::auth::Rules;
use web::auth::single::{GroupRole, Options, Provider};

use crate::config::{SignIn, SingleSignOn};

/// Hours for which the link of an empty database is good.
pub const SET_UP_HOURS: i64 = 24;

/// The rules. `mail`: mail reaches people (or the demo's catcher).
///
/// # Errors
/// A role nobody knows, a provider that is half there, nobody who could sign in: one sentence.
pub fn rules(config: &SignIn, mail: bool) -> Result<Rules> {
    let mut second_step = Vec::new();
    for word in config.second_step.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        second_step.push(role(word, "sign_in.second_step")?);
    }
    let single = single(&config.oidc)?;
    if !config.local_passwords && single.is_none() {
        bail!("sign_in.local_passwords is false and sign_in.oidc names no issuer: nobody could sign in");
    }
    let seconds = |amount: u64, unit: u64| i64::try_from(amount.max(1).saturating_mul(unit)).unwrap_or(i64::MAX / 2000);
    Ok(Rules {
        local_passwords: config.local_passwords,
        second_step,
        idle_seconds: seconds(config.idle_minutes, 60),
        most_seconds: seconds(config.most_hours, 3600),
        mail,
        single,
    })
}

fn role(word: &str, key: &str) -> Result<Role> {
    Role::parse(word).with_context(|| format!("{key}: the role {word:?} is not known"))
}

fn single(config: &SingleSignOn) -> Result<Option<Arc<Provider>>> {
    if config.issuer.is_empty() {
        return Ok(None);
    }
    let mut roles = Vec::new();
    for one in &config.role {
        roles.push(GroupRole {
            municipality: one.municipality.clone(),
            group: one.group.clone(),
            role: role(&one.role, "sign_in.oidc.role")?,
        });
    }
    let authorities = match config.authorities_file.as_str() {
        "" => None,
        path => {
            Some(std::fs::read(path).with_context(|| format!("sign_in.oidc.authorities_file: {path} cannot be read"))?)
        }
    };
    let options = Options {
        issuer: config.issuer.clone(),
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.reveal().to_owned(),
        scopes: config.scopes.split_whitespace().map(str::to_owned).collect(),
        groups_claim: config.groups_claim.clone(),
        roles,
        button: config.button.clone(),
        trust_email: config.trust_email,
        authorities,
    };
    Ok(Some(Arc::new(Provider::new(options)?)))
}

/// On an empty database: the link by which a newcomer makes the municipality and the first administrator.
///
/// # Errors
/// When the database refuses.
pub async fn set_up_link(parts: &crate::wiring::Parts, public_url: &str) -> Result<Option<String>> {
    if !parts.store.is_empty().await? {
        return Ok(None);
    }
    let (token, now) = (parts.keys.random_token(), parts.clock.now());
    let lookup = parts.keys.lookup(token.reveal());
    parts.store.create_set_up(&lookup, now.plus_seconds(SET_UP_HOURS * 3600), now).await?;
    Ok(Some(format!("{public_url}/setup/{}", token.reveal())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_shipped_rules_ask_administrators_and_analysts_for_a_second_step() {
        let config = Config::load(None, std::iter::empty(), &[]).unwrap();
        let rules = rules(&config.sign_in, true).unwrap();
        assert!(rules.local_passwords && rules.mail && rules.single.is_none());
        assert_eq!(rules.second_step, [Role::Administrator, Role::Analyst]);
        assert_eq!((rules.idle_seconds, rules.most_seconds), (4 * 3600, 12 * 3600));
    }

    #[test]
    fn nobody_is_left_without_a_way_in() {
        let variables = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            Config::load(None, pairs.into_iter(), &[]).unwrap()
        };
        let none = variables(&[("PEJLING_SIGN_IN_LOCAL_PASSWORDS", "false")]);
        assert!(rules(&none.sign_in, false).is_err());
        let unknown = variables(&[("PEJLING_SIGN_IN_SECOND_STEP", "mayor")]);
        assert!(rules(&unknown.sign_in, false).is_err());
        let nobody_must = variables(&[("PEJLING_SIGN_IN_SECOND_STEP", "")]);
        assert!(rules(&nobody_must.sign_in, false).unwrap().second_step.is_empty());
    }

    #[test]
    fn groups_open_roles_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pejling.toml");
        std::fs::write(
            &file,
            "[sign_in]\nlocal_passwords = false\n[sign_in.oidc]\nissuer = \"https://login.example\"\nclient_id = \"pejling\"\n\
             [[sign_in.oidc.role]]\ngroup = \"erhverv\"\nrole = \"analyst\"\nmunicipality = \"hojager\"\n\
             [[sign_in.oidc.role]]\ngroup = \"it\"\nrole = \"administrator\"\n",
        )
        .unwrap();
        let config = Config::load(Some(&file), std::iter::empty(), &[]).unwrap();
        let provider = rules(&config.sign_in, false).unwrap().single.unwrap();
        let at = |slug: &str, groups: &[&str]| {
            provider.role_at(slug, &groups.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(at("hojager", &["erhverv"]), Some(Role::Analyst));
        assert_eq!(at("hojager", &["erhverv", "it"]), Some(Role::Administrator));
        assert_eq!(at("nabo", &["erhverv"]), None);
        assert_eq!(at("nabo", &["it"]), Some(Role::Administrator));
        assert_eq!(at("hojager", &[]), None);
    }
}
