//! The data sources `local_file` and `local_sensitive_file`: the content of a file.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secstack_base::schema::Schema;
use secstack_base::{Type, Value};
use secstack_sdk::Result;

use super::{checksum_attributes, with_checksums};
use crate::framework::{text, with_all};
use crate::kind::{DataKind, fail};
use crate::schema::{computed, required, schema};

/// One of the two data sources.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FileData {
    Plain,
    Sensitive,
}

#[async_trait]
impl DataKind for FileData {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain => "local_file",
            Self::Sensitive => "local_sensitive_file",
        }
    }

    fn schema(&self) -> Schema {
        let content = [
            computed("content", Type::String, "The content; what is not UTF-8 is replaced."),
            computed("content_base64", Type::String, "The content in base64."),
        ];
        let content = content.map(|mut a| {
            a.sensitive = *self == Self::Sensitive;
            a
        });
        let path = required("filename", Type::String, "The path of the file.");
        schema("The content of a file.", [path].into_iter().chain(content).chain(checksum_attributes()))
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        let path = text(config, "filename");
        let content = tokio::fs::read(path).await.map_err(|e| {
            let what = format!("The file at given path cannot be read.\n\nOriginal Error: open {path}: {e}");
            fail("Read local file data source error", what)
        })?;
        let read = [
            ("content", String::from_utf8_lossy(&content).into_owned().into()),
            ("content_base64", BASE64_STANDARD.encode(&content).into()),
        ];
        Ok(with_all(&with_checksums(config, &content), read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let config = FileData::Plain.schema().block.empty_value().with("filename", path.to_str().unwrap().into());
        assert!(FileData::Plain.read(&Value::NULL, &config).await.is_err());
        std::fs::write(&path, "hi").unwrap();
        let read = FileData::Plain.read(&Value::NULL, &config).await.unwrap();
        assert_eq!((read.get_str("content"), read.get_str("content_base64")), (Some("hi"), Some("aGk=")));
        assert_eq!(read.get_str("content_md5"), Some("49f68a5c8493ec2c0bf489821c21fc3b"));
    }
}
