//! The one secret key, its subkeys, and the personal tokens derived from them.
//!
//! Tokens are never stored: a link is made again from the invitation's id and generation whenever it is needed,
//! and found again by a second keyed hash ([`Keys::lookup`]).
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ids::{InvitationId, UserId};

/// 32 random bytes from a file outside the database. No `Debug`, no serialisation.
#[derive(Clone)]
pub struct SecretKey([u8; 32]);

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the secret key must be 64 hexadecimal digits")]
pub struct KeyError;

impl SecretKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self(bytes)
    }

    /// Reads the form that [`Self::to_hex`] writes; white space around it is ignored.
    ///
    /// # Errors
    /// [`KeyError`] when it is not 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| KeyError)?;
        Ok(Self(bytes.try_into().map_err(|_| KeyError)?))
    }

    /// The key as 64 hexadecimal digits, for its file.
    #[must_use]
    pub fn to_hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// The subkeys, one per purpose (HKDF-SHA-256).
    #[must_use]
    pub fn keys(&self) -> Keys {
        let hkdf = hkdf::Hkdf::<Sha256>::new(Some(b"pejling"), &self.0);
        let subkey = |purpose: &str| {
            let mut key = [0; 32];
            hkdf.expand(purpose.as_bytes(), &mut key).expect("32 bytes is a valid HKDF length");
            key
        };
        Keys {
            token: subkey("invitation-token"),
            lookup: subkey("token-lookup"),
            register: subkey("register-number"),
            verp: subkey("verp"),
            session: subkey("session"),
            second_step: subkey("second-step"),
            sign_in: subkey("sign-in-link"),
            package: subkey("package-signature"),
        }
    }
}

/// The subkeys in use.
#[derive(Clone)]
pub struct Keys {
    token: [u8; 32],
    lookup: [u8; 32],
    register: [u8; 32],
    verp: [u8; 32],
    session: [u8; 32],
    second_step: [u8; 32],
    sign_in: [u8; 32],
    package: [u8; 32],
}

/// 32 letters and digits without look-alikes: no l, o, 0, 1.
const TOKEN_ALPHABET: &str = "abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a token: 26 · 5 = 130 bits.
const TOKEN_LENGTH: usize = 26;

/// Characters of the MAC in a return path: 13 · 5 = 65 bits.
pub const VERP_LENGTH: usize = 13;

/// A personal token as it stands in a link. No `Debug`: it must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token as it stands in the link.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Keys {
    /// The seed of the key that signs data packages.
    #[must_use]
    pub const fn package_seed(&self) -> &[u8; 32] {
        &self.package
    }

    /// The token of an invitation in its present generation.
    #[must_use]
    pub fn invitation_token(&self, invitation: &InvitationId, generation: i64) -> Token {
        let digest = mac(&self.token, &[invitation.0.as_bytes(), &generation.to_be_bytes()]);
        Token(token_text(&digest))
    }

    /// What is stored to find an invitation, a session or a one-time link by the token that somebody shows.
    #[must_use]
    pub fn lookup(&self, shown: &str) -> String {
        data_encoding::HEXLOWER.encode(&mac(&self.lookup, &[shown.as_bytes()]))
    }

    /// The keyed hash of a register number that must not be stored in clear (a sole trader's).
    #[must_use]
    pub fn register_hash(&self, number: &str) -> String {
        data_encoding::HEXLOWER.encode(&mac(&self.register, &[number.as_bytes()])[..16])
    }

    /// The short MAC (65 bits) that authenticates a VERP return path.
    #[must_use]
    pub fn verp(&self, mail_id: &str) -> String {
        token_text(&mac(&self.verp, &[mail_id.as_bytes()]))[..VERP_LENGTH].to_owned()
    }

    /// Is this the MAC of [`Self::verp`]? Takes equally long whatever is shown.
    #[must_use]
    pub fn is_verp(&self, mail_id: &str, shown: &str) -> bool {
        let expected = self.verp(mail_id);
        expected.len() == shown.len()
            && expected.bytes().zip(shown.bytes()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
    }

    /// What a person's authenticator app shares with us (TOTP, 160 bits): derived, so that a copy of the database holds none.
    /// A new set-up raises the generation.
    #[must_use]
    pub fn second_step(&self, user: &UserId, generation: i64) -> [u8; 20] {
        let digest = mac(&self.second_step, &[user.0.as_bytes(), &generation.to_be_bytes()]);
        let mut secret = [0; 20];
        secret.copy_from_slice(&digest[..20]);
        secret
    }

    /// The token of a one-time link that is made again when its mail is written.
    #[must_use]
    pub fn sign_in_token(&self, link: &str) -> Token {
        Token(token_text(&mac(&self.sign_in, &[link.as_bytes()])))
    }

    /// A new recovery code, `abcde-fghjk`: 50 bits.
    #[must_use]
    pub fn recovery_code(&self) -> String {
        let token = self.random_token();
        format!("{}-{}", &token.reveal()[..5], &token.reveal()[5..10])
    }

    /// A new random token for a session or a one-time link.
    #[must_use]
    pub fn random_token(&self) -> Token {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the operating system gives random bytes");
        Token(token_text(&mac(&self.session, &[&seed])))
    }
}

