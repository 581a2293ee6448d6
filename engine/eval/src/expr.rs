//! Evaluates an expression.
//!
//! The rules of HCL that surprise: both operands of `&&` and both branches of a conditional are always
//! evaluated; an unknown key makes a whole object unknown; marks travel with every part a value is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Data, Diagnostic, Diags, Marks, Span, Str, Type, Value, convert};
use secstack_lang::ast::{ObjectItem, as_traversal};
use secstack_lang::{Expr, ExprKind};

use crate::scope::{Bound, Scope};

/// How deep expressions may nest. The parser refuses deeper ones; templates read at run time pass here too.
const MAX_DEPTH: u32 = 450;

/// Evaluates `expr` and adds what is wrong to `diags`. After a mistake the value is unknown.
pub fn evaluate(expr: &Expr, scope: &dyn Scope, diags: &mut Diags) -> Value {
    Env::of(scope).eval(expr, diags)
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    /// The names.
    pub scope: &'a dyn Scope,
    /// The element of the nearest splat.
    pub item: Option<&'a Value>,
    depth: u32,
    /// Whether mistakes tell what the references around them came to.
    explains: bool,
}

/// An unknown value of unknown type: the value of an expression with a mistake.
pub(crate) fn dynamic() -> Value {
    Value::unknown(Type::Dynamic)
}

impl<'a> Env<'a> {
    /// The outermost place in a scope.
    pub fn of(scope: &'a dyn Scope) -> Self {
        Env { scope, item: None, depth: 0, explains: true }
    }

    /// The same place, where mistakes are not explained: they may be meant, or are about to be explained.
    pub fn silent(self) -> Self {
        Env { explains: false, ..self }
    }

    /// The same place with another element of a splat.
    pub fn with_item<'b>(self, item: &'b Value) -> Env<'b>
    where
        'a: 'b,
    {
        Env { item: Some(item), ..self }
    }

    /// The same place with further names.
    pub fn within<'b>(self, scope: &'b Bound<'b>) -> Env<'b>
    where
        'a: 'b,
    {
        Env { scope, ..self }
    }

    /// Whether the expression at hand is the whole expression.
    pub fn is_outermost(self) -> bool {
        self.depth == 1
    }

    /// Evaluates `expr` and says whether that went without an error.
    pub fn try_eval(self, expr: &Expr, diags: &mut Diags) -> (Value, bool) {
        let before = diags.0.len();
        let value = self.eval(expr, diags);
        (value, !errors_since(diags, before))
    }

    /// Evaluates `expr`.
    pub fn eval(self, expr: &Expr, diags: &mut Diags) -> Value {
        if self.depth >= MAX_DEPTH {
            let detail = format!("This expression nests deeper than {MAX_DEPTH} levels.");
            diags.push(Diagnostic::error("Expression too complex", detail).at(expr.span).help("Move a part of it to a local value."));
            return dynamic();
        }
        let env = Env { depth: self.depth + 1, ..self };
        let before = diags.0.len();
        let value = env.eval_kind(expr, diags);
        if self.explains && diags.0.len() > before {
            self.explain(expr, &mut diags.0[before..]);
        }
        value
    }

    /// Evaluates `expr`, whatever comes of it.
    fn eval_kind(self, expr: &Expr, diags: &mut Diags) -> Value {
        match &expr.kind {
            ExprKind::Literal(value) => value.clone(),
            ExprKind::Paren(inner) | ExprKind::Wrap(inner) => self.eval(inner, diags),
            ExprKind::Variable(_) | ExprKind::GetAttr { .. } => self.traversal(expr, diags),
            ExprKind::Index { on, key } => self.index_expr(expr, on, key, diags),
            ExprKind::Splat { on, each } => self.splat(on, each, diags),
            ExprKind::SplatItem => self.item.cloned().unwrap_or_else(dynamic),
            ExprKind::Template(parts) => self.template(parts, diags),
            ExprKind::Call { name, name_span, args, expand_last } => {
                self.call(&crate::call::Call { expr, name, name_span: *name_span, args, expand_last: *expand_last }, diags)
            }
            ExprKind::Conditional { condition, then, otherwise } => self.conditional(condition, then, otherwise, diags),
            ExprKind::Unary(op, operand) => self.unary(expr.span, *op, operand, diags),
            ExprKind::Binary(left, op, right) => self.binary(expr.span, left, *op, right, diags),
            ExprKind::Tuple(items) => Value::tuple(items.iter().map(|e| self.eval(e, diags)).collect::<Vec<_>>()),
            ExprKind::Object(items) => self.object(items, diags),
            ExprKind::For(f) => self.for_expr(expr.span, f, diags),
        }
    }

    fn object(self, items: &[ObjectItem], diags: &mut Diags) -> Value {
        let mut attrs = BTreeMap::new();
        let mut marks = Marks::NONE;
        let mut known = true;
        for item in items {
            let key = self.object_key(item, diags, &mut marks);
            let value = self.eval(&item.value, diags);
            match key {
                Some(key) => {
                    attrs.insert(key, value);
                }
                None => known = false,
            }
        }
        if !known {
            // Without all keys not even the type is known.
            return dynamic().mark(marks);
        }
        Value::from(Data::Object(Arc::new(attrs))).mark(marks)
    }

    /// The key of an item, if it is known.
    fn object_key(self, item: &ObjectItem, diags: &mut Diags, marks: &mut Marks) -> Option<Str> {
        if item.bare
            && let ExprKind::Literal(Value { data: Data::String(name), .. }) = &item.key.kind
        {
            return Some(name.clone());
        }
        if as_traversal(&item.key).is_some_and(|t| !t.steps.is_empty()) {
            diags.push(Diagnostic::error(
                "Ambiguous attribute key",
                "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal name containing periods, wrap it in quotes to create a string literal.",
            ).at(item.key.span));
            return None;
        }
        let (key, ok) = self.try_eval(&item.key, diags);
        if !ok {
            return None;
        }
        if key.is_null() {
            diags.push(Diagnostic::error("Null value as key", "Can't use a null value as a key.").at(item.value.span));
            return None;
        }
        *marks = marks.with(key.marks);
        match convert::convert(&key, &Type::String) {
            Ok(Value { data: Data::String(s), .. }) => Some(s),
            Ok(_) => None,
            Err(e) => {
                let detail = format!("Can't use this value as a key: {e}.");
                diags.push(Diagnostic::error("Incorrect key type", detail).at(item.key.span));
                None
            }
        }
    }
}

/// Whether an error was added after the first `before` diagnostics.
pub(crate) fn errors_since(diags: &Diags, before: usize) -> bool {
    diags.0[before..].iter().any(Diagnostic::is_error)
}

/// The text from the end of `on` to the end of `whole`: `.name` or `[key]`.
pub(crate) fn tail(on: Span, whole: Span) -> Span {
    Span { start: on.end.min(whole.end), ..whole }
}
