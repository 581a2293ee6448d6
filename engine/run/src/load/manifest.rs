//! Which modules were fetched, and where they are: `.terraform/modules/modules.json`, in Terraform's format.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The modules of a configuration by the dotted names of their calls; the root has the empty name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, Entry>);

/// A module that was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// The dotted names of the calls.
    pub key: String,
    /// The source address, written out in full.
    pub source: String,
    /// The version that was chosen, for a module of a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The directory, relative to the root module.
    pub dir: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    modules: Vec<Entry>,
}

impl Manifest {
    /// Where the manifest stands in the data directory.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("modules").join("modules.json")
    }

    /// Reads the text of a manifest.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        Ok(Self(file.modules.into_iter().map(|m| (m.key.clone(), m)).collect()))
    }

    /// The text of the manifest.
    pub fn text(&self) -> String {
        let file = File { modules: self.0.values().cloned().collect() };
        serde_json::to_string(&file).unwrap_or_default()
    }

    /// Adds a module.
    pub fn insert(&mut self, entry: Entry) {
        self.0.insert(entry.key.clone(), entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_terraform_survives() {
        let text = r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"vpc","Source":"registry.terraform.io/terraform-aws-modules/vpc/aws","Version":"5.1.0","Dir":".terraform/modules/vpc"}]}"#;
        assert_eq!(Manifest::parse(text.as_bytes()).unwrap().text(), text);
    }
}
