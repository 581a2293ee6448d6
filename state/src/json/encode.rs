//! Values to JSON.

use secstack_base::{Data, Marks, ObjectType, Path, Step, Type, Value};

use super::EncodeError;
use super::types::{write_separated, write_type};

/// The text of a value that conforms to `ty`. Where `ty` is `Dynamic`, the type is written beside the value.
/// Unknown parts are written as null, sensitive marks are left out; ephemeral values cannot be stored.
pub fn encode(v: &Value, ty: &Type) -> Result<String, EncodeError> {
    if v.deep_marks().has(Marks::EPHEMERAL) {
        return Err(error("an ephemeral value cannot be stored"));
    }
    let mut out = String::new();
    write(&mut out, v, ty)?;
    Ok(out)
}

fn error(message: impl Into<String>) -> EncodeError {
    EncodeError { path: Path::root(), message: message.into() }
}

impl EncodeError {
    /// The same error, seen from the value around it.
    fn within(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

fn write(out: &mut String, v: &Value, ty: &Type) -> Result<(), EncodeError> {
    if *ty == Type::Dynamic {
        return write_dynamic(out, v);
    }
    match (&v.data, ty) {
        (Data::Null(_) | Data::Unknown(..), _) => out.push_str("null"),
        (Data::Bool(b), Type::Bool) => out.push_str(if *b { "true" } else { "false" }),
        (Data::Number(n), Type::Number) if n.is_infinite() => return Err(error("cannot serialize infinity as JSON")),
        (Data::Number(n), Type::Number) => out.push_str(&n.to_json()),
        (Data::String(s), Type::String) => write_string(out, s),
        (Data::List(_, items), Type::List(element)) | (Data::Set(_, items), Type::Set(element)) => {
            write_elements(out, items.iter().map(|v| (v, &**element)))?;
        }
        (Data::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            write_elements(out, items.iter().zip(types.iter()))?;
        }
        (Data::Map(_, items), Type::Map(element)) => {
            out.push('{');
            for (i, (key, v)) in items.iter().enumerate() {
                write_key(out, i, key);
                write(out, v, element).map_err(|e| e.within(Step::Key(key.clone())))?;
            }
            out.push('}');
        }
        (Data::Object(_), Type::Object(o)) => write_object(out, v, o)?,
        _ => return Err(error(format!("{} is required, found {}", ty.friendly(), v.ty().friendly()))),
    }
    Ok(())
}

fn write_dynamic(out: &mut String, v: &Value) -> Result<(), EncodeError> {
    let ty = v.ty();
    if ty == Type::Dynamic {
        out.push_str("null");
        return Ok(());
    }
    out.push_str("{\"value\":");
    write(out, v, &ty)?;
    out.push_str(",\"type\":");
    write_type(out, &ty);
    out.push('}');
    Ok(())
}

fn write_elements<'a>(out: &mut String, items: impl Iterator<Item = (&'a Value, &'a Type)>) -> Result<(), EncodeError> {
    let mut done = Ok(());
    out.push('[');
    write_separated(out, items.enumerate(), |out, (i, (v, ty))| {
        if done.is_ok() {
            done = write(out, v, ty).map_err(|e| e.within(Step::Index(i)));
        }
    });
    out.push(']');
    done
}

fn write_object(out: &mut String, v: &Value, ty: &ObjectType) -> Result<(), EncodeError> {
    let foreign = v.as_map().and_then(|m| m.keys().find(|k| !ty.attrs.contains_key(*k)));
    if let Some(name) = foreign {
        return Err(error(format!("unsupported attribute {name:?}")));
    }
    out.push('{');
    for (i, (name, ty)) in ty.attrs.iter().enumerate() {
        write_key(out, i, name);
        match v.get(name) {
            Some(v) => write(out, v, ty).map_err(|e| e.within(Step::Attr(name.clone())))?,
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Ok(())
}

fn write_key(out: &mut String, index: usize, key: &str) {
    if index > 0 {
        out.push(',');
    }
    write_string(out, key);
    out.push(':');
}

/// Writes text in quotes, with the escapes that Go chooses.
pub fn write_string(out: &mut String, s: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut start = 0;
    for (i, c) in s.char_indices() {
        let escape = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\u{1f}' => "\\u00",
            _ => continue,
        };
        out.push_str(&s[start..i]);
        out.push_str(escape);
        if escape == "\\u00" {
            let code = u32::from(c) as usize;
            out.push(char::from(HEX[code >> 4 & 15]));
            out.push(char::from(HEX[code & 15]));
        }
        start = i + c.len_utf8();
    }
    out.push_str(&s[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_is_refused() {
        let inf = Value::from(secstack_base::Number::parse("Inf").unwrap());
        let object = |v: Value| Value::object([("a", v)]);
        let ty = Type::object([("a", Type::Dynamic)]);
        for (v, ty, want) in [
            (object(inf), &ty, ".a: cannot serialize infinity as JSON"),
            (object(Value::from("x").mark(Marks::EPHEMERAL)), &ty, "an ephemeral value cannot be stored"),
            (Value::from("x"), &Type::Bool, "bool is required, found string"),
            (Value::object([("b", Value::NULL)]), &ty, "unsupported attribute \"b\""),
        ] {
            assert_eq!(encode(&v, ty).map_err(|e| e.to_string()).err().as_deref(), Some(want));
        }
    }

    #[test]
    fn unknown_and_absent_parts_are_null_and_marks_go() {
        let ty = Type::object([("a", Type::String), ("b", Type::Dynamic), ("c", Type::Bool)]);
        let v = Value::object([("a", Value::from("x").mark(Marks::SENSITIVE)), ("b", Value::unknown(Type::Dynamic))]);
        assert_eq!(encode(&v, &ty).as_deref(), Ok(r#"{"a":"x","b":null,"c":null}"#));
    }
}
