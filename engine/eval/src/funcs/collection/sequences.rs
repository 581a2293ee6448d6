//! Functions that make sequences of sequences.

use std::collections::BTreeSet;

use secstack_base::{Data, Marks, Number, Type, Value, convert};

use super::{CallError, Context, Outcome, whole};
use crate::operators::equality;
use crate::type_text::friendly;

type TypeOutcome = Result<Type, CallError>;

/// A sequence of the kind of `like`: a tuple of these items, or a list of its element type.
fn alike(like: &Value, items: Vec<Value>) -> Value {
    match &like.data {
        Data::List(ty, _) | Data::Set(ty, _) => Value::list(ty.clone(), items),
        _ => Value::tuple(items),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_slice().unwrap_or_default()
}

pub(super) fn chunks_type(args: &[Value]) -> TypeOutcome {
    Ok(Type::list(args[0].ty()))
}

pub(super) fn chunks(_: &Context<'_>, args: &[Value]) -> Outcome {
    let (list, size) = (&args[0], &args[1]);
    let size = whole(size).map_err(|e| CallError::new(format!("invalid size: {}", e.message)))?;
    let size = usize::try_from(size).map_err(|_| CallError::new("the size argument must be positive"))?;
    let ty = list.ty();
    let chunks: Vec<Value> = match size {
        _ if items(list).is_empty() => Vec::new(),
        0 => vec![alike(list, items(list).to_vec())],
        _ => items(list).chunks(size).map(|c| alike(list, c.to_vec())).collect(),
    };
    Ok(Value::list(ty, chunks).mark(list.marks.with(args[1].marks)))
}

pub(super) fn compact(_: &Context<'_>, args: &[Value]) -> Outcome {
    if !args[0].is_wholly_known() {
        return Ok(Value::unknown(Type::list(Type::String)));
    }
    let kept = items(&args[0]).iter().filter(|v| v.as_str().is_some_and(|s| !s.is_empty()));
    Ok(Value::list(Type::String, kept.cloned().collect::<Vec<_>>()))
}

pub(super) fn concat_type(args: &[Value]) -> TypeOutcome {
    if args.is_empty() {
        return Err(CallError::new("at least one argument is required"));
    }
    let types: Vec<Type> = args.iter().map(Value::ty).collect();
    if types.iter().all(|t| matches!(t, Type::List(_)))
        && let Some(common) = convert::unify(&types)
    {
        return Ok(common);
    }
    let mut elements = Vec::new();
    for (i, (arg, ty)) in args.iter().zip(&types).enumerate() {
        match ty {
            Type::Tuple(types) => elements.extend(types.iter().cloned()),
            Type::List(_) if arg.is_unknown() => return Ok(Type::Dynamic),
            Type::List(of) => elements.extend(std::iter::repeat_n((**of).clone(), items(arg).len())),
            _ => return Err(CallError::arg(i, format!("all arguments must be lists or tuples; got {}", friendly(ty)))),
        }
    }
    Ok(Type::tuple(elements))
}

pub(super) fn concat(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = concat_type(args)?;
    let marks = args.iter().fold(Marks::NONE, |m, v| m.with(v.marks));
    let all = match &ty {
        Type::List(of) => {
            let mut all = Vec::new();
            for (i, arg) in args.iter().enumerate() {
                let list = convert::convert(arg, &ty).map_err(|e| CallError::arg(i, e.to_string()))?;
                all.extend(items(&list).iter().cloned());
            }
            Value::list((**of).clone(), all)
        }
        _ => Value::tuple(args.iter().flat_map(|v| items(v).iter().cloned()).collect::<Vec<_>>()),
    };
    Ok(all.mark(marks))
}

pub(super) fn distinct(_: &Context<'_>, args: &[Value]) -> Outcome {
    let list = &args[0];
    if !list.is_wholly_known() {
        return Ok(Value::unknown(list.ty()));
    }
    let mut texts = BTreeSet::new();
    let mut kept: Vec<Value> = Vec::new();
    for item in items(list) {
        let new = match item.as_str() {
            Some(s) => texts.insert(s),
            None => !kept.iter().any(|k| equality(k, item) == Some(true)),
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(alike(list, kept))
}

/// The position that `element` counts to, going round.
fn wrapped(index: &Value, len: usize) -> Result<usize, CallError> {
    let index = whole(index).map_err(|e| CallError::new(format!("invalid index: {}", e.message)))?;
    let len = i64::try_from(len).ok().filter(|l| *l > 0);
    let len = len.ok_or_else(|| CallError::new("cannot use element function with an empty list"))?;
    Ok(usize::try_from(index.rem_euclid(len)).unwrap_or(0))
}

pub(super) fn element_type(args: &[Value]) -> TypeOutcome {
    match args[0].ty() {
        Type::List(of) => Ok((*of).clone()),
        Type::Tuple(_) if args[1].is_unknown() => Ok(Type::Dynamic),
        Type::Tuple(types) => {
            let position = wrapped(&args[1], types.len())?;
            // Terraform counts back from the end in lists, and fails in tuples.
            if position > 0 && args[1].as_number().and_then(Number::to_i64).is_some_and(|index| index < 0) {
                return Err(CallError::new(
                    "index out of range: a tuple has no elements before its first; tolist makes it a list, which has",
                ));
            }
            Ok(types[position].clone())
        }
        ty => Err(CallError::new(format!("cannot read elements from {}", friendly(&ty)))),
    }
}

pub(super) fn element(_: &Context<'_>, args: &[Value]) -> Outcome {
    element_type(args)?;
    let all = items(&args[0]);
    Ok(all[wrapped(&args[1], all.len())?].clone().mark(args[0].marks))
}

pub(super) fn flatten(_: &Context<'_>, args: &[Value]) -> Outcome {
    if !matches!(args[0].ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) {
        return Err(CallError::new("can only flatten lists, sets and tuples"));
    }
    let mut flat = Flat { items: Vec::new(), marks: Marks::NONE, known: true };
    flat.add(&args[0]);
    Ok(match flat.known {
        true => Value::tuple(flat.items),
        false => Value::unknown(Type::Dynamic),
    }
    .mark(flat.marks))
}

struct Flat {
    items: Vec<Value>,
    marks: Marks,
    known: bool,
}

impl Flat {
    fn add(&mut self, sequence: &Value) {
        self.marks = self.marks.with(sequence.marks);
        if matches!(sequence.data, Data::Set(..)) && !sequence.is_wholly_known() && items(sequence).len() > 1 {
            self.known = false;
            return;
        }
        for item in items(sequence) {
            match &item.data {
                Data::List(..) | Data::Set(..) | Data::Tuple(_) => self.add(item),
                Data::Unknown(Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_), _) => {
                    self.known = false;
                    self.marks = self.marks.with(item.marks);
                }
                _ => self.items.push(item.clone()),
            }
        }
    }
}

pub(super) fn reverse_type(args: &[Value]) -> TypeOutcome {
    match args[0].ty() {
        Type::Tuple(types) => Ok(Type::tuple(types.iter().rev().cloned())),
        Type::List(of) | Type::Set(of) => Ok(Type::List(of)),
        ty => Err(CallError::arg(0, format!("can only reverse list or tuple values, not {}", friendly(&ty)))),
    }
}

pub(super) fn reverse(_: &Context<'_>, args: &[Value]) -> Outcome {
    reverse_type(args)?;
    Ok(alike(&args[0], items(&args[0]).iter().rev().cloned().collect()).mark(args[0].marks))
}

pub(super) fn slice_type(args: &[Value]) -> TypeOutcome {
    let ty = args[0].ty();
    match &ty {
        Type::Set(_) => {
            return Err(CallError::arg(
                0,
                "cannot slice a set, because its elements do not have indices; explicitly convert to a list if the ordering of the result is not important",
            ));
        }
        Type::List(_) | Type::Tuple(_) => {}
        _ => return Err(CallError::arg(0, "must be a list or tuple value")),
    }
    let range = slice_range(args)?;
    Ok(match (&ty, range) {
        (Type::Tuple(types), Some((start, end))) => Type::tuple(types[start..end].iter().cloned()),
        (Type::Tuple(_), None) => Type::Dynamic,
        _ => ty,
    })
}

pub(super) fn slice(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = slice_type(args)?;
    let Some((start, end)) = slice_range(args)? else { return Ok(Value::unknown(ty).mark(args[0].marks)) };
    Ok(alike(&args[0], items(&args[0])[start..end].to_vec()).mark(args[0].marks))
}

/// Start and end, where both are known.
fn slice_range(args: &[Value]) -> Result<Option<(usize, usize)>, CallError> {
    let len = match (&args[0].data, args[0].ty()) {
        (_, Type::Tuple(types)) => Some(types.len()),
        (Data::List(_, items), _) => Some(items.len()),
        _ => None,
    };
    let bound = |arg: usize, name: &str| {
        if args[arg].is_unknown() {
            return Ok(None);
        }
        let n = whole(&args[arg]).map_err(|e| CallError::arg(arg, format!("invalid {name} index: {}", e.message)))?;
        let n = usize::try_from(n).map_err(|_| CallError::arg(arg, format!("{name} index must not be less than zero")))?;
        match len {
            Some(len) if n > len => Err(CallError::arg(arg, format!("{name} index must not be greater than the length of the list"))),
            _ => Ok(Some(n)),
        }
    };
    match (bound(1, "start")?, bound(2, "end")?) {
        (Some(start), Some(end)) if start > end => Err(CallError::arg(1, "start index must not be greater than end index")),
        (Some(start), Some(end)) => Ok(Some((start, end))),
        _ => Ok(None),
    }
}
