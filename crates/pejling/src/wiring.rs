//! The parts every command needs, made once from the configuration.
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::municipality::Municipality;
use domain::secrets::{Keys, SecretKey};
use domain::time::{Clock, SystemClock};
use store::{Store, StoreOptions};

use crate::config::Config;

/// The open database, the keys and the clock.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The subkeys.
    pub keys: Keys,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Parts {
    /// Opens what `config` names; makes the data folder and, beside SQLite, the secret key.
    ///
    /// # Errors
    /// One sentence: an unwritable folder, an unreachable database, a missing key.
    pub async fn open(config: &Config) -> Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("the data folder {} cannot be made", config.data_dir.display()))?;
        let store = Store::connect(&config.database, &StoreOptions::default()).await?;
        let keys = secret_key(config)?.keys();
        Ok(Self { store, keys, clock: Arc::new(SystemClock) })
    }

    /// The municipality of a slug; the only one there is, when none is named.
    ///
    /// # Errors
    /// A sentence that names those that exist.
    pub async fn municipality(&self, slug: Option<&str>) -> Result<Municipality> {
        let all = self.store.municipalities().await?;
        let known = || all.iter().map(|m| m.slug.as_str()).collect::<Vec<_>>().join(", ");
        match (slug, all.as_slice()) {
            (_, []) => bail!("there is no municipality yet: make one with `pejling municipality add`"),
            (None, [only]) => Ok(only.clone()),
            (None, _) => bail!("there are several municipalities: say which with --municipality ({})", known()),
            (Some(slug), _) => match all.iter().find(|m| m.slug == slug) {
                Some(found) => Ok(found.clone()),
                None => bail!("there is no municipality {slug:?} (there is {})", known()),
            },
        }
    }
}

/// Reads the secret key; makes it on first start beside SQLite. On PostgreSQL it must be given, since all instances share it.
fn secret_key(config: &Config) -> Result<SecretKey> {
    let path = match config.secret_key_file.as_str() {
        "" if config.is_sqlite() => config.data_dir.join("secret.key"),
        "" => bail!(
            "on PostgreSQL the secret key must be given: set secret_key_file (PEJLING_SECRET_KEY_FILE) to a file that all instances share"
        ),
        named => PathBuf::from(named),
    };
    if !path.exists() && config.is_sqlite() {
        return make_key(&path).with_context(|| format!("the secret key {} cannot be written", path.display()));
    }
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("the secret key {} cannot be read", path.display()))?;
    SecretKey::parse(&text).with_context(|| path.display().to_string())
}

fn make_key(path: &Path) -> Result<SecretKey> {
    let key = SecretKey::generate();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{}", key.to_hex())?;
    file.sync_all()?;
    Ok(key)
}

/// The right-hand side of Message-IDs: the host that people see.
#[must_use]
pub fn mail_domain(public_url: &str) -> String {
    let host = public_url.split("://").nth(1).unwrap_or(public_url);
    host.split(['/', ':']).next().filter(|h| !h.is_empty()).unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_carry_the_public_host() {
        assert_eq!(mail_domain("https://svar.kommune.dk/erhverv"), "svar.kommune.dk");
        assert_eq!(mail_domain("http://127.0.0.1:8080"), "127.0.0.1");
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let made = make_key(&path).unwrap();
        let read = SecretKey::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(made.to_hex() == read.to_hex());
        assert!(make_key(&path).is_err(), "an existing key is never overwritten");
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
    }
}
