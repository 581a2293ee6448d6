//! Functions on maps and objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Data, Marks, Str, Type, Value, convert};

use super::{CallError, Context, Outcome};
use crate::traversal::quote;
use crate::type_text::friendly;

type TypeOutcome = Result<Type, CallError>;

fn text(s: &Str) -> Value {
    Data::String(s.clone()).into()
}

pub(super) fn keys_type(args: &[Value]) -> TypeOutcome {
    match args[0].ty() {
        Type::Dynamic => Ok(Type::Dynamic),
        Type::Map(_) => Ok(Type::list(Type::String)),
        Type::Object(ty) => Ok(Type::tuple(ty.attrs.keys().map(|_| Type::String))),
        _ => Err(CallError::arg(0, "must have map or object type")),
    }
}

pub(super) fn keys(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = keys_type(args)?;
    let found = match &args[0].data {
        Data::Object(attrs) => Value::tuple(attrs.keys().map(text)),
        Data::Unknown(Type::Object(ty), _) => Value::tuple(ty.attrs.keys().map(text)),
        Data::Map(_, items) => Value::list(Type::String, items.keys().map(text)),
        _ => Value::unknown(ty),
    };
    Ok(found.mark(args[0].marks))
}

pub(super) fn lookup_type(args: &[Value]) -> TypeOutcome {
    if args.len() > 3 {
        return Err(CallError::new(format!("lookup() takes two or three arguments, got {}", args.len())));
    }
    match args[0].ty() {
        Type::Object(ty) => {
            let Some(key) = args[1].as_str() else { return Ok(Type::Dynamic) };
            match (ty.attrs.get(key), args.get(2)) {
                (Some(ty), _) => Ok(ty.clone()),
                (None, Some(default)) => Ok(default.ty()),
                (None, None) => Err(CallError::arg(0, format!("the given object has no attribute {}", quote(key)))),
            }
        }
        Type::Map(of) => {
            if let Some(default) = args.get(2) {
                let message = "the default value must have the same type as the map elements";
                convert::convert(default, &of).map_err(|_| CallError::arg(2, message))?;
            }
            Ok((*of).clone())
        }
        _ => Err(CallError::arg(0, "lookup() requires a map as the first argument")),
    }
}

pub(super) fn lookup(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = lookup_type(args)?;
    let marks = args[0].marks.with(args[1].marks);
    let key = args[1].as_str().unwrap_or_default();
    if let Some(found) = args[0].get(key) {
        return Ok(found.clone().mark(marks));
    }
    match args.get(2) {
        Some(default) => Ok(convert::convert(default, &ty).map_err(|e| CallError::new(e.to_string()))?.mark(marks)),
        None => {
            let secret = args[1].marks;
            let shown = match (secret.has(Marks::EPHEMERAL), secret.has(Marks::SENSITIVE)) {
                (true, true) => "(ephemeral sensitive value)".into(),
                (true, false) => "(ephemeral value)".into(),
                (false, true) => "(sensitive value)".into(),
                (false, false) => quote(key),
            };
            Err(CallError::new(format!("lookup failed to find key {shown}")))
        }
    }
}

pub(super) fn merge_type(args: &[Value]) -> TypeOutcome {
    let Some(first) = args.first() else { return Ok(Type::object::<Str>([])) };
    let mut attrs: BTreeMap<Str, Type> = BTreeMap::new();
    let mut all_known = true;
    let mut alike = true;
    let first = first.ty();
    for arg in args {
        let ty = arg.ty();
        alike &= ty == first;
        match (&ty, &arg.data) {
            (Type::Dynamic, _) => return Ok(Type::Dynamic),
            (Type::Map(_) | Type::Object(_), Data::Null(_)) => {}
            (Type::Object(o), _) => attrs.extend(o.attrs.iter().map(|(k, t)| (k.clone(), t.clone()))),
            (Type::Map(of), Data::Map(_, items)) => attrs.extend(items.keys().map(|k| (k.clone(), (**of).clone()))),
            (Type::Map(_), _) => all_known = false,
            _ => return Err(not_a_map(&ty)),
        }
    }
    Ok(match (alike, all_known) {
        (true, _) => first,
        (false, true) => Type::object(attrs),
        (false, false) => Type::Dynamic,
    })
}

fn not_a_map(ty: &Type) -> CallError {
    CallError::new(format!("arguments must be maps or objects, got {}", quote(&friendly(ty))))
}

