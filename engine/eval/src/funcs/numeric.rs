//! Functions on numbers, and `range` and `sum`.
//!
//! `log` and `pow` go through 64-bit floats; see `funcs::float` for why not through the system's.

use std::cmp::Ordering;

use secstack_base::{Number, Type, Value, convert};

use super::{CallError, Function, Outcome, Param, float, whole};
use crate::for_each::is_iterable;
use crate::traversal::quote;
use crate::type_text::friendly;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let num = |name| Param::new(name, Type::Number);
    let numbers = || num("numbers").untyped();
    vec![
        Function::new("abs", [num("num").untyped()], number_type, |_, a| Ok(number(&a[0])?.abs().into())),
        Function::new("ceil", [num("num")], number_type, |_, a| Ok(number(&a[0])?.ceil().into())),
        Function::new("floor", [num("num")], number_type, |_, a| Ok(number(&a[0])?.floor().into())),
        Function::new("log", [num("num"), num("base")], number_type, |_, a| finite(float::log(real(&a[0])?) / float::log(real(&a[1])?))),
        Function::new("max", [], number_type, |_, a| extreme(a, Ordering::Greater)).and_more(numbers()),
        Function::new("min", [], number_type, |_, a| extreme(a, Ordering::Less)).and_more(numbers()),
        Function::new("parseint", [Param::new("number", Type::Dynamic), num("base")], parseint_type, parseint),
        Function::new("pow", [num("num"), num("power")], number_type, |_, a| finite(float::pow(real(&a[0])?, real(&a[1])?))),
        Function::new("range", [], |_| Ok(Type::list(Type::Number)), |_, a| range(a)).and_more(num("params")),
        Function::new("signum", [num("num")], number_type, |_, a| Ok(whole(&a[0])?.signum().into())),
        Function::new("sum", [Param::new("list", Type::Dynamic).partly_known()], number_type, |_, a| sum(&a[0])),
    ]
}

fn number_type(_: &[Value]) -> Result<Type, CallError> {
    Ok(Type::Number)
}

fn number(value: &Value) -> Result<&Number, CallError> {
    value.as_number().ok_or_else(|| CallError::new("a number is required"))
}

fn real(value: &Value) -> Result<f64, CallError> {
    let n = number(value)?;
    let f = n.to_f64();
    match f.is_finite() || n.is_infinite() {
        true => Ok(f),
        false => Err(CallError::new(format!("value must be between {:.6} and {:.6} inclusive", f64::MIN, f64::MAX))),
    }
}

fn finite(f: f64) -> Outcome {
    Number::from_f64(f).map(Value::from).ok_or_else(|| CallError::new("the result is not a number"))
}

/// The number that is most on one side of all others.
fn extreme(args: &[Value], side: Ordering) -> Outcome {
    let mut found = number(args.first().ok_or_else(|| CallError::new("must pass at least one number"))?)?;
    for arg in &args[1..] {
        let n = number(arg)?;
        if n.compare(found) == side {
            found = n;
        }
    }
    Ok(found.clone().into())
}

fn parseint_type(args: &[Value]) -> Result<Type, CallError> {
    match args[0].ty() {
        Type::String => Ok(Type::Number),
        ty => Err(CallError::arg(0, format!("first argument must be a string, not {}", friendly(&ty)))),
    }
}

fn parseint(_: &super::Context<'_>, args: &[Value]) -> Outcome {
    parseint_type(args)?;
    let text = args[0].as_str().unwrap_or_default();
    let base = whole(&args[1]).map_err(|e| CallError::arg(1, e.message))?;
    let radix = u32::try_from(base).ok().filter(|r| (2..=62).contains(r));
    let radix = radix.ok_or_else(|| CallError::arg(1, "base must be a whole number between 2 and 62 inclusive"))?;
    let parsed = Number::parse_int(text, radix);
    parsed.map(Value::from).ok_or_else(|| CallError::arg(0, format!("cannot parse {} as a base {base} integer", quote(text))))
}

/// The most elements that `range` makes.
const MAX_RANGE: usize = 1024;

fn range(args: &[Value]) -> Outcome {
    let zero = Number::from(0i64);
    let n = |i: usize| number(&args[i]).cloned();
    let step = |down: bool| Number::from(if down { -1i64 } else { 1 });
    let (start, end, step) = match args.len() {
        1 => (zero.clone(), n(0)?, step(n(0)?.compare(&zero) == Ordering::Less)),
        2 => (n(0)?, n(1)?, step(n(1)?.compare(&n(0)?) == Ordering::Less)),
        3 => (n(0)?, n(1)?, n(2)?),
        _ => return Err(CallError::new("must have one, two, or three arguments")),
    };
    let down = step.compare(&zero) == Ordering::Less;
    match (down, end.compare(&start)) {
        (true, Ordering::Greater) => return Err(CallError::arg(1, "end must be less than start when step is negative")),
        (false, Ordering::Less) => return Err(CallError::arg(1, "end must be greater than start when step is positive")),
        _ => {}
    }
    let inside = if down { Ordering::Greater } else { Ordering::Less };
    let mut items = Vec::new();
    let mut at = start;
    while at.compare(&end) == inside {
        if items.len() >= MAX_RANGE {
            return Err(CallError::new(
                "more than 1024 values were generated; either decrease the difference between start and end or use a smaller step",
            ));
        }
        let next = at.add(&step).ok_or_else(opposing)?;
        items.push(Value::from(std::mem::replace(&mut at, next)));
    }
    Ok(Value::list(Type::Number, items))
}

fn opposing() -> CallError {
    CallError::new("can't compute sum of opposing infinities")
}

fn sum(list: &Value) -> Outcome {
    let error = |why: String| Err(CallError::arg(0, why));
    if !is_iterable(&list.ty()) {
        return error("cannot sum noniterable".into());
    }
    if list.parts().next().is_none() {
        return error("cannot sum an empty list".into());
    }
    let Some(items) = list.as_slice() else {
        return error(format!("argument must be list, set, or tuple. Received {}", friendly(&list.ty())));
    };
    if !list.is_wholly_known() {
        return Ok(Value::unknown(Type::Number));
    }
    let mut total: Option<Number> = None;
    for item in items {
        let converted = convert::convert(item, &Type::Number);
        let Some(n) = converted.as_ref().ok().and_then(Value::as_number) else {
            return error("argument must be list, set, or tuple of number values".into());
        };
        total = Some(match total {
            None => n.clone(),
            Some(t) => t.add(n).ok_or_else(opposing)?,
        });
    }
    Ok(total.map_or(Value::NULL, Value::from))
}
