//! Signs messages so that the receiver knows whose they are and that nobody changed them: DKIM (RFC 6376, RFC 8463).
//!
//! Relaxed/relaxed over the bytes that go on the wire. Headers that a reader sees or a mail program acts on are named once
//! more than they occur, so that nobody can add a second one and keep the signature.
mod canonical;
mod key;

use data_encoding::BASE64;
use domain::time::Millis;
use ring::digest;

pub use self::key::{Algorithm, PublicKey, SigningKey, txt_strings, zone_line};
use crate::dkim::canonical::{body, header, headers};

/// Headers signed as often as they occur and once more: a second one, or a first, would break the signature.
const SEALED: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];
/// Headers signed where they occur.
const SIGNED: &[&str] =
    &["Sender", "Content-Transfer-Encoding", "Content-Language", "List-Id", "Auto-Submitted", "Feedback-ID"];
/// Where the lines of our own header are folded.
const LINE: usize = 76;

/// Why nothing can be signed. Tells nothing of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DkimError {
    /// The name of the domain or the selector.
    #[error("{0:?} is no name that DNS takes")]
    Name(String),
    /// The key cannot be read.
    #[error("the DKIM key is not usable: {0}")]
    Key(String),
    /// A message without a From header, or not one at all.
    #[error("there is nothing to sign: a message without From")]
    Message,
    /// The cryptography failed.
    #[error("signing failed")]
    Crypto,
}

/// Signs for one domain, with one key or several (RSA for all, Ed25519 besides). No `Debug`: it holds secrets.
pub struct Signer {
    domain: String,
    keys: Vec<(String, SigningKey)>,
}

impl Signer {
    /// A signer for `domain`, with no key yet.
    ///
    /// # Errors
    /// [`DkimError::Name`]
    pub fn new(domain: &str) -> Result<Self, DkimError> {
        let domain = idna::domain_to_ascii(domain.trim()).map_err(|_| DkimError::Name(domain.to_owned()))?;
        Ok(Self { domain: dns_name(&domain)?, keys: Vec::new() })
    }

    /// One more key, published under `selector`.
    ///
    /// # Errors
    /// [`DkimError::Name`]
    pub fn with_key(mut self, selector: &str, key: SigningKey) -> Result<Self, DkimError> {
        self.keys.push((dns_name(selector.trim())?, key));
        Ok(self)
    }

    /// The domain that vouches.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Selectors with the keys that must be published under them.
    pub fn published(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        self.keys.iter().map(|(selector, key)| (selector.as_str(), key.public()))
    }

    /// The message with a signature by each key before its headers. `message` has CRLF line ends.
    ///
    /// # Errors
    /// [`DkimError::Message`] or [`DkimError::Crypto`].
    pub fn sign(&self, message: &[u8], now: Millis) -> Result<Vec<u8>, DkimError> {
        let (fields, rest) = headers(message);
        let body_hash = BASE64.encode(digest::digest(&digest::SHA256, &body(rest)).as_ref());
        let (names, signed) = selection(&fields)?;
        let mut out = Vec::with_capacity(message.len() + 1200 * self.keys.len());
        for (selector, key) in &self.keys {
            let unsigned = self.field(selector, key.algorithm(), &names, &body_hash, now);
            let mut input = signed.clone();
            header(unsigned.as_bytes(), &mut input);
            let signature = BASE64.encode(&key.sign(&input)?);
            out.extend_from_slice(unsigned.as_bytes());
            // The value begins right after `b=`; what is folded in later is left out by whoever checks it.
            for (i, piece) in signature.as_bytes().chunks(LINE - 3).enumerate() {
                if i > 0 {
                    out.extend_from_slice(b"\r\n\t");
                }
                out.extend_from_slice(piece);
            }
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(message);
        Ok(out)
    }

    /// The header without its signature.
    fn field(&self, selector: &str, algorithm: Algorithm, names: &[&str], body_hash: &str, now: Millis) -> String {
        let mut field = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n\td={}; s={selector}; t={};\r\n\th=",
            algorithm.signature_name(),
            self.domain,
            now.0.max(0) / 1000
        );
        let mut column = 3;
        for (i, name) in names.iter().enumerate() {
            if i > 0 {
                field.push(':');
                if column + name.len() >= LINE {
                    field.push_str("\r\n\t ");
                    column = 2;
                }
            }
            field.push_str(name);
            column += name.len() + 1;
        }
        field.push_str(&format!(";\r\n\tbh={body_hash};\r\n\tb="));
        field
    }
}

/// The names for `h=`, and the headers they select in canonical form: of several with one name the last comes first.
fn selection<'a>(fields: &[&'a [u8]]) -> Result<(Vec<&'static str>, Vec<u8>), DkimError> {
    let (mut names, mut signed) = (Vec::new(), Vec::new());
    let of =
        |name: &str| -> Vec<&'a [u8]> { fields.iter().rev().filter(|f| canonical::is(f, name)).copied().collect() };
    if of("From").is_empty() {
        return Err(DkimError::Message);
    }
    for name in SEALED.iter().chain(SIGNED) {
        for field in of(name) {
            names.push(*name);
            header(field, &mut signed);
            signed.extend_from_slice(b"\r\n");
        }
        if SEALED.contains(name) {
            names.push(*name);
        }
    }
    Ok((names, signed))
}

/// A name of letters, digits, hyphens, underscores and dots.
fn dns_name(name: &str) -> Result<String, DkimError> {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if name.len() <= 253 && name.split('.').all(label) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(DkimError::Name(name.to_owned()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
