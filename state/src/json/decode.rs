//! JSON to values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Data, Number, ObjectType, Path, Step, Str, Type, Value};

use super::DecodeError;
use super::scan::{Kind, Scan, Syntax};
use super::types::read_type;

/// The value of type `ty` that the text stands for. Attributes that are absent are null; one that the
/// type does not have is an error.
pub fn decode(text: &str, ty: &Type) -> Result<Value, DecodeError> {
    let mut scan = Scan::new(text);
    let value = read(&mut scan, ty)?;
    scan.end()?;
    Ok(value)
}

/// The value that the text stands for by its shape: arrays are tuples, objects are objects.
pub fn decode_implied(text: &str) -> Result<Value, DecodeError> {
    let mut scan = Scan::new(text);
    let value = read_implied(&mut scan)?;
    scan.end()?;
    Ok(value)
}

impl From<Syntax> for DecodeError {
    fn from(e: Syntax) -> Self {
        error(format!("invalid JSON at byte {}: {}", e.at, e.message))
    }
}

impl DecodeError {
    /// The same error, seen from the value around it.
    fn within(mut self, step: Step) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

fn error(message: impl Into<String>) -> DecodeError {
    DecodeError { path: Path::root(), message: message.into() }
}

fn read(scan: &mut Scan<'_>, ty: &Type) -> Result<Value, DecodeError> {
    let kind = scan.kind()?;
    if kind == Kind::Null {
        scan.null()?;
        return Ok(Value::null(ty.clone()));
    }
    match ty {
        Type::Dynamic => read_dynamic(scan, kind),
        Type::Bool => read_bool(scan, kind),
        Type::Number => read_number(scan, kind),
        Type::String => read_string(scan, kind),
        Type::List(element) => {
            let items = read_elements(scan, kind, element, "need JSON array for list")?;
            Ok(Data::List(element_type(element, items.first()), items.into()).into())
        }
        Type::Set(element) => {
            let items = read_elements(scan, kind, element, "need JSON array for set")?;
            Ok(Value::set(element_type(element, items.first()), items))
        }
        Type::Map(element) => read_map(scan, kind, element),
        Type::Tuple(types) => read_tuple(scan, kind, types),
        Type::Object(o) => read_object(scan, kind, o),
    }
}

/// A collection of values of any type takes the type of what is in it.
fn element_type(declared: &Type, first: Option<&Value>) -> Type {
    match first {
        Some(v) if declared.has_dynamic() => v.ty(),
        _ => declared.clone(),
    }
}

fn read_bool(scan: &mut Scan<'_>, kind: Kind) -> Result<Value, DecodeError> {
    match kind {
        Kind::Bool => Ok(scan.bool()?.into()),
        Kind::String => match &*scan.string()? {
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(error("a bool is required")),
        },
        _ => Err(error("bool is required")),
    }
}

fn read_number(scan: &mut Scan<'_>, kind: Kind) -> Result<Value, DecodeError> {
    let parsed = match kind {
        Kind::Number => Number::parse(scan.number()?),
        Kind::String => Number::parse(&scan.string()?),
        _ => return Err(error("number is required")),
    };
    parsed.map(Value::from).ok_or_else(|| error("a number is required"))
}

fn read_string(scan: &mut Scan<'_>, kind: Kind) -> Result<Value, DecodeError> {
    Ok(match kind {
        Kind::String => Value::string(&scan.string()?),
        Kind::Number => Value::string(scan.number()?),
        Kind::Bool => Value::string(if scan.bool()? { "true" } else { "false" }),
        _ => return Err(error("string is required")),
    })
}

fn read_elements(scan: &mut Scan<'_>, kind: Kind, element: &Type, need: &str) -> Result<Vec<Value>, DecodeError> {
    if kind != Kind::Array {
        return Err(error(need));
    }
    let mut items = Vec::new();
    scan.array(|scan, i| {
        items.push(read(scan, element).map_err(|e| e.within(Step::Index(i)))?);
        Ok::<(), DecodeError>(())
    })?;
    Ok(items)
}

fn read_map(scan: &mut Scan<'_>, kind: Kind, element: &Type) -> Result<Value, DecodeError> {
    if kind != Kind::Object {
        return Err(error("need JSON object for map"));
    }
    let mut items = BTreeMap::new();
    scan.object(|scan, key| {
        let key = normal(key);
        let value = read(scan, element).map_err(|e| e.within(Step::Key(key.clone())))?;
        items.insert(key, value);
        Ok::<(), DecodeError>(())
    })?;
    Ok(Data::Map(element_type(element, items.values().next()), Arc::new(items)).into())
}

fn read_tuple(scan: &mut Scan<'_>, kind: Kind, types: &[Type]) -> Result<Value, DecodeError> {
    if kind != Kind::Array {
        return Err(error("need JSON array for tuple"));
    }
    let mut items = Vec::with_capacity(types.len());
    scan.array(|scan, i| {
        let ty = types.get(i).ok_or_else(|| error(format!("too many tuple elements (need {})", types.len())))?;
        items.push(read(scan, ty).map_err(|e| e.within(Step::Index(i)))?);
        Ok::<(), DecodeError>(())
    })?;
    if items.len() < types.len() {
        return Err(error(format!("not enough tuple elements (need {})", types.len())));
    }
    Ok(Value::tuple(items))
}

fn read_object(scan: &mut Scan<'_>, kind: Kind, ty: &ObjectType) -> Result<Value, DecodeError> {
    if kind != Kind::Object {
        return Err(error("need JSON object for object"));
    }
    let mut attrs: BTreeMap<Str, Value> = BTreeMap::new();
    scan.object(|scan, name| {
        let Some((name, ty)) = ty.attrs.get_key_value(&*name) else {
            return Err(error(format!("unsupported attribute {name:?}")));
        };
        attrs.insert(name.clone(), read(scan, ty).map_err(|e| e.within(Step::Attr(name.clone())))?);
        Ok(())
    })?;
    if attrs.len() < ty.attrs.len() {
        for (name, ty) in &ty.attrs {
            attrs.entry(name.clone()).or_insert_with(|| Value::null(ty.clone()));
        }
    }
    Ok(Data::Object(Arc::new(attrs)).into())
}

/// A value with its type beside it. They may come in any order.
fn read_dynamic(scan: &mut Scan<'_>, kind: Kind) -> Result<Value, DecodeError> {
    if kind != Kind::Object {
        return Err(error("need JSON object for dynamically-typed value"));
    }
    let (mut text, mut ty) = (None, None);
    scan.object(|scan, key| {
        match &*key {
            "value" => text = Some(scan.skip()?),
            "type" => ty = Some(read_type(scan)?),
            _ => return Err(error(format!("invalid key {key:?} in dynamically-typed value"))),
        }
        Ok(())
    })?;
    let ty = ty.ok_or_else(|| error("missing type in dynamically-typed value"))?;
    let text = text.ok_or_else(|| error("missing value in dynamically-typed value"))?;
    read(&mut Scan::new(text), &ty)
}

fn read_implied(scan: &mut Scan<'_>) -> Result<Value, DecodeError> {
    let kind = scan.kind()?;
    match kind {
        Kind::Null => scan.null().map(|()| Value::NULL).map_err(DecodeError::from),
        Kind::Bool => read_bool(scan, kind),
        Kind::Number => read_number(scan, kind),
        Kind::String => read_string(scan, kind),
        Kind::Array => {
            let mut items = Vec::new();
            scan.array(|scan, i| {
                items.push(read_implied(scan).map_err(|e| e.within(Step::Index(i)))?);
                Ok::<(), DecodeError>(())
            })?;
            Ok(Value::tuple(items))
        }
        Kind::Object => {
            let mut attrs = BTreeMap::new();
            scan.object(|scan, name| {
                let name = normal(name);
                let value = read_implied(scan).map_err(|e| e.within(Step::Attr(name.clone())))?;
                attrs.insert(name, value);
                Ok::<(), DecodeError>(())
            })?;
            Ok(Data::Object(Arc::new(attrs)).into())
        }
    }
}

/// A key in normalisation form C, as all text of the language.
fn normal(key: Cow<'_, str>) -> Str {
    match Value::string(&key).data {
        Data::String(s) => s,
        _ => key.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{encode, type_from_json};
    use super::*;

    #[test]
    fn values_survive() {
        for (ty, text) in [
            (r#""string""#, r#""é \u003cb\u003e \u2028 \" \\ \n \b \f \u0001 😀""#),
            (r#""string""#, "null"),
            (r#""number""#, "123456789012345678901234567890"),
            (r#""number""#, "0.1"),
            (r#""number""#, "-15"),
            (r#""bool""#, "true"),
            (r#"["list","number"]"#, "[3,1,null]"),
            (r#"["set","number"]"#, "[3,20,100]"),
            (r#"["map",["list","bool"]]"#, r#"{"a":[],"b":[true]}"#),
            (r#"["tuple",["string","dynamic"]]"#, r#"["x",{"value":[1],"type":["list","number"]}]"#),
            (r#""dynamic""#, r#"{"value":{"a":null},"type":["object",{"a":"dynamic"}]}"#),
            (r#""dynamic""#, r#"{"value":null,"type":"string"}"#),
            (r#""dynamic""#, "null"),
            (r#"["list","dynamic"]"#, "[]"),
            (r#"["object",{"a":"string","b":"number"}]"#, r#"{"a":"x","b":null}"#),
        ] {
            let ty = type_from_json(ty).unwrap();
            let value = decode(text, &ty).unwrap();
            assert_eq!(encode(&value, &ty).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_does_not_fit_is_told_as_terraform_tells_it() {
        for (ty, text, want) in [
            (r#"["object",{"a":"string"}]"#, r#"{"b":1}"#, r#"unsupported attribute "b""#),
            (r#"["object",{"a":["list","number"]}]"#, r#"{"a":[1,{}]}"#, ".a[1]: number is required"),
            (r#"["object",{"a":["map","bool"]}]"#, r#"{"a":{"k":"x"}}"#, r#".a["k"]: a bool is required"#),
            (r#"["tuple",["bool"]]"#, "[]", "not enough tuple elements (need 1)"),
            (r#"["tuple",["bool"]]"#, "[true,true]", "too many tuple elements (need 1)"),
            (r#""dynamic""#, r#"{"value":1}"#, "missing type in dynamically-typed value"),
            (r#""dynamic""#, r#"{"type":"bool"}"#, "missing value in dynamically-typed value"),
            (r#""string""#, "[", "string is required"),
            (r#""string""#, r#""a"#, "invalid JSON at byte 2: the text ends inside a string"),
        ] {
            let ty = type_from_json(ty).unwrap();
            assert_eq!(decode(text, &ty).map_err(|e| e.to_string()).err().as_deref(), Some(want));
        }
    }

    #[test]
    fn other_json_is_converted() {
        let ty = type_from_json(r#"["object",{"a":"string","b":"number","c":"bool","d":"string","e":"string"}]"#).unwrap();
        let value = decode(r#"{"a":1.50,"b":"7","c":"true","d":false}"#, &ty).unwrap();
        assert_eq!(encode(&value, &ty).as_deref(), Ok(r#"{"a":"1.50","b":7,"c":true,"d":"false","e":null}"#));
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "1e",
            "tru",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "1 2",
            "nulll",
            "[1 2]",
        ] {
            assert!(decode_implied(text).is_err(), "{text}");
        }
        assert!(decode_implied(&"[".repeat(100_000)).is_err());
        assert!(decode_implied("\"\\ud800\"").is_ok());
    }
}
