//! Finds the most general type that values of several types convert to.

use std::cmp::Ordering;

use super::{ConvertError, Result, apply, can_convert};
use crate::{ObjectType, Path, Type, Value};

/// The type that values of all of `types` convert to, as for the branches of a conditional.
///
/// `None` when there is none, and for no types. `Dynamic` among lists, maps, objects and the like
/// makes the result `Dynamic`; among primitive types it is left out of account.
pub fn unify(types: &[Type]) -> Option<Type> {
    let first = types.first()?;
    if types.iter().all(|t| t == first) {
        return Some(first.clone());
    }
    let any = types.contains(&Type::Dynamic);
    let kinds: Vec<Kind> = types.iter().filter(|t| **t != Type::Dynamic).map(Kind::of).collect();
    let only = |wanted: &[Kind]| kinds.iter().all(|k| wanted.contains(k));
    let has = |kind| kinds.contains(&kind);
    match () {
        () if any && kinds.iter().all(|k| *k == kinds[0]) && kinds[0] != Kind::Primitive => Some(Type::Dynamic),
        () if only(&[Kind::Map]) => unify_collections(types, Type::map),
        () if only(&[Kind::List]) => unify_collections(types, Type::list),
        () if only(&[Kind::Set]) => unify_collections(types, Type::set),
        () if only(&[Kind::Object]) => unify_objects(types),
        () if only(&[Kind::Tuple]) => unify_tuples(types),
        () if has(Kind::Map) && only(&[Kind::Map, Kind::Object]) => {
            unify_disguised(types, Kind::Object).map(|(_, common)| common).or_else(|| unify_to_one_of(types))
        }
        () if has(Kind::List) && only(&[Kind::List, Kind::Tuple]) => {
            unify_disguised(types, Kind::Tuple).map(|(_, common)| common).or_else(|| unify_to_one_of(types))
        }
        () if has(Kind::Object) && has(Kind::Tuple) => None,
        () => unify_to_one_of(types),
    }
}

/// Converts values to their common type.
pub(super) fn unify_values(values: Vec<Value>, path: &Path) -> Result<Vec<Value>> {
    let types: Vec<Type> = values.iter().map(Value::ty).collect();
    if values.is_empty() {
        return Ok(values);
    }
    let fail = || ConvertError::new(path, "cannot find a common base type for all elements");
    let common = unify(&types).ok_or_else(fail)?;
    let convert = |(v, t): (&Value, &Type)| {
        if can_convert(t, &common) { apply(v, t, &common, path) } else { Err(fail()) }
    };
    values.iter().zip(&types).map(convert).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Primitive,
    List,
    Set,
    Map,
    Tuple,
    Object,
}

impl Kind {
    fn of(t: &Type) -> Kind {
        match t {
            Type::Dynamic | Type::Bool | Type::Number | Type::String => Kind::Primitive,
            Type::List(_) => Kind::List,
            Type::Set(_) => Kind::Set,
            Type::Map(_) => Kind::Map,
            Type::Tuple(_) => Kind::Tuple,
            Type::Object(_) => Kind::Object,
        }
    }
}

fn unify_collections(types: &[Type], collection: fn(Type) -> Type) -> Option<Type> {
    let elements: Vec<Type> = types.iter().filter_map(Type::element).cloned().collect();
    reachable(types, collection(unify(&elements)?))
}

/// Objects with the same attribute names unify attribute by attribute, others become a map.
fn unify_objects(types: &[Type]) -> Option<Type> {
    let objects: Vec<&ObjectType> = types.iter().filter_map(as_object).collect();
    let first = objects.first()?;
    if !objects.iter().all(|o| o.attrs.keys().eq(first.attrs.keys())) {
        return objects_as_map(types);
    }
    let mut attrs = Vec::new();
    for name in first.attrs.keys() {
        let across: Vec<Type> = objects.iter().filter_map(|o| o.attrs.get(name)).cloned().collect();
        attrs.push((name.clone(), unify(&across)?));
    }
    reachable(types, Type::object(attrs)).or_else(|| objects_as_map(types))
}