pub(super) fn merge(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = merge_type(args)?;
    let marks = args.iter().filter(|v| !v.is_null()).fold(Marks::NONE, |m, v| m.with(v.marks));
    let mut merged: Option<Arc<BTreeMap<Str, Value>>> = None;
    for arg in args {
        let items = match &arg.data {
            Data::Map(_, items) | Data::Object(items) => items,
            Data::Null(_) => continue,
            // A null of no type before it hides it from the check of types.
            _ => return Err(not_a_map(&arg.ty())),
        };
        match &mut merged {
            // One argument is shared, not copied.
            None => merged = Some(items.clone()),
            Some(_) if items.is_empty() => {}
            Some(all) => Arc::make_mut(all).extend(items.iter().map(|(k, v)| (k.clone(), v.clone()))),
        }
    }
    let merged = merged.unwrap_or_default();
    Ok(Value::from(match ty {
        Type::Map(of) => Data::Map((*of).clone(), merged),
        _ => Data::Object(merged),
    })
    .mark(marks))
}

pub(super) fn transpose_type(_: &[Value]) -> TypeOutcome {
    Ok(Type::map(Type::list(Type::String)))
}

pub(super) fn transpose(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = transpose_type(args)?;
    if !args[0].is_wholly_known() {
        return Ok(Value::unknown(ty));
    }
    let mut turned: BTreeMap<Str, Vec<Value>> = BTreeMap::new();
    for (key, list) in args[0].as_map().into_iter().flatten() {
        let null = |what: &str| CallError::arg(0, format!("cannot use null {what} under the key {}", quote(key)));
        for item in list.as_slice().ok_or_else(|| null("list"))? {
            let Data::String(name) = &item.data else { return Err(null("string")) };
            turned.entry(name.clone()).or_default().push(text(key));
        }
    }
    let lists = turned.into_iter().map(|(name, keys)| (name, Value::list(Type::String, keys)));
    Ok(Value::map(Type::list(Type::String), lists))
}

pub(super) fn values_type(args: &[Value]) -> TypeOutcome {
    match args[0].ty() {
        Type::Map(of) => Ok(Type::List(of)),
        Type::Object(ty) => Ok(Type::tuple(ty.attrs.values().cloned())),
        _ => Err(CallError::new("values() requires a map as the first argument")),
    }
}

pub(super) fn values(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = values_type(args)?;
    let items = args[0].parts().cloned();
    Ok(match ty {
        Type::List(of) => Value::list((*of).clone(), items),
        _ => Value::tuple(items),
    }
    .mark(args[0].marks))
}

fn counts_differ(keys: usize, values: usize) -> CallError {
    CallError::new(format!("number of keys ({keys}) does not match number of values ({values})"))
}

pub(super) fn zipmap_type(args: &[Value]) -> TypeOutcome {
    let keys = &args[0];
    match args[1].ty() {
        Type::List(of) => Ok(Type::Map(of)),
        Type::Tuple(_) if !keys.is_wholly_known() => Ok(Type::Dynamic),
        Type::Tuple(types) => {
            let keys = keys.as_slice().unwrap_or_default();
            if keys.len() != types.len() {
                return Err(counts_differ(keys.len(), types.len()));
            }
            let mut attrs = BTreeMap::new();
            for (i, (key, ty)) in keys.iter().zip(types.iter()).enumerate() {
                let Data::String(key) = &key.data else {
                    return Err(CallError::new(format!("keys list has null value at index {i}")));
                };
                attrs.insert(key.clone(), ty.clone());
            }
            Ok(Type::object(attrs))
        }
        _ => Err(CallError::new("values argument must be a list or tuple value")),
    }
}

pub(super) fn zipmap(_: &Context<'_>, args: &[Value]) -> Outcome {
    let ty = zipmap_type(args)?;
    let mut marks = args[0].marks.with(args[1].marks);
    if !args[0].is_wholly_known() {
        return Ok(Value::unknown(ty).mark(marks));
    }
    let (keys, values) = (args[0].as_slice().unwrap_or_default(), args[1].as_slice().unwrap_or_default());
    if keys.len() != values.len() {
        return Err(counts_differ(keys.len(), values.len()));
    }
    let mut pairs = BTreeMap::new();
    for (i, (key, value)) in keys.iter().zip(values).enumerate() {
        marks = marks.with(key.marks);
        let Data::String(key) = &key.data else {
            return Err(CallError::new(format!("keys list has null value at index {i}")));
        };
        pairs.insert(key.clone(), value.clone());
    }
    Ok(Value::from(match ty {
        Type::Map(of) => Data::Map((*of).clone(), Arc::new(pairs)),
        _ => Data::Object(Arc::new(pairs)),
    })
    .mark(marks))
}
