//! `time_rotating`: a time that is replaced once it lies far enough in the past.

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diagnostic, Diags, Type, Value};
use secstack_sdk::{Error, Result};

use super::stamp::Stamp;
use super::{SPELLED, check_time, no_triggers, number_or_null, numbers, parse, same_time, spelled, spelled_attributes, time_of, triggers};
use crate::framework::{at_least, mark_unknown, whole, with_all};
use crate::kind::{Kind, fail, in_state_only};
use crate::schema::{Describe, chosen, computed, optional, schema};

/// `time_rotating`.
pub(super) struct TimeRotating;

/// The arguments that count, in the order of an import's text.
const ROTATIONS: [&str; 5] = ["rotation_years", "rotation_months", "rotation_days", "rotation_hours", "rotation_minutes"];

#[async_trait]
impl Kind for TimeRotating {
    fn name(&self) -> &'static str {
        "time_rotating"
    }

    fn schema(&self) -> Schema {
        let time = |name: &str, about: &str| {
            let mut a = chosen(name, Type::String, about).check(check_time);
            a.same = Some(same_time);
            a
        };
        let rotations = ROTATIONS.into_iter().map(|name| {
            let unit = name.trim_start_matches("rotation_");
            optional(name, Type::Number, &format!("After how many {unit} the object is replaced."))
        });
        let rest = [
            triggers(),
            time("rfc3339", "The time to count from. Unless set, that of creation.").forces_new(),
            time("rotation_rfc3339", "The time after which the object is replaced.").forces_new_if(is_over),
            computed("id", Type::String, "The time counted from."),
        ];
        let mut one: Vec<_> = ROTATIONS.map(Into::into).into();
        one.push("rotation_rfc3339".into());
        let all = spelled_attributes().chain(rotations).chain(rest);
        Schema { at_least_one: vec![one], ..schema("A time that is replaced when it is old.", all) }
    }

    /// An object whose time is over counts as gone.
    fn is_remote(&self) -> bool {
        true
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        let block = self.schema().block;
        mark_unknown(draft, &block, &SPELLED);
        mark_unknown(draft, &block, &["rotation_rfc3339", "id"]);
        let Some(prior) = &draft.prior else { return Diags::new() };
        let same = |name: &str| match (prior.get(name), draft.planned.get(name)) {
            (Some(old), Some(new)) => old.same_unmarked(new),
            _ => true,
        };
        if !same("triggers") {
            mark_unknown(draft, &block, &["rfc3339"]);
            return Diags::new();
        }
        let unknown = |name: &&str| draft.planned.get(name).is_some_and(Value::is_unknown);
        if prior.same_unmarked(&draft.planned) || ROTATIONS.iter().any(unknown) {
            return Diags::new();
        }
        let planned = time_of(&draft.planned, "rfc3339")
            .and_then(|t| filled(&draft.planned, t.map_or_else(|| time_of(prior, "rfc3339"), |t| Ok(Some(t)))?));
        match planned {
            Ok(planned) => draft.planned = planned,
            Err(e) => return Diags(vec![Diagnostic::error("Invalid RFC3339 String Value", e.message)]),
        }
        Diags::new()
    }

    fn validate(&self, config: &Value) -> Diags {
        let mut diags = Diags::new();
        ROTATIONS.iter().for_each(|name| at_least(config, name, 1, &mut diags));
        diags
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        filled(planned, Some(time_of(planned, "rfc3339")?.unwrap_or_else(Stamp::now)))
    }

    async fn read(&self, prior: &Value) -> Result<Option<Value>> {
        let over = prior.get("rotation_rfc3339").is_some_and(|v| is_over(v, v));
        Ok((!over).then(|| prior.clone()))
    }

    async fn update(&self, prior: &Value, planned: &Value) -> Result<Value> {
        let base = match time_of(planned, "id")? {
            Some(base) => Some(base),
            None => time_of(prior, "id")?,
        };
        filled(planned, base)
    }

    async fn delete(&self, _prior: &Value) -> Result<()> {
        Err(in_state_only())
    }

    async fn import(&self, text: &str) -> Result<Value> {
        let parts: Vec<&str> = text.split(',').collect();
        let object = self.schema().block.empty_value().with("triggers", no_triggers());
        match parts[..] {
            [base, rotation] if !base.is_empty() && !rotation.is_empty() => {
                let rotation = parse(rotation, "the rotation")?;
                filled(&object.with("rotation_rfc3339", rotation.into()), Some(parse(base, "the base")?))
            }
            [base, ref rest @ ..] if rest.len() == 5 && !base.is_empty() && rest.iter().any(|p| !p.is_empty()) => {
                let numbers = numbers(rest, "Import time rotating error")?;
                let given = ROTATIONS.into_iter().zip(numbers.into_iter().map(number_or_null));
                filled(&with_all(&object, given), Some(parse(base, "the base")?))
            }
            _ => Err(fail(
                "Unexpected Format of ID",
                format!(
                    "Unexpected format of ID ({text:?}), expected BASETIMESTAMP,YEARS,MONTHS,DAYS,HOURS,MINUTES or BASETIMESTAMP,ROTATIONTIMESTAMP"
                ),
            )),
        }
    }
}