/// Tuples of one length unify element by element, others become a list.
fn unify_tuples(types: &[Type]) -> Option<Type> {
    let tuples: Vec<&[Type]> = types.iter().filter_map(as_tuple).collect();
    let length = tuples.first()?.len();
    if tuples.iter().any(|t| t.len() != length) {
        return tuples_as_list(types);
    }
    let across = |i: usize| unify(&tuples.iter().map(|t| t[i].clone()).collect::<Vec<_>>());
    let elements = (0..length).map(across).collect::<Option<Vec<_>>>()?;
    reachable(types, Type::tuple(elements)).or_else(|| tuples_as_list(types))
}

fn objects_as_map(types: &[Type]) -> Option<Type> {
    let attrs: Vec<Type> = types.iter().filter_map(as_object).flat_map(|o| o.attrs.values().cloned()).collect();
    reachable(types, Type::map(unify(&attrs)?))
}

fn tuples_as_list(types: &[Type]) -> Option<Type> {
    let elements: Vec<Type> = types.iter().filter_map(as_tuple).flatten().cloned().collect();
    reachable(types, Type::list(unify(&elements)?))
}

/// Objects beside maps are usually maps in disguise, as tuples beside lists are lists: takes those
/// of kind `disguised` as the collection they unify to, then looks for a common collection. Returns both.
fn unify_disguised(types: &[Type], disguised: Kind) -> Option<(Type, Type)> {
    let (hidden, plain): (Vec<Type>, Vec<Type>) = types.iter().cloned().partition(|t| Kind::of(t) == disguised);
    let revealed = if disguised == Kind::Object { objects_as_map(&hidden) } else { tuples_as_list(&hidden) }?;
    let kind = Kind::of(&revealed);
    let common = unify(&[plain, vec![revealed.clone()]].concat())?;
    (Kind::of(&common) == kind).then_some((revealed, common))
}

/// The type that a branch of a conditional is taken for, beside a branch of type `other`, on its way to their common
/// type: a tuple beside a list is taken for the list that its elements unify to, although they have not been
/// converted to that. So Terraform refuses `[[1], ["a"]]` beside an empty list, where no type of elements is asked for.
pub(super) fn taken_for(branch: &Type, other: &Type) -> Option<Type> {
    let disguised = match (Kind::of(branch), Kind::of(other)) {
        (Kind::Tuple, Kind::List) => Kind::Tuple,
        (Kind::Object, Kind::Map) => Kind::Object,
        _ => return None,
    };
    let (revealed, common) = unify_disguised(&[branch.clone(), other.clone()], disguised)?;
    (revealed != common).then_some(revealed)
}

/// Takes the first type, the most general ones first, that all others convert to.
fn unify_to_one_of(types: &[Type]) -> Option<Type> {
    by_generality(types).into_iter().find_map(|want| reachable(types, want.clone()))
}

fn reachable(types: &[Type], want: Type) -> Option<Type> {
    types.iter().all(|t| can_convert(t, &want)).then_some(want)
}

/// Sorts topologically by [`generality`]. Types on a cycle are left out, unless they are the first.
fn by_generality(types: &[Type]) -> Vec<&Type> {
    let above = |i: usize, j: usize| match i.cmp(&j) {
        Ordering::Less => generality(&types[i], &types[j]) == Ordering::Less,
        Ordering::Equal => false,
        Ordering::Greater => generality(&types[j], &types[i]) == Ordering::Greater,
    };
    let all = 0..types.len();
    let mut waiting: Vec<usize> = all.clone().map(|j| all.clone().filter(|&i| above(i, j)).count()).collect();
    let mut sorted: Vec<usize> = all.clone().filter(|&i| waiting[i] == 0).collect();
    let mut next = 0;
    while let Some(&i) = sorted.get(next) {
        next += 1;
        for j in all.clone().filter(|&j| above(i, j)) {
            waiting[j] -= 1;
            if waiting[j] == 0 {
                sorted.push(j);
            }
        }
    }
    if sorted.len() < types.len() {
        sorted.push(0);
    }
    sorted.into_iter().map(|i| &types[i]).collect()
}

