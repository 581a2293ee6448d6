//! Conversion of values between types, by the rules of Terraform.
//!
//! The rules are those of the `cty` library. Whether a conversion exists is decided by the types
//! alone ([`can_convert`]); it may still fail for a value, as `"x"` does when a number is wanted.
//! `any` inside a wanted type means: find the one type that fits all elements ([`unify`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::{Data, Number, ObjectType, Path, Refinement, Step, Str, Type, Value};

pub use defaults::Defaults;
pub use unify::unify;

/// Why a value does not convert. Prints the message alone, as Terraform does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertError {
    /// The part of the value at fault, when the value rather than its type is.
    pub path: Path,
    /// What is wrong, as the end of a sentence and without a full stop: `a number is required`.
    pub message: String,
}

impl ConvertError {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        ConvertError { path: path.clone(), message: message.into() }
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConvertError {}

type Result<T> = std::result::Result<T, ConvertError>;

/// Converts `v` to a type that satisfies the constraint `want`.
pub fn convert(v: &Value, want: &Type) -> Result<Value> {
    convert_at(v, want, &Path::root())
}

/// Converts the branch of a conditional that was taken to `common`, the type that [`unify`] found for it and the other.
pub fn convert_branch(v: &Value, other: &Type, common: &Type) -> Result<Value> {
    match unify::taken_for(&v.ty(), other) {
        Some(from) => apply(v, &from, common, &Path::root()),
        None => convert(v, common),
    }
}

/// Whether there is a conversion from one type to the other. It may still fail for some values.
pub fn can_convert(from: &Type, to: &Type) -> bool {
    if from == to {
        return true;
    }
    let fits = |t: &Type, want: &Type| can_convert(t, want);
    match (from, to) {
        (_, Type::Dynamic) | (Type::Dynamic, _) => true,
        (Type::Bool | Type::Number, Type::String) | (Type::String, Type::Bool | Type::Number) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) | (Type::Map(a), Type::Map(b)) => fits(a, b),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| fits(a, b)),
        (Type::Tuple(parts), Type::List(element) | Type::Set(element)) => {
            let Some(common) = element_type(parts.iter(), element) else { return parts.is_empty() };
            let undecided = common == Type::Dynamic && parts.iter().any(|t| *t != Type::Dynamic);
            !undecided && parts.iter().all(|t| fits(t, &common))
        }
        (Type::Object(o), Type::Map(element)) => {
            let Some(common) = element_type(o.attrs.values(), element) else { return o.attrs.is_empty() };
            o.attrs.values().all(|t| fits(t, &common))
        }
        (Type::Map(element), Type::Object(o)) => o.attrs.iter().all(|(name, t)| o.optional.contains(name) || fits(element, t)),
        (Type::Object(a), Type::Object(b)) => b.attrs.iter().all(|(name, want)| match a.attrs.get(name) {
            Some(t) => fits(t, want),
            None => b.optional.contains(name),
        }),
        _ => false,
    }
}

fn convert_at(v: &Value, want: &Type, path: &Path) -> Result<Value> {
    let from = v.ty();
    if from == want.without_optional() {
        return Ok(v.clone());
    }
    if !can_convert(&from, want) {
        return Err(ConvertError::new(path, mismatch::describe(&from, want)));
    }
    apply(v, &from, want, path)
}

/// Converts a value of type `from`, where [`can_convert`] holds.
fn apply(v: &Value, from: &Type, to: &Type, path: &Path) -> Result<Value> {
    if from == to || *to == Type::Dynamic {
        return Ok(v.clone());
    }
    let converted = match (&v.data, to) {
        (Data::Unknown(_, known), _) => to_unknown(known, from, &resolve_any(from, &to.without_optional())),
        (Data::Null(_), _) => Value::null(resolve_any(from, &to.without_optional())),
        (Data::List(..) | Data::Set(..) | Data::Tuple(_), Type::List(element)) => to_list(v, from, element, path)?,
        (Data::List(..) | Data::Set(..) | Data::Tuple(_), Type::Set(element)) => to_set(v, from, element, path)?,
        (Data::Tuple(parts), Type::Tuple(wanted)) => to_tuple(parts, from, wanted, path)?,
        (Data::Map(_, parts) | Data::Object(parts), Type::Map(element)) => to_map(parts, from, element, path)?,
        (Data::Object(attrs), Type::Object(wanted)) => object_to_object(attrs, from, wanted, path)?,
        (Data::Map(element, parts), Type::Object(wanted)) => map_to_object(parts, element, wanted, path)?,
        _ => to_primitive(v, to, path)?,
    };
    Ok(converted.mark(v.marks))
}

