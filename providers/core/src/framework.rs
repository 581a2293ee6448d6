//! Rules that HashiCorp's plugin framework adds to a plan, and messages that it words.

use secstack_base::schema::{Block, Draft};
use secstack_base::{Diagnostic, Diags, Number, Value};

/// Makes unknown what may change with an update: attributes of the given names that the configuration does not set.
/// Nothing happens when an object is created or nothing changes.
pub(crate) fn mark_unknown(draft: &mut Draft, schema: &Block, names: &[&str]) {
    let Some(prior) = &draft.prior else { return };
    if prior.same_unmarked(&draft.planned) {
        return;
    }
    for a in schema.attributes.iter().filter(|a| names.contains(&&*a.name)) {
        if draft.config.get(&a.name).is_none_or(Value::is_null) {
            draft.planned = draft.planned.with(&a.name, Value::unknown(a.ty.clone()));
        }
    }
}

/// Whether a change of a map of text needs a new object. The older framework did not store elements that are null, so
/// that they appear when such a state is planned again: they need none.
pub(crate) fn map_forces_new(prior: &Value, planned: &Value) -> bool {
    let empty = Default::default();
    let new = planned.as_map().unwrap_or(&empty);
    match prior.as_map() {
        None => new.values().any(|v| !v.is_null()),
        Some(old) => {
            let is_new = |(key, v): (&secstack_base::Str, &Value)| match old.get(key) {
                None => !v.is_null(),
                Some(before) => !before.same_unmarked(v),
            };
            new.iter().any(is_new) || old.keys().any(|key| !new.contains_key(key))
        }
    }
}

/// A known argument that is not what it must be.
pub(crate) fn invalid_value(name: &str, must: &str, got: &Value) -> Diagnostic {
    let got = match (got.as_str(), got.as_number()) {
        (Some(s), _) => s.into(),
        (_, Some(n)) => n.to_string(),
        _ => String::new(),
    };
    Diagnostic::error("Invalid Attribute Value", format!("Attribute {name} value {must}, got: {got}"))
}

/// Checks that a known number is at least `least`.
pub(crate) fn at_least(config: &Value, name: &str, least: i64, diags: &mut Diags) {
    let Some(value) = config.get(name) else { return };
    if value.as_number().is_some_and(|n| n < &Number::from(least)) {
        diags.push(invalid_value(name, &format!("must be at least {least}"), value));
    }
}

/// A known whole number.
pub(crate) fn whole(object: &Value, name: &str) -> Option<i64> {
    object.get(name)?.as_number()?.to_i64()
}

/// Whether a known bool is true.
pub(crate) fn is_true(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool) == Some(true)
}

/// The text of a known string, empty for any other value.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get_str(name).unwrap_or_default()
}

/// Objects from attributes.
pub(crate) fn with_all<'a>(object: &Value, values: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    values.into_iter().fold(object.clone(), |o, (name, v)| o.with(name, v))
}

/// The decimal digits of a number given by its bytes, the highest first.
pub(crate) fn decimal(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) * 256;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    if digits.is_empty() {
        return "0".into();
    }
    digits.iter().rev().map(|d| char::from(b'0' + d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secstack_base::Type;

    #[test]
    fn nulls_in_maps_need_no_new_object() {
        let map = |items: &[(&str, Option<&str>)]| {
            let value = |v: &Option<&str>| v.map_or_else(|| Value::null(Type::String), Value::from);
            Value::map(Type::String, items.iter().map(|(k, v)| (*k, value(v))))
        };
        let null = Value::null(Type::map(Type::String));
        assert!(!map_forces_new(&null, &map(&[("a", None)])));
        assert!(map_forces_new(&null, &map(&[("a", Some("b"))])));
        assert!(!map_forces_new(&map(&[("a", Some("b"))]), &map(&[("a", Some("b")), ("c", None)])));
        assert!(map_forces_new(&map(&[("a", Some("b"))]), &map(&[("a", Some("c"))])));
        assert!(map_forces_new(&map(&[("a", Some("b"))]), &null));
        assert!(map_forces_new(&map(&[("a", Some("b"))]), &Value::unknown(Type::map(Type::String))));
    }
}
