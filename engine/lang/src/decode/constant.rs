//! Arguments whose value must be known from the text alone.

use secstack_base::{Data, Diagnostic, Diags, Str, Value};

use crate::ast::{UnaryOp, references};
use crate::{Expr, ExprKind};

/// The text an expression stands for. Numbers and bools become text.
pub(crate) fn text(expr: &Expr, diags: &mut Diags) -> Option<Str> {
    let value = known(expr, "a string", diags)?;
    match value.data {
        Data::String(s) => Some(s),
        Data::Number(n) => Some(n.to_string().into()),
        Data::Bool(b) => Some(b.to_string().into()),
        Data::Null(_) => None,
        _ => {
            diags.push(unsuitable("string required", expr));
            None
        }
    }
}

/// The truth an expression stands for. The texts `"true"` and `"false"` count.
pub(crate) fn truth(expr: &Expr, diags: &mut Diags) -> Option<bool> {
    let value = known(expr, "a bool", diags)?;
    match &value.data {
        Data::Bool(b) => Some(*b),
        Data::String(s) if &**s == "true" => Some(true),
        Data::String(s) if &**s == "false" => Some(false),
        Data::Null(_) => None,
        Data::String(_) => {
            diags.push(unsuitable("a bool is required", expr));
            None
        }
        _ => {
            diags.push(unsuitable("bool required", expr));
            None
        }
    }
}

fn unsuitable(what: &str, expr: &Expr) -> Diagnostic {
    Diagnostic::error("Unsuitable value type", format!("Unsuitable value: {what}")).at(expr.span)
}

fn known(expr: &Expr, want: &str, diags: &mut Diags) -> Option<Value> {
    if !check_static(expr, diags) {
        return None;
    }
    let value = static_value(expr);
    if value.is_none() {
        let detail = format!("The value must be {want} that is written out, without operations.");
        diags.push(Diagnostic::error("Unsuitable value type", detail).at(expr.span));
    }
    value
}

/// Whether the expression has neither references nor calls; reports the first.
pub(crate) fn check_static(expr: &Expr, diags: &mut Diags) -> bool {
    let mut first = None;
    references(expr, &mut |t| first = first.or(Some(t.span)));
    if let Some(span) = first {
        diags.push(Diagnostic::error("Variables not allowed", "Variables may not be used here.").at(span));
        return false;
    }
    if let Some(call) = find_call(expr) {
        diags.push(Diagnostic::error("Function calls not allowed", "Functions may not be called here.").at(call.span));
        return false;
    }
    true
}

fn find_call(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Call { .. } => Some(expr),
        ExprKind::Wrap(e) | ExprKind::Paren(e) | ExprKind::Unary(_, e) | ExprKind::GetAttr { on: e, .. } => find_call(e),
        ExprKind::Index { on: a, key: b } | ExprKind::Binary(a, _, b) => find_call(a).or_else(|| find_call(b)),
        ExprKind::Conditional { condition, then, otherwise } => [condition, then, otherwise].into_iter().find_map(|e| find_call(e)),
        ExprKind::Tuple(items) => items.iter().find_map(find_call),
        ExprKind::Object(items) => items.iter().find_map(|i| find_call(&i.key).or_else(|| find_call(&i.value))),
        _ => None,
    }
}

/// The value of an expression that is written out. `None` when it takes an evaluator to know.
pub(crate) fn static_value(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Literal(v) => Some(v.clone()),
        ExprKind::Paren(e) | ExprKind::Wrap(e) => static_value(e),
        ExprKind::Unary(op, e) => match (op, static_value(e)?.data) {
            (UnaryOp::Neg, Data::Number(n)) => Some(n.neg().into()),
            (UnaryOp::Not, Data::Bool(b)) => Some((!b).into()),
            _ => None,
        },
        ExprKind::Tuple(items) => Some(Value::tuple(items.iter().map(static_value).collect::<Option<Vec<_>>>()?)),
        ExprKind::Object(items) => {
            let item = |i: &crate::ast::ObjectItem| {
                let key = match static_value(&i.key)?.data {
                    Data::String(s) => s,
                    Data::Number(n) => n.to_string().into(),
                    Data::Bool(b) => b.to_string().into(),
                    _ => return None,
                };
                Some((key, static_value(&i.value)?))
            };
            Some(Value::object(items.iter().map(item).collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}
