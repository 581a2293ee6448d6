//! Encryption of what is written, on this machine: the state, saved plans and the journal.
//!
//! The form is OpenTofu's, so that either program reads what the other wrote. A [`Cipher`] stands for one target
//! of the `encryption` block: its method, and the fallbacks from which it migrates. Stores hand it whole texts;
//! the journal is sealed record by record, since it grows while the run goes on.

mod envelope;
mod gcm;
mod keys;
mod records;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use envelope::Envelope;

pub use keys::{Hash, KeyId, KeyRing, KeyService, KeySource, Pbkdf2, Secret};
pub(crate) use records::{Sealed, Sealer};

/// How something is encrypted.
#[derive(Clone, Debug)]
pub enum Method {
    /// It is not.
    Unencrypted,
    /// AES in Galois/Counter mode.
    AesGcm {
        /// Where the key comes from.
        keys: KeyId,
        /// What is authenticated besides, without being stored.
        aad: Vec<u8>,
    },
}

impl Method {
    fn encrypts(&self) -> bool {
        matches!(self, Method::AesGcm { .. })
    }
}

/// What a text is, in messages and in what must be true of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A state: lineage and serial stay readable, and must be those inside.
    State,
    /// A saved plan.
    Plan,
    /// A journal.
    Journal,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Kind::State => "state",
            Kind::Plan => "plan",
            Kind::Journal => "journal",
        }
    }

    fn cannot_open(self) -> &'static str {
        match self {
            Kind::State => "State cannot be decrypted",
            Kind::Plan => "Plan cannot be decrypted",
            Kind::Journal => "Journal cannot be decrypted",
        }
    }

    fn cannot_seal(self) -> &'static str {
        match self {
            Kind::State => "State cannot be encrypted",
            Kind::Plan => "Plan cannot be encrypted",
            Kind::Journal => "Journal cannot be encrypted",
        }
    }
}

/// Encrypts and decrypts one kind of thing. Clones share their keys. The default leaves everything as it is.
#[derive(Clone, Default)]
pub struct Cipher(Option<Arc<Target>>);

struct Target {
    ring: Arc<KeyRing>,
    /// The first encrypts; each may decrypt.
    methods: Vec<Method>,
    /// What was read last was not encrypted with the first method.
    migrating: AtomicBool,
}

/// What an encrypted text is; `None` when it is not encrypted.
pub fn encrypted(stored: &[u8]) -> Option<Kind> {
    Envelope::read(stored).map(|e| if e.is_state() { Kind::State } else { Kind::Plan })
}

/// What encrypts one text.
struct Sealing<'a> {
    gcm: gcm::Gcm,
    aad: &'a [u8],
    meta: keys::Meta,
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cipher").field(&self.0.as_ref().map(|t| &t.methods)).finish()
    }
}

impl Cipher {
    /// Encrypts with the first method and decrypts with whichever fits. Without methods it refuses everything.
    pub fn new(ring: Arc<KeyRing>, methods: Vec<Method>) -> Self {
        Self(Some(Arc::new(Target { ring, methods, migrating: AtomicBool::new(false) })))
    }

    /// Whether what is written is encrypted.
    pub fn encrypts(&self) -> bool {
        self.0.as_ref().is_some_and(|t| t.encrypts())
    }

    /// Whether what was read last is to be written again, since another method was used for it.
    pub fn is_migrating(&self) -> bool {
        self.0.as_ref().is_some_and(|t| t.migrating.load(Ordering::Relaxed))
    }

    /// Makes sure that there is a key, before anything is done that must be recorded.
    ///
    /// # Errors
    /// When there is none.
    pub fn prepare(&self, kind: Kind, name: &str) -> Result<()> {
        self.sealing(kind, name).map(drop)
    }

    /// The stored form of a text.
    ///
    /// # Errors
    /// When there is no key for it.
    pub fn seal(&self, kind: Kind, plain: &[u8], name: &str) -> Result<Vec<u8>> {
        let Some(Sealing { gcm, aad, meta }) = self.sealing(kind, name)? else { return Ok(plain.to_vec()) };
        let fail = |problem: String| cannot_seal(kind, name, problem);
        let data = gcm.seal(plain, aad).map_err(fail)?;
        Envelope::around(kind, plain, meta, data).and_then(|e| e.write()).map_err(fail)
    }

    /// The stored form of a state.
    ///
    /// # Errors
    /// When there is no key for it.
    pub fn seal_state(&self, text: &str, name: &str) -> Result<String> {
        let sealed = self.seal(Kind::State, text.as_bytes(), name)?;
        String::from_utf8(sealed).map_err(|e| cannot_seal(Kind::State, name, e.to_string()))
    }

