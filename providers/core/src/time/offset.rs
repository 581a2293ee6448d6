//! `time_offset`: a time so much after, or before, another.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::Result;

use super::stamp::Stamp;
use super::{SPELLED, check_time, no_triggers, number_or_null, numbers, parse, same_time, spelled, spelled_attributes, time_of, triggers};
use crate::framework::{mark_unknown, whole, with_all};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, chosen, computed, optional, schema};

/// `time_offset`.
pub(super) struct TimeOffset;

/// The arguments, in the order of an import's text.
const OFFSETS: [&str; 6] = ["offset_years", "offset_months", "offset_days", "offset_hours", "offset_minutes", "offset_seconds"];

#[async_trait]
impl Kind for TimeOffset {
    fn name(&self) -> &'static str {
        "time_offset"
    }

    fn schema(&self) -> Schema {
        let mut base = chosen("base_rfc3339", Type::String, "The time to count from. Unless set, that of creation.").check(check_time);
        base.same = Some(same_time);
        let offsets = OFFSETS.into_iter().map(|name| {
            let unit = name.trim_start_matches("offset_");
            optional(name, Type::Number, &format!("How many {unit} to add."))
        });
        let rest =
            [base, triggers(), computed("rfc3339", Type::String, "The time."), computed("id", Type::String, "The time counted from.")];
        let all = spelled_attributes().chain(offsets).chain(rest);
        Schema { at_least_one: vec![OFFSETS.map(Into::into).into()], ..schema("A time so much after another.", all) }
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        let block = self.schema().block;
        mark_unknown(draft, &block, &SPELLED);
        mark_unknown(draft, &block, &["base_rfc3339", "rfc3339", "id"]);
        let Some(prior) = &draft.prior else { return Diags::new() };
        let changed = |name: &&str| match (prior.get(name), draft.planned.get(name)) {
            (Some(old), Some(new)) => !old.same_unmarked(new),
            _ => false,
        };
        let known = |name: &&str| draft.planned.get(name).is_none_or(|v| !v.is_unknown());
        if !OFFSETS.iter().any(changed) || !OFFSETS.iter().all(known) {
            return Diags::new();
        }
        let unknown = draft.planned.get("base_rfc3339").is_none_or(Value::is_unknown);
        match time_of(if unknown { prior } else { &draft.planned }, "base_rfc3339") {
            Ok(Some(base)) => draft.planned = filled(&draft.planned, base),
            Ok(None) => {}
            Err(e) => return Diags(vec![Diagnostic::error("Invalid RFC3339 String Value", e.message)]),
        }
        Diags::new()
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        Ok(filled(planned, time_of(planned, "base_rfc3339")?.unwrap_or_else(Stamp::now)))
    }

    async fn update(&self, prior: &Value, planned: &Value) -> Result<Value> {
        let base = match time_of(planned, "base_rfc3339")? {
            Some(base) => Some(base),
            None => time_of(prior, "base_rfc3339")?,
        };
        Ok(filled(planned, base.unwrap_or_else(Stamp::now)))
    }

    async fn import(&self, text: &str) -> Result<Value> {
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() != 7 || parts[0].is_empty() || parts[1..].iter().all(|p| p.is_empty()) {
            return Err(fail(
                "Unexpected Format of ID",
                format!(
                    "Unexpected format of ID ({text:?}), expected BASETIMESTAMP,YEARS,MONTHS,DAYS,HOURS,MINUTES,SECONDS where at least one offset value is non-empty"
                ),
            ));
        }
        let numbers = numbers(&parts[1..], "Import time offset error")?;
        let given = OFFSETS.into_iter().zip(numbers.into_iter().map(number_or_null));
        let object = with_all(&self.schema().block.empty_value(), given.chain([("triggers", no_triggers())]));
        Ok(filled(&object, parse(parts[0], "the base")?))
    }
}

fn filled(object: &Value, base: Stamp) -> Value {
    let n = |name: &str| whole(object, name).unwrap_or(0);
    // The order of the steps matters where months differ in length.
    let time = base
        .add_date(0, 0, n("offset_days"))
        .add_seconds(n("offset_hours").saturating_mul(3600))
        .add_seconds(n("offset_minutes").saturating_mul(60))
        .add_date(0, n("offset_months"), 0)
        .add_seconds(n("offset_seconds"))
        .add_date(n("offset_years"), 0, 0);
    let given = object.get("base_rfc3339").filter(|v| v.as_str().is_some()).cloned().unwrap_or_else(|| base.into());
    with_all(&spelled(object, time), [("base_rfc3339", given), ("rfc3339", time.into()), ("id", base.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn adds_and_plans_the_sum() {
        let made = TimeOffset.import("2024-01-31T22:10:05+02:00,,1,,-30,,").await.unwrap();
        assert_eq!(made.get_str("rfc3339"), Some("2024-03-01T16:10:05+02:00"));
        assert_eq!((whole(&made, "unix"), whole(&made, "year")), (Some(1_709_302_205), Some(2024)));
        let planned = made.with("offset_months", 2i64.into());
        let config = TimeOffset.schema().block.empty_value();
        let mut draft = Draft { prior: Some(made.clone()), config, planned, replace: vec![] };
        TimeOffset.plan(&mut draft);
        assert_eq!(draft.planned.get_str("rfc3339"), Some("2024-03-30T16:10:05+02:00"));
        let updated = TimeOffset.update(&made, &draft.planned).await.unwrap();
        assert!(updated.same(&draft.planned));
        assert!(TimeOffset.import("2024-01-31T22:10:05Z,,,,,,").await.is_err());
    }
}
