//! `if ? then : otherwise`: the branches get one type, and the result has the marks of all three parts.

use secstack_base::{Data, Diagnostic, Diags, Type, Value, convert};
use secstack_lang::Expr;

use crate::expr::Env;
use crate::traversal::quote;
use crate::type_text::friendly;

const INCONSISTENT: &str = "Inconsistent conditional result types";

impl Env<'_> {
    /// A conditional.
    pub(crate) fn conditional(self, condition: &Expr, then: &Expr, otherwise: &Expr, diags: &mut Diags) -> Value {
        // Both branches are evaluated for their types; mistakes in the one not taken do not count.
        let mut then_diags = Diags::new();
        let mut otherwise_diags = Diags::new();
        let then_value = self.eval(then, &mut then_diags);
        let otherwise_value = self.eval(otherwise, &mut otherwise_diags);
        let Some(common) = common_type(&then_value, &otherwise_value) else {
            let detail = format!(
                "The true and false result expressions must have consistent types. {}.",
                describe_mismatch(&then_value.ty(), &otherwise_value.ty())
            );
            diags.push(Diagnostic::error(INCONSISTENT, detail).at(then.span.to(otherwise.span)));
            return crate::expr::dynamic();
        };
        let ty = || common.clone().unwrap_or(Type::Dynamic);
        let value = self.eval(condition, diags);
        if value.is_null() {
            let detail = "The condition value is null. Conditions must either be true or false.";
            diags.push(Diagnostic::error("Null condition", detail).at(condition.span));
            return Value::unknown(ty());
        }
        let marks = value.marks.with(then_value.marks).with(otherwise_value.marks);
        if value.is_unknown() {
            return undecided(&then_value, &otherwise_value, ty()).mark(marks);
        }
        let taken = match convert::convert(&value, &Type::Bool) {
            Ok(value) => value.as_bool(),
            Err(_) => {
                diags.push(incorrect_condition(condition));
                return Value::unknown(ty());
            }
        };
        let (branch, value, other, found, which) = match taken {
            Some(true) => (then, then_value, otherwise_value.ty(), then_diags, "true"),
            _ => (otherwise, otherwise_value, then_value.ty(), otherwise_diags, "false"),
        };
        diags.extend(found);
        let result = match &common {
            None => value,
            Some(ty) => convert::convert_branch(&value, &other, ty).unwrap_or_else(|e| {
                let detail = format!("The {which} result value has the wrong type: {e}.");
                diags.push(Diagnostic::error(INCONSISTENT, detail).at(branch.span));
                Value::unknown(ty.clone())
            }),
        };
        result.mark(marks)
    }
}

fn incorrect_condition(condition: &Expr) -> Diagnostic {
    Diagnostic::error("Incorrect condition type", "The condition expression must be of type bool.").at(condition.span)
}

/// The type of the result: `Some(None)` when each branch keeps its own, `None` when there is no common one.
#[allow(clippy::option_option)]
fn common_type(a: &Value, b: &Value) -> Option<Option<Type>> {
    let plain_null = |v: &Value| matches!(v.data, Data::Null(Type::Dynamic)) && v.marks.is_none();
    let (ta, tb) = (a.ty(), b.ty());
    if plain_null(a) {
        return Some(Some(tb));
    }
    if plain_null(b) {
        return Some(Some(ta));
    }
    if ta == Type::Dynamic || tb == Type::Dynamic {
        return Some(None);
    }
    convert::unify(&[ta, tb]).map(Some)
}

/// The value while the condition is unknown.
fn undecided(a: &Value, b: &Value, ty: Type) -> Value {
    if a.is_null() && b.is_null() {
        return Value::null(ty);
    }
    if let (Data::Number(x), Data::Number(y)) = (&a.data, &b.data)
        && x == y
    {
        return x.clone().into();
    }
    if ty.is_collection()
        && a.ty() == b.ty()
        && let (Some(x), Some(y)) = (known_len(a), known_len(b))
        && x == y
    {
        return unknown_of_length(&ty, x);
    }
    let not_null = |v: &Value| match &v.data {
        Data::Null(_) => false,
        Data::Unknown(_, r) => r.not_null,
        _ => true,
    };
    match ty != Type::Dynamic && not_null(a) && not_null(b) {
        true => Value::unknown_not_null(ty),
        false => Value::unknown(ty),
    }
}

/// How many elements a collection has, if that is certain.
fn known_len(value: &Value) -> Option<usize> {
    match &value.data {
        Data::List(_, items) => Some(items.len()),
        Data::Map(_, items) => Some(items.len()),
        Data::Set(_, items) => (items.len() < 2 || value.is_wholly_known()).then_some(items.len()),
        _ => None,
    }
}

/// An unknown collection of certain length: a list of unknown elements, where the type allows to say that.
pub(crate) fn unknown_of_length(ty: &Type, len: usize) -> Value {
    match (ty, len) {
        (Type::List(of), _) => Value::list((**of).clone(), std::iter::repeat_n(Value::unknown((**of).clone()), len)),
        (Type::Set(of), 0 | 1) => Value::set((**of).clone(), std::iter::repeat_n(Value::unknown((**of).clone()), len)),
        (Type::Map(of), 0) => Value::map::<secstack_base::Str>((**of).clone(), []),
        _ => Value::unknown_not_null(ty.clone()),
    }
}

/// Says how two types that have no common type differ.
fn describe_mismatch(a: &Type, b: &Type) -> String {
    let special = match (a, b) {
        (Type::Object(a), Type::Object(b)) => {
            let absent = |in_: &str, of: &str, name: &str| {
                format!("The '{in_}' value includes object attribute {}, which is absent in the '{of}' value", quote(name))
            };
            let first = a.attrs.iter().find_map(|(name, ta)| match b.attrs.get(name) {
                None => Some(absent("true", "false", name)),
                Some(tb) if ta != tb => Some(format!("Type mismatch for object attribute {}: {}", quote(name), describe_mismatch(ta, tb))),
                Some(_) => None,
            });
            first.or_else(|| b.attrs.keys().find(|n| !a.attrs.contains_key(*n)).map(|n| absent("false", "true", n)))
        }
        (Type::Tuple(a), Type::Tuple(b)) if a.len() != b.len() => {
            Some(format!("The 'true' tuple has length {}, but the 'false' tuple has length {}", a.len(), b.len()))
        }
        (Type::Tuple(a), Type::Tuple(b)) => {
            let differing = a.iter().zip(b.iter()).enumerate().find(|(_, (a, b))| a != b);
            differing.map(|(i, (a, b))| format!("Type mismatch for tuple element {i}: {}", describe_mismatch(a, b)))
        }
        (Type::List(a), Type::List(b)) => elements("list", a, b),
        (Type::Map(a), Type::Map(b)) => elements("map", a, b),
        (Type::Set(a), Type::Set(b)) => elements("set", a, b),
        _ => None,
    };
    special.unwrap_or_else(|| match (friendly(a), friendly(b)) {
        (a, b) if a == b => {
            "At least one deeply-nested attribute or element is not compatible across both the 'true' and the 'false' value".into()
        }
        (a, b) => format!("The 'true' value is {a}, but the 'false' value is {b}"),
    })
}

fn elements(noun: &str, a: &Type, b: &Type) -> Option<String> {
    matches!((a, b), (Type::Object(_), Type::Object(_)) | (Type::Tuple(_), Type::Tuple(_)))
        .then(|| format!("Mismatched {noun} element types: {}", describe_mismatch(a, b)))
}
