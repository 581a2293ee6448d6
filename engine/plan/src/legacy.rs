//! Tells null from empty where a provider cannot.
//!
//! The older framework for providers returns an empty collection where null was planned, and the
//! other way round. Terraform takes the planned (after apply) or prior (after refresh) form, so
//! that neither shows as a difference. The AWS provider is built on that framework.

use secstack_base::{Data, Path, Type, Value};

/// When a new object is compared with what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After create or update: `reference` is the planned object.
    Apply,
    /// After refresh: `reference` is the prior object.
    Refresh,
}

/// The new object with null and empty as in `reference`, where they mean the same.
pub fn normalize(new: &Value, reference: &Value, when: When) -> Value {
    let apply = when == When::Apply;
    if reference.is_unknown() {
        return if new.is_null() && !apply { reference.clone() } else { new.clone() };
    }
    let ty = new.ty();
    if ty.is_collection() && apply {
        let empty = |v: &Value| matches!(v.data, Data::List(..) | Data::Set(..) | Data::Map(..)) && v.parts().next().is_none();
        if reference.is_null() && empty(new) || empty(reference) && new.is_null() {
            return reference.clone();
        }
    }
    if reference.is_null() || new.is_unknown() {
        return new.clone();
    }
    let known = reference.is_wholly_known();
    let by_part = || {
        new.map_parts(|step, v| match reference.at(&Path(vec![step])) {
            Some(r) => normalize(v, r, when),
            None => v.clone(),
        })
    };
    match (&new.data, &ty) {
        (Data::Object(_), _) | (Data::Map(..), _) => by_part(),
        (_, Type::Set(_) | Type::List(_) | Type::Tuple(_)) if known && apply => reference.clone(),
        // What was known of each element of a list still counts.
        (Data::List(_, items), _) if apply && reference.as_slice().is_some_and(|r| r.len() == items.len()) => by_part(),
        (Data::Null(_), Type::Bool | Type::Number | Type::String) if known && apply => reference.clone(),
        _ => new.clone(),
    }
}
