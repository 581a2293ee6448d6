//! What plans of several types ask: which arguments change.

use secstack_base::Value;
use secstack_base::schema::Draft;

/// Whether one of the arguments of an object that exists changes. Null and empty are the same to the services.
pub fn changes(draft: &Draft, names: &[&str]) -> bool {
    let Some(prior) = &draft.prior else { return false };
    let part = |object: &Value, name: &str| object.get(name).cloned().unwrap_or(Value::NULL);
    names.iter().any(|n| !part(prior, n).is_alike(&part(&draft.planned, n)))
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
