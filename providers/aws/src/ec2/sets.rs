//! Sets of blocks as the older provider framework plans them.
//!
//! That framework does not know null inside a set: text becomes empty, flags false, collections empty. And it finds
//! an element again by a hash that overlooks spelling, such as `tcp` for `6`, in which case the stored
//! spelling stays. Where a set of an object that exists changes, the elements that stay are planned as they are written, with
//! null for what is not.

use secstack_base::schema::Draft;
use secstack_base::{Data, Path, Type, Value};

/// Puts the planned set `name` in the framework's form. `canonical` brings an element to a form in which
/// two that mean the same are the same.
pub fn plan(draft: &mut Draft, name: &str, canonical: fn(&Value) -> Value) {
    let Some(planned) = draft.planned.get(name) else { return };
    let (Some(items), Some(element)) = (planned.as_slice(), planned.ty().element().cloned()) else { return };
    let prior = draft.prior.as_ref().and_then(|p| p.get(name)).and_then(Value::as_slice).unwrap_or_default();
    let known: Vec<(Value, &Value)> = prior.iter().map(|p| (canonical(&zeros(p)), p)).collect();
    let find = |item: &Value| {
        let form = canonical(&zeros(item));
        known.iter().find(|(p, _)| p.same_unmarked(&form)).map(|(_, p)| *p)
    };
    let settled = Value::set(element.clone(), items.iter().map(|i| find(i).map_or_else(|| filled(i), Value::clone)));
    let changes = draft.prior.as_ref().and_then(|p| p.get(name)).is_some_and(|p| !p.same_unmarked(&settled));
    let settled = match changes {
        true => Value::set(element, items.iter().map(|i| find(i).map_or_else(|| filled(i), |p| as_written(p, i)))),
        false => settled,
    };
    draft.planned = draft.planned.with(name, settled.mark(planned.marks));
}

/// The object with nulls as the framework plans them. Numbers stay null.
fn filled(object: &Value) -> Value {
    object.map_parts(|_, v| if v.ty() == Type::Number { v.clone() } else { zero_for_null(v) })
}

/// The same with numbers, too.
fn zeros(object: &Value) -> Value {
    object.map_parts(|_, v| zero_for_null(v))
}

fn zero_for_null(v: &Value) -> Value {
    match &v.data {
        Data::Null(ty) => Value::zero(ty).unwrap_or_else(|| v.clone()),
        _ => v.clone(),
    }
}

/// The stored element as the configuration writes it, with null for each zero that it does not say.
fn as_written(stored: &Value, written: &Value) -> Value {
    stored.map_parts(|step, v| match written.at(&Path(vec![step])) {
        Some(said) if !said.is_null() => said.clone(),
        Some(_) if matches!(v.ty(), Type::String | Type::Number) && v.is_zero() => Value::null(v.ty()),
        _ => v.clone(),
    })
}

/// The object with one part of text replaced by what `f` makes of it.
pub fn respelt(object: &Value, name: &str, f: impl Fn(&str) -> String) -> Value {
    match object.get_str(name) {
        Some(text) => object.with(name, f(text).into()),
        None => object.clone(),
    }
}
