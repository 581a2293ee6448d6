//! `random_bytes`, `random_id` and `random_uuid`: random bytes in several notations.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use secstack_base::schema::Schema;
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use super::{keepers, random_bytes};
use crate::framework::{at_least, decimal, text, whole, with_all};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, computed, optional, required, schema};

pub(super) struct RandomBytes;

#[async_trait]
impl Kind for RandomBytes {
    fn name(&self) -> &'static str {
        "random_bytes"
    }

    fn schema(&self) -> Schema {
        let mut keepers = keepers();
        keepers.forces_new = secstack_base::schema::ForcesNew::Always;
        schema(
            "Random bytes that are a secret.",
            [
                keepers,
                required("length", Type::Number, "How many bytes.").forces_new(),
                computed("base64", Type::String, "The bytes in base64.").sensitive(),
                computed("hex", Type::String, "The bytes in hexadecimal digits.").sensitive(),
            ],
        )
    }

    fn validate(&self, config: &Value) -> Diags {
        let mut diags = Diags::new();
        at_least(config, "length", 1, &mut diags);
        diags
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        Ok(spell_bytes(planned, &random_bytes(count(planned, "length"))?))
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let bytes = BASE64_STANDARD.decode(given).map_err(|e| {
            fail("Import Random bytes Error", format!("There was an error during the parsing of the base64 string.\n\nOriginal Error: {e}"))
        })?;
        let empty = self.schema().block.empty_value().with("length", length(&bytes));
        Ok(spell_bytes(&empty, &bytes))
    }
}

fn spell_bytes(object: &Value, bytes: &[u8]) -> Value {
    with_all(object, [("base64", BASE64_STANDARD.encode(bytes).into()), ("hex", hex::encode(bytes).into())])
}

fn count(planned: &Value, name: &str) -> usize {
    whole(planned, name).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
}

fn length(bytes: &[u8]) -> Value {
    secstack_base::Number::from(bytes.len()).into()
}

pub(super) struct RandomId;

#[async_trait]
impl Kind for RandomId {
    fn name(&self) -> &'static str {
        "random_id"
    }

    fn schema(&self) -> Schema {
        schema(
            "Random bytes that identify something.",
            [
                keepers(),
                required("byte_length", Type::Number, "How many bytes.").forces_new(),
                optional("prefix", Type::String, "What the other notations begin with.").forces_new(),
                computed("b64_url", Type::String, "The bytes in base64 as used in URLs."),
                computed("b64_std", Type::String, "The bytes in base64."),
                computed("hex", Type::String, "The bytes in hexadecimal digits."),
                computed("dec", Type::String, "The bytes as a decimal number."),
                computed("id", Type::String, "The bytes in base64 as used in URLs, without prefix."),
            ],
        )
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        Ok(spell_id(planned, &random_bytes(count(planned, "byte_length"))?))
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let (prefix, id) = given.rsplit_once(',').map_or((None, given), |(p, id)| (Some(p), id));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(id).map_err(|e| {
            fail(
                "Import Random ID Error",
                format!("While attempting to import a random id there was a decoding error.\n\nOriginal Error: {e}"),
            )
        })?;
        let prefix = prefix.filter(|p| !p.is_empty()).map_or_else(|| Value::null(Type::String), Value::from);
        let empty = self.schema().block.empty_value();
        Ok(spell_id(&with_all(&empty, [("prefix", prefix), ("byte_length", length(&bytes))]), &bytes))
    }
}

fn spell_id(object: &Value, bytes: &[u8]) -> Value {
    let prefix = text(object, "prefix");
    let prefixed = |s: String| Value::from(format!("{prefix}{s}"));
    let url = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let spelled = [
        ("id", url.clone().into()),
        ("b64_url", prefixed(url)),
        ("b64_std", prefixed(BASE64_STANDARD.encode(bytes))),
        ("hex", prefixed(hex::encode(bytes))),
        ("dec", prefixed(decimal(bytes))),
    ];
    with_all(object, spelled)
}

pub(super) struct RandomUuid;

#[async_trait]
impl Kind for RandomUuid {
    fn name(&self) -> &'static str {
        "random_uuid"
    }

    fn schema(&self) -> Schema {
        schema("A random UUID.", [keepers(), computed("result", Type::String, "The UUID."), computed("id", Type::String, "The UUID.")])
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        // Like Terraform's: 16 random bytes, with no bits that say so.
        let uuid = grouped(&random_bytes(16)?);
        Ok(with_all(planned, [("result", uuid.clone().into()), ("id", uuid.into())]))
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let parts: Vec<usize> = given.split('-').map(str::len).collect();
        let bytes = hex::decode(given.replace('-', "")).ok().filter(|_| parts == [8, 4, 4, 4, 12]);
        let Some(bytes) = bytes else {
            return Err(fail(
                "Import Random UUID Error",
                format!("There was an error during the parsing of the UUID.\n\nOriginal Error: {given:?} is not a UUID"),
            ));
        };
        let uuid = grouped(&bytes);
        Ok(with_all(&self.schema().block.empty_value(), [("result", uuid.clone().into()), ("id", uuid.into())]))
    }
}

fn grouped(bytes: &[u8]) -> String {
    let digits = hex::encode(bytes);
    let at = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [at(0, 8), at(8, 12), at(12, 16), at(16, 20), at(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn notations_of_an_id() {
        let id = RandomId.import("p-,AQIDBA").await.unwrap();
        assert_eq!(id.get_str("hex"), Some("p-01020304"));
        assert_eq!(id.get_str("dec"), Some("p-16909060"));
        assert_eq!(id.get_str("b64_std"), Some("p-AQIDBA=="));
        assert_eq!(id.get_str("id"), Some("AQIDBA"));
        assert_eq!(decimal(&[0, 0]), "0");
        assert_eq!(decimal(&[255; 9]), "4722366482869645213695");
        let made = RandomId.create(&id).await.unwrap();
        assert_eq!(made.get_str("hex").map(str::len), Some(10));
        assert_ne!(made.get_str("hex"), id.get_str("hex"));
    }

    #[tokio::test]
    async fn imports() {
        let bytes = RandomBytes.import("AQI=").await.unwrap();
        assert_eq!((bytes.get_str("hex"), whole(&bytes, "length")), (Some("0102"), Some(2)));
        assert!(RandomBytes.import("?").await.is_err());
        let uuid = "6b3a55e0-261b-4ae6-a0e8-8f5a3a5e1e7f";
        assert_eq!(RandomUuid.import(uuid).await.unwrap().get_str("result"), Some(uuid));
        assert!(RandomUuid.import("6b3a").await.is_err());
    }

    #[test]
    fn at_least_one_byte() {
        let config = RandomBytes.schema().block.empty_value();
        assert!(RandomBytes.validate(&config.with("length", 0i64.into())).has_errors());
        assert!(!RandomBytes.validate(&config.with("length", 1i64.into())).has_errors());
    }
}
