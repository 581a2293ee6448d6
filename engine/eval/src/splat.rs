//! `on[*].a` and `on.*.a`: the rest of the expression for every element, or for the one value that is no sequence.

use secstack_base::{Data, Diagnostic, Diags, Type, Value, convert};
use secstack_lang::Expr;

use crate::expr::{Env, dynamic};

impl Env<'_> {
    /// A splat.
    pub(crate) fn splat(self, on: &Expr, each: &Expr, diags: &mut Diags) -> Value {
        let (source, ok) = self.try_eval(on, diags);
        if !ok {
            return dynamic();
        }
        let marks = source.marks;
        let sequence = matches!(source.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_));
        match &source.data {
            Data::Null(_) if !sequence => return Value::tuple([]).mark(marks),
            Data::Null(_) => {
                let detail = "Splat expressions (with the * symbol) cannot be applied to null sequences.";
                diags.push(Diagnostic::error("Splat of null value", detail).at(on.span));
                return dynamic();
            }
            Data::Unknown(Type::Dynamic, _) => return dynamic().mark(marks),
            Data::Unknown(ty, _) if sequence => {
                let ty = self.splat_type(ty, each, diags);
                return match ty {
                    Type::Dynamic => dynamic(),
                    ty => Value::unknown_not_null(ty),
                }
                .mark(marks);
            }
            _ => {}
        }
        let mut ok = true;
        let mut eval = |item: &Value, diags: &mut Diags| {
            let (value, fine) = self.with_item(item).try_eval(each, diags);
            ok &= fine;
            value
        };
        let result = match &source.data {
            Data::List(_, items) | Data::Set(_, items) if items.is_empty() => match self.splat_type(&source.ty(), each, diags) {
                Type::List(ty) => Value::list((*ty).clone(), []),
                _ => dynamic(),
            },
            Data::List(_, items) | Data::Set(_, items) => list(items.iter().map(|v| eval(v, diags)).collect()),
            Data::Tuple(items) => Value::tuple(items.iter().map(|v| eval(v, diags)).collect::<Vec<_>>()),
            Data::Unknown(_, r) if !r.not_null => {
                // It may turn out null, and the result empty; the rest is evaluated to find its mistakes.
                eval(&source, diags);
                return dynamic().mark(marks);
            }
            _ => Value::tuple([eval(&source, diags)]),
        };
        match ok {
            true => result.mark(marks),
            false => Value::unknown(self.splat_type(&source.ty(), each, &mut Diags::new())).mark(marks),
        }
    }

    /// The type of the result of a splat on a value of type `ty`.
    fn splat_type(self, ty: &Type, each: &Expr, diags: &mut Diags) -> Type {
        let mut of = |ty: &Type| self.with_item(&Value::unknown(ty.clone())).eval(each, diags).ty();
        match ty {
            Type::List(element) | Type::Set(element) => Type::list(of(element)),
            Type::Tuple(types) => Type::tuple(types.iter().map(of).collect::<Vec<_>>()),
            other => Type::tuple([of(other)]),
        }
    }
}

/// A list of values that should be of one type; where they are not, their common type.
fn list(items: Vec<Value>) -> Value {
    let first = items.first().map_or(Type::Dynamic, Value::ty);
    if items.iter().all(|v| v.ty() == first) {
        return Value::list(first, items);
    }
    let types: Vec<_> = items.iter().map(Value::ty).collect();
    match convert::unify(&types) {
        Some(ty) => {
            let converted: Result<Vec<_>, _> = items.iter().map(|v| convert::convert(v, &ty)).collect();
            converted.map_or_else(|_| Value::tuple(items), |items| Value::list(ty, items))
        }
        None => Value::tuple(items),
    }
}
