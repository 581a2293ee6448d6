//! Functions that look for something in sequences, or choose among values.

use secstack_base::{Number, Type, Value, convert};

use super::{CallError, Context, Outcome};
use crate::operators::equality;

type TypeOutcome = Result<Type, CallError>;

fn is_sequence(value: &Value) -> bool {
    matches!(value.ty(), Type::List(_) | Type::Tuple(_))
}

pub(super) fn all_true(_: &Context<'_>, args: &[Value]) -> Outcome {
    for item in args[0].parts() {
        if item.is_unknown() {
            return Ok(Value::unknown(Type::Bool));
        }
        if item.as_bool() != Some(true) {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

pub(super) fn any_true(_: &Context<'_>, args: &[Value]) -> Outcome {
    if args[0].parts().any(|v| v.as_bool() == Some(true)) {
        return Ok(true.into());
    }
    Ok(match args[0].parts().any(Value::is_unknown) {
        true => Value::unknown(Type::Bool),
        false => false.into(),
    })
}

pub(super) fn coalesce_type(args: &[Value]) -> TypeOutcome {
    let types: Vec<_> = args.iter().map(Value::ty).collect();
    let common = if types.is_empty() { None } else { convert::unify(&types) };
    common.ok_or_else(|| CallError::new("all arguments must have the same type"))
}

pub(super) fn coalesce(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = coalesce_type(args)?;
    for (i, arg) in args.iter().enumerate() {
        let value = convert::convert(arg, &ty).map_err(|e| CallError::arg(i, e.to_string()))?;
        if value.is_unknown() {
            return Ok(Value::unknown(ty));
        }
        if !value.is_null() && value.as_str() != Some("") {
            return Ok(value);
        }
    }
    Err(CallError::new("no non-null, non-empty-string arguments"))
}

pub(super) fn coalesce_lists_type(args: &[Value]) -> TypeOutcome {
    let Some(first) = args.first() else { return Err(CallError::new("at least one argument is required")) };
    let mut same = true;
    for arg in args {
        if arg.is_unknown() {
            return Ok(Type::Dynamic);
        }
        if !is_sequence(arg) {
            return Err(CallError::new("coalescelist arguments must be lists or tuples"));
        }
        same &= arg.ty() == first.ty();
    }
    Ok(if same { first.ty() } else { Type::Dynamic })
}

pub(super) fn coalesce_lists(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = coalesce_lists_type(args)?;
    for arg in args {
        if arg.is_unknown() {
            return Ok(Value::unknown(ty));
        }
        if arg.parts().next().is_some() {
            return Ok(arg.clone());
        }
    }
    Err(CallError::new("no non-null arguments"))
}

pub(super) fn contains(_: &Context<'_>, args: &[Value]) -> Outcome {
    let Some(items) = args[0].as_slice() else { return Err(CallError::new("argument must be list, tuple, or set")) };
    let mut unclear = false;
    for item in items {
        match equality(&args[1], item) {
            Some(true) => return Ok(true.into()),
            Some(false) => {}
            None => unclear = true,
        }
    }
    Ok(if unclear { Value::unknown(Type::Bool) } else { false.into() })
}

pub(super) fn index(_: &Context<'_>, args: &[Value]) -> Outcome {
    if !is_sequence(&args[0]) {
        return Err(CallError::new("argument must be a list or tuple"));
    }
    let items = args[0].as_slice().unwrap_or_default();
    if items.is_empty() {
        return Err(CallError::new("cannot search an empty list"));
    }
    for (i, item) in items.iter().enumerate() {
        match equality(item, &args[1]) {
            Some(true) => return Ok(Number::from(i).into()),
            Some(false) => {}
            None => return Ok(Value::unknown(Type::Number)),
        }
    }
    Err(CallError::new("item not found"))
}

pub(super) fn match_keys_type(args: &[Value]) -> TypeOutcome {
    common_list(&args[1], &args[2])?;
    Ok(args[0].ty())
}

fn common_list(keys: &Value, wanted: &Value) -> TypeOutcome {
    convert::unify(&[keys.ty(), wanted.ty()]).ok_or_else(|| CallError::new("keys and searchset must be of the same type"))
}

pub(super) fn match_keys(_: &Context<'_>, args: &[Value]) -> Outcome {
    let [values, keys, wanted] = args else { return Err(CallError::new("three lists are required")) };
    let common = common_list(keys, wanted)?;
    let convert = |v: &Value| convert::convert(v, &common).map_err(|e| CallError::new(e.to_string()));
    let (keys, wanted) = (convert(keys)?, convert(wanted)?);
    let items = |v| Value::as_slice(v).unwrap_or_default();
    if items(values).len() != items(&keys).len() {
        return Err(CallError::new("length of keys and values should be equal"));
    }
    let Type::List(of) = values.ty() else { return Ok(Value::unknown(values.ty())) };
    let list = |items: Vec<Value>| Value::list((*of).clone(), items);
    if items(&wanted).is_empty() {
        return Ok(list(Vec::new()));
    }
    if !values.is_wholly_known() || !keys.is_wholly_known() {
        return Ok(Value::unknown(values.ty()));
    }
    let mut found = Vec::new();
    for (key, value) in items(&keys).iter().zip(items(values)) {
        for want in items(&wanted) {
            match equality(key, want) {
                Some(true) => {
                    found.push(value.clone());
                    break;
                }
                Some(false) => {}
                None => return Ok(Value::unknown(values.ty())),
            }
        }
    }
    Ok(list(found))
}

const ONE: &str = "must be a list, set, or tuple value with either zero or one elements";

pub(super) fn one_type(args: &[Value]) -> TypeOutcome {
    match args[0].ty() {
        Type::List(of) | Type::Set(of) => Ok((*of).clone()),
        Type::Tuple(types) if types.len() < 2 => Ok(types.first().cloned().unwrap_or(Type::Dynamic)),
        _ => Err(CallError::arg(0, ONE)),
    }
}

pub(super) fn one(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = one_type(args)?;
    let uncertain = matches!(args[0].ty(), Type::Set(_)) && !args[0].is_wholly_known();
    match args[0].as_slice().unwrap_or_default() {
        [] => Ok(Value::null(ty)),
        [only] => Ok(only.clone()),
        _ if uncertain => Ok(Value::unknown(ty)),
        _ => Err(CallError::arg(0, ONE)),
    }
}
