//! Where keys come from: a passphrase, or a service that keeps a key which never leaves it.
//!
//! A provider makes one key a process, with what is needed to find it again, and encrypts all with that: deriving
//! is slow on purpose, a service costs a call, and a run whose network is gone can still write its state.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2;
use serde::{Deserialize, Serialize};

/// What each provider needs to find its key again: JSON by the name of the provider.
pub(super) type Meta = BTreeMap<String, Vec<u8>>;

/// The most iterations that a file may ask for: minutes of work, which nobody configures on purpose.
const MOST_ITERATIONS: u32 = 100_000_000;

/// A key provider of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(usize);

/// A key, or what a key is made of. It is never shown.
#[derive(Clone)]
pub enum Secret {
    /// A passphrase.
    Passphrase(String),
    /// The key of another provider.
    Chain(KeyId),
}

/// The hash that a key is derived with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A key that is derived from a secret.
#[derive(Clone)]
pub struct Pbkdf2 {
    /// The secret.
    pub secret: Secret,
    /// Bytes of the key.
    pub key_length: usize,
    /// How much work the derivation is.
    pub iterations: NonZeroU32,
    /// Bytes of the salt.
    pub salt_length: usize,
    /// The hash.
    pub hash: Hash,
}

/// A service that makes keys and keeps what they are encrypted with.
pub trait KeyService: Send + Sync {
    /// A new key: the key itself, and the same encrypted by the service.
    ///
    /// # Errors
    /// When the service refuses, in a sentence.
    fn generate(&self) -> Result<(Vec<u8>, Vec<u8>), String>;

    /// The key that the service encrypted, in the context it had then.
    ///
    /// # Errors
    /// When the service refuses, in a sentence.
    fn decrypt(&self, encrypted: &[u8], context: &BTreeMap<String, String>) -> Result<Vec<u8>, String>;

    /// What the service binds new keys to.
    fn context(&self) -> BTreeMap<String, String>;
}

/// Where a key comes from.
#[derive(Clone)]
pub enum KeySource {
    /// It is derived.
    Pbkdf2(Pbkdf2),
    /// A service makes it.
    Service(Arc<dyn KeyService>),
}

/// The key providers of a configuration, with the keys that were needed so far.
#[derive(Default)]
pub struct KeyRing {
    providers: Vec<Provider>,
    made: Mutex<Made>,
}

struct Provider {
    address: String,
    meta_name: String,
    source: KeySource,
}

#[derive(Default)]
struct Made {
    encrypting: BTreeMap<KeyId, (Vec<u8>, Vec<u8>)>,
    /// By secret and metadata.
    decrypting: BTreeMap<(KeyId, Vec<u8>, Vec<u8>), Vec<u8>>,
}

#[derive(Deserialize, Serialize)]
struct Pbkdf2Meta {
    salt: String,
    iterations: u32,
    hash_function: Hash,
    key_length: usize,
}

#[derive(Deserialize, Serialize)]
struct ServiceMeta {
    ciphertext_blob: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    encryption_context: BTreeMap<String, String>,
}

impl KeyRing {
    /// Adds a provider. `address` is what messages call it, `meta_name` what files do.
    pub fn add(&mut self, address: &str, meta_name: &str, source: KeySource) -> KeyId {
        self.providers.push(Provider { address: address.into(), meta_name: meta_name.into(), source });
        KeyId(self.providers.len() - 1)
    }

