//! Keys: read, made, and the record to publish.
use std::path::Path;

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{self, CryptoRng, RngCore};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::DkimError;

/// What an RSA public key begins with as a SubjectPublicKeyInfo: its algorithm (1.2.840.113549.1.1.1), without parameters.
const RSA_ALGORITHM: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The longest string of a TXT record.
const TXT_STRING: usize = 255;

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with SHA-256: understood everywhere.
    Rsa,
    /// Ed25519 with SHA-256 (RFC 8463): short and fast, not yet understood everywhere.
    Ed25519,
}

impl Algorithm {
    /// As in `a=`.
    pub(super) const fn signature_name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }

    /// As in `k=`.
    #[must_use]
    pub const fn key_name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A private key. No `Debug`.
pub struct SigningKey(Secret);

enum Secret {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// What everybody may know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// As in `p=`, without line breaks.
    pub base64: String,
}

impl PublicKey {
    /// The record to publish at `<selector>._domainkey.<domain>`.
    #[must_use]
    pub fn record(&self) -> String {
        format!("v=DKIM1; k={}; p={}", self.algorithm.key_name(), self.base64)
    }
}

impl SigningKey {
    /// Reads a PEM text: RSA of 2048 to 4096 bits (PKCS #8 or PKCS #1) or Ed25519 (PKCS #8).
    ///
    /// # Errors
    /// [`DkimError::Key`] with what is wrong, and nothing of the key.
    pub fn from_pem(pem: &[u8]) -> Result<Self, DkimError> {
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| DkimError::Key("it is no private key in PEM form".to_owned()))?;
        let refused =
            |e: ring::error::KeyRejected| DkimError::Key(format!("{e} (RSA of 2048 bits or more, or Ed25519)"));
        match &key {
            PrivateKeyDer::Pkcs1(der) => {
                let pair = RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(refused)?;
                Ok(Self(Secret::Rsa(Box::new(pair))))
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                // Other tools leave the public half of an Ed25519 key out, which is fine.
                if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self(Secret::Ed25519(Box::new(pair))));
                }
                RsaKeyPair::from_pkcs8(der).map_err(refused).map(|pair| Self(Secret::Rsa(Box::new(pair))))
            }
            _ => Err(DkimError::Key("neither RSA nor Ed25519".to_owned())),
        }
    }

    /// Reads a PEM file.
    ///
    /// # Errors
    /// [`DkimError::Key`] naming the file.
    pub fn from_file(path: &Path) -> Result<Self, DkimError> {
        let named = |what: String| DkimError::Key(format!("{}: {what}", path.display()));
        let pem = std::fs::read(path).map_err(|e| named(e.to_string()))?;
        Self::from_pem(&pem).map_err(|e| match e {
            DkimError::Key(what) => named(what),
            other => other,
        })
    }

    /// Makes a key (RSA of 2048 bits, or Ed25519) and writes it as PEM (PKCS #8).
    ///
    /// # Errors
    /// [`DkimError::Crypto`] when there is no randomness to be had.
    pub fn generate(algorithm: Algorithm) -> Result<String, DkimError> {
        match algorithm {
            Algorithm::Rsa => {
                let key = rsa::RsaPrivateKey::new(&mut Randomness, 2048).map_err(|_| DkimError::Crypto)?;
                Ok(pem(key.to_pkcs8_der().map_err(|_| DkimError::Crypto)?.as_bytes()))
            }
            Algorithm::Ed25519 => {
                let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| DkimError::Crypto)?;
                Ok(pem(der.as_ref()))
            }
        }
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Secret::Rsa(_) => Algorithm::Rsa,
            Secret::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let bytes = match &self.0 {
            Secret::Rsa(pair) => subject_public_key_info(pair.public().as_ref()),
            Secret::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        PublicKey { algorithm: self.algorithm(), base64: BASE64.encode(&bytes) }
    }

    /// Signs the canonical headers.
    pub(super) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.0 {
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .map_err(|_| DkimError::Crypto)?;
                Ok(signature)
            }
            Secret::Ed25519(pair) => {
                // RFC 8463: the hash is signed, not the text.
                let hash = ring::digest::digest(&ring::digest::SHA256, input);
                Ok(pair.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }
}

/// The operating system's randomness, in the form that key making takes.
struct Randomness;

impl RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("an operating system has randomness");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Randomness {}

/// An RSA public key (RFC 8017) wrapped with its algorithm, as everybody publishes it.
fn subject_public_key_info(key: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend_from_slice(key);
    let mut inner = RSA_ALGORITHM.to_vec();
    inner.extend(der(0x03, &bits));
    der(0x30, &inner)
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|b| *b != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        // At most eight bytes of length.
        out.push(0x80 | length.len() as u8);
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut out = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push('\n');
    }
    out + "-----END PRIVATE KEY-----\n"
}

/// A record cut into the strings that TXT takes, 255 bytes each at most.
#[must_use]
pub fn txt_strings(record: &str) -> Vec<String> {
    record.as_bytes().chunks(TXT_STRING).map(|c| String::from_utf8_lossy(c).into_owned()).collect()
}

/// A TXT record as a line of a zone file.
#[must_use]
pub fn zone_line(name: &str, record: &str) -> String {
    let strings: Vec<_> = txt_strings(record).iter().map(|s| format!("\"{s}\"")).collect();
    match strings.as_slice() {
        [one] => format!("{name}. IN TXT {one}"),
        several => format!("{name}. IN TXT ( {} )", several.join(" ")),
    }
}
