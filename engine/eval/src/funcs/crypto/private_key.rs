//! RSA private keys in the containers that people keep them in: PKCS #1, PKCS #8 and OpenSSH.

use base64::prelude::{BASE64_STANDARD, Engine};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{BigUint, RsaPrivateKey};

/// Reads a key that is not encrypted.
///
/// # Errors
/// A sentence that says what is wrong with the key.
pub fn parse(pem: &str) -> Result<RsaPrivateKey, String> {
    let invalid = |why: &str| format!("failed to parse key: {why}");
    let start = pem.find("-----BEGIN ").ok_or_else(|| invalid("no key found"))?;
    let block = pem[start..].trim_end();
    let (label, rest) = block["-----BEGIN ".len()..].split_once("-----").ok_or_else(|| invalid("no key found"))?;
    let end = format!("-----END {label}-----");
    let (body, _) = rest.split_once(end.as_str()).ok_or_else(|| invalid("no key found"))?;
    if body.contains("ENCRYPTED") {
        return Err(invalid("this private key is passphrase protected"));
    }
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = BASE64_STANDARD.decode(body).map_err(|_| invalid("no key found"))?;
    let malformed = || invalid("the key data is malformed");
    match label {
        "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&der).map_err(|_| malformed()),
        "PRIVATE KEY" => RsaPrivateKey::from_pkcs8_der(&der).map_err(|_| malformed()),
        "OPENSSH PRIVATE KEY" => open_ssh(&der).ok_or_else(malformed),
        _ => Err(invalid(&format!("unsupported key type {label:?}"))),
    }
}

/// The key in OpenSSH's own container.
fn open_ssh(bytes: &[u8]) -> Option<RsaPrivateKey> {
    let mut outer = Reader(bytes.strip_prefix(b"openssh-key-v1\0")?);
    if outer.string()? != b"none" || outer.string()? != b"none" {
        return None;
    }
    outer.string()?;
    let _count = outer.take(4)?;
    let _public = outer.string()?;
    let mut inner = Reader(outer.string()?);
    let check = inner.take(4)?;
    if inner.take(4)? != check || inner.string()? != b"ssh-rsa" {
        return None;
    }
    let (n, e, d) = (inner.number()?, inner.number()?, inner.number()?);
    let _inverse = inner.number()?;
    let primes = vec![inner.number()?, inner.number()?];
    RsaPrivateKey::from_components(n, e, d, primes).ok()
}

/// Fields with their length in front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.take(4)?.try_into().ok().map(u32::from_be_bytes)?;
        self.take(usize::try_from(length).ok()?)
    }

    fn number(&mut self) -> Option<BigUint> {
        self.string().map(BigUint::from_bytes_be)
    }
}
