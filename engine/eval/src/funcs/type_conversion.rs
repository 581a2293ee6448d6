//! Functions that convert: `tobool`, `tonumber`, `tostring`, `tolist`, `toset`, `tomap`.

use secstack_base::{Data, Marks, Type, Value, convert};

use super::{CallError, Function, Outcome, Param, Run, TypeRule};
use crate::traversal::quote;
use crate::type_text::friendly;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let to = |name, result: TypeRule, run: Run| {
        let v = Param::new("v", Type::Dynamic).nullable().partly_known().untyped().with_marks();
        Function::new(name, [v], result, run).or_null()
    };
    vec![
        to("tobool", |a| check(&a[0], Type::Bool), |_, a| run(&a[0], Type::Bool)),
        to("tolist", |a| check(&a[0], Type::list(Type::Dynamic)), |_, a| run(&a[0], Type::list(Type::Dynamic))),
        to("tomap", |a| check(&a[0], Type::map(Type::Dynamic)), |_, a| run(&a[0], Type::map(Type::Dynamic))),
        to("tonumber", |a| check(&a[0], Type::Number), |_, a| run(&a[0], Type::Number)),
        to("toset", |a| check(&a[0], Type::set(Type::Dynamic)), |_, a| run(&a[0], Type::set(Type::Dynamic))),
        to("tostring", |a| check(&a[0], Type::String), |_, a| run(&a[0], Type::String)),
    ]
}

fn check(value: &Value, want: Type) -> Result<Type, CallError> {
    let given = value.ty();
    match given == want || convert::can_convert(&given, &want) {
        true => Ok(want),
        false => Err(cannot("", &given, &want)),
    }
}

fn run(value: &Value, want: Type) -> Outcome {
    check(value, want.clone())?;
    convert::convert(value, &want).map_err(|_| {
        let marks = value.deep_marks();
        let given = value.ty();
        let hint = match want {
            Type::Bool => "bool; only the strings \"true\" or \"false\" are allowed",
            _ => "number; given string must be a decimal representation of a number",
        };
        match (&value.data, &want) {
            _ if marks.has(Marks::EPHEMERAL) => cannot("this ephemeral ", &given, &want),
            _ if marks.has(Marks::SENSITIVE) => cannot("this sensitive ", &given, &want),
            (Data::String(s), Type::Bool | Type::Number) => CallError::arg(0, format!("cannot convert {} to {hint}", quote(s))),
            _ => cannot("", &given, &want),
        }
    })
}

fn cannot(kind: &str, given: &Type, want: &Type) -> CallError {
    let want = match want {
        Type::List(_) => "list of any single type".into(),
        Type::Set(_) => "set of any single type".into(),
        Type::Map(_) => "map of any single type".into(),
        simple => simple.friendly(),
    };
    CallError::arg(0, format!("cannot convert {kind}{} to {want}", friendly(given)))
}