    /// The text that a stored form stands for. `name` is what errors call it.
    ///
    /// # Errors
    /// When it is encrypted and no method opens it, or when it is not and must be.
    pub fn open<'a>(&self, kind: Kind, stored: &'a [u8], name: &str) -> Result<Cow<'a, [u8]>> {
        if stored.is_empty() {
            return Ok(Cow::Borrowed(stored));
        }
        let Some(envelope) = Envelope::read(stored) else {
            // Whoever reads a state that is not whole says so, in better words.
            if kind != Kind::State || envelope::is_document(stored) {
                self.accept_plain(kind, name)?;
            }
            return Ok(Cow::Borrowed(stored));
        };
        let Some(target) = &self.0 else { return Err(no_configuration(kind, name)) };
        let refuse = |problem: String| cannot_open(kind, name, problem);
        envelope.check_version().map_err(refuse)?;
        let mut causes = Vec::new();
        for (i, gcm, aad) in target.opening(&envelope.meta, &mut causes) {
            let Some(plain) = gcm.open(&envelope.data, aad) else {
                causes.push(target.misfit(i));
                continue;
            };
            envelope.check_inside(kind, &plain).map_err(refuse)?;
            target.migrating.store(i != 0, Ordering::Relaxed);
            return Ok(Cow::Owned(plain));
        }
        Err(refuse(causes.join("\n")))
    }

    /// The form that the backup of a stored state has: what was plain or under an old key goes under the new one.
    ///
    /// # Errors
    /// When there is no key for it.
    pub fn backup(&self, stored: Vec<u8>, name: &str) -> Result<Vec<u8>> {
        if !(self.encrypts() && self.is_migrating()) {
            return Ok(stored);
        }
        // What cannot be opened is being replaced by force; the backup keeps it as it is.
        let Ok(plain) = self.open(Kind::State, &stored, name) else { return Ok(stored) };
        self.seal(Kind::State, &plain, name)
    }

    /// Whether something plain may stand here; notes that it is to be encrypted.
    fn accept_plain(&self, kind: Kind, name: &str) -> Result<()> {
        let Some(target) = &self.0 else { return Ok(()) };
        if target.methods.iter().all(Method::encrypts) {
            let noun = kind.noun();
            return Err(Error::Crypt {
                summary: kind.cannot_open(),
                file: name.into(),
                problem: format!("The {noun} is not encrypted, and the configuration only allows one that is."),
                help: "To encrypt what is there, add a fallback to the target in the encryption block: fallback { method = method.unencrypted.NAME }. Remove it after the next apply.".into(),
            });
        }
        target.migrating.store(target.encrypts(), Ordering::Relaxed);
        Ok(())
    }

    /// What encrypts: `None` when nothing is to be encrypted.
    fn sealing(&self, kind: Kind, name: &str) -> Result<Option<Sealing<'_>>> {
        let Some(target) = &self.0 else { return Ok(None) };
        let (keys, aad) = match target.methods.first() {
            Some(Method::AesGcm { keys, aad }) => (keys, aad),
            Some(Method::Unencrypted) => return Ok(None),
            None => return Err(cannot_seal(kind, name, "There is no method to encrypt it with.".into())),
        };
        let mut meta = keys::Meta::new();
        let made = target.ring.encryption_key(*keys, &mut meta).and_then(|key| gcm::Gcm::new(&key));
        let gcm = made.map_err(|problem| cannot_seal(kind, name, problem))?;
        Ok(Some(Sealing { gcm, aad, meta }))
    }
}

impl Target {
    /// Whether what is written is encrypted. Where there is no method, nothing is written.
    fn encrypts(&self) -> bool {
        self.methods.first().is_none_or(Method::encrypts)
    }

    /// The methods that have a key for something with this metadata, with their place. Why others have none goes to `causes`.
    fn opening(&self, meta: &keys::Meta, causes: &mut Vec<String>) -> Vec<(usize, gcm::Gcm, &[u8])> {
        let mut found = Vec::new();
        for (i, method) in self.methods.iter().enumerate() {
            let Method::AesGcm { keys, aad } = method else { continue };
            match self.ring.decryption_key(*keys, meta).and_then(|key| gcm::Gcm::new(&key)) {
                Ok(gcm) => found.push((i, gcm, &aad[..])),
                Err(cause) => causes.push(cause),
            }
        }
        if found.is_empty() && causes.is_empty() {
            causes.push("It is encrypted, and the configuration names no method that decrypts.".into());
        }
        found
    }

    fn misfit(&self, method: usize) -> String {
        let Method::AesGcm { keys, .. } = &self.methods[method] else { return String::new() };
        format!(
            "The key of {} does not open it: it is not the key that it was encrypted with, or bytes of it were changed.",
            self.ring.address(*keys)
        )
    }
}

fn cannot_open(kind: Kind, name: &str, problem: String) -> Error {
    Error::Crypt {
        summary: kind.cannot_open(),
        file: name.into(),
        problem,
        help: "Nothing was written. Give the key that it was encrypted with, as the method of the target or in a fallback; if bytes were changed, restore an earlier version.".into(),
    }
}

fn cannot_seal(kind: Kind, name: &str, problem: String) -> Error {
    Error::Crypt {
        summary: kind.cannot_seal(),
        file: name.into(),
        problem,
        help: "Nothing was written. Check the key provider in the encryption block.".into(),
    }
}

fn no_configuration(kind: Kind, name: &str) -> Error {
    let noun = kind.noun();
    Error::Crypt {
        summary: kind.cannot_open(),
        file: name.into(),
        problem: format!("The {noun} is encrypted, and the configuration says nothing of encryption for it."),
        help: "Give the encryption block that it was written with, in terraform { encryption { ... } } or in TF_ENCRYPTION.".into(),
    }
}
