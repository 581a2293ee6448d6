//! Values as `console` and `output` print them: in the language, with the conversions that say their types.

use secstack_base::quote::quoted;
use secstack_base::{Data, Marks, Type, Value};
use secstack_eval::type_text::friendly;

/// A value on one or more lines, the parts of collections indented by two columns each.
pub fn format(value: &Value, indent: usize) -> String {
    if value.is_unknown() {
        return "(known after apply)".into();
    }
    if value.is_sensitive() {
        return "(sensitive value)".into();
    }
    if value.marks.has(Marks::EPHEMERAL) {
        return "(ephemeral value)".into();
    }
    match &value.data {
        Data::Null(ty) => null(ty),
        Data::Unknown(..) => "(known after apply)".into(),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) if s.contains('\n') => heredoc(s, indent),
        Data::String(s) => quoted(s),
        Data::Tuple(items) => sequence(items, indent),
        Data::List(_, items) => format!("tolist({})", sequence(items, indent)),
        Data::Set(_, items) => format!("toset({})", sequence(items, indent)),
        Data::Object(members) => mapping(members.iter(), indent),
        Data::Map(_, members) => format!("tomap({})", mapping(members.iter(), indent)),
    }
}

fn null(ty: &Type) -> String {
    let of = |name: &str, ty: &Type| format!("{name}(null) /* of {} */", friendly(ty));
    match ty {
        Type::Dynamic => "null".into(),
        Type::String => "tostring(null)".into(),
        Type::Number => "tonumber(null)".into(),
        Type::Bool => "tobool(null)".into(),
        Type::List(e) => of("tolist", e),
        Type::Set(e) => of("toset", e),
        Type::Map(e) => of("tomap", e),
        other => format!("null /* {} */", friendly(other)),
    }
}

fn heredoc(text: &str, indent: usize) -> String {
    let mut delimiter = "EOT".to_string();
    while text.split('\n').any(|line| line.trim() == delimiter) {
        delimiter.push('_');
    }
    let pad = " ".repeat(indent);
    let body: String = text.split('\n').map(|line| format!("\n{pad}{line}")).collect();
    let operator = if indent > 0 { "<<-" } else { "<<" };
    format!("{operator}{delimiter}{body}\n{pad}{delimiter}")
}

fn sequence(items: &[Value], indent: usize) -> String {
    if items.is_empty() {
        return "[]".into();
    }
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    let body: String = items.iter().map(|v| format!("\n{inner}{},", format(v, indent + 2))).collect();
    format!("[{body}\n{outer}]")
}

fn mapping<'a>(members: impl ExactSizeIterator<Item = (&'a secstack_base::Str, &'a Value)>, indent: usize) -> String {
    if members.len() == 0 {
        return "{}".into();
    }
    let (inner, outer) = (" ".repeat(indent + 2), " ".repeat(indent));
    let body: String = members.map(|(k, v)| format!("\n{inner}{} = {}", quoted(k), format(v, indent + 2))).collect();
    format!("{{{body}\n{outer}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_in_terraform() {
        let text = Value::string("a\"b");
        check(text.clone(), "\"a\\\"b\"");
        check(Value::list(Type::String, [text]), "tolist([\n  \"a\\\"b\",\n])");
        check(Value::object([("k", Value::tuple([Value::from(1), Value::NULL]))]), "{\n  \"k\" = [\n    1,\n    null,\n  ]\n}");
        check(Value::null(Type::list(Type::String)), "tolist(null) /* of string */");
        check(Value::null(Type::map(Type::Dynamic)), "tomap(null) /* of dynamic */");
        check(Value::string("\u{feff}\u{200d}x"), "\"\\ufeff\\u200dx\"");
        check(Value::tuple([Value::string("x\nEOT")]), "[\n  <<-EOT_\n  x\n  EOT\n  EOT_,\n]");
        check(Value::map::<&str>(Type::Bool, []), "tomap({})");
        check(Value::from(true).mark(Marks::SENSITIVE), "(sensitive value)");
    }

    #[track_caller]
    fn check(value: Value, want: &str) {
        assert_eq!(format(&value, 0), want);
    }
}
