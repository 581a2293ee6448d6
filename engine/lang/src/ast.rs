//! Expressions of the language, with a span on every node.

use secstack_base::addr::quote;
use secstack_base::{Data, Span, Str, Value};

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its text.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number, `true`, `false`, `null`, or a quoted string without interpolation.
    Literal(Value),
    /// A quoted or heredoc template with at least one interpolation or directive; always gives a string.
    Template(Vec<TemplatePart>),
    /// `"${x}"` alone: the value of `x` with its own type.
    Wrap(Box<Expr>),
    /// The first name of a reference: `var` in `var.a`, or an iterator variable.
    Variable(Str),
    /// `on.name`
    GetAttr {
        /// The object.
        on: Box<Expr>,
        /// The attribute.
        name: Str,
        /// The text of the name.
        name_span: Span,
    },
    /// `on[key]`, also the legacy `on.0`.
    Index {
        /// The collection.
        on: Box<Expr>,
        /// The key.
        key: Box<Expr>,
    },
    /// `on.*.a` or `on[*].a`: `each` is evaluated for every element, which it names by [`ExprKind::SplatItem`].
    Splat {
        /// The collection.
        on: Box<Expr>,
        /// What is made of each element.
        each: Box<Expr>,
    },
    /// The element at hand, inside the nearest [`ExprKind::Splat`].
    SplatItem,
    /// `name(args...)`. Namespaced names read `provider::terraform::encode_tfvars`.
    Call {
        /// The function.
        name: Str,
        /// The text of the name.
        name_span: Span,
        /// The arguments.
        args: Vec<Expr>,
        /// Whether the last argument is expanded: `f(list...)`.
        expand_last: bool,
    },
    /// `if ? then : otherwise`
    Conditional {
        /// The condition.
        condition: Box<Expr>,
        /// The value when it is true.
        then: Box<Expr>,
        /// The value when it is false.
        otherwise: Box<Expr>,
    },
    /// `!x` or `-x`
    Unary(UnaryOp, Box<Expr>),
    /// `x + y` and the like.
    Binary(Box<Expr>, BinaryOp, Box<Expr>),
    /// `[a, b]`
    Tuple(Vec<Expr>),
    /// `{ a = b }`
    Object(Vec<ObjectItem>),
    /// `[for ...]` or `{for ...}`
    For(Box<For>),
    /// `(x)`
    Paren(Box<Expr>),
}

/// One item of an object constructor.
#[derive(Clone, Debug)]
pub struct ObjectItem {
    /// The key. A bare identifier is a [`ExprKind::Literal`] string with `bare` set.
    pub key: Expr,
    /// The key is a bare identifier. (Terraform reads `{ foo.bar = 1 }` as an error; that is left to evaluation.)
    pub bare: bool,
    /// The value.
    pub value: Expr,
}

/// A `for` expression.
#[derive(Clone, Debug)]
pub struct For {
    /// The variable of the key or index, if two variables are given.
    pub key_var: Option<Str>,
    /// The variable of the element.
    pub value_var: Str,
    /// What is iterated.
    pub collection: Expr,
    /// The key of each item, in the object form.
    pub key: Option<Expr>,
    /// The value of each item.
    pub value: Expr,
    /// `...` follows the value: values of equal keys are grouped.
    pub group: bool,
    /// The filter.
    pub condition: Option<Expr>,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Text as it is, escapes and trim markers resolved.
    Text(Str),
    /// `${x}`
    Interpolation(Expr),
    /// `%{ if }`
    If {
        /// The condition.
        condition: Expr,
        /// The parts when it is true.
        then: Vec<TemplatePart>,
        /// The parts when it is false.
        otherwise: Vec<TemplatePart>,
        /// The text of the directive.
        span: Span,
    },
    /// `%{ for }`
    For {
        /// The variable of the key or index, if two variables are given.
        key_var: Option<Str>,
        /// The variable of the element.
        value_var: Str,
        /// What is iterated.
        collection: Expr,
        /// The parts repeated for each element.
        body: Vec<TemplatePart>,
        /// The text of the directive.
        span: Span,
    },
}

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Neg,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// A reference with its constant steps: `var.a`, `aws_vpc.x[0].id`. Found in an expression by [`references`].
#[derive(Clone, Debug)]
pub struct Traversal {
    /// The first name.
    pub root: Str,
    /// The steps that are constant, up to the first that is not.
    pub steps: Vec<TraversalStep>,
    /// The text of the whole traversal, as far as it is constant.
    pub span: Span,
}

