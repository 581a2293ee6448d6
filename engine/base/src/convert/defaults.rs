//! The defaults of optional attributes, filled in before a value is converted to its type.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::unify::unify_values;
use crate::{Data, Path, Step, Str, Type, Value};

/// The defaults that a type constraint gives to optional attributes, at any depth.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The type constraint that the defaults are part of.
    pub ty: Type,
    /// Defaults of attributes, when `ty` is an object type.
    pub attrs: BTreeMap<Str, Value>,
    /// Defaults further down: by name for the attributes of an object, by decimal index for the
    /// elements of a tuple, under `""` for the elements of a collection.
    pub children: BTreeMap<Str, Defaults>,
}

impl Defaults {
    /// Whether there is nothing to fill in.
    pub fn is_empty(&self) -> bool {
        self.attrs.is_empty() && self.children.is_empty()
    }

    /// Fills in the defaults of attributes that are missing or null.
    ///
    /// Comes before conversion: what does not have the expected shape stays as it is, for the
    /// conversion to report. Where elements of a collection come to differ in type and have no type
    /// in common, the collection becomes a tuple or an object.
    #[must_use]
    pub fn apply(&self, v: &Value) -> Value {
        if self.is_empty() {
            return v.clone();
        }
        let filled = match &v.data {
            Data::Tuple(items) => Value::tuple(self.apply_items(items)),
            Data::List(element, items) => collect(self.apply_items(items), element, Value::list),
            Data::Set(element, items) => collect(self.apply_items(items), element, Value::set),
            Data::Object(parts) => Data::Object(Arc::new(self.apply_parts(parts))).into(),
            Data::Map(element, parts) => collect_map(self.apply_parts(parts), element),
            _ => return v.clone(),
        };
        filled.mark(v.marks)
    }

    fn apply_items(&self, items: &[Value]) -> Vec<Value> {
        let apply = |(i, v): (usize, &Value)| self.child(&Step::Index(i)).map_or_else(|| v.clone(), |d| d.apply(v));
        items.iter().enumerate().map(apply).collect()
    }

    fn apply_parts(&self, parts: &BTreeMap<Str, Value>) -> BTreeMap<Str, Value> {
        let mut out = BTreeMap::new();
        for (name, v) in parts {
            let v = self.child(&Step::Key(name.clone())).map_or_else(|| v.clone(), |d| d.apply(v));
            out.insert(name.clone(), v);
        }
        for (name, default) in &self.attrs {
            let given = out.get(name).filter(|v| !v.is_null()).cloned();
            let v = match given {
                Some(v) => with_known_presence(v, default),
                None => self.children.get(name).map_or_else(|| default.clone(), |d| d.apply(default)),
            };
            out.insert(name.clone(), v);
        }
        out
    }

    /// The defaults of a part. Where value and type differ in kind, those of elements.
    fn child(&self, step: &Step) -> Option<&Defaults> {
        match (step, &self.ty) {
            (Step::Index(i), Type::Tuple(_)) => self.children.get(i.to_string().as_str()),
            (Step::Key(name) | Step::Attr(name), Type::Object(_)) => self.children.get(name),
            _ => self.children.get(""),
        }
    }
}

/// An unknown attribute with a default is never null, since a null would give way to the default.
fn with_known_presence(mut v: Value, default: &Value) -> Value {
    let present = match &default.data {
        Data::Null(_) => false,
        Data::Unknown(_, known) => known.not_null,
        _ => true,
    };
    if let Data::Unknown(ty, known) = &mut v.data
        && present
        && *ty != Type::Dynamic
    {
        known.not_null = true;
    }
    v
}

fn collect(items: Vec<Value>, element: &Type, collection: fn(Type, Vec<Value>) -> Value) -> Value {
    if items.is_empty() {
        return collection(element.clone(), items);
    }
    match with_common_type(&items) {
        Some((ty, items)) => collection(ty, items),
        None => Value::tuple(items),
    }
}

