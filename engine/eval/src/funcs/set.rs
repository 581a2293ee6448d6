//! Functions on sets.

use std::collections::BTreeSet;

use secstack_base::{Marks, Type, Value, convert};

use super::{CallError, Function, Outcome, Param};

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let set = |name| Param::new(name, Type::set(Type::Dynamic)).partly_known().untyped();
    vec![
        Function::new("setintersection", [set("first_set")], common_type, |_, a| fold(a, Some(|items, other| retain(items, other, true))))
            .and_more(set("other_sets")),
        Function::new("setproduct", [], product_type, |_, a| product(a))
            .and_more(Param::new("sets", Type::Dynamic).unknowable().with_marks()),
        Function::new("setsubtract", [set("a"), set("b")], common_type, |_, a| fold(a, Some(|items, other| retain(items, other, false)))),
        Function::new("setunion", [set("first_set")], common_type, |_, a| fold(a, None)).and_more(set("other_sets")),
    ]
}

/// The type that the elements of all sets have in common. An empty set of no type has no say.
fn common_type(args: &[Value]) -> Result<Type, CallError> {
    let mut types = Vec::new();
    for arg in args {
        let Type::Set(of) = arg.ty() else { return Ok(Type::Dynamic) };
        if *of != Type::Dynamic || arg.is_unknown() || arg.parts().next().is_some() {
            types.push((*of).clone());
        }
    }
    if types.is_empty() {
        return Ok(Type::set(Type::Dynamic));
    }
    let common = convert::unify(&types).ok_or_else(|| CallError::new("given sets must all have compatible element types"))?;
    Ok(Type::set(common))
}

type Combine = fn(&mut Vec<Value>, &[Value]);

/// Combines the sets from left to right; without `combine`, all elements are taken.
fn fold(args: &[Value], combine: Option<Combine>) -> Outcome {
    let ty = common_type(args)?;
    let Type::Set(of) = &ty else { return Ok(Value::unknown(ty)) };
    let mut items: Vec<Value> = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let set = convert::convert(arg, &ty).map_err(|e| CallError::arg(i, e.to_string()))?;
        if combine.is_some() && !set.is_wholly_known() {
            return Ok(Value::unknown(ty));
        }
        let other = set.as_slice().unwrap_or_default();
        match combine {
            Some(combine) if i > 0 => combine(&mut items, other),
            _ => items.extend(other.iter().cloned()),
        }
    }
    Ok(Value::set((**of).clone(), items))
}

/// Keeps the elements that `other` has, or those that it has not.
fn retain(items: &mut Vec<Value>, other: &[Value], present: bool) {
    let texts: Option<BTreeSet<&str>> = other.iter().map(Value::as_str).collect();
    items.retain(|v| {
        let found = match (&texts, v.as_str()) {
            (Some(texts), Some(s)) => texts.contains(s),
            _ => other.iter().any(|o| o.same_unmarked(v)),
        };
        found == present
    });
}

fn product_type(args: &[Value]) -> Result<Type, CallError> {
    if args.iter().any(|v| v.ty() == Type::Dynamic) {
        return Ok(Type::Dynamic);
    }
    if args.len() < 2 {
        return Err(CallError::new("at least two arguments are required"));
    }
    let mut types = Vec::with_capacity(args.len());
    let mut ordered = true;
    for (i, arg) in args.iter().enumerate() {
        types.push(match arg.ty() {
            Type::Set(of) => {
                ordered = false;
                (*of).clone()
            }
            Type::List(of) => (*of).clone(),
            Type::Tuple(of) if of.is_empty() => Type::Dynamic,
            Type::Tuple(of) => convert::unify(&of).ok_or_else(|| CallError::arg(i, "all elements must be of the same type"))?,
            _ => return Err(CallError::arg(i, "a set or a list is required")),
        });
    }
    let element = Type::tuple(types);
    Ok(if ordered { Type::list(element) } else { Type::set(element) })
}

/// The most combinations that are made. Terraform would run out of memory not much later.
const MAX_PRODUCT: usize = 4_000_000;

fn product(args: &[Value]) -> Outcome {
    let ty = product_type(args)?;
    let marks = args.iter().fold(Marks::NONE, |m, v| m.with(v.marks));
    let (Type::List(element) | Type::Set(element)) = &ty else { return Ok(Value::unknown(ty).mark(marks)) };
    let Type::Tuple(types) = &**element else { return Ok(Value::unknown(ty).mark(marks)) };
    let countable = |v: &Value| match v.ty() {
        Type::Tuple(_) => !v.is_unknown(),
        Type::Set(_) => v.is_wholly_known() || v.as_slice().is_some_and(|s| s.len() == 1),
        _ => !v.is_unknown(),
    };
    let empty = args.iter().any(|v| !v.is_unknown() && v.parts().next().is_none());
    let certain = args.iter().all(countable) || (empty && !args.iter().any(Value::is_unknown));
    if !certain {
        return Ok(Value::unknown(ty).mark(marks));
    }
    let mut columns = Vec::with_capacity(args.len());
    let mut total = 1usize;
    for (arg, ty) in args.iter().zip(types.iter()) {
        let items: Result<Vec<_>, _> = arg.parts().map(|v| convert::convert(v, ty)).collect();
        let items = items.map_err(|e| CallError::new(e.to_string()))?;
        total = total.saturating_mul(items.len());
        columns.push(items);
    }
    if total > MAX_PRODUCT {
        return Err(CallError::new(format!("the sets have {total} combinations, more than {MAX_PRODUCT}")));
    }
    let row = |mut n: usize| {
        let mut row = vec![Value::NULL; columns.len()];
        for (cell, column) in row.iter_mut().zip(&columns).rev() {
            *cell = column[n % column.len()].clone();
            n /= column.len();
        }
        Value::tuple(row)
    };
    let rows: Vec<Value> = (0..total).map(row).collect();
    // A bare null beside a structure keeps a type of its own.
    let same = |column: &Vec<Value>| column.windows(2).all(|pair| pair[0].ty() == pair[1].ty());
    if !columns.iter().all(same) {
        return Err(CallError::new("all elements must be of the same type; a null needs one too, as in tolist([null, ...])"));
    }
    Ok(match &ty {
        Type::List(_) => Value::list((**element).clone(), rows),
        _ => Value::set((**element).clone(), rows),
    }
    .mark(marks))
}
