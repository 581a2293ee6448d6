//! Records of a journal, each sealed for itself: the journal grows while the run goes on.
//!
//! A record is bound to its place: to the state that the journal extends and to its number. So records cannot be
//! exchanged with others of the same key.
//!
//! Where nothing is encrypted, records with values are sealed all the same, with a key of the journal's own that stands in
//! its first line. That keeps secrets from whoever comes across records, in a log or in what is left of a journal
//! whose beginning was removed. Whoever has the whole journal can read it, as the state beside it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::gcm::Gcm;
use super::{Cipher, Kind, cannot_open, cannot_seal, envelope, no_configuration};
use crate::error::Result;
use crate::model::Version;

/// The length of a journal's own key, in bytes.
const OWN_KEY: usize = 32;
/// The member of the metadata that holds it.
const OWN: &str = "key";

/// Which records of a journal are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// All.
    All,
    /// Those with values.
    Values,
}

/// Seals the records of one journal.
#[derive(Clone)]
pub(crate) struct Sealer {
    gcm: Arc<Gcm>,
    bound: Vec<u8>,
    meta: BTreeMap<String, String>,
    sealed: Sealed,
}

/// Opens the records of one journal.
pub(crate) struct Opener<'a> {
    /// Keys with what is authenticated besides, and the method that each belongs to.
    keys: Vec<(Option<usize>, Gcm, Vec<u8>)>,
    cipher: &'a Cipher,
    name: &'a str,
    causes: Vec<String>,
}

impl Cipher {
    /// What seals the records of a journal that extends `base`.
    pub(crate) fn sealer(&self, base: &Version) -> Result<Sealer> {
        const NAME: &str = "the journal";
        if let Some(s) = self.sealing(Kind::Journal, NAME)? {
            let meta = envelope::encode(&s.meta);
            return Ok(Sealer { gcm: Arc::new(s.gcm), bound: bound(s.aad, base), meta, sealed: Sealed::All });
        }
        let mut key = [0; OWN_KEY];
        let random = getrandom::fill(&mut key).map_err(|e| format!("The system gives no random bytes: {e}."));
        let gcm = random.and_then(|()| Gcm::new(&key)).map_err(|problem| cannot_seal(Kind::Journal, NAME, problem))?;
        let meta = [(OWN.to_string(), STANDARD.encode(key))].into();
        Ok(Sealer { gcm: Arc::new(gcm), bound: bound(b"", base), meta, sealed: Sealed::Values })
    }

    /// What opens the sealed records of a journal that extends `base` and has a key of its own in its first line.
    pub(crate) fn own_opener<'a>(&'a self, base: &Version, meta: &BTreeMap<String, String>, name: &'a str) -> Result<Opener<'a>> {
        let key = meta.get(OWN).and_then(|k| STANDARD.decode(k).ok()).unwrap_or_default();
        let gcm = Gcm::new(&key).map_err(|problem| cannot_open(Kind::Journal, name, problem))?;
        Ok(Opener { keys: vec![(None, gcm, bound(b"", base))], cipher: self, name, causes: Vec::new() })
    }

    /// What opens the records of a journal that extends `base` and whose first line has this metadata.
    pub(crate) fn opener<'a>(&'a self, base: &Version, meta: &BTreeMap<String, String>, name: &'a str) -> Result<Opener<'a>> {
        let Some(target) = &self.0 else { return Err(no_configuration(Kind::Journal, name)) };
        let mut causes = Vec::new();
        let meta = envelope::decode(meta);
        let keys: Vec<_> = target.opening(&meta, &mut causes).into_iter().map(|(i, gcm, aad)| (Some(i), gcm, bound(aad, base))).collect();
        if keys.is_empty() {
            return Err(cannot_open(Kind::Journal, name, causes.join("\n")));
        }
        Ok(Opener { keys, cipher: self, name, causes })
    }

    /// Fails if a journal that is not encrypted must be.
    pub(crate) fn accept_plain_journal(&self, name: &str) -> Result<()> {
        // Whether there is something to migrate is told by the state.
        let before = self.is_migrating();
        self.accept_plain(Kind::Journal, name)?;
        if let (Some(target), true) = (&self.0, before) {
            target.migrating.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Sealer {
    /// Which records it is to seal.
    pub(crate) fn sealed(&self) -> Sealed {
        self.sealed
    }

    /// What the first line says of the keys.
    pub(crate) fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }

    /// The JSON text that stands for a record.
    pub(crate) fn seal(&self, seq: u64, record: &str) -> Result<String> {
        let sealed = self.gcm.seal(record.as_bytes(), &numbered(&self.bound, seq));
        let sealed = sealed.map_err(|problem| cannot_seal(Kind::Journal, "the journal", problem))?;
        Ok(format!("\"{}\"", STANDARD.encode(sealed)))
    }
}

impl Opener<'_> {
    /// The record that a JSON text stands for.
    pub(crate) fn open(&self, seq: u64, text: &str) -> Result<String> {
        let sealed = serde_json::from_str::<&str>(text).ok().and_then(|t| STANDARD.decode(t).ok()).unwrap_or_default();
        let found = self.keys.iter().find_map(|(_, gcm, bound)| gcm.open(&sealed, &numbered(bound, seq)));
        if let Some(text) = found.and_then(|t| String::from_utf8(t).ok()) {
            return Ok(text);
        }
        let mut causes = self.causes.clone();
        if let Some(target) = &self.cipher.0 {
            causes.extend(self.keys.iter().filter_map(|(i, ..)| i.map(|i| target.misfit(i))));
        }
        Err(cannot_open(Kind::Journal, self.name, causes.join("\n")))
    }
}

fn bound(aad: &[u8], base: &Version) -> Vec<u8> {
    [aad, b"\0journal\0", base.lineage.as_bytes(), &base.serial.to_be_bytes()].concat()
}

fn numbered(bound: &[u8], seq: u64) -> Vec<u8> {
    [bound, &seq.to_be_bytes()].concat()
}