/// Converts an unknown value. The length of a structure stays known in a collection, and with it
/// the collection itself, unless elements may turn out equal.
fn to_unknown(known: &Refinement, from: &Type, to: &Type) -> Value {
    let elements = |t: &Type, n| vec![Value::unknown(t.clone()); n];
    match (from, to) {
        (Type::Tuple(parts), Type::List(t)) if known.not_null => Value::list(Type::clone(t), elements(t, parts.len())),
        (Type::Tuple(parts), Type::Set(t)) if known.not_null && parts.len() < 2 => Value::set(Type::clone(t), elements(t, parts.len())),
        (Type::Object(o), Type::Map(t)) if known.not_null && o.attrs.is_empty() => Data::Map(Type::clone(t), Arc::default()).into(),
        _ => Data::Unknown(to.clone(), Refinement { not_null: known.not_null, prefix: None }).into(),
    }
}

fn to_primitive(v: &Value, to: &Type, path: &Path) -> Result<Value> {
    let fail = |message: &str| Err(ConvertError::new(path, message));
    match (&v.data, to) {
        (Data::Number(n), Type::String) => Ok(n.to_string().into()),
        (Data::Bool(b), Type::String) => Ok(b.to_string().into()),
        (Data::String(s), Type::Number) => Number::parse(s).map_or_else(|| fail("a number is required"), |n| Ok(n.into())),
        (Data::String(s), Type::Bool) => match &**s {
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            s if s.eq_ignore_ascii_case("true") => fail("a bool is required; to convert from string, use lowercase \"true\""),
            s if s.eq_ignore_ascii_case("false") => fail("a bool is required; to convert from string, use lowercase \"false\""),
            _ => fail("a bool is required"),
        },
        // The type was not known when the conversion was chosen.
        _ => convert_at(&Value::from(v.data.clone()), to, path),
    }
}

fn to_list(v: &Value, from: &Type, element: &Type, path: &Path) -> Result<Value> {
    let parts = v.as_slice().unwrap_or_default();
    if matches!(from, Type::Set(_)) && parts.len() > 1 && !v.is_wholly_known() {
        // Elements may still turn out equal, so that the length of the list is not known.
        let ty = resolve_any(from, &Type::list(element.without_optional()));
        return Ok(Value::unknown_not_null(ty));
    }
    let items = elements(parts, from, element, path)?;
    let items = match from {
        Type::Tuple(_) => unify::unify_values(items, path)?,
        _ => items.into_iter().map(unmark_null).collect(),
    };
    let (ty, items) = same_type(items, from, element, "element types must all match for conversion to list", path)?;
    Ok(Value::list(ty, items))
}

fn to_set(v: &Value, from: &Type, element: &Type, path: &Path) -> Result<Value> {
    let items = elements(v.as_slice().unwrap_or_default(), from, element, path)?;
    let items = items.into_iter().map(unmark_null).collect();
    let (ty, items) = same_type(items, from, element, "element types must all match for conversion to set", path)?;
    Ok(Value::set(ty, items))
}

/// Converts the elements of a list, set or tuple to the type of elements of a collection.
fn elements(parts: &[Value], from: &Type, element: &Type, path: &Path) -> Result<Vec<Value>> {
    let types: Vec<&Type> = match from {
        Type::Tuple(types) => types.iter().collect(),
        _ => from.element().into_iter().cycle().take(parts.len()).collect(),
    };
    let common = match from {
        Type::Tuple(_) => element_type(types.iter().copied(), element).unwrap_or_else(|| element.clone()),
        _ => element.clone(),
    };
    let convert = |(i, (v, t)): (usize, (&Value, &Type))| apply(v, t, &common, &path.then(Step::Index(i)));
    parts.iter().zip(types).enumerate().map(convert).collect()
}

fn to_tuple(parts: &[Value], from: &Type, wanted: &[Type], path: &Path) -> Result<Value> {
    let Type::Tuple(types) = from else { return Ok(Value::tuple(parts.iter().cloned())) };
    let convert = |(i, v): (usize, &Value)| apply(v, &types[i], &wanted[i], &path.then(Step::Index(i)));
    Ok(Value::tuple(parts.iter().enumerate().map(convert).collect::<Result<Vec<_>>>()?))
}

