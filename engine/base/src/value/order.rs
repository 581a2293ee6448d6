//! The elements of a set: distinct, unmarked, and in Terraform's order.
//!
//! Sets of primitive values are in order of value. Other elements go by a text that Terraform
//! hashes them by, in which 10 comes before 9. Its order is only promised to be stable, but it
//! shows in every plan and every `tolist`, so it is kept to the byte.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Data, Marks, Value};
use crate::Type;
use crate::quote::quoted;

/// Builds a set. Marks of elements and of their parts move to the set.
///
/// Two elements that are not wholly known are both kept, although they may turn out equal.
pub(crate) fn set(element: Type, items: Vec<Value>) -> Value {
    let marks = items.iter().fold(Marks::NONE, |m, v| m.with(v.deep_marks()));
    let mut distinct: BTreeMap<(Rank, String), Vec<Value>> = BTreeMap::new();
    for item in items {
        let item = if marks.is_none() { item } else { item.unmark_deep(Marks::ALL) };
        let alike = distinct.entry((rank(&item), key(&item))).or_default();
        if !alike.iter().any(|v| v.is_wholly_known() && v.same_unmarked(&item)) {
            alike.push(item);
        }
    }
    let mut items: Vec<Value> = distinct.into_values().flatten().collect();
    if element == Type::Number || element == Type::String {
        items.sort_by(compare_primitives);
    }
    Value::from(Data::Set(element, items.into())).mark(marks)
}

/// Which elements come first whatever their content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Known,
    Unknown,
    Null,
}

fn rank(v: &Value) -> Rank {
    match v.data {
        Data::Null(_) => Rank::Null,
        Data::Unknown(..) => Rank::Unknown,
        _ => Rank::Known,
    }
}

fn compare_primitives(a: &Value, b: &Value) -> Ordering {
    match (&a.data, &b.data) {
        (Data::Number(a), Data::Number(b)) => a.compare(b),
        (Data::String(a), Data::String(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The text that Terraform sorts and hashes an element by.
fn key(v: &Value) -> String {
    let mut out = String::new();
    write_key(v, &mut out);
    out
}

fn write_key(v: &Value, out: &mut String) {
    match &v.data {
        Data::Null(_) => out.push('~'),
        Data::Unknown(..) => out.push('?'),
        Data::Bool(b) => out.push(if *b { 'T' } else { 'F' }),
        Data::Number(n) => out.push_str(&n.to_ten_digits()),
        Data::String(s) => out.push_str(&quoted(s)),
        Data::List(_, vs) | Data::Set(_, vs) => write_keys('[', vs.iter(), ']', out),
        Data::Tuple(vs) => write_keys('<', vs.iter(), '>', out),
        Data::Object(m) => write_keys('<', m.values(), '>', out),
        Data::Map(_, m) => {
            out.push('{');
            for (name, v) in m.iter() {
                out.push_str(&quoted(name));
                out.push(':');
                write_key(v, out);
                out.push(';');
            }
            out.push('}');
        }
    }
}

fn write_keys<'a>(open: char, parts: impl Iterator<Item = &'a Value>, close: char, out: &mut String) {
    out.push(open);
    for v in parts {
        write_key(v, out);
        out.push(';');
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;

    #[test]
    fn primitives_go_by_value() {
        check(Type::Number, [n("10"), n("9"), n("-1.5"), n("9.0"), n("1e30")], "-1.5 9 10 1000000000000000000000000000000");
        check(Type::String, ["b".into(), "B".into(), "".into(), "10".into(), "9".into()], r#""" "10" "9" "B" "b""#);
        check(Type::Bool, [true.into(), false.into(), true.into()], "F T");
    }

    #[test]
    fn structures_go_by_text() {
        let one = |v: Value| Value::tuple([v]);
        check(Type::tuple([Type::Number]), [one(n("9")), one(n("10")), one(n("1e30"))], "<10;> <1e+30;> <9;>");
        let nulls = [one(Value::null(Type::String)), one("~".into()), one("a\"\n".into())];
        check(Type::tuple([Type::String]), nulls, r#"<"a\"\n";> <"~";> <~;>"#);
        let hidden = [one("\u{feff}x".into()), one("a".into()), one("\\".into())];
        check(Type::tuple([Type::String]), hidden, r#"<"\\";> <"\ufeffx";> <"a";>"#);
        let digits = [one(n("0.00001")), one(n("123456789012")), one(n("0.1")), one(n("12345678901.5"))];
        check(Type::tuple([Type::Number]), digits, "<0.1;> <1.23456789e+10;> <1.23456789e+11;> <1e-05;>");
        let maps = [Value::map(Type::Bool, [("b", true.into())]), Value::map(Type::Bool, [("a", true.into()), ("b", true.into())])];
        check(Type::map(Type::Bool), maps, r#"{"a":T;"b":T;} {"b":T;}"#);
    }

    #[test]
    fn unknown_elements_stay_apart_and_null_is_last() {
        let unknown = || Value::unknown(Type::String);
        check(Type::String, [Value::null(Type::String), unknown(), "a".into(), unknown()], r#""a" ? ? ~"#);
    }

    #[test]
    fn marks_of_elements_move_to_the_set() {
        let inner = Value::tuple([Value::from("a").mark(Marks::SENSITIVE)]);
        let got = set(Type::tuple([Type::String]), vec![inner, Value::tuple(["a".into()])]);
        assert_eq!(got.marks, Marks::SENSITIVE);
        assert_eq!(got.as_slice().map(<[Value]>::len), Some(1));
        assert!(got.parts().all(|v| v.deep_marks().is_none()));
    }

    fn n(text: &str) -> Value {
        Number::parse(text).expect("a number").into()
    }

    #[track_caller]
    fn check(element: Type, items: impl IntoIterator<Item = Value>, want: &str) {
        let made = set(element, items.into_iter().collect());
        let got: Vec<String> = made.parts().map(|v| v.as_number().map_or_else(|| key(v), Number::to_string)).collect();
        assert_eq!(got.join(" "), want);
    }
}
