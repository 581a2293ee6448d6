//! `hashicorp/time`: times that stay as they are in the state, and waiting.

mod fixed;
mod offset;
mod rotating;
mod sleep;
pub(crate) mod stamp;

use secstack_base::schema::Attribute;
use secstack_base::{ProviderAddr, Type, Value};
use secstack_sdk::Result;

use crate::kind::{Native, Parts, fail};
use crate::schema::{Describe, computed, optional};
use stamp::Stamp;

/// The provider.
pub(crate) fn provider() -> Native {
    let parts = Parts {
        versions: vec!["0.13.1", "0.13.0", "0.12.1"],
        resources: vec![
            Box::new(offset::TimeOffset),
            Box::new(rotating::TimeRotating),
            Box::new(sleep::TimeSleep),
            Box::new(fixed::TimeStatic),
        ],
        ..Parts::default()
    };
    Native::new(ProviderAddr::hashicorp("time"), parts)
}

/// The attributes that spell out a time.
const SPELLED: [&str; 7] = ["day", "hour", "minute", "month", "second", "unix", "year"];

fn spelled_attributes() -> impl Iterator<Item = Attribute> {
    SPELLED.into_iter().map(|name| {
        let about = if name == "unix" { "Seconds since 1970.".into() } else { format!("The {name} of the time.") };
        computed(name, Type::Number, &about)
    })
}

fn triggers() -> Attribute {
    optional("triggers", Type::map(Type::String), "Values whose change replaces the object.").forces_new()
}

fn spelled(object: &Value, time: Stamp) -> Value {
    let parts = time.parts();
    let values = [parts.day, parts.hour, parts.minute, parts.month, parts.second, time.unix(), parts.year];
    SPELLED.into_iter().zip(values).fold(object.clone(), |o, (name, v)| o.with(name, v.into()))
}

/// The time in an argument; `None` when the argument is not known or not set.
fn time_of(object: &Value, name: &str) -> Result<Option<Stamp>> {
    object.get_str(name).filter(|s| !s.is_empty()).map(|s| parse(s, name)).transpose()
}

fn parse(text: &str, name: &str) -> Result<Stamp> {
    let what = || format!("The value of {name}, {text:?}, is not a time in RFC 3339 format, such as \"2024-01-31T12:00:00Z\".");
    Stamp::parse(text).ok_or_else(|| fail("Invalid RFC3339 String Value", what()))
}

/// Checks that text is a time.
fn check_time(v: &Value) -> Result<(), String> {
    let ok = v.as_str().is_none_or(|s| Stamp::parse(s).is_some());
    if ok {
        Ok(())
    } else {
        Err(format!("A string value was provided that is not valid RFC3339 string format: {:?}", v.as_str().unwrap_or_default()))
    }
}

/// Whether two texts name the same time.
fn same_time(a: &Value, b: &Value) -> bool {
    let stamp = |v: &Value| v.as_str().and_then(Stamp::parse).map(|s| s.unix());
    stamp(a).is_some() && stamp(a) == stamp(b)
}

/// The parts of an import's text between commas, as numbers where there is one.
fn numbers(parts: &[&str], what: &str) -> Result<Vec<Option<i64>>> {
    let number = |part: &&str| match *part {
        "" => Ok(None),
        part => part
            .parse()
            .map(Some)
            .map_err(|e| fail(what, format!("The parameter that was supplied could not be parsed.\n\nOriginal Error: {part:?}: {e}"))),
    };
    parts.iter().map(number).collect()
}

fn number_or_null(n: Option<i64>) -> Value {
    n.map_or_else(|| Value::null(Type::Number), Value::from)
}

fn no_triggers() -> Value {
    Value::map::<&str>(Type::String, [])
}