/// Is `shown` (hexadecimal, `sha256=` before it or not) the HMAC-SHA-256 of `body` under a secret shared with another
/// system? Takes equally long whatever is shown.
#[must_use]
pub fn is_signed(secret: &str, body: &[u8], shown: &str) -> bool {
    let shown = shown.trim();
    let shown = shown.strip_prefix("sha256=").unwrap_or(shown);
    let Ok(shown) = data_encoding::HEXLOWER_PERMISSIVE.decode(shown.as_bytes()) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.verify_slice(&shown).is_ok()
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn token_text(digest: &[u8; 32]) -> String {
    let mut bits = 0u32;
    let mut held = 0;
    let mut text = String::with_capacity(TOKEN_LENGTH);
    for byte in digest {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 && text.len() < TOKEN_LENGTH {
            held -= 5;
            text.push(TOKEN_ALPHABET.as_bytes()[(bits >> held & 31) as usize] as char);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        SecretKey::parse(&"07".repeat(32)).unwrap().keys()
    }

    #[test]
    fn a_link_can_be_made_again_and_passing_on_stops_the_old_one() {
        let id = InvitationId("018f-1".into());
        assert!(keys().invitation_token(&id, 0) == keys().invitation_token(&id, 0));
        assert!(keys().invitation_token(&id, 0) != keys().invitation_token(&id, 1));
        assert_eq!(keys().invitation_token(&id, 0).reveal().len(), 26);
    }

    #[test]
    fn an_authenticator_s_secret_is_one_person_s_and_one_set_up_s() {
        let (mette, ole) = (UserId("mette".into()), UserId("ole".into()));
        assert_eq!(keys().second_step(&mette, 1), keys().second_step(&mette, 1));
        assert_ne!(keys().second_step(&mette, 1), keys().second_step(&mette, 2));
        assert_ne!(keys().second_step(&mette, 1), keys().second_step(&ole, 1));
        assert!(keys().sign_in_token("a") == keys().sign_in_token("a"));
        assert!(keys().sign_in_token("a") != keys().sign_in_token("b"));
        let code = keys().recovery_code();
        assert!(code.len() == 11 && code.as_bytes()[5] == b'-' && code != keys().recovery_code(), "{code}");
    }

    #[test]
    fn a_return_path_is_told_from_a_forged_one() {
        let mark = keys().verp("018f-1");
        assert_eq!(mark.len(), 13);
        assert!(keys().is_verp("018f-1", &mark));
        assert!(
            !keys().is_verp("018f-2", &mark) && !keys().is_verp("018f-1", &mark[..12]) && !keys().is_verp("018f-1", "")
        );
    }

    #[test]
    fn a_signature_is_that_of_rfc_4231() {
        let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        assert!(is_signed("Jefe", body, mac) && is_signed("Jefe", body, &format!("sha256={}", mac.to_uppercase())));
        assert!(!is_signed("Jefe", b"what do ya want for nothing", mac));
        assert!(!is_signed("Jeff", body, mac) && !is_signed("Jefe", body, &mac[..62]) && !is_signed("Jefe", body, ""));
    }

    #[test]
    fn the_key_file_reads_back() {
        let key = SecretKey::generate();
        assert!(SecretKey::parse(&format!("{}\n", key.to_hex())).unwrap().to_hex() == key.to_hex());
        assert!(SecretKey::parse("abc").is_err());
    }
}