fn to_map(parts: &BTreeMap<Str, Value>, from: &Type, element: &Type, path: &Path) -> Result<Value> {
    let common = match from {
        Type::Object(o) => element_type(o.attrs.values(), element).unwrap_or_else(|| element.clone()),
        _ => element.clone(),
    };
    let mut items = Vec::with_capacity(parts.len());
    for (name, v) in parts {
        let t = part_type(from, name);
        items.push(apply(v, t, &common, &path.then(Step::Key(name.clone())))?);
    }
    if common.is_collection() || matches!(common, Type::Object(_)) {
        items = unify::unify_values(items, path)?;
    }
    let mismatch = match from {
        Type::Object(_) => "attribute types must all match for conversion to map",
        _ => "element types must all match for conversion to map",
    };
    let (ty, items) = same_type(items, from, element, mismatch, path)?;
    Ok(Value::map(ty, parts.keys().cloned().zip(items)))
}

fn object_to_object(attrs: &BTreeMap<Str, Value>, from: &Type, wanted: &ObjectType, path: &Path) -> Result<Value> {
    let mut out = BTreeMap::new();
    for (name, want) in &wanted.attrs {
        let v = match attrs.get(name) {
            Some(v) => unmark_null(apply(v, part_type(from, name), want, &path.then(Step::Attr(name.clone())))?),
            None => Value::null(want.without_optional()),
        };
        out.insert(name.clone(), v);
    }
    Ok(Data::Object(Arc::new(out)).into())
}

fn map_to_object(parts: &BTreeMap<Str, Value>, from: &Type, wanted: &ObjectType, path: &Path) -> Result<Value> {
    let mut out = BTreeMap::new();
    for (name, want) in &wanted.attrs {
        let v = match parts.get(name) {
            Some(_) if !can_convert(from, want) => {
                let reason = mismatch::describe(from, want);
                let message = format!("map element type is incompatible with attribute {name:?}: {reason}");
                return Err(ConvertError::new(path, message));
            }
            Some(v) => unmark_null(apply(v, from, want, &path.then(Step::Key(name.clone())))?),
            None if wanted.optional.contains(name) => Value::null(want.without_optional()),
            None => {
                let message = format!("map has no element for required attribute {name:?}");
                return Err(ConvertError::new(path, message));
            }
        };
        out.insert(name.clone(), v);
    }
    Ok(Data::Object(Arc::new(out)).into())
}

/// The type of an attribute of an object or of an element of a map.
fn part_type<'a>(of: &'a Type, name: &str) -> &'a Type {
    match of {
        Type::Object(o) => o.attrs.get(name).unwrap_or(&Type::Dynamic),
        _ => of.element().unwrap_or(&Type::Dynamic),
    }
}

/// Terraform forgets the marks of a null that becomes an attribute or an element.
fn unmark_null(v: Value) -> Value {
    if v.is_null() { Value::from(v.data) } else { v }
}

/// The type that elements of a structure convert to when a collection of `element` is wanted:
/// their common type when that is `any`. `None` if they have none.
fn element_type<'a>(parts: impl Iterator<Item = &'a Type>, element: &Type) -> Option<Type> {
    if *element != Type::Dynamic {
        return Some(element.clone());
    }
    unify(&parts.cloned().collect::<Vec<_>>())
}

/// Makes sure that converted elements agree on one type and returns it. Elements of unspecified
/// type, such as a bare `null`, take the type of the others.
fn same_type(items: Vec<Value>, from: &Type, element: &Type, mismatch: &str, path: &Path) -> Result<(Type, Vec<Value>)> {
    if items.is_empty() {
        let ty = match from.element() {
            Some(of) if *element == Type::Dynamic => of.clone(),
            _ => element.without_optional(),
        };
        return Ok((ty, items));
    }
    let mut common = Type::Dynamic;
    for v in &items {
        let ty = v.ty();
        if common == Type::Dynamic {
            common = ty;
        } else if ty != Type::Dynamic && ty != common {
            return Err(ConvertError::new(path, mismatch));
        }
    }
    let items = items.into_iter().map(|v| with_type(v, &common)).collect();
    Ok((common, items))
}

/// Gives a null or unknown value of unspecified type the type `ty`.
fn with_type(mut v: Value, ty: &Type) -> Value {
    if let Data::Null(t) | Data::Unknown(t, _) = &mut v.data
        && *t == Type::Dynamic
    {
        *t = ty.clone();
    }
    v
}