/// `Less` when `a` is the more general type. It assumes that parts will turn out to unify.
fn generality(a: &Type, b: &Type) -> Ordering {
    match (a, b) {
        (Type::Dynamic, Type::Dynamic) => Ordering::Equal,
        (Type::Dynamic, _) => Ordering::Greater,
        (_, Type::Dynamic) => Ordering::Less,
        (Type::String, Type::Bool | Type::Number) => Ordering::Less,
        (Type::Bool | Type::Number, Type::String) => Ordering::Greater,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => generality(a, b),
        (Type::Tuple(_) | Type::List(_), Type::Set(_)) => Ordering::Less,
        (Type::Set(_), Type::Tuple(_) | Type::List(_)) => Ordering::Greater,
        (Type::List(_), Type::Tuple(_)) | (Type::Map(_), Type::Object(_)) => Ordering::Less,
        (Type::Tuple(_), Type::List(_)) | (Type::Object(_), Type::Map(_)) => Ordering::Greater,
        (Type::Object(a), Type::Object(b)) if a.attrs.keys().eq(b.attrs.keys()) => generality_of_parts(a.attrs.values(), b.attrs.values()),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => generality_of_parts(a.iter(), b.iter()),
        _ => Ordering::Equal,
    }
}

fn generality_of_parts<'a>(a: impl Iterator<Item = &'a Type>, b: impl Iterator<Item = &'a Type>) -> Ordering {
    let parts: Vec<Ordering> = a.zip(b).map(|(a, b)| generality(a, b)).collect();
    match (parts.contains(&Ordering::Less), parts.contains(&Ordering::Greater)) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn as_object(t: &Type) -> Option<&ObjectType> {
    match t {
        Type::Object(o) => Some(o),
        _ => None,
    }
}

fn as_tuple(t: &Type) -> Option<&[Type]> {
    match t {
        Type::Tuple(parts) => Some(parts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives() {
        check([Type::Number, Type::String], "string");
        check([Type::Bool, Type::String, Type::Number], "string");
        check([Type::Bool, Type::Number], "none");
        check([Type::Dynamic, Type::Number], "number");
        check([Type::Dynamic, Type::Dynamic], "any");
        check([], "none");
    }

    #[test]
    fn structures_part_by_part() {
        check([object([("a", Type::Number)]), object([("a", Type::String)])], "object({a=string})");
        check([object([("a", Type::Number)]), object([("b", Type::String)])], "map(string)");
        check([object([("a", Type::Number)]), object([])], "map(number)");
        check([object([("a", Type::Dynamic)]), object([("a", tuple([]))])], "object({a=any})");
        check([tuple([Type::Number]), tuple([Type::String])], "tuple([string])");
        check([tuple([Type::Number]), tuple([])], "list(number)");
        check([tuple([Type::Number, tuple([])]), tuple([Type::String, Type::String])], "none");
        check([object([]), tuple([])], "none");
        check([Type::Dynamic, object([])], "any");
    }

    #[test]
    fn collections_and_their_disguises() {
        let list = Type::list;
        check([list(Type::Number), list(Type::String)], "list(string)");
        check([list(Type::Number), tuple([Type::String])], "list(string)");
        check([list(Type::Number), list(Type::String), tuple([])], "list(string)");
        check([list(Type::Number), Type::set(Type::Number)], "list(number)");
        check([Type::map(Type::Number), object([("a", Type::String), ("b", Type::Bool)])], "map(string)");
        check([Type::map(Type::Number), object([("a", tuple([]))])], "none");
        check([list(object([("a", Type::Number)])), list(object([("b", Type::String)]))], "list(map(string))");
        check([list(Type::Number), Type::String], "none");
        check([Type::Dynamic, list(Type::Number)], "any");
    }

    fn object<const N: usize>(attrs: [(&str, Type); N]) -> Type {
        Type::object(attrs)
    }

    fn tuple<const N: usize>(parts: [Type; N]) -> Type {
        Type::tuple(parts)
    }

    /// The order of types makes no difference here.
    #[track_caller]
    fn check<const N: usize>(mut types: [Type; N], want: &str) {
        for _ in 0..2 {
            assert_eq!(unify(&types).map_or("none".into(), |t| t.to_string()), want, "{types:?}");
            types.reverse();
        }
    }
}
