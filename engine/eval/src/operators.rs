//! Operators, and equality as the language means it: true, false or not known yet.

use std::cmp::Ordering;

use secstack_base::{Data, Diagnostic, Diags, Marks, Number, Span, Type, Value, convert};
use secstack_lang::Expr;
use secstack_lang::ast::{BinaryOp, UnaryOp};

use crate::expr::{Env, errors_since};

impl Env<'_> {
    /// `!x` or `-x`
    pub(crate) fn unary(self, span: Span, op: UnaryOp, operand: &Expr, diags: &mut Diags) -> Value {
        let ty = match op {
            UnaryOp::Not => Type::Bool,
            UnaryOp::Neg => Type::Number,
        };
        let before = diags.0.len();
        let value = self.operand(operand, &ty, "unary", diags);
        if errors_since(diags, before) {
            return Value::unknown(ty);
        }
        let data = match (&value.data, op) {
            (Data::Null(_), _) => return failed(NULL, span, ty, diags),
            (Data::Bool(b), UnaryOp::Not) => Data::Bool(!b),
            (Data::Number(n), UnaryOp::Neg) => Data::Number(n.neg()),
            _ => Value::unknown_not_null(ty).data,
        };
        Value { data, marks: value.marks }
    }

    /// `x + y` and the like.
    pub(crate) fn binary(self, span: Span, left: &Expr, op: BinaryOp, right: &Expr, diags: &mut Diags) -> Value {
        let (takes, gives) = match op {
            BinaryOp::Eq | BinaryOp::Ne => (Type::Dynamic, Type::Bool),
            BinaryOp::And | BinaryOp::Or => (Type::Bool, Type::Bool),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => (Type::Number, Type::Bool),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => (Type::Number, Type::Number),
        };
        let before = diags.0.len();
        let a = self.operand(left, &takes, "left", diags);
        let b = self.operand(right, &takes, "right", diags);
        if errors_since(diags, before) {
            return Value::unknown(gives);
        }
        match op {
            BinaryOp::Eq => return equal(&a, &b),
            BinaryOp::Ne => return not(equal(&a, &b)),
            _ => {}
        }
        if a.is_null() || b.is_null() {
            return failed(NULL, span, gives, diags);
        }
        let result = match (&a.data, &b.data) {
            (Data::Bool(a), Data::Bool(b)) => Ok((if op == BinaryOp::And { *a && *b } else { *a || *b }).into()),
            (Data::Number(a), Data::Number(b)) => arithmetic(a, op, b),
            _ => Ok(Value::unknown_not_null(gives.clone())),
        };
        match result {
            Ok(value) => value.mark(a.marks.with(b.marks)),
            Err(message) => failed(message, span, gives, diags),
        }
    }

    fn operand(self, operand: &Expr, ty: &Type, which: &str, diags: &mut Diags) -> Value {
        let value = self.eval(operand, diags);
        convert::convert(&value, ty).unwrap_or_else(|e| {
            let detail = format!("Unsuitable value for {which} operand: {e}.");
            diags.push(Diagnostic::error("Invalid operand", detail).at(operand.span));
            Value::unknown(ty.clone())
        })
    }
}

const NULL: &str = "argument must not be null";

fn failed(message: &str, span: Span, ty: Type, diags: &mut Diags) -> Value {
    diags.push(Diagnostic::error("Operation failed", format!("Error during operation: {message}.")).at(span));
    Value::unknown(ty)
}

fn arithmetic(a: &Number, op: BinaryOp, b: &Number) -> Result<Value, &'static str> {
    let (number, nan) = match op {
        BinaryOp::Add => (a.add(b), "can't compute sum of opposing infinities"),
        BinaryOp::Sub => (a.sub(b), "can't subtract infinity from itself"),
        BinaryOp::Mul => (a.mul(b), "can't multiply zero by infinity"),
        BinaryOp::Div => (a.div(b), "can't divide zero by zero or infinity by infinity"),
        BinaryOp::Mod => (a.rem(b), "can't use modulo with zero and infinity"),
        BinaryOp::Lt => return Ok((a.compare(b) == Ordering::Less).into()),
        BinaryOp::Le => return Ok((a.compare(b) != Ordering::Greater).into()),
        BinaryOp::Gt => return Ok((a.compare(b) == Ordering::Greater).into()),
        BinaryOp::Ge => return Ok((a.compare(b) != Ordering::Less).into()),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::And | BinaryOp::Or => return Err("the operands are not numbers"),
    };
    number.map(Value::from).ok_or(nan)
}

