//! What the older framework for providers cannot tell apart.
//!
//! It returns an empty collection where null was planned, and the other way round. Terraform takes the planned (after
//! apply) or prior (after refresh) form, so that neither shows as a difference. The AWS provider is built on that framework.

use secstack_base::schema::Block;
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
        (_, Type::Set(_)) if known && apply => reference.clone(),
        (Data::List(_, items), _) if apply && reference.as_slice().is_some_and(|r| r.len() == items.len()) => by_part(),
        (Data::Null(_), Type::Bool | Type::Number | Type::String) if known && apply => reference.clone(),
        _ => new.clone(),
    }
}

/// Whether the framework takes a value for unset.
pub(crate) fn is_zero(v: &Value) -> bool {
    match &v.data {
        Data::String(s) => s.is_empty(),
        Data::Bool(b) => !b,
        Data::Number(n) => n.to_i64() == Some(0),
        Data::List(_, items) | Data::Set(_, items) => items.is_empty(),
        Data::Map(_, m) => m.is_empty(),
        _ => false,
    }
}

/// Whether the framework sees no change from `prior` to `planned`: it sees neither timeouts nor zeros where nothing was.
/// An object of which nothing else changes stays as it was, those included.
pub(crate) fn is_no_change(schema: &Block, prior: &Value, planned: &Value) -> bool {
    let pair = |name: &str| Some((prior.get(name)?, planned.get(name)?));
    let mut attributes = schema.attributes.iter().filter_map(|a| pair(&a.name));
    let mut blocks = schema.blocks.iter().filter(|b| &*b.name != "timeouts").filter_map(|b| pair(&b.name));
    attributes.all(|(old, new)| old.same_unmarked(new) || old.is_null() && is_zero(new)) && blocks.all(|(old, new)| old.same_unmarked(new))
}

/// The object as an update leaves it: text, flags and numbers that are taken away are zero from then on.
pub fn emptied(new: &Value, prior: &Value, schema: &Block) -> Value {
    let taken = schema.attributes.iter().filter(|a| !a.presence.is_computed());
    taken.fold(new.clone(), |object, a| {
        let zero = match a.ty {
            Type::String => "".into(),
            Type::Bool => false.into(),
            Type::Number => 0.into(),
            _ => return object,
        };
        let is_taken = object.get(&a.name).is_some_and(Value::is_null) && prior.get(&a.name).is_some_and(|v| !v.is_null());
        if is_taken { object.with(&a.name, zero) } else { object }
    })
}
