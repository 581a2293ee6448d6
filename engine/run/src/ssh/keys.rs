//! Private keys and their certificates, as they stand in files.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::ssh_encoding::Decode;
use russh::keys::ssh_key::private::EcdsaKeypair;
use russh::keys::ssh_key::public::{EcdsaPublicKey, KeyData};
use russh::keys::{Certificate, PrivateKey, decode_secret_key};

/// A private key, with its certificate where there is one.
#[derive(Clone)]
pub struct Login {
    pub(super) key: Arc<PrivateKey>,
    pub(super) certificate: Option<Certificate>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("certificate", &self.certificate.is_some()).finish_non_exhaustive()
    }
}

impl Login {
    /// Whether a certificate goes with the key.
    pub fn has_certificate(&self) -> bool {
        self.certificate.is_some()
    }
}

/// Reads a private key (OpenSSH, PKCS 1, PKCS 8, SEC 1), and its certificate.
///
/// # Errors
/// A sentence on what is wrong. It never holds the key.
pub fn login(key: &str, certificate: Option<&str>) -> Result<Login, String> {
    let key = Arc::new(private_key(key)?);
    let certificate = certificate.map(read_certificate).transpose()?;
    if certificate.as_ref().is_some_and(|c| c.public_key() != key.public_key().key_data()) {
        return Err("failed to create cert signer: the certificate is not one of the private key".into());
    }
    Ok(Login { key, certificate })
}

fn read_certificate(text: &str) -> Result<Certificate, String> {
    let text = text.trim();
    if !text.contains("-cert-v01@") {
        return Err(format!("failed to parse certificate {text:?}: ssh: no key found"));
    }
    Certificate::from_openssh(text).map_err(|e| format!("failed to parse certificate {text:?}: {e}"))
}

fn private_key(text: &str) -> Result<PrivateKey, String> {
    // Lines may be indented, as the template of a heredoc leaves them.
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    let Some(begin) = lines.iter().position(|l| l.starts_with("-----BEGIN ")) else {
        return Err("Failed to read ssh private key: no key found".into());
    };
    let lines = &lines[begin..];
    let locked = || "Failed to parse ssh private key: ssh: this private key is passphrase protected".to_string();
    // Of the older formats: `Proc-Type: 4,ENCRYPTED` and `BEGIN ENCRYPTED PRIVATE KEY`.
    if lines.iter().any(|l| l.contains("ENCRYPTED")) {
        return Err(locked());
    }
    match decode_secret_key(&lines.join("\n"), None) {
        Ok(key) if key.is_encrypted() => Err(locked()),
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(locked()),
        Err(e) => short_ecdsa(lines).ok_or_else(|| format!("Failed to parse ssh private key: {e}")),
    }
}

/// A key on the curve P-256 whose number has leading zeros, one in 256, which OpenSSH leaves out and the parser of keys
/// insists on (`ssh-key` 0.7.0-rc.11).
fn short_ecdsa(lines: &[&str]) -> Option<PrivateKey> {
    let middle = lines.strip_prefix(&["-----BEGIN OPENSSH PRIVATE KEY-----"])?;
    let text: String = middle.iter().take_while(|l| !l.starts_with("-----")).copied().collect();
    let bytes = STANDARD.decode(text).ok()?;
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let [cipher, _, _] = [counted(&mut rest)?, counted(&mut rest)?, counted(&mut rest)?];
    // The number of keys, and a number twice that tells whether a passphrase was right.
    rest = rest.get(4..).filter(|_| cipher == b"none")?;
    let public = KeyData::decode(&mut counted(&mut rest)?).ok()?;
    let mut secret = counted(&mut rest)?.get(8..)?;
    let [_, _, _, number] = [counted(&mut secret)?, counted(&mut secret)?, counted(&mut secret)?, counted(&mut secret)?];
    let KeyData::Ecdsa(EcdsaPublicKey::NistP256(public)) = public else { return None };
    let mut whole = [0; 32];
    whole.get_mut(32_usize.checked_sub(number.len())?..)?.copy_from_slice(number);
    PrivateKey::new(EcdsaKeypair::NistP256 { public, private: whole.into() }.into(), "").ok()
}

/// Takes bytes that follow their length.
fn counted<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    let (taken, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *from = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The point that the curve begins with: the public key of the number 1.
    const BASE: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    #[test]
    fn numbers_without_leading_zeros_are_keys() {
        let point: Vec<u8> = (0..BASE.len()).step_by(2).map(|i| u8::from_str_radix(&BASE[i..i + 2], 16).unwrap()).collect();
        let public = [string(b"ecdsa-sha2-nistp256"), string(b"nistp256"), string(&point)].concat();
        let secret = [[7_u8; 8].to_vec(), public.clone(), string(&[1]), string(b""), vec![1, 2, 3]].concat();
        let head = [b"openssh-key-v1\0".to_vec(), string(b"none"), string(b"none"), string(b""), vec![0, 0, 0, 1]].concat();
        let text = STANDARD.encode([head, string(&public), string(&secret)].concat());
        let pem = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n");
        let key = login(&pem, None).unwrap().key;
        assert_eq!(key.public_key().key_data(), &KeyData::decode(&mut &public[..]).unwrap());
        assert!(login(&pem.replace(&text[40..], "AAAA"), None).is_err());
    }
}