fn collect_map(parts: BTreeMap<Str, Value>, element: &Type) -> Value {
    if parts.is_empty() {
        return Value::map(element.clone(), parts);
    }
    let values: Vec<Value> = parts.values().cloned().collect();
    match with_common_type(&values) {
        Some((ty, values)) => Value::map(ty, parts.into_keys().zip(values)),
        None => Data::Object(Arc::new(parts)).into(),
    }
}

fn with_common_type(values: &[Value]) -> Option<(Type, Vec<Value>)> {
    let unified = unify_values(values.to_vec(), &Path::root()).ok()?;
    super::same_type(unified, &Type::Dynamic, &Type::Dynamic, "", &Path::root()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::convert;
    use crate::{Marks, Refinement};

    #[test]
    fn missing_and_null_attributes_are_filled() {
        check(Value::object([("a", Value::from("x"))]), r#"{"a": "x", "n": 1}"#);
        check(Value::object([("a", Value::from("x")), ("n", Value::NULL)]), r#"{"a": "x", "n": 1}"#);
        check(Value::object([("a", Value::from("x")), ("n", Value::from(2i64))]), r#"{"a": "x", "n": 2}"#);
        check(Value::map(Type::String, [("a", Value::from("x"))]), r#"{"a": "x", "n": 1}"#);
        check(Value::NULL, "null");
    }

    #[test]
    fn unknown_attributes_will_not_be_null() {
        let unknown = Value::object([("n", Value::unknown(Type::Number))]);
        let filled = item().apply(&unknown);
        let known = filled.get("n").map(|v| v.data.clone());
        assert!(matches!(known, Some(Data::Unknown(Type::Number, Refinement { not_null: true, .. }))));
    }

    #[test]
    fn collections_hand_down_the_defaults_of_elements() {
        let ty = Type::list(item().ty);
        let defaults = Defaults { ty: ty.clone(), attrs: BTreeMap::new(), children: BTreeMap::from([("".into(), item())]) };
        let full = Value::object([("a", Value::from("x")), ("n", Value::from(2i64))]);
        let bare = Value::object([("a", Value::from("y"))]).mark(Marks::SENSITIVE);
        let filled = defaults.apply(&Value::tuple([full, bare.clone()]));
        let got = convert(&filled, &ty).expect("elements convert");
        assert_eq!(
            got.as_slice().map(|items| items.iter().map(show).collect::<Vec<_>>().join(" ")).as_deref(),
            Some(r#"{"a": "x", "n": 2} {"a": "y", "n": 1}"#)
        );
        assert!(got.at(&Path(vec![Step::Index(1)])).is_some_and(Value::is_sensitive));
        let list = Value::list(bare.ty(), [bare]);
        assert_eq!(defaults.apply(&list).ty().to_string(), "list(object({a=string,n=number}))");
    }

    /// The defaults of `object({ a = string, n = optional(number, 1) })`.
    fn item() -> Defaults {
        let attrs = BTreeMap::from([("a".into(), Type::String), ("n".into(), Type::Number)]);
        let ty = Type::Object(Arc::new(crate::ObjectType { attrs, optional: ["n".into()].into() }));
        Defaults { ty, attrs: BTreeMap::from([("n".into(), Value::from(1i64))]), children: BTreeMap::new() }
    }

    fn show(v: &Value) -> String {
        match &v.data {
            Data::Object(m) => format!("{:?}", m.iter().map(|(k, v)| (k, Shown(show(v)))).collect::<BTreeMap<_, _>>()),
            Data::String(s) => format!("{s:?}"),
            Data::Number(n) => n.to_string(),
            _ => "null".into(),
        }
    }

    struct Shown(String);

    impl std::fmt::Debug for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.0)
        }
    }

    #[track_caller]
    fn check(v: Value, want: &str) {
        let converted = convert(&item().apply(&v), &item().ty).expect("the shape is right");
        assert_eq!(show(&converted), want);
    }
}
