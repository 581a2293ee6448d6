//! `hashicorp/null`: objects that are nothing.

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{ProviderAddr, Type, Value};
use secstack_sdk::Result;

use crate::framework::{map_forces_new, with_all};
use crate::kind::{DataKind, Kind, Native, Parts};
use crate::random::random_u64;
use crate::schema::{Describe, chosen, computed, optional, schema};

/// The provider.
pub(crate) fn provider() -> Native {
    let parts =
        Parts { versions: vec!["3.2.4"], resources: vec![Box::new(NullResource)], data: vec![Box::new(NullData)], ..Parts::default() };
    Native::new(ProviderAddr::hashicorp("null"), parts)
}

/// A positive number of 63 random bits, in decimal.
fn random_text() -> Result<Value> {
    random_u64().map(|n| Value::from((n >> 1).to_string()))
}

struct NullResource;

#[async_trait]
impl Kind for NullResource {
    fn name(&self) -> &'static str {
        "null_resource"
    }

    fn schema(&self) -> Schema {
        schema(
            "An object that is nothing, for the provisioners it carries.",
            [
                optional("triggers", Type::map(Type::String), "Values whose change replaces the object.").forces_new_if(map_forces_new),
                computed("id", Type::String, "A random number."),
            ],
        )
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        Ok(planned.with("id", random_text()?))
    }
}

struct NullData;

#[async_trait]
impl DataKind for NullData {
    fn name(&self) -> &'static str {
        "null_data_source"
    }

    fn schema(&self) -> Schema {
        let why = "The null_data_source was historically used to construct intermediate values to re-use elsewhere in configuration, the same can now be achieved using locals or the terraform_data resource type in Terraform 1.4 and later.";
        let old = "This attribute is only present for some legacy compatibility issues and should not be used. It will be removed in a future version.";
        let mut schema = schema(
            "Copies its input.",
            [
                optional("inputs", Type::map(Type::String), "What is copied."),
                computed("outputs", Type::map(Type::String), "A copy of `inputs`."),
                computed("random", Type::String, "A random number."),
                chosen("has_computed_default", Type::String, "A value that is `default` unless it is set."),
                computed("id", Type::String, "Always `static`.").deprecated(old),
            ],
        );
        schema.block.deprecated = Some(why.into());
        schema
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        let copy = |name: &str| config.get(name).cloned().unwrap_or(Value::NULL);
        let default = copy("has_computed_default");
        let default = if default.is_null() { "default".into() } else { default };
        let read = [("outputs", copy("inputs")), ("random", random_text()?), ("has_computed_default", default), ("id", "static".into())];
        Ok(with_all(config, read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn random_ids() {
        let empty = NullResource.schema().block.empty_value();
        let made = NullResource.create(&empty).await.unwrap();
        assert!(made.get_str("id").unwrap().parse::<i64>().is_ok());
        let empty = NullData.schema().block.empty_value();
        let read = NullData.read(&Value::NULL, &empty).await.unwrap();
        assert_eq!((read.get_str("has_computed_default"), read.get_str("id")), (Some("default"), Some("static")));
    }
}
