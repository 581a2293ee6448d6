//! Functions on lists, tuples, maps and objects.

mod maps;
mod search;
mod sequences;

use secstack_base::{Data, Number, Type, Value};

use super::{CallError, Context, Function, Outcome, Param, TypeRule, whole};
use crate::graphemes;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let any = |name| Param::new(name, Type::Dynamic).partly_known();
    let list = |name| Param::new(name, Type::list(Type::Dynamic)).partly_known();
    let of = |name, ty| Param::new(name, Type::list(ty)).partly_known();
    let number = |name| Param::new(name, Type::Number);
    let whatever = |name| Param::new(name, Type::Dynamic).nullable().unknowable();
    const TRUTH: TypeRule = |_| Ok(Type::Bool);
    const COUNT: TypeRule = |_| Ok(Type::Number);
    vec![
        Function::new("alltrue", [of("list", Type::Bool)], TRUTH, search::all_true),
        Function::new("anytrue", [of("list", Type::Bool)], TRUTH, search::any_true),
        Function::new("chunklist", [list("list").with_marks(), number("size").with_marks()], sequences::chunks_type, sequences::chunks),
        Function::new("coalesce", [], search::coalesce_type, search::coalesce).and_more(whatever("vals")),
        Function::new("coalescelist", [], search::coalesce_lists_type, search::coalesce_lists).and_more(whatever("vals")),
        Function::new("compact", [of("list", Type::String)], |_| Ok(Type::list(Type::String)), sequences::compact),
        Function::new("concat", [], sequences::concat_type, sequences::concat).and_more(any("seqs").with_marks()),
        Function::new("contains", [any("list"), any("value")], TRUTH, search::contains),
        Function::new("distinct", [list("list")], |a| Ok(a[0].ty()), sequences::distinct),
        Function::new("element", [any("list").with_marks(), number("index")], sequences::element_type, sequences::element).or_null(),
        Function::new("flatten", [any("list").with_marks()], |_| Ok(Type::Dynamic), sequences::flatten),
        Function::new("index", [any("list"), any("value")], COUNT, search::index),
        Function::new("keys", [Param::new("inputMap", Type::Dynamic).unknowable().with_marks()], maps::keys_type, maps::keys),
        Function::new("length", [Param::new("value", Type::Dynamic).unknowable().with_marks()], COUNT, length),
        removed("list"),
        Function::new(
            "lookup",
            [any("inputMap").with_marks(), Param::new("key", Type::String).with_marks()],
            maps::lookup_type,
            maps::lookup,
        )
        .and_more(whatever("default").with_marks())
        .or_null(),
        removed("map"),
        Function::new("matchkeys", [list("values"), list("keys"), list("searchset")], search::match_keys_type, search::match_keys),
        Function::new("merge", [], maps::merge_type, maps::merge).and_more(any("maps").nullable().untyped().with_marks()),
        Function::new("one", [any("list")], search::one_type, search::one).or_null(),
        Function::new("reverse", [any("list").with_marks()], sequences::reverse_type, sequences::reverse),
        Function::new(
            "slice",
            [any("list").with_marks(), number("start_index"), number("end_index")],
            sequences::slice_type,
            sequences::slice,
        ),
        Function::new(
            "transpose",
            [Param::new("values", Type::map(Type::list(Type::String))).partly_known()],
            maps::transpose_type,
            maps::transpose,
        ),
        Function::new("values", [any("mapping").with_marks()], maps::values_type, maps::values),
        Function::new("zipmap", [of("keys", Type::String).with_marks(), any("values").with_marks()], maps::zipmap_type, maps::zipmap),
    ]
}

/// A function that Terraform once had. The message says what to write instead.
fn removed(name: &'static str) -> Function {
    const GONE: TypeRule = |_| Ok(Type::Dynamic);
    let vals = Param::new("vals", Type::Dynamic).nullable().unknowable().with_marks();
    let run = match name {
        "list" => |_: &Context<'_>, _: &[Value]| gone("list", "tolist([ ... ]) syntax to write a literal list"),
        _ => |_: &Context<'_>, _: &[Value]| gone("map", "tomap({ ... }) syntax to write a literal map"),
    };
    Function::new(name, [], GONE, run).and_more(vals)
}

fn gone(name: &str, instead: &str) -> Outcome {
    Err(CallError::new(format!("the \"{name}\" function was deprecated in Terraform v0.12 and is no longer available; use {instead}")))
}

fn length(_: &Context<'_>, args: &[Value]) -> Outcome {
    let value = &args[0];
    let count = match &value.data {
        Data::String(s) => Some(graphemes::count(s)),
        Data::Tuple(items) | Data::List(_, items) => Some(items.len()),
        // Unknown elements may turn out equal.
        Data::Set(_, items) => (items.len() == 1 || value.is_wholly_known()).then_some(items.len()),
        Data::Map(_, items) | Data::Object(items) => Some(items.len()),
        Data::Unknown(Type::Tuple(types), _) => Some(types.len()),
        Data::Unknown(Type::Object(ty), _) => Some(ty.attrs.len()),
        Data::Unknown(Type::Dynamic | Type::String | Type::List(_) | Type::Set(_) | Type::Map(_), _) => None,
        _ => return Err(CallError::new("argument must be a string, a collection type, or a structural type")),
    };
    let result = count.map_or_else(|| Value::unknown(Type::Number), |n| Number::from(n).into());
    Ok(result.mark(value.marks))
}
