//! Values as the documents show them: what is known, and beside it two trees of the same shape that say
//! what is unknown and what is sensitive.
//!
//! In those trees a plain part of an object or a map is left out, but one of a list is `false`: the
//! place in a list is its identity.

use secstack_base::{Data, Step, Type, Value};

use super::write::{array, map, write_string};

/// Writes the known parts. Unknown parts of objects and maps are left out, of lists they are null.
pub fn known(out: &mut String, value: &Value) {
    match &value.data {
        Data::Null(_) | Data::Unknown(..) => out.push_str("null"),
        Data::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        // JSON has no infinity.
        Data::Number(n) if n.is_infinite() => out.push_str("null"),
        Data::Number(n) => out.push_str(&n.to_json()),
        Data::String(s) => write_string(out, s),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => array(out, items.iter(), known),
        Data::Map(_, items) | Data::Object(items) => map(out, items.iter().filter(|(_, v)| !v.is_unknown()), known),
    }
}

/// Writes what is unknown: `true` for an unknown part.
pub fn unknown(out: &mut String, value: &Value) {
    tree(out, value, &|v| match &v.data {
        Data::Unknown(..) => Leaf::True,
        Data::Null(_) => Leaf::False,
        _ => Leaf::Inner,
    });
}

/// Writes what is sensitive: `true` for a part with the mark. Of an unknown collection nothing is told.
pub fn sensitive(out: &mut String, value: &Value) {
    tree(out, value, &|v| match &v.data {
        _ if v.is_sensitive() => Leaf::True,
        Data::Null(_) | Data::Unknown(Type::Dynamic | Type::Bool | Type::Number | Type::String, _) => Leaf::False,
        Data::Unknown(Type::Map(_) | Type::Object(_), _) => Leaf::EmptyObject,
        Data::Unknown(..) => Leaf::EmptyArray,
        _ => Leaf::Inner,
    });
}

/// What stands for a part in a tree.
#[derive(PartialEq)]
enum Leaf {
    True,
    False,
    EmptyObject,
    EmptyArray,
    /// What stands for its own parts.
    Inner,
}

fn tree(out: &mut String, value: &Value, leaf: &dyn Fn(&Value) -> Leaf) {
    let is_false = |v: &Value| match leaf(v) {
        Leaf::False => true,
        Leaf::Inner => matches!(v.data, Data::Bool(_) | Data::Number(_) | Data::String(_)),
        _ => false,
    };
    match (leaf(value), &value.data) {
        (Leaf::True, _) => out.push_str("true"),
        (Leaf::EmptyObject, _) => out.push_str("{}"),
        (Leaf::EmptyArray, _) => out.push_str("[]"),
        (Leaf::Inner, Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items)) => {
            array(out, items.iter(), |out, v| tree(out, v, leaf));
        }
        (Leaf::Inner, Data::Map(_, items) | Data::Object(items)) => {
            map(out, items.iter().filter(|(_, v)| !is_false(v)), |out, v| tree(out, v, leaf));
        }
        _ => out.push_str("false"),
    }
}

/// Writes a path: names and numbers.
pub fn path(out: &mut String, path: &secstack_base::Path) {
    array(out, &path.0, |out, step| match step {
        Step::Attr(name) | Step::Key(name) => write_string(out, name),
        Step::Index(i) => out.push_str(&i.to_string()),
    });
}

/// Writes an instance key.
pub fn key(out: &mut String, key: &secstack_base::InstanceKey) {
    use secstack_base::InstanceKey;
    match key {
        InstanceKey::None => out.push_str("null"),
        InstanceKey::Int(n) => out.push_str(&n.to_string()),
        InstanceKey::Str(s) => write_string(out, s),
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::written;
    use super::*;
    use secstack_base::Marks;

    /// Each value with its three forms, as Terraform 1.11.4 showed them.
    #[test]
    fn each_value_has_three_forms() {
        let u = |t: Type| Value::unknown(t);
        let secret = |v: Value| v.mark(Marks::SENSITIVE);
        let object = |v: Value| Value::object([("a", v)]);
        for (value, want) in [
            (Value::NULL, "null false false"),
            (u(Type::Dynamic), "null true false"),
            (object(u(Type::String)), r#"{} {"a":true} {}"#),
            (object(u(Type::list(Type::String))), r#"{} {"a":true} {"a":[]}"#),
            (object(u(Type::map(Type::String))), r#"{} {"a":true} {"a":{}}"#),
            (object(Value::tuple([])), r#"{"a":[]} {"a":[]} {"a":[]}"#),
            (object(Value::from(1)), r#"{"a":1} {} {}"#),
            (object(Value::NULL), r#"{"a":null} {} {}"#),
            (object(secret(Value::NULL)), r#"{"a":null} {} {"a":true}"#),
            (object(secret(u(Type::Bool))), r#"{} {"a":true} {"a":true}"#),
            (
                Value::tuple([Value::from(1), Value::NULL, u(Type::String), secret("<".into())]),
                r#"[1,null,null,"\u003c"] [false,false,true,false] [false,false,false,true]"#,
            ),
            (Value::tuple([u(Type::tuple([])), u(Type::set(Type::Bool))]), "[null,null] [true,true] [[],[]]"),
            (object(object(Value::from(true))), r#"{"a":{"a":true}} {"a":{}} {"a":{}}"#),
        ] {
            let got = [known, unknown, sensitive].map(|f| written(|out| f(out, &value))).join(" ");
            assert_eq!(got, want);
        }
    }
}
