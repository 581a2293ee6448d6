//! Says why a value of one type cannot have another.

use crate::convert::can_convert;
use crate::{ObjectType, Str, Type};

/// Why there is no conversion, as the end of a sentence.
pub(super) fn describe(got: &Type, want: &Type) -> String {
    match (got, want) {
        (Type::Object(got), Type::Object(want)) => describe_objects(got, want),
        (Type::Tuple(_), Type::List(t)) if **t == Type::Dynamic => "all list elements must have the same type".into(),
        (Type::Tuple(_), Type::Set(t)) if **t == Type::Dynamic => "all set elements must have the same type".into(),
        (Type::Object(_), Type::Map(t)) if **t == Type::Dynamic => "all map elements must have the same type".into(),
        (Type::Tuple(parts), Type::List(t) | Type::Set(t)) => {
            describe_element(parts.iter().enumerate().map(|(i, part)| (i.to_string(), part)), t)
        }
        (Type::Object(o), Type::Map(t)) => describe_element(o.attrs.iter().map(|(name, part)| (format!("{name:?}"), part)), t),
        (Type::List(got) | Type::Set(got), Type::List(t)) => {
            format!("incorrect list element type: {}", describe(got, t))
        }
        (Type::List(got) | Type::Set(got), Type::Set(t)) => format!("incorrect set element type: {}", describe(got, t)),
        (Type::Map(got), Type::Map(t)) => format!("incorrect map element type: {}", describe(got, t)),
        _ => required(want),
    }
}

fn required(want: &Type) -> String {
    format!("{} required", want.friendly())
}

fn describe_objects(got: &ObjectType, want: &ObjectType) -> String {
    let required = |name: &&Str| !want.optional.contains(*name) && !got.attrs.contains_key(*name);
    let missing: Vec<String> = want.attrs.keys().filter(required).map(|name| format!("{name:?}")).collect();
    match missing.as_slice() {
        [] => {}
        [one] => return format!("attribute {one} is required"),
        [one, two] => return format!("attributes {one} and {two} are required"),
        [most @ .., last] => return format!("attributes {}, and {last} are required", most.join(", ")),
    }
    let wrong = want.attrs.iter().find_map(|(name, want)| {
        let got = got.attrs.get(name).filter(|got| !can_convert(got, want))?;
        Some(format!("attribute {name:?}: {}", describe(got, want)))
    });
    wrong.unwrap_or_else(|| "incorrect object attributes".into())
}

fn describe_element<'a>(parts: impl Iterator<Item = (String, &'a Type)>, want: &Type) -> String {
    for (name, got) in parts {
        if !can_convert(got, want) {
            return format!("element {name}: {}", describe(got, want));
        }
    }
    format!("all elements must be {}", want.friendly())
}
