//! `terraform_data`: a value that lives in the state and nowhere else.
//!
//! Its plan is not what the schema alone gives: the output follows the input, so it is unknown whenever the input
//! changes, and has the type of the input even then.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use crate::kind::Kind;
use crate::schema::{Describe, computed, optional, schema};

/// `terraform_data`.
pub(crate) struct TerraformData;

#[async_trait]
impl Kind for TerraformData {
    fn name(&self) -> &'static str {
        "terraform_data"
    }

    fn schema(&self) -> Schema {
        schema(
            "Keeps a value in the state.",
            [
                optional("input", Type::Dynamic, "The value to keep."),
                computed("output", Type::Dynamic, "The value kept: that of `input`, known after apply."),
                optional("triggers_replace", Type::Dynamic, "A value whose change replaces the object.").forces_new(),
                computed("id", Type::String, "A unique ID of the object."),
            ],
        )
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        let get = |v: &Value, name: &str| v.get(name).cloned().unwrap_or(Value::NULL);
        let input = get(&draft.planned, "input");
        let same = |prior: &Value, name: &str| get(prior, name).same_unmarked(&get(&draft.planned, name));
        let output = match &draft.prior {
            Some(prior) if same(prior, "triggers_replace") => {
                if !same(prior, "input") {
                    draft.planned = draft.planned.with("output", Value::unknown(input.ty()));
                }
                return Diags::new();
            }
            _ if input.is_null() => input,
            _ => Value::unknown(input.ty()),
        };
        draft.planned = draft.planned.with("id", Value::unknown_not_null(Type::String)).with("output", output);
        Diags::new()
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let id = uuid::Uuid::new_v4().to_string();
        Ok(follow(planned).with("id", id.into()))
    }

    async fn update(&self, prior: &Value, planned: &Value) -> Result<Value> {
        match (prior.get("input"), planned.get("input")) {
            (Some(old), Some(new)) if old.same_unmarked(new) => Ok(planned.clone()),
            _ => Ok(follow(planned)),
        }
    }

    async fn import(&self, text: &str) -> Result<Value> {
        Ok(self.schema().block.empty_value().with("id", text.into()))
    }
}

fn follow(planned: &Value) -> Value {
    let input = planned.get("input").cloned().unwrap_or(Value::NULL);
    planned.with("output", input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(id: Option<&str>, input: Value, output: Value, trigger: Value) -> Value {
        let id = id.map_or_else(|| Value::unknown(Type::String), Value::from);
        Value::object([("id", id), ("input", input), ("output", output), ("triggers_replace", trigger)])
    }

    fn plan(prior: Option<Value>, planned: Value) -> Value {
        let mut draft = Draft { prior, config: Value::NULL, planned, replace: Vec::new() };
        assert!(TerraformData.plan(&mut draft).is_empty());
        draft.planned
    }

    #[test]
    fn create_knows_neither_id_nor_output() {
        let made = plan(None, object(None, "x".into(), Value::unknown(Type::Dynamic), Value::NULL));
        assert!(made.get("output").unwrap().same(&Value::unknown(Type::String)));
        assert!(made.get("id").unwrap().is_unknown());
        let empty = plan(None, object(None, Value::NULL, Value::unknown(Type::Dynamic), Value::NULL));
        assert!(empty.get("output").unwrap().is_null());
    }

    #[test]
    fn update_keeps_the_id() {
        let prior = object(Some("i"), "x".into(), "x".into(), Value::NULL);
        let same = plan(Some(prior.clone()), prior.clone());
        assert!(same.same(&prior));
        let changed = plan(Some(prior.clone()), object(Some("i"), 1i64.into(), "x".into(), Value::NULL));
        assert_eq!(changed.get_str("id"), Some("i"));
        assert!(changed.get("output").unwrap().same(&Value::unknown(Type::Number)));
        let pending = plan(Some(prior), object(Some("i"), Value::unknown(Type::Dynamic), "x".into(), Value::NULL));
        assert!(pending.get("output").unwrap().is_unknown());
    }

    #[test]
    fn a_trigger_makes_a_new_object() {
        let prior = object(Some("i"), "x".into(), "x".into(), Value::NULL);
        let planned = plan(Some(prior), object(Some("i"), "x".into(), "x".into(), "t".into()));
        assert!(planned.get("id").unwrap().is_unknown() && planned.get("output").unwrap().is_unknown());
    }

    #[tokio::test]
    async fn output_follows_input() {
        let planned = object(None, "x".into(), Value::NULL, Value::NULL);
        let made = TerraformData.create(&planned).await.unwrap();
        assert_eq!((made.get_str("output"), made.get_str("id").map(str::len)), (Some("x"), Some(36)));
        let changed = TerraformData.update(&made, &made.with("input", "y".into())).await.unwrap();
        assert_eq!(changed.get_str("output"), Some("y"));
        assert_eq!(TerraformData.import("a").await.unwrap().get_str("id"), Some("a"));
    }
}
