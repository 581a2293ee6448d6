//! `time_static`: the time at which the object was created, or one that is given.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_sdk::Result;

use super::stamp::Stamp;
use super::{SPELLED, check_time, no_triggers, parse, same_time, spelled, spelled_attributes, time_of, triggers};
use crate::framework::{mark_unknown, with_all};
use crate::kind::Kind;
use crate::schema::{Describe, chosen, computed, schema};

/// `time_static`.
pub(super) struct TimeStatic;

#[async_trait]
impl Kind for TimeStatic {
    fn name(&self) -> &'static str {
        "time_static"
    }

    fn schema(&self) -> Schema {
        let mut time = chosen("rfc3339", Type::String, "The time. Unless set, that of creation.").forces_new().check(check_time);
        time.same = Some(same_time);
        let id = computed("id", Type::String, "The time.");
        schema("A time that does not change.", spelled_attributes().chain([triggers(), time, id]))
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        mark_unknown(draft, &self.schema().block, &SPELLED);
        mark_unknown(draft, &self.schema().block, &["rfc3339"]);
        if let (None, Ok(Some(time))) = (&draft.prior, time_of(&draft.planned, "rfc3339")) {
            let id = draft.planned.get("rfc3339").cloned().unwrap_or(Value::NULL);
            draft.planned = spelled(&draft.planned, time).with("id", id);
        }
        Diags::new()
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        Ok(filled(planned, time_of(planned, "rfc3339")?.unwrap_or_else(Stamp::now)))
    }

    async fn import(&self, text: &str) -> Result<Value> {
        let time = parse(text, "the ID")?;
        Ok(filled(&self.schema().block.empty_value().with("triggers", no_triggers()), time))
    }
}

fn filled(object: &Value, time: Stamp) -> Value {
    // The text stays as configured where there is one: it may have fractions of a second.
    let given = object.get("rfc3339").filter(|v| !v.is_null()).cloned().unwrap_or_else(|| time.into());
    with_all(&spelled(object, time), [("rfc3339", given.clone()), ("id", given)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::whole;

    #[tokio::test]
    async fn a_given_time_is_planned() {
        let empty = TimeStatic.schema().block.empty_value();
        let config = empty.with("rfc3339", "2024-01-31T22:10:05+02:00".into());
        let mut draft = Draft { prior: None, planned: config.clone(), config, replace: vec![] };
        TimeStatic.plan(&mut draft);
        let made = TimeStatic.create(&draft.planned).await.unwrap();
        assert!(made.same(&draft.planned));
        assert_eq!((whole(&made, "unix"), whole(&made, "hour")), (Some(1_706_731_805), Some(22)));
        assert!(TimeStatic.create(&empty).await.unwrap().get_str("id").unwrap().ends_with('Z'));
    }

    #[test]
    fn new_triggers_leave_the_time_unknown() {
        let prior = filled(&TimeStatic.schema().block.empty_value(), Stamp::now());
        let planned = prior.with("triggers", no_triggers());
        let mut draft = Draft { prior: Some(prior), config: TimeStatic.schema().block.empty_value(), planned, replace: vec![] };
        TimeStatic.plan(&mut draft);
        assert!(draft.planned.get("rfc3339").unwrap().is_unknown());
    }
}
