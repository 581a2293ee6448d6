//! Types in JSON: `"string"`, `["list","string"]`, `["object",{"a":"number"}]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secstack_base::{ObjectType, Path, Str, Type};

use super::DecodeError;
use super::encode::write_string;
use super::scan::{Kind, Scan, Syntax};

/// The text of a type.
pub fn type_to_json(ty: &Type) -> String {
    let mut out = String::new();
    write_type(&mut out, ty);
    out
}

pub(super) fn write_type(out: &mut String, ty: &Type) {
    match ty {
        Type::Dynamic => out.push_str("\"dynamic\""),
        Type::Bool => out.push_str("\"bool\""),
        Type::Number => out.push_str("\"number\""),
        Type::String => out.push_str("\"string\""),
        Type::List(t) => write_collection(out, "list", t),
        Type::Set(t) => write_collection(out, "set", t),
        Type::Map(t) => write_collection(out, "map", t),
        Type::Tuple(ts) => {
            out.push_str("[\"tuple\",[");
            write_separated(out, ts.iter(), write_type);
            out.push_str("]]");
        }
        Type::Object(o) => {
            out.push_str("[\"object\",{");
            write_separated(out, o.attrs.iter(), |out, (name, t)| {
                write_string(out, name);
                out.push(':');
                write_type(out, t);
            });
            out.push('}');
            if !o.optional.is_empty() {
                out.push_str(",[");
                write_separated(out, o.optional.iter(), |out, name: &Str| write_string(out, name));
                out.push(']');
            }
            out.push(']');
        }
    }
}

fn write_collection(out: &mut String, kind: &str, element: &Type) {
    out.push_str("[\"");
    out.push_str(kind);
    out.push_str("\",");
    write_type(out, element);
    out.push(']');
}

pub(super) fn write_separated<T>(out: &mut String, items: impl Iterator<Item = T>, mut write: impl FnMut(&mut String, T)) {
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(out, item);
    }
}

/// The type that the text stands for.
pub fn type_from_json(text: &str) -> Result<Type, DecodeError> {
    let mut scan = Scan::new(text);
    let ty = read_type(&mut scan)?;
    scan.end()?;
    Ok(ty)
}

pub(super) fn read_type(scan: &mut Scan<'_>) -> Result<Type, DecodeError> {
    if scan.kind()? == Kind::String {
        return primitive(&scan.string()?);
    }
    let mut constructor = Constructor::Missing;
    scan.array(|scan, index| {
        constructor = std::mem::replace(&mut constructor, Constructor::Missing).step(scan, index)?;
        Ok::<(), DecodeError>(())
    })?;
    match constructor {
        Constructor::Done(ty) => Ok(ty),
        _ => Err(invalid("a type constructor needs a kind and an argument".into())),
    }
}

/// How far the array of a type constructor was read.
enum Constructor {
    Missing,
    Named(Str),
    Done(Type),
}

impl Constructor {
    fn step(self, scan: &mut Scan<'_>, index: usize) -> Result<Self, DecodeError> {
        Ok(match self {
            Constructor::Missing if index == 0 => Constructor::Named(scan.string()?.into()),
            Constructor::Named(name) => Constructor::Done(match &*name {
                "list" => Type::list(read_type(scan)?),
                "set" => Type::set(read_type(scan)?),
                "map" => Type::map(read_type(scan)?),
                "tuple" => Type::Tuple(read_tuple(scan)?.into()),
                "object" => Type::Object(Arc::new(ObjectType { attrs: read_attrs(scan)?, optional: BTreeSet::new() })),
                other => return Err(invalid(format!("unknown type constructor {other:?}"))),
            }),
            Constructor::Done(Type::Object(o)) if index == 2 => {
                let mut optional = BTreeSet::new();
                scan.array(|scan, _| {
                    optional.insert(scan.string()?.into());
                    Ok::<(), Syntax>(())
                })?;
                Constructor::Done(Type::Object(Arc::new(ObjectType { attrs: o.attrs.clone(), optional })))
            }
            _ => return Err(invalid("a type constructor has too many arguments".into())),
        })
    }
}

fn primitive(name: &str) -> Result<Type, DecodeError> {
    match name {
        "dynamic" => Ok(Type::Dynamic),
        "bool" => Ok(Type::Bool),
        "number" => Ok(Type::Number),
        "string" => Ok(Type::String),
        other => Err(invalid(format!("unknown type {other:?}"))),
    }
}

fn read_tuple(scan: &mut Scan<'_>) -> Result<Vec<Type>, DecodeError> {
    let mut types = Vec::new();
    scan.array(|scan, _| {
        types.push(read_type(scan)?);
        Ok::<(), DecodeError>(())
    })?;
    Ok(types)
}

fn read_attrs(scan: &mut Scan<'_>) -> Result<BTreeMap<Str, Type>, DecodeError> {
    let mut attrs = BTreeMap::new();
    scan.object(|scan, name| {
        attrs.insert(name.into(), read_type(scan)?);
        Ok::<(), DecodeError>(())
    })?;
    Ok(attrs)
}

fn invalid(message: String) -> DecodeError {
    DecodeError { path: Path::root(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_survive() {
        for text in [
            r#""dynamic""#,
            r#"["list","string"]"#,
            r#"["map",["set","number"]]"#,
            r#"["tuple",[]]"#,
            r#"["tuple",["bool",["object",{}]]]"#,
            r#"["object",{"a":"number","b":["list","dynamic"]}]"#,
            r#"["object",{"a":"number"},["a"]]"#,
        ] {
            assert_eq!(type_from_json(text).map(|t| type_to_json(&t)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn other_text_is_no_type() {
        for text in [
            "",
            "1",
            "[]",
            r#""int""#,
            r#"["list"]"#,
            r#"["list","string","string"]"#,
            r#"["bag","string"]"#,
            r#"["object",[]]"#,
            r#""bool" 1"#,
        ] {
            assert!(type_from_json(text).is_err(), "{text}");
        }
    }
}
