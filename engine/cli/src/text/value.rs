//! Values as Terraform's language writes them.

use secstack_base::addr::quote;
use secstack_base::{Data, Value};

/// A key of an object or map, quoted when it is no identifier.
pub fn key(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain { name.to_string() } else { quote(name) }
}

/// A value on one or more lines, indented by `indent` columns after the first. Secrets and unknown parts are named, not shown.
pub fn literal(value: &Value, indent: usize) -> String {
    if value.is_sensitive() {
        return "(sensitive value)".into();
    }
    let pad = " ".repeat(indent + 4);
    let end = " ".repeat(indent);
    match &value.data {
        Data::Null(_) => "null".into(),
        Data::Unknown(..) => "(known after apply)".into(),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) if s.contains('\n') => {
            let body: String = s.lines().map(|l| if l.is_empty() { "\n".to_string() } else { format!("{pad}{l}\n") }).collect();
            let dash = if s.ends_with('\n') { "<<-EOT" } else { "chomp(<<-EOT" };
            let close = if s.ends_with('\n') { "EOT".to_string() } else { format!("EOT\n{end})") };
            format!("{dash}\n{body}{end}{close}")
        }
        Data::String(s) => quote(s),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            if items.is_empty() {
                return "[]".into();
            }
            let body: String = items.iter().map(|v| format!("{pad}{},\n", literal(v, indent + 4))).collect();
            format!("[\n{body}{end}]")
        }
        Data::Map(_, m) | Data::Object(m) => {
            if m.is_empty() {
                return "{}".into();
            }
            let width = m.keys().map(|k| key(k).chars().count()).max().unwrap_or(0);
            let body: String = m.iter().map(|(k, v)| format!("{pad}{:<width$} = {}\n", key(k), literal(v, indent + 4))).collect();
            format!("{{\n{body}{end}}}")
        }
    }
}