/// Replaces every `any` in `to` by what a value of type `from` has in its place.
fn resolve_any(from: &Type, to: &Type) -> Type {
    if *from == Type::Dynamic {
        return to.clone();
    }
    match (from, to) {
        (_, Type::Dynamic) => from.clone(),
        (_, Type::List(element)) => Type::list(resolve_element(from, element)),
        (_, Type::Set(element)) => Type::set(resolve_element(from, element)),
        (_, Type::Map(element)) => Type::map(resolve_element(from, element)),
        (Type::Tuple(from), Type::Tuple(to)) => Type::tuple(from.iter().zip(to.iter()).map(|(f, t)| resolve_any(f, t))),
        (Type::Object(_) | Type::Map(_), Type::Object(o)) => {
            Type::object(o.attrs.iter().map(|(name, t)| (name.clone(), resolve_any(part_type(from, name), t))))
        }
        _ => to.clone(),
    }
}

fn resolve_element(from: &Type, element: &Type) -> Type {
    let common = match from {
        Type::List(t) | Type::Set(t) | Type::Map(t) => Some(Type::clone(t)),
        Type::Tuple(types) => unify(types),
        Type::Object(o) => unify(&o.attrs.values().cloned().collect::<Vec<_>>()),
        _ => None,
    };
    common.map_or_else(|| element.clone(), |common| resolve_any(&common, element))
}