    /// What messages call a provider.
    pub(super) fn address(&self, id: KeyId) -> &str {
        &self.providers[id.0].address
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to encrypt with, the same each time. What is needed to find it again goes to `meta`.
    pub(super) fn encryption_key(&self, id: KeyId, meta: &mut Meta) -> Result<Vec<u8>, String> {
        let provider = &self.providers[id.0];
        let chained = match &provider.source {
            KeySource::Pbkdf2(Pbkdf2 { secret: Secret::Chain(other), .. }) => Some(self.encryption_key(*other, meta)?),
            _ => None,
        };
        let known = self.made().encrypting.get(&id).cloned();
        let (key, text) = match known {
            Some(known) => known,
            None => {
                let (key, text) = provider.make(chained.as_deref()).map_err(|e| format!("{}: {e}", provider.address))?;
                let secret = provider.secret(chained.as_deref());
                let mut made = self.made();
                made.decrypting.insert((id, secret, text.clone()), key.clone());
                made.encrypting.insert(id, (key.clone(), text.clone()));
                (key, text)
            }
        };
        if meta.insert(provider.meta_name.clone(), text).is_some() {
            return Err(format!(
                "Two key providers of one chain store their metadata as {:?}. Set encrypted_metadata_alias of one of them to something else.",
                provider.meta_name
            ));
        }
        Ok(key)
    }

    /// The key that something with this metadata was encrypted with.
    pub(super) fn decryption_key(&self, id: KeyId, meta: &Meta) -> Result<Vec<u8>, String> {
        let provider = &self.providers[id.0];
        let text = meta.get(&provider.meta_name).ok_or_else(|| {
            let others: Vec<&str> = meta.keys().map(String::as_str).collect();
            let others = if others.is_empty() { "no key provider".to_string() } else { others.join(", ") };
            format!("It was not encrypted with {}: it names {others}.", provider.meta_name)
        })?;
        let chained = match &provider.source {
            KeySource::Pbkdf2(Pbkdf2 { secret: Secret::Chain(other), .. }) => Some(self.decryption_key(*other, meta)?),
            _ => None,
        };
        let known = (id, provider.secret(chained.as_deref()), text.clone());
        if let Some(key) = self.made().decrypting.get(&known) {
            return Ok(key.clone());
        }
        let key = provider.find(chained.as_deref(), text).map_err(|e| format!("{}: {e}", provider.address))?;
        self.made().decrypting.insert(known, key.clone());
        Ok(key)
    }
}

impl Provider {
    fn secret(&self, chained: Option<&[u8]>) -> Vec<u8> {
        match (&self.source, chained) {
            (KeySource::Pbkdf2(Pbkdf2 { secret: Secret::Passphrase(text), .. }), _) => text.clone().into_bytes(),
            (_, chained) => chained.unwrap_or_default().to_vec(),
        }
    }

    /// A new key with its metadata.
    fn make(&self, chained: Option<&[u8]>) -> Result<(Vec<u8>, Vec<u8>), String> {
        match &self.source {
            KeySource::Pbkdf2(p) => {
                let mut salt = vec![0; p.salt_length];
                getrandom::fill(&mut salt).map_err(|e| format!("The system gives no random bytes: {e}."))?;
                let key = derive(&self.secret(chained), &salt, p.iterations, p.hash, p.key_length);
                let meta = Pbkdf2Meta {
                    salt: STANDARD.encode(&salt),
                    iterations: p.iterations.get(),
                    hash_function: p.hash,
                    key_length: p.key_length,
                };
                Ok((key, serde_json::to_vec(&meta).map_err(|e| e.to_string())?))
            }
            KeySource::Service(service) => {
                let (key, encrypted) = service.generate()?;
                let meta = ServiceMeta { ciphertext_blob: STANDARD.encode(encrypted), encryption_context: service.context() };
                Ok((key, serde_json::to_vec(&meta).map_err(|e| e.to_string())?))
            }
        }
    }

    /// The key that metadata tells of.
    fn find(&self, chained: Option<&[u8]>, meta: &[u8]) -> Result<Vec<u8>, String> {
        let unreadable = |why: String| format!("The metadata of the key cannot be read: {why}. Was the kind of key provider changed?");
        match &self.source {
            KeySource::Pbkdf2(_) => {
                let meta: Pbkdf2Meta = serde_json::from_slice(meta).map_err(|e| unreadable(e.to_string()))?;
                let salt = STANDARD.decode(&meta.salt).map_err(|e| unreadable(e.to_string()))?;
                let iterations = NonZeroU32::new(meta.iterations).filter(|n| n.get() <= MOST_ITERATIONS);
                let iterations = iterations.ok_or_else(|| unreadable(format!("{} iterations", meta.iterations)))?;
                if ![16, 24, 32].contains(&meta.key_length) {
                    return Err(unreadable(format!("a key of {} bytes", meta.key_length)));
                }
                Ok(derive(&self.secret(chained), &salt, iterations, meta.hash_function, meta.key_length))
            }
            KeySource::Service(service) => {
                let meta: ServiceMeta = serde_json::from_slice(meta).map_err(|e| unreadable(e.to_string()))?;
                let encrypted = STANDARD.decode(&meta.ciphertext_blob).map_err(|e| unreadable(e.to_string()))?;
                service.decrypt(&encrypted, &meta.encryption_context)
            }
        }
    }
}

fn derive(secret: &[u8], salt: &[u8], iterations: NonZeroU32, hash: Hash, length: usize) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Hash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    let mut key = vec![0; length];
    pbkdf2::derive(algorithm, iterations, salt, secret, &mut key);
    key
}
