//! Codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, which every app knows).
use domain::ids::UserId;
use domain::municipality::Municipality;
use domain::secrets::Keys;
use domain::time::Millis;
use totp_rs::{Builder, Totp};

use crate::error::PageError;

/// Recovery codes given at once.
pub const RECOVERY_CODES: usize = 10;

/// What a person's app shares with us.
pub struct Shared(Totp);

impl Shared {
    /// The secret of a person's set-up.
    ///
    /// # Errors
    /// A name that an app's label cannot hold, which is taken care of here.
    pub fn of(
        keys: &Keys,
        user: &UserId,
        generation: i64,
        municipality: &Municipality,
        account: &str,
    ) -> Result<Self, PageError> {
        let plain = |text: &str| text.replace(':', " ");
        let built = Builder::new()
            .with_secret(keys.second_step(user, generation).to_vec())
            .with_account_name(plain(account))
            .with_issuer(Some(format!("Pejling {}", plain(&municipality.name))))
            .build();
        built.map(Self).map_err(PageError::internal)
    }

    /// The secret to be typed, in groups of four.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = self.0.secret().to_base32();
        let groups: Vec<String> = text.as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
        groups.join(" ")
    }

    /// The address that apps read from the drawing.
    #[must_use]
    pub fn address(&self) -> String {
        self.0.to_url().unwrap_or_default()
    }

    /// The time step of a code that is good now (or was half a minute ago); `None`: it is not.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Millis) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(now.0 / 1000).ok()?;
        self.0.check(&digits, seconds).and_then(|step| i64::try_from(step).ok())
    }

    /// The code of this moment, for tests and for the demo's own walk.
    #[must_use]
    pub fn code_at(&self, now: Millis) -> String {
        self.0.generate(u64::try_from(now.0 / 1000).unwrap_or(0)).to_string()
    }
}

/// A recovery code as it is looked up: what people add or leave out when they copy it does not matter.
#[must_use]
pub fn recovery_lookup(keys: &Keys, user: &UserId, shown: &str) -> String {
    let plain: String = shown.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_lowercase();
    keys.lookup(&format!("recovery:{user}:{plain}"))
}

/// New recovery codes and what is kept of them.
#[must_use]
pub fn recovery_codes(keys: &Keys, user: &UserId) -> (Vec<String>, Vec<String>) {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| keys.recovery_code()).collect();
    let lookups = codes.iter().map(|code| recovery_lookup(keys, user, code)).collect();
    (codes, lookups)
}

#[cfg(test)]
mod tests {
    use domain::ids::MunicipalityId;
    use domain::language::Country;
    use domain::municipality::Settings;
    use domain::secrets::SecretKey;

    use super::*;

    #[test]
    fn a_code_is_good_for_its_half_minute_and_the_next() {
        let keys = SecretKey::parse(&"5a".repeat(32)).unwrap().keys();
        let place = Municipality {
            id: MunicipalityId("m".into()),
            slug: "hojager".into(),
            name: "Højager: Kommune".into(),
            country: Country::Dk,
            settings: Settings::default(),
        };
        let user = UserId("u".into());
        let shared = Shared::of(&keys, &user, 1, &place, "mette@hojager.example").unwrap();
        let now = Millis(1_790_848_800_000);
        let code = shared.code_at(now);
        assert_eq!(code.len(), 6);
        assert_eq!(shared.step_of(&format!("{} {}", &code[..3], &code[3..]), now), Some(1_790_848_800 / 30));
        assert_eq!(shared.step_of(&code, now.plus_seconds(30)), Some(1_790_848_800 / 30));
        assert_eq!(shared.step_of(&code, now.plus_seconds(90)), None);
        assert_eq!(shared.step_of("12345", now), None);
        let other = Shared::of(&keys, &user, 2, &place, "mette@hojager.example").unwrap();
        assert_ne!(shared.typed(), other.typed());
        assert!(shared.address().starts_with("otpauth://totp/"), "{}", shared.address());
        let (codes, lookups) = recovery_codes(&keys, &user);
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert_eq!(recovery_lookup(&keys, &user, &codes[0].to_uppercase().replace('-', " ")), lookups[0]);
        assert_ne!(recovery_lookup(&keys, &UserId("v".into()), &codes[0]), lookups[0]);
    }
}