/// Whether the time after which an object is replaced has passed.
fn is_over(rotation: &Value, _: &Value) -> bool {
    rotation.as_str().and_then(Stamp::parse).is_some_and(|t| Stamp::now().unix() > t.unix())
}

/// Fills in what follows from the base. Of several arguments the last of the list counts, as in Terraform.
fn filled(object: &Value, base: Option<Stamp>) -> Result<Value> {
    let base = base.ok_or_else(|| Error::other("the base time is not known"))?;
    let n = |name: &str| whole(object, name).filter(|n| *n != 0);
    let mut time = None;
    time = n("rotation_days").map(|n| base.add_date(0, 0, n)).or(time);
    time = n("rotation_hours").map(|n| base.add_seconds(n.saturating_mul(3600))).or(time);
    time = n("rotation_minutes").map(|n| base.add_seconds(n.saturating_mul(60))).or(time);
    time = n("rotation_months").map(|n| base.add_date(0, n, 0)).or(time);
    time = time_of(object, "rotation_rfc3339")?.or(time);
    time = n("rotation_years").map(|n| base.add_date(n, 0, 0)).or(time);
    let time = time.ok_or_else(|| Error::other("no rotation is set"))?;
    let given = object.get("rfc3339").filter(|v| v.as_str().is_some()).cloned().unwrap_or_else(|| base.into());
    let rotation = Value::from(time);
    let rotation = object.get("rotation_rfc3339").filter(|v| same_time(v, &rotation)).cloned().unwrap_or(rotation);
    let values = [("rfc3339", given), ("rotation_rfc3339", rotation), ("id", base.into())];
    Ok(with_all(&spelled(object, time), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rotates() {
        let made = TimeRotating.import("2024-02-29T22:10:05Z,30,,3,,").await.unwrap();
        assert_eq!(made.get_str("rotation_rfc3339"), Some("2054-03-01T22:10:05Z"));
        assert_eq!((whole(&made, "unix"), whole(&made, "day")), (Some(2_656_015_805), Some(1)));
        assert!(TimeRotating.read(&made).await.unwrap().is_some());
        let old = TimeRotating.import("2020-01-01T00:00:00Z,2020-01-02T00:00:00Z").await.unwrap();
        assert!(TimeRotating.read(&old).await.unwrap().is_none());
        assert!(TimeRotating.import("2020-01-01T00:00:00Z").await.is_err());
    }

    #[tokio::test]
    async fn another_rotation_is_planned() {
        let made = TimeRotating.import("2090-02-28T22:10:05Z,,,3,,").await.unwrap();
        let config = TimeRotating.schema().block.empty_value().with("rotation_days", 4i64.into());
        let planned = made.with("rotation_days", 4i64.into());
        let mut draft = Draft { prior: Some(made.clone()), config, planned, replace: vec![] };
        TimeRotating.plan(&mut draft);
        assert_eq!(draft.planned.get_str("rotation_rfc3339"), Some("2090-03-04T22:10:05Z"));
        assert!(TimeRotating.update(&made, &draft.planned).await.unwrap().same(&draft.planned));
    }
}
