//! Passwords: argon2id with the parameters that OWASP names, and what makes one too weak, in words.
use std::sync::LazyLock;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

use crate::error::PageError;

/// Fewest characters.
pub const LEAST: usize = 12;
/// Most characters: more than any manager makes, and little enough to weigh quickly.
pub const MOST: usize = 128;
/// OWASP's first choice of argon2id with little memory: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes at the same time: each takes a core and 19 MiB.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Whoever waits longer for a free place is told to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// The hash of nobody's password: a person who is not known costs the same time.
static NOBODY: LazyLock<String> = LazyLock::new(|| made("nobody", &[7; 16]).unwrap_or_default());

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn made(password: &str, salt: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let hash: PasswordHash = hasher().hash_password_with_salt(password.as_bytes(), salt)?;
    Ok(hash.to_string())
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PageError> {
    let place = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await.map_err(|_| PageError::TooMany)?;
    let _place = place.map_err(PageError::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(PageError::internal)
}

/// The hash of a password, with its parameters and salt in it.
///
/// # Errors
/// When too many are at it already.
pub async fn hash(password: &str) -> Result<String, PageError> {
    let password = password.to_owned();
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(PageError::internal)?;
    apart(move || made(&password, &salt)).await?.map_err(PageError::internal)
}

/// Is it the password of this hash? Takes as long for nobody's. `true` second: the hash has weaker parameters than today's.
///
/// # Errors
/// When too many are at it already.
pub async fn verify(password: &str, hash: Option<&str>) -> Result<(bool, bool), PageError> {
    let known = hash.is_some();
    let (password, hash) = (password.to_owned(), hash.unwrap_or(&NOBODY).to_owned());
    apart(move || {
        let Ok(hash) = PasswordHash::new(&hash) else { return (false, false) };
        let right = hasher().verify_password(password.as_bytes(), &hash).is_ok();
        (right && known, is_stale(&hash))
    })
    .await
}

fn is_stale(hash: &PasswordHash) -> bool {
    Params::try_from(hash).map_or(true, |params| params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES)
}

/// Why a password is too weak: key of the sentence that says it. `about` are words that somebody who knows the person would try.
///
/// # Errors
/// When too many are at it already.
pub async fn weakness(password: &str, about: &[&str]) -> Result<Option<&'static str>, PageError> {
    let length = password.chars().count();
    if length < LEAST {
        return Ok(Some("accounts.weak_short"));
    }
    if length > MOST {
        return Ok(Some("accounts.weak_long"));
    }
    let password = password.to_owned();
    let words: Vec<String> = about
        .iter()
        .flat_map(|text| std::iter::once(*text).chain(text.split(|c: char| !c.is_alphanumeric())))
        .filter(|word| word.chars().count() > 2)
        .map(str::to_lowercase)
        .collect();
    apart(move || {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let strength = zxcvbn(&password, &words);
        if strength.score() >= Score::Three && !is_about(&password, &words) {
            return None;
        }
        Some(strength.feedback().and_then(|f| f.warning()).map_or("accounts.weak_guessable", sentence))
    })
    .await
}

/// Is most of it words about the person and the place?
fn is_about(password: &str, words: &[&str]) -> bool {
    let mut rest = password.to_lowercase();
    let mut words: Vec<&str> = words.to_vec();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().filter(|c| c.is_alphabetic()).count() < 5 && rest.len() < password.len()
}

const fn sentence(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "accounts.weak_keyboard"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "accounts.weak_repeats"
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => "accounts.weak_common",
        Warning::SequencesLikeAbcAreEasyToGuess => "accounts.weak_sequence",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "accounts.weak_dates",
        Warning::AWordByItselfIsEasyToGuess => "accounts.weak_word",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            "accounts.weak_names"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_names_its_parameters_and_no_two_are_alike() {
        let (one, two) =
            (hash("rosiner og grus i skoen").await.unwrap(), hash("rosiner og grus i skoen").await.unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert_eq!(verify("rosiner og grus i skoen", Some(&one)).await.unwrap(), (true, false));
        assert_eq!(verify("rosiner og grus i skoe", Some(&one)).await.unwrap(), (false, false));
        assert!(!verify("nobody", None).await.unwrap().0, "nobody has no password");
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let weak: PasswordHash = weak.hash_password_with_salt(b"rosiner og grus i skoen", &[1; 16]).unwrap();
        let weak = weak.to_string();
        assert_eq!(verify("rosiner og grus i skoen", Some(&weak)).await.unwrap(), (true, true));
        assert_eq!(verify("x", Some("not a hash")).await.unwrap(), (false, false));
    }

    #[tokio::test]
    async fn a_weak_password_is_told_why() {
        let about = ["Mette Holm", "mette.holm@hojager.example", "Højager Kommune"];
        for (password, key) in [
            ("kort", Some("accounts.weak_short")),
            ("aaaaaaaaaaaaaaaa", Some("accounts.weak_repeats")),
            ("password1234", Some("accounts.weak_common")),
            ("rosiner og grus i skoen", None),
            ("T7#kq9vLmz2!Rx", None),
        ] {
            assert_eq!(weakness(password, &about).await.unwrap(), key, "{password}");
        }
        assert!(weakness("MetteHolmHøjager26", &about).await.unwrap().is_some(), "made of what everybody knows of her");
        assert!(weakness(&"æ1 ".repeat(60), &about).await.unwrap() == Some("accounts.weak_long"));
    }
}