/// A constant step of a [`Traversal`].
#[derive(Clone, Debug)]
pub enum TraversalStep {
    /// `.name`
    Attr(Str, Span),
    /// `[0]` or `["x"]`
    Index(Value, Span),
}

/// As a configuration writes it.
impl std::fmt::Display for Traversal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.root)?;
        self.steps.iter().try_for_each(|step| match step {
            TraversalStep::Attr(name, _) => write!(f, ".{name}"),
            TraversalStep::Index(key, _) => match &key.data {
                Data::String(text) => write!(f, "[{}]", quote(text)),
                Data::Number(n) => write!(f, "[{n}]"),
                _ => f.write_str("[...]"),
            },
        })
    }
}

/// Calls `f` with every reference in the expression that is not bound by a `for` inside it, outermost traversal once.
pub fn references(expr: &Expr, f: &mut dyn FnMut(Traversal)) {
    walk(expr, &mut Vec::new(), &mut |_, t| f(t));
}

/// The same with the expression that each reference is.
pub fn reference_exprs<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a Expr, Traversal)) {
    walk(expr, &mut Vec::new(), f);
}

/// The expression as one constant traversal, if it is nothing else: what `depends_on`, `moved` and the like take.
pub fn as_traversal(expr: &Expr) -> Option<Traversal> {
    match &expr.kind {
        ExprKind::Variable(name) => Some(Traversal { root: name.clone(), steps: Vec::new(), span: expr.span }),
        ExprKind::GetAttr { on, name, name_span } => {
            let mut t = as_traversal(on)?;
            t.steps.push(TraversalStep::Attr(name.clone(), *name_span));
            t.span = t.span.to(expr.span);
            Some(t)
        }
        ExprKind::Index { on, key } => {
            let ExprKind::Literal(v) = &key.kind else { return None };
            let mut t = as_traversal(on)?;
            t.steps.push(TraversalStep::Index(v.clone(), key.span));
            t.span = t.span.to(expr.span);
            Some(t)
        }
        _ => None,
    }
}

fn walk<'a>(expr: &'a Expr, bound: &mut Vec<Str>, f: &mut dyn FnMut(&'a Expr, Traversal)) {
    if let Some(t) = as_traversal(expr) {
        if !bound.contains(&t.root) {
            f(expr, t);
        }
        return;
    }
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Variable(_) | ExprKind::SplatItem => {}
        ExprKind::Template(parts) => walk_parts(parts, bound, f),
        ExprKind::Wrap(e) | ExprKind::Paren(e) | ExprKind::Unary(_, e) | ExprKind::GetAttr { on: e, .. } => walk(e, bound, f),
        ExprKind::Index { on: a, key: b } | ExprKind::Splat { on: a, each: b } | ExprKind::Binary(a, _, b) => {
            walk(a, bound, f);
            walk(b, bound, f);
        }
        ExprKind::Call { args, .. } | ExprKind::Tuple(args) => args.iter().for_each(|a| walk(a, bound, f)),
        ExprKind::Conditional { condition, then, otherwise } => {
            for e in [condition, then, otherwise] {
                walk(e, bound, f);
            }
        }
        ExprKind::Object(items) => {
            for item in items {
                if !item.bare {
                    walk(&item.key, bound, f);
                }
                walk(&item.value, bound, f);
            }
        }
        ExprKind::For(x) => {
            walk(&x.collection, bound, f);
            let depth = bound.len();
            bound.extend(x.key_var.clone());
            bound.push(x.value_var.clone());
            for e in x.key.iter().chain([&x.value]).chain(&x.condition) {
                walk(e, bound, f);
            }
            bound.truncate(depth);
        }
    }
}

fn walk_parts<'a>(parts: &'a [TemplatePart], bound: &mut Vec<Str>, f: &mut dyn FnMut(&'a Expr, Traversal)) {
    for part in parts {
        match part {
            TemplatePart::Text(_) => {}
            TemplatePart::Interpolation(e) => walk(e, bound, f),
            TemplatePart::If { condition, then, otherwise, .. } => {
                walk(condition, bound, f);
                walk_parts(then, bound, f);
                walk_parts(otherwise, bound, f);
            }
            TemplatePart::For { key_var, value_var, collection, body, .. } => {
                walk(collection, bound, f);
                let depth = bound.len();
                bound.extend(key_var.clone());
                bound.push(value_var.clone());
                walk_parts(body, bound, f);
                bound.truncate(depth);
            }
        }
    }
}
