//! What plans of several types ask: which arguments change.

use secstack_base::Value;
use secstack_base::schema::Draft;

/// Whether one of the arguments of an object that exists changes. Null and empty are the same to the services.
pub fn changes(draft: &Draft, names: &[&str]) -> bool {
    let Some(prior) = &draft.prior else { return false };
    let part = |object: &Value, name: &str| object.get(name).cloned().unwrap_or(Value::NULL);
    names.iter().any(|n| !alike(&part(prior, n), &part(&draft.planned, n)))
}

fn alike(a: &Value, b: &Value) -> bool {
    if is_empty(a) && is_empty(b) {
        return true;
    }
    if let (Some(a), Some(b)) = (a.as_slice(), b.as_slice()) {
        return a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| alike(a, b)));
    }
    match (a.as_map(), b.as_map()) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| alike(v, w))),
        _ => a.same_unmarked(b),
    }
}

fn is_empty(v: &Value) -> bool {
    let nothing = v.as_slice().is_some_and(<[_]>::is_empty) || v.as_map().is_some_and(|m| m.is_empty());
    let zero = v.as_str() == Some("") || v.as_bool() == Some(false) || v.as_number().is_some_and(|n| n.is_zero());
    v.is_null() || nothing || zero
}

#[cfg(test)]
mod tests {
    use secstack_base::Type;

    use super::*;

    #[test]
    fn empty_is_no_change() {
        let block = |text: Value| Value::list(Type::object([("a", Type::String)]), [Value::object([("a", text)])]);
        check(block("".into()), block(Value::null(Type::String)), false);
        check(block("x".into()), block("y".into()), true);
        check(block("x".into()), block(Value::unknown(Type::String)), true);
        check(Value::NULL, Value::list(Type::String, []), false);
    }

    #[track_caller]
    fn check(prior: Value, planned: Value, want: bool) {
        let object = |v: Value| Value::object([("n", v)]);
        let draft = Draft { prior: Some(object(prior)), config: Value::NULL, planned: object(planned), replace: vec![] };
        assert_eq!(changes(&draft, &["n"]), want);
    }
}