fn not(value: Value) -> Value {
    match value.data {
        Data::Bool(b) => Value { data: Data::Bool(!b), ..value },
        _ => value,
    }
}

/// `a == b`: a bool, unknown when it cannot be told yet, with the marks of every part of both.
pub fn equal(a: &Value, b: &Value) -> Value {
    let marks = a.deep_marks().with(b.deep_marks());
    let (a, b) = match marks.is_none() {
        true => (a.clone(), b.clone()),
        false => (a.unmark_deep(Marks::ALL), b.unmark_deep(Marks::ALL)),
    };
    match equality(&a, &b) {
        Some(b) => Value::from(b),
        None => Value::unknown_not_null(Type::Bool),
    }
    .mark(marks)
}

/// Whether two unmarked values are equal, if it can be told.
pub(crate) fn equality(a: &Value, b: &Value) -> Option<bool> {
    match (&a.data, &b.data) {
        (Data::Null(_), Data::Null(_)) => Some(true),
        (Data::Null(_), Data::Unknown(_, r)) | (Data::Unknown(_, r), Data::Null(_)) => r.not_null.then_some(false),
        (Data::Null(_), _) | (_, Data::Null(_)) => Some(false),
        (Data::Unknown(..), Data::Unknown(..)) => None,
        (Data::Unknown(ty, r), _) => equal_to_unknown(b, ty, r.prefix.as_deref()),
        (_, Data::Unknown(ty, r)) => equal_to_unknown(a, ty, r.prefix.as_deref()),
        (Data::Bool(a), Data::Bool(b)) => Some(a == b),
        (Data::Number(a), Data::Number(b)) => Some(a == b),
        (Data::String(a), Data::String(b)) => Some(a == b),
        _ if !has_known_type(a) || !has_known_type(b) => (!could_conform(&a.ty(), &b.ty())).then_some(false),
        _ if a.ty() != b.ty() => Some(false),
        _ => equal_parts(a, b),
    }
}

fn equal_to_unknown(known: &Value, ty: &Type, prefix: Option<&str>) -> Option<bool> {
    if let (Some(s), Some(prefix)) = (known.as_str(), prefix)
        && !s.starts_with(prefix)
    {
        return Some(false);
    }
    (!ty.has_dynamic() && known.ty() != *ty).then_some(false)
}

/// Compares known collections or structures of one type.
fn equal_parts(a: &Value, b: &Value) -> Option<bool> {
    if matches!(a.data, Data::Set(..)) {
        return (a.is_wholly_known() && b.is_wholly_known()).then(|| a.same_unmarked(b));
    }
    if let (Data::Map(_, x), Data::Map(_, y)) = (&a.data, &b.data)
        && !x.keys().eq(y.keys())
    {
        return Some(false);
    }
    if let (Data::List(_, x), Data::List(_, y)) = (&a.data, &b.data)
        && x.len() != y.len()
    {
        return Some(false);
    }
    for (x, y) in a.parts().zip(b.parts()) {
        // A part that is not known hides a later difference, as it does in cty.
        if !equality(x, y)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether the type of the value and all its parts is known.
fn has_known_type(value: &Value) -> bool {
    !matches!(&value.data, Data::Unknown(Type::Dynamic, _)) && value.parts().all(has_known_type)
}

/// Whether values of the two types could turn out to have the same type.
fn could_conform(a: &Type, b: &Type) -> bool {
    conforms(a, b) || conforms(b, a)
}

fn conforms(given: &Type, want: &Type) -> bool {
    match (given, want) {
        (_, Type::Dynamic) => true,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => conforms(a, b),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| conforms(a, b)),
        (Type::Object(a), Type::Object(b)) => {
            a.attrs.len() == b.attrs.len() && a.attrs.iter().all(|(k, a)| b.attrs.get(k).is_some_and(|b| conforms(a, b)))
        }
        _ => given == want,
    }
}
