//! `time_sleep`: a pause after creation or before deletion.

use std::time::Duration;

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{Type, Value};
use secstack_sdk::Result;

use super::stamp::Stamp;
use super::{no_triggers, triggers};
use crate::framework::{text, with_all};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, computed, optional, schema};

/// `time_sleep`.
pub(super) struct TimeSleep;

#[async_trait]
impl Kind for TimeSleep {
    fn name(&self) -> &'static str {
        "time_sleep"
    }

    fn schema(&self) -> Schema {
        let durations = vec!["create_duration".into(), "destroy_duration".into()];
        let attributes = [
            optional("create_duration", Type::String, "How long creation takes, such as `30s` or `5m`.").check(check_duration),
            optional("destroy_duration", Type::String, "How long deletion takes, such as `30s` or `5m`.").check(check_duration),
            triggers(),
            computed("id", Type::String, "The time of creation."),
        ];
        Schema { at_least_one: vec![durations], ..schema("A pause after creation or before deletion.", attributes) }
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        sleep(planned, "create_duration").await?;
        Ok(planned.with("id", Stamp::now().into()))
    }

    async fn delete(&self, prior: &Value) -> Result<()> {
        sleep(prior, "destroy_duration").await
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let parts = given.split_once(',').filter(|(a, b)| !(b.contains(',') || a.is_empty() && b.is_empty()));
        let Some((create, destroy)) = parts else {
            return Err(fail(
                "Unexpected Format of ID",
                format!(
                    "Unexpected format of ID ({given:?}), expected CREATEDURATION,DESTROYDURATION where at least one value is non-empty"
                ),
            ));
        };
        let duration = |given: &str| match given {
            "" => Ok(Value::null(Type::String)),
            given => parse(given)
                .map(|_| given.into())
                .ok_or_else(|| fail("Import time sleep error", format!("The duration {given:?} cannot be parsed"))),
        };
        let found = [
            ("create_duration", duration(create)?),
            ("destroy_duration", duration(destroy)?),
            ("triggers", no_triggers()),
            ("id", Stamp::now().into()),
        ];
        Ok(with_all(&self.schema().block.empty_value(), found))
    }
}

async fn sleep(object: &Value, name: &str) -> Result<()> {
    let given = text(object, name);
    if !given.is_empty() {
        let duration = parse(given).ok_or_else(|| fail("Time sleep error", format!("The {name} cannot be parsed: {given:?}")))?;
        tokio::time::sleep(duration).await;
    }
    Ok(())
}

fn check_duration(v: &Value) -> Result<(), String> {
    match v.as_str() {
        Some(s) if parse(s).is_none() => Err(format!(
            "must be a number immediately followed by ms (milliseconds), s (seconds), m (minutes), or h (hours). For example, \"30s\" for 30 seconds. Got {s:?}."
        )),
        _ => Ok(()),
    }
}

/// A duration such as `1.5h`.
fn parse(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    if number.starts_with('.') || number.ends_with('.') {
        return None;
    }
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "5", "s", "-5s", "5 s", "5d", "1h5m", ".5s"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sleeps() {
        let found = TimeSleep.import("5m,1h").await.unwrap();
        let start = tokio::time::Instant::now();
        TimeSleep.create(&found).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(300));
        TimeSleep.delete(&found).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3900));
        assert!(TimeSleep.import(",").await.is_err() && TimeSleep.import("x,").await.is_err());
    }
}