mod defaults;
mod mismatch;
mod unify;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Marks;

    #[test]
    fn primitives() {
        check(n("1.50"), &Type::String, r#""1.5""#);
        check(true.into(), &Type::String, r#""true""#);
        check("1e3".into(), &Type::Number, "1000");
        check("1".into(), &Type::Bool, "true");
        check("abc".into(), &Type::Number, "error: a number is required");
        check("yes".into(), &Type::Bool, "error: a bool is required");
        check("True".into(), &Type::Bool, r#"error: a bool is required; to convert from string, use lowercase "true""#);
        check(n("1"), &Type::Bool, "error: bool required");
        check(Value::NULL, &Type::Bool, "null:bool");
        check(Value::unknown(Type::Number), &Type::String, "unknown:string");
    }

    #[test]
    fn collections() {
        let list = |t: Type| Type::list(t);
        let set = Value::set(Type::Number, [n("10"), n("9")]);
        check(set.clone(), &list(Type::String), r#"list(string)["9" "10"]"#);
        check(set, &list(Type::Dynamic), "list(number)[9 10]");
        check(tuple([n("2"), true.into()]), &list(Type::Dynamic), "error: all list elements must have the same type");
        check(tuple([n("2"), "a".into(), Value::NULL]), &list(Type::Dynamic), r#"list(string)["2" "a" null:string]"#);
        check(tuple([Value::NULL, tuple([])]), &Type::set(Type::Dynamic), "error: all set elements must have the same type");
        check(tuple([]), &list(Type::Dynamic), "list(any)[]");
        check(tuple([tuple([n("1")]), tuple([])]), &list(list(Type::Dynamic)), "list(list(number))[list(number)[1] list(number)[]]");
        check(
            tuple([tuple([n("1")]), tuple(["a".into()])]),
            &list(list(Type::Dynamic)),
            r#"list(list(string))[list(string)["1"] list(string)["a"]]"#,
        );
        check(tuple([n("2"), "2".into()]), &Type::set(Type::String), r#"set(string)["2"]"#);
        check(tuple(["a".into(), tuple([])]), &list(Type::String), "error: element 1: string required");
        check(Value::list(Type::Bool, [true.into()]), &list(Type::Number), "error: incorrect list element type: number required");
        check("a".into(), &list(Type::Dynamic), "error: list of any single type required");
        check(Value::list(Type::Number, [n("1")]), &Type::tuple([Type::Number]), "error: tuple required");
        check(tuple(["1".into()]), &Type::tuple([Type::Number]), "[1]");
    }

    #[test]
    fn objects_and_maps() {
        let ab = constraint([("a", Type::Number, false), ("b", Type::String, true)]);
        check(object([("a", "1".into()), ("c", true.into())]), &ab, "{a=1 b=null:string}");
        check(object([("b", "x".into())]), &ab, r#"error: attribute "a" is required"#);
        check(object([("a", tuple([]))]), &ab, r#"error: attribute "a": number required"#);
        check(Value::map(Type::String, [("a", "1".into())]), &ab, "{a=1 b=null:string}");
        check(Value::map(Type::String, [("b", "1".into())]), &ab, r#"error: map has no element for required attribute "a""#);
        check(object([("a", n("1")), ("b", "x".into())]), &Type::map(Type::Dynamic), r#"map(string){a="1" b="x"}"#);
        check(object([("a", n("1")), ("b", true.into())]), &Type::map(Type::Dynamic), "error: all map elements must have the same type");
        check(object([("a", n("1")), ("b", tuple([]))]), &Type::map(Type::Number), r#"error: element "b": number required"#);
        let c = constraint([("c", Type::list(ab), true)]);
        check(object([("c", tuple([object([("a", n("1"))])]))]), &c, "{c=list(object({a=number,b=string}))[{a=1 b=null:string}]}");
        check(object([("c", Value::NULL)]), &c, "{c=null:list(object({a=number,b=string}))}");
    }

    #[test]
    fn unknown_parts_keep_what_is_known() {
        let strings = Type::list(Type::String);
        let pair = Type::tuple([Type::Number, Type::Bool]);
        check(Value::unknown(pair.clone()), &strings, "unknown:list(string)");
        check(Value::unknown_not_null(pair), &strings, "list(string)[unknown:string unknown:string]");
        check(Value::unknown_not_null(Type::Number), &Type::String, "unknown!:string");
        check(Value::unknown(Type::Dynamic), &Type::list(Type::Dynamic), "unknown:list(any)");
        check(Value::unknown(Type::set(Type::Number)), &Type::list(Type::Dynamic), "unknown:list(number)");
        let set = Value::set(Type::Number, [n("1"), Value::unknown(Type::Number)]);
        check(set, &strings, "unknown!:list(string)");
    }

    #[test]
    fn marks_stay_where_they_are() {
        let secret = |v: Value| v.mark(Marks::SENSITIVE);
        check(secret(n("1")), &Type::String, r#"secret "1""#);
        check(tuple([secret(n("1")), "a".into()]), &Type::list(Type::String), r#"list(string)[secret "1" "a"]"#);
        check(tuple([secret(n("1")), "a".into()]), &Type::set(Type::String), r#"secret set(string)["1" "a"]"#);
        check(secret(tuple([n("1")])), &Type::list(Type::Dynamic), "secret list(number)[1]");
    }

    #[test]
    fn errors_name_the_part() {
        let want = constraint([("a", Type::list(Type::map(Type::Bool)), false)]);
        let inner = Value::map(Type::String, [("k", "no".into())]);
        let error = convert(&object([("a", tuple([inner]))]), &want).expect_err("not a bool");
        assert_eq!((error.path.to_string().as_str(), error.to_string().as_str()), (r#".a[0]["k"]"#, "a bool is required"));
    }

    fn n(text: &str) -> Value {
        Number::parse(text).expect("a number").into()
    }

    fn tuple(items: impl IntoIterator<Item = Value>) -> Value {
        Value::tuple(items)
    }

    fn object<const N: usize>(items: [(&str, Value); N]) -> Value {
        Value::object(items)
    }

    /// An object type of names, types and whether they are optional.
    fn constraint<const N: usize>(attrs: [(&str, Type, bool); N]) -> Type {
        let optional = attrs.iter().filter(|(.., optional)| *optional).map(|(name, ..)| (*name).into()).collect();
        let attrs = attrs.into_iter().map(|(name, ty, _)| (name.into(), ty)).collect();
        Type::Object(Arc::new(ObjectType { attrs, optional }))
    }

    fn show(v: &Value) -> String {
        let secret = if v.is_sensitive() { "secret " } else { "" };
        let items = || v.parts().map(show).collect::<Vec<_>>().join(" ");
        let named = |m: &BTreeMap<Str, Value>| m.iter().map(|(k, v)| format!("{k}={}", show(v))).collect::<Vec<_>>().join(" ");
        let shown = match &v.data {
            Data::Null(t) => format!("null:{t}"),
            Data::Unknown(t, known) => format!("unknown{}:{t}", if known.not_null { "!" } else { "" }),
            Data::Bool(b) => b.to_string(),
            Data::Number(n) => n.to_string(),
            Data::String(s) => format!("{s:?}"),
            Data::List(..) | Data::Set(..) => format!("{}[{}]", v.ty(), items()),
            Data::Tuple(_) => format!("[{}]", items()),
            Data::Map(_, m) => format!("{}{{{}}}", v.ty(), named(m)),
            Data::Object(m) => format!("{{{}}}", named(m)),
        };
        format!("{secret}{shown}")
    }

    #[track_caller]
    fn check(v: Value, want: &Type, result: &str) {
        let got = convert(&v, want).map_or_else(|e| format!("error: {e}"), |v| show(&v));
        assert_eq!(got, result, "{} to {want}", show(&v));
    }
}
