//! Keys in the forms of OpenSSH.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use md5::Md5;
use rsa::traits::PrivateKeyParts;
use sha2::{Digest, Sha256};

use super::curve::Curve;
use super::key::{PrivateKey, rsa_public};
use super::pem;
use crate::random::random_bytes;

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// The line of `authorized_keys`, and the two fingerprints. `None` for keys that OpenSSH does not know.
pub(super) fn public(key: &PrivateKey) -> Option<[String; 3]> {
    let (kind, blob) = blob(key)?;
    let md5: Vec<String> = Md5::digest(&blob).iter().map(|b| format!("{b:02x}")).collect();
    let sha256 = BASE64_STANDARD_NO_PAD.encode(Sha256::digest(&blob));
    Some([format!("{kind} {}\n", BASE64_STANDARD.encode(&blob)), md5.join(":"), format!("SHA256:{sha256}")])
}

/// The private key. `None` for keys that OpenSSH does not know.
pub(super) fn private(key: &PrivateKey) -> Result<Option<String>, String> {
    let Some((kind, public)) = blob(key) else { return Ok(None) };
    let mut secret = random_bytes(4).map_err(|e| e.message)?;
    secret.extend_from_within(..);
    secret.extend(string(kind.as_bytes()));
    secret.extend(match key {
        PrivateKey::Rsa(key) => {
            let (n, e) = rsa_public(key);
            let [p, q] = key.primes() else { return Err("the key has not two primes".into()) };
            let inverse = key.crt_coefficient().ok_or("the key has no coefficient")?;
            let rest = [key.d().to_bytes_be(), inverse.to_bytes_be(), p.to_bytes_be(), q.to_bytes_be()];
            [n, e].iter().chain(&rest).flat_map(|n| number(n)).collect()
        }
        PrivateKey::Ec(curve, secret, point) => {
            [string(curve.ssh().unwrap_or_default().as_bytes()), string(point), number(secret)].concat()
        }
        PrivateKey::Ed25519(seed, point) => [string(point), string(&[&seed[..], point].concat())].concat(),
    });
    secret.extend(string(b""));
    let lacking = secret.len().next_multiple_of(8) - secret.len();
    secret.extend((1..).take(lacking));
    let none = string(b"none");
    let out = [MAGIC, &none, &none, &string(b""), &1u32.to_be_bytes(), &string(&public), &string(&secret)].concat();
    Ok(Some(pem::encode("OPENSSH PRIVATE KEY", &out)))
}

fn blob(key: &PrivateKey) -> Option<(String, Vec<u8>)> {
    let (kind, rest) = match key {
        PrivateKey::Rsa(key) => {
            let (n, e) = rsa_public(key);
            ("ssh-rsa".into(), [number(&e), number(&n)].concat())
        }
        PrivateKey::Ec(curve, _, point) => {
            let name = curve.ssh()?;
            (format!("ecdsa-sha2-{name}"), [string(name.as_bytes()), string(point)].concat())
        }
        PrivateKey::Ed25519(_, point) => ("ssh-ed25519".into(), string(point)),
    };
    let blob = [string(kind.as_bytes()), rest].concat();
    Some((kind, blob))
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

/// A number that is not negative, from its bytes, the highest first.
fn number(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let mut content = bytes[start..].to_vec();
    if content.first().is_some_and(|b| b & 0x80 != 0) {
        content.insert(0, 0);
    }
    string(&content)
}

/// Reads a private key.
pub(super) fn parse(bytes: &[u8]) -> Result<PrivateKey, String> {
    let bad = || String::from("ssh: invalid openssh private key format");
    let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(bad)?;
    if take(&mut rest).ok_or_else(bad)? != b"none" {
        return Err("ssh: this private key is passphrase protected".into());
    }
    parse_plain(rest).ok_or_else(bad)
}

fn parse_plain(mut rest: &[u8]) -> Option<PrivateKey> {
    take(&mut rest)?;
    take(&mut rest)?;
    rest = rest.strip_prefix(&1u32.to_be_bytes())?;
    take(&mut rest)?;
    let mut secret = take(&mut rest)?.get(8..)?;
    let secret = &mut secret;
    match take(secret)? {
        b"ssh-rsa" => {
            let [n, e, d, _, p, q] = [take(secret)?, take(secret)?, take(secret)?, take(secret)?, take(secret)?, take(secret)?];
            PrivateKey::rsa_from(n, e, d, [p, q])
        }
        b"ssh-ed25519" => {
            take(secret)?;
            PrivateKey::ed25519_from(take(secret)?.get(..32)?.to_vec())
        }
        kind => {
            let name = take(secret)?;
            let curve = Curve::ALL.into_iter().find(|c| c.ssh().is_some_and(|n| n.as_bytes() == name && kind.ends_with(name)))?;
            take(secret)?;
            let number = take(secret)?;
            PrivateKey::ec_from(curve, number.strip_prefix(&[0]).unwrap_or(number).to_vec())
        }
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, more) = rest.split_first_chunk::<4>()?;
    let (taken, more) = more.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = more;
    Some(taken)
}
