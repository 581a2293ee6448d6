//! `local_file` and `local_sensitive_file`: a file with given content.
//!
//! A file with other content than the state says counts as gone, so that it is written again.

use std::io::ErrorKind;
use std::path::Path;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secstack_base::schema::{Attribute, Draft, Schema};
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::{Error, Result};

use super::{checksum_attributes, sha1, with_checksums};
use crate::framework::{mark_unknown, text};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, chosen, optional, required, schema};

/// One of the two types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LocalFile {
    Plain,
    Sensitive,
}

const PERMISSIONS: [&str; 2] = ["file_permission", "directory_permission"];

impl LocalFile {
    fn failed(self, action: &str, what: &str, e: impl std::fmt::Display) -> Error {
        let kind = if self == Self::Plain { "local file" } else { "local sensitive file" };
        fail(&format!("{action} {kind} error"), format!("An unexpected error occurred while {what}\n\nOriginal Error: {e}"))
    }

    /// The arguments of which exactly one gives the content.
    fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["content", "sensitive_content", "content_base64", "source"],
            Self::Sensitive => &["content", "content_base64", "source"],
        }
    }

    async fn content(self, planned: &Value) -> Result<Vec<u8>> {
        let parse = |e: &dyn std::fmt::Display| self.failed("Create", "parsing local file content", e);
        if let Some(content) = planned.get_str("sensitive_content") {
            return Ok(content.into());
        }
        if let Some(encoded) = planned.get_str("content_base64") {
            return BASE64_STANDARD.decode(encoded).map_err(|e| parse(&e));
        }
        if let Some(path) = planned.get_str("source") {
            return tokio::fs::read(path).await.map_err(|e| parse(&format!("open {path}: {e}")));
        }
        Ok(text(planned, "content").into())
    }

    async fn write(self, planned: &Value, content: &[u8]) -> Result<()> {
        let path = Path::new(text(planned, "filename"));
        let dir = path.parent().filter(|d| !d.as_os_str().is_empty());
        if let Some(dir) = dir
            && tokio::fs::metadata(dir).await.is_err()
        {
            let mut builder = tokio::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            builder.mode(mode(planned, "directory_permission"));
            builder.create(dir).await.map_err(|e| self.failed("Create", "creating file directory", e))?;
        }
        let failed = |e| self.failed("Create", "writing the file", format!("open {}: {e}", path.display()));
        let mut options = tokio::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        options.mode(mode(planned, "file_permission"));
        let mut file = options.open(path).await.map_err(failed)?;
        tokio::io::AsyncWriteExt::write_all(&mut file, content).await.map_err(failed)?;
        tokio::io::AsyncWriteExt::flush(&mut file).await.map_err(failed)
    }
}

#[async_trait]
impl Kind for LocalFile {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain => "local_file",
            Self::Sensitive => "local_sensitive_file",
        }
    }

    fn schema(&self) -> Schema {
        let default = if *self == Self::Plain { "0777" } else { "0700" };
        let source = |name: &&str| {
            let about = match *name {
                "source" => "The path of the file to copy.",
                "content_base64" => "The content in base64.",
                _ => "The content.",
            };
            let mut a: Attribute = optional(name, Type::String, about).forces_new();
            a.sensitive = *name == "sensitive_content" || *self == Self::Sensitive && *name != "source";
            if *name == "sensitive_content" { a.deprecated("Use the `local_sensitive_file` resource instead") } else { a }
        };
        let permission = |name: &str, about: &str| chosen(name, Type::String, about).default(default).forces_new();
        let rest = [
            required("filename", Type::String, "The path of the file. Missing directories are made.").forces_new(),
            permission("file_permission", "The permissions of the file, less the umask."),
            permission("directory_permission", "The permissions of directories that are made, less the umask."),
        ];
        let sources: Vec<_> = self.sources().iter().map(source).collect();
        let all = sources.into_iter().chain(rest).chain(checksum_attributes());
        Schema { exactly_one: vec![self.sources().iter().map(|n| (*n).into()).collect()], ..schema("A file.", all) }
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        let block = self.schema().block;
        let computed: Vec<&str> = block.attributes.iter().filter(|a| !a.presence.is_configurable()).map(|a| &*a.name).collect();
        mark_unknown(draft, &block, &computed);
        Diags::new()
    }

    fn validate(&self, config: &Value) -> Diags {
        let wrong = PERMISSIONS.iter().filter_map(|name| permission_error(config.get_str(name)?));
        Diags(wrong.map(|e| Diagnostic::error("Invalid File Permission String Value", e)).collect())
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let content = self.content(planned).await?;
        self.write(planned, &content).await?;
        Ok(with_checksums(planned, &content))
    }

    async fn read(&self, prior: &Value) -> Result<Option<Value>> {
        match tokio::fs::read(text(prior, "filename")).await {
            Ok(content) => Ok((sha1(&content) == text(prior, "id")).then(|| prior.clone())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.failed("Read", "reading the file", e)),
        }
    }

    async fn delete(&self, prior: &Value) -> Result<()> {
        match tokio::fs::remove_file(text(prior, "filename")).await {
            Err(e) if e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::NotADirectory => {
                Err(self.failed("Delete", "removing the file", e))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn mode(planned: &Value, name: &str) -> u32 {
    u32::from_str_radix(text(planned, name), 8).unwrap_or(0)
}

fn permission_error(given: &str) -> Option<String> {
    if !(3..=4).contains(&given.len()) {
        return Some(format!("bad mode permission: string length should be 3 or 4 digits: {given}"));
    }
    let ok = given.bytes().all(|b| b.is_ascii_digit()) && u32::from_str_radix(given, 8).is_ok_and(|m| m <= 0o777);
    (!ok).then(|| format!("bad mode permission: string must be expressed in octal numeric notation: {given}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::with_all;

    #[tokio::test]
    async fn life_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/f");
        let set = [
            ("filename", path.to_str().unwrap().into()),
            ("content", "hi".into()),
            ("file_permission", "0640".into()),
            ("directory_permission", "0755".into()),
        ];
        let planned = with_all(&LocalFile::Plain.schema().block.empty_value(), set);
        let made = LocalFile::Plain.create(&planned).await.unwrap();
        assert_eq!(made.get_str("id"), Some("c22b5f9178342609428d6f51b2c5af4c0bde6a42"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hi");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o700, 0o600);
        }
        assert!(LocalFile::Plain.read(&made).await.unwrap().is_some());
        std::fs::write(&path, "other").unwrap();
        assert!(LocalFile::Plain.read(&made).await.unwrap().is_none());
        LocalFile::Plain.delete(&made).await.unwrap();
        LocalFile::Plain.delete(&made).await.unwrap();
        assert!(!path.exists() && LocalFile::Plain.read(&made).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn sources_of_content() {
        let empty = LocalFile::Sensitive.schema().block.empty_value();
        let content = LocalFile::Sensitive.content(&empty.with("content_base64", "aGk=".into())).await.unwrap();
        assert_eq!(content, b"hi");
        assert!(LocalFile::Sensitive.content(&empty.with("content_base64", "?".into())).await.is_err());
        assert!(LocalFile::Sensitive.content(&empty.with("source", "/nonexistent".into())).await.is_err());
    }

    #[test]
    fn permissions() {
        for (given, ok) in [("0644", true), ("777", true), ("0888", false), ("7", false), ("+644", false), ("1777", false)] {
            assert_eq!(permission_error(given).is_none(), ok, "{given}");
        }
    }
}
