//! The JSON document that holds something encrypted, as OpenTofu writes it.
//!
//! `meta` has what each key provider needs to find the key again, by the name of the provider. A state keeps its
//! lineage and serial readable, so that a service that stores it can tell versions apart; they are checked against
//! those inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::keys::Meta;

/// The version of the form.
const VERSION: &str = "v0";
const VERSION_NAME: &str = "\"encryption_version\"";

/// Something encrypted.
pub(super) struct Envelope {
    passed: Passed,
    pub(super) meta: Meta,
    pub(super) data: Vec<u8>,
    version: String,
}

/// What of a state stays readable.
#[derive(Clone, Debug, Default, Deserialize)]
struct Passed {
    serial: Option<u64>,
    lineage: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lineage: Option<String>,
    #[serde(default)]
    meta: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    encrypted_data: String,
    encryption_version: String,
}

impl Envelope {
    /// The document for the text `plain`, whose encrypted form is `data`.
    pub(super) fn around(kind: Kind, plain: &[u8], meta: Meta, data: Vec<u8>) -> Result<Self, String> {
        let passed = match kind {
            Kind::State => passed(plain)?,
            Kind::Plan | Kind::Journal => Passed::default(),
        };
        Ok(Self { passed, meta, data, version: VERSION.into() })
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        let file = File {
            serial: self.passed.serial,
            lineage: self.passed.lineage.clone(),
            meta: encode(&self.meta),
            encrypted_data: STANDARD.encode(&self.data),
            encryption_version: self.version.clone(),
        };
        serde_json::to_vec(&file).map_err(|e| e.to_string())
    }

    /// The document in a text. `None` when it is something else, so that it was not encrypted.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        // A large state that is not encrypted is not read twice.
        if !text.trim_start().starts_with('{') || !text.contains(VERSION_NAME) {
            return None;
        }
        let file: File = serde_json::from_str(text).ok().filter(|f: &File| !f.encryption_version.is_empty())?;
        // What does not decode was changed, which opening it will tell.
        let data = STANDARD.decode(&file.encrypted_data).unwrap_or_default();
        let passed = Passed { serial: file.serial, lineage: file.lineage };
        Some(Self { passed, meta: decode(&file.meta), data, version: file.encryption_version })
    }

    /// Whether it names a lineage or a serial, which only states have.
    pub(super) fn is_state(&self) -> bool {
        self.passed.serial.is_some() || self.passed.lineage.is_some()
    }

    pub(super) fn check_version(&self) -> Result<(), String> {
        if self.version == VERSION {
            return Ok(());
        }
        Err(format!("It has the encryption version {:?}; this version of secstack knows {VERSION:?}.", self.version))
    }

    /// Whether what stays readable is what was encrypted.
    pub(super) fn check_inside(&self, kind: Kind, plain: &[u8]) -> Result<(), String> {
        if kind != Kind::State {
            return Ok(());
        }
        let (outside, inside) = (&self.passed, passed(plain)?);
        if let (Some(outside), Some(inside)) = (outside.serial, inside.serial)
            && outside != inside
        {
            return Err(changed("serial", &outside.to_string(), &inside.to_string()));
        }
        match (outside.lineage.as_deref().unwrap_or_default(), inside.lineage.as_deref().unwrap_or_default()) {
            (outside, inside) if !outside.is_empty() && outside != inside => Err(changed("lineage", outside, inside)),
            _ => Ok(()),
        }
    }
}

fn changed(what: &str, outside: &str, inside: &str) -> String {
    format!("The {what} beside the encrypted data is {outside:?}, the one inside is {inside:?}: the file was changed after it was written.")
}

/// Whether a text is whole, whatever it says.
pub(super) fn is_document(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

fn passed(plain: &[u8]) -> Result<Passed, String> {
    serde_json::from_slice(plain).map_err(|e| format!("What is inside is not a state: {e}."))
}

/// Metadata as it stands in a document.
pub(super) fn encode(meta: &Meta) -> std::collections::BTreeMap<String, String> {
    meta.iter().map(|(name, text)| (name.clone(), STANDARD.encode(text))).collect()
}

/// Metadata from a document. What does not decode is left out, as if it were not there.
pub(super) fn decode(meta: &std::collections::BTreeMap<String, String>) -> Meta {
    meta.iter().filter_map(|(name, text)| Some((name.clone(), STANDARD.decode(text).ok()?))).collect()
}
