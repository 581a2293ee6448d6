//! AES in Galois/Counter mode, with the three lengths of keys that OpenTofu takes. The nonce stands before the data.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::aes::Aes192;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm, Nonce};

const NONCE: usize = 12;

/// A key, ready to be used.
pub(super) enum Gcm {
    Short(Box<Aes128Gcm>),
    Middle(Box<AesGcm<Aes192, U12>>),
    Long(Box<Aes256Gcm>),
}

impl Gcm {
    pub(super) fn new(key: &[u8]) -> Result<Self, String> {
        let found = match key.len() {
            16 => Aes128Gcm::new_from_slice(key).map(|k| Gcm::Short(Box::new(k))),
            24 => AesGcm::new_from_slice(key).map(|k| Gcm::Middle(Box::new(k))),
            32 => Aes256Gcm::new_from_slice(key).map(|k| Gcm::Long(Box::new(k))),
            n => return Err(format!("AES-GCM takes keys of 16, 24 or 32 bytes, and this one has {n}.")),
        };
        found.map_err(|e| format!("The key cannot be used: {e}."))
    }

    pub(super) fn seal(&self, msg: &[u8], aad: &[u8]) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| format!("The system gives no random bytes: {e}."))?;
        let (at, payload) = (Nonce::from_slice(&nonce), Payload { msg, aad });
        let sealed = match self {
            Gcm::Short(k) => k.encrypt(at, payload),
            Gcm::Middle(k) => k.encrypt(at, payload),
            Gcm::Long(k) => k.encrypt(at, payload),
        };
        let sealed = sealed.map_err(|_| "It is too long to be encrypted as one.".to_string())?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// `None` when the key does not fit or bytes were changed, which cannot be told apart.
    pub(super) fn open(&self, sealed: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = sealed.split_at_checked(NONCE)?;
        let (at, payload) = (Nonce::from_slice(nonce), Payload { msg, aad });
        match self {
            Gcm::Short(k) => k.decrypt(at, payload),
            Gcm::Middle(k) => k.decrypt(at, payload),
            Gcm::Long(k) => k.decrypt(at, payload),
        }
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_of_key_and_no_other() {
        for n in 0..40 {
            let key: Vec<u8> = (0..n).collect();
            let Ok(gcm) = Gcm::new(&key) else {
                assert!(![16, 24, 32].contains(&n), "{n}");
                continue;
            };
            assert!([16, 24, 32].contains(&n), "{n}");
            let sealed = gcm.seal(b"text", b"more").unwrap();
            assert_eq!(gcm.open(&sealed, b"more").as_deref(), Some(&b"text"[..]));
            assert_eq!(gcm.open(&sealed, b""), None);
            for i in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[i] ^= 1;
                assert_eq!(gcm.open(&changed, b"more"), None, "byte {i}");
                assert_eq!(gcm.open(&sealed[..i], b"more"), None, "cut at {i}");
            }
            assert_ne!(sealed, gcm.seal(b"text", b"more").unwrap());
        }
    }
}
