//! What the older framework for providers cannot tell apart.
//!
//! It returns an empty collection where null was planned, and the other way round. Terraform takes the planned (after
//! apply) or prior (after refresh) form, so that neither shows as a difference. The AWS provider is built on that framework.

use secstack_base::schema::{Attribute, Block};
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

/// An argument as the framework takes it. `prior` is what the attribute was before.
pub(crate) fn taken(a: &Attribute, prior: Option<&Value>, given: Value) -> Value {
    let (is_computed, was_none) = (a.presence.is_computed(), prior.is_none_or(Value::is_null));
    match &given.data {
        // Empty text asks for nothing where the provider chooses; an empty map is none where there was none.
        Data::String(text) if text.is_empty() && is_computed => Value::null(a.ty.clone()),
        Data::Map(_, m) if m.is_empty() && !is_computed && was_none => Value::null(a.ty.clone()),
        Data::Map(of, _) if of.is_primitive() && !given.is_wholly_known() => Value::unknown(a.ty.clone()),
        Data::Set(..) | Data::List(..) => known_whole(&given),
        _ => given,
    }
}

/// The value with each set of plain values in it known as a whole or not at all.
fn known_whole(value: &Value) -> Value {
    if value.is_wholly_known() {
        return value.clone();
    }
    match &value.data {
        Data::Set(of, _) if of.is_primitive() => Value::unknown(value.ty()).mark(value.marks),
        Data::Set(..) | Data::List(..) | Data::Object(_) => value.map_parts(|_, part| known_whole(part)),
        _ => value.clone(),
    }
}

/// Whether the framework sees no change from `prior` to `planned`: it sees neither timeouts nor zeros where nothing was.
/// An object of which nothing else changes stays as it was, those included.
pub(crate) fn is_no_change(schema: &Block, prior: &Value, planned: &Value) -> bool {
    let pair = |name: &str| Some((prior.get(name)?, planned.get(name)?));
    let mut attributes = schema.attributes.iter().filter_map(|a| pair(&a.name));
    let mut blocks = schema.blocks.iter().filter(|b| &*b.name != "timeouts").filter_map(|b| pair(&b.name));
    attributes.all(|(old, new)| old.same_unmarked(new) || old.is_null() && new.is_zero()) && blocks.all(|(old, new)| old.same_unmarked(new))
}

/// The object as an update leaves it: text, flags and numbers that are taken away are zero from then on.
pub fn emptied(new: &Value, prior: &Value, schema: &Block) -> Value {
    let plain = schema.attributes.iter().filter(|a| a.ty.is_primitive() && !a.presence.is_computed());
    plain.fold(new.clone(), |object, a| {
        let is_taken = object.get(&a.name).is_some_and(Value::is_null) && prior.get(&a.name).is_some_and(|v| !v.is_null());
        match Value::zero(&a.ty) {
            Some(zero) if is_taken => object.with(&a.name, zero),
            _ => object,
        }
    })
}
