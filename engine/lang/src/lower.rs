//! Turns the tree of `hcl-edit` into ours.
//!
//! Shapes come from that tree; text (numbers, strings, keys) comes from the source by span, since
//! the tree rounds numbers and the parser may have been given masked text (see [`crate::parse`]).

use hcl_edit::expr::{self as hcl, BinaryOperator, Expression, ObjectKey, TraversalOperator, UnaryOperator};
use hcl_edit::structure::{BlockLabel, Structure};
use hcl_edit::{Decorated, Ident, Span as _};
use secstack_base::{Diagnostic, Diags, FileId, Number, Span, Str, Value};

use crate::ast::{BinaryOp, For, ObjectItem, UnaryOp};
use crate::body::Items;
use crate::{Attribute, Block, Body, Expr, ExprKind, template};

/// How deep an expression may nest. Everything that walks a tree recurses; this keeps it off the end of the stack.
pub(crate) const MAX_DEPTH: usize = 400;

type Range = std::ops::Range<usize>;

/// The text a tree came from, and what was found wrong on the way.
pub(crate) struct Lower<'a> {
    pub file: FileId,
    /// The text as the user wrote it.
    pub text: &'a str,
    /// Where the text starts in the file.
    pub base: usize,
    /// How much further on the tree has every byte.
    pub shift: usize,
    /// Keys that were masked for the parser, in order.
    pub masked: &'a [Range],
    pub diags: Diags,
    depth: usize,
}

impl<'a> Lower<'a> {
    pub(crate) fn new(file: FileId, text: &'a str, base: usize, masked: &'a [Range]) -> Self {
        Self { file, text, base, shift: 0, masked, diags: Diags::new(), depth: 0 }
    }

    pub(crate) fn span(&self, range: Option<Range>) -> Span {
        let r = range.unwrap_or(0..0);
        let place = |at: usize| (self.base + at).saturating_sub(self.shift);
        Span::new(self.file, place(r.start), place(r.end))
    }

    /// The text of a range of the tree. Empty for a range that is not in the text, which does not happen.
    pub(crate) fn slice(&self, range: &Range) -> &'a str {
        self.text.get(range.clone()).unwrap_or("")
    }

    pub(crate) fn body(&mut self, body: &hcl_edit::structure::Body, range: Range) -> Body {
        let (mut attributes, mut blocks) = (Vec::new(), Vec::new());
        for item in body {
            match item {
                Structure::Attribute(a) => {
                    let (name, name_span) = self.ident(&a.key);
                    attributes.push(Attribute { name, name_span, expr: self.expr(&a.value) });
                }
                Structure::Block(b) => blocks.push(self.block(b)),
            }
        }
        Body { items: Items::Native { attributes, blocks }, span: self.span(Some(range)) }
    }

    fn block(&mut self, block: &hcl_edit::structure::Block) -> Block {
        let (ty, ty_span) = self.ident(&block.ident);
        let mut header_end = block.ident.span().map_or(0, |r| r.end);
        let mut labels = Vec::new();
        for label in &block.labels {
            let range = label.span().unwrap_or(0..0);
            header_end = range.end;
            let name: Str = match label {
                BlockLabel::Ident(i) => i.as_str().into(),
                BlockLabel::String(_) => {
                    let inner = range.start + 1..range.end.saturating_sub(1);
                    template::unescape_quoted(self, inner).into()
                }
            };
            labels.push((name, self.span(Some(range))));
        }
        let open = skip_space(self.text, header_end);
        let end = block.span().map_or(open, |r| r.end);
        let span = self.span(Some(block.ident.span().map_or(0, |r| r.start)..header_end));
        let body = self.body(&block.body, open..end);
        Block { ty, ty_span, labels, body, span }
    }

    pub(crate) fn ident(&self, ident: &Decorated<Ident>) -> (Str, Span) {
        (ident.as_str().into(), self.span(ident.span()))
    }

    pub(crate) fn expr(&mut self, e: &Expression) -> Expr {
        self.deeper(1, e.span(), |this| this.expr_here(e))
    }

    /// Runs `f` `levels` deeper, or reports that the nesting is too deep.
    fn deeper(&mut self, levels: usize, range: Option<Range>, f: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.depth + levels > MAX_DEPTH {
            let span = self.span(range);
            self.diags.push(too_deep(span));
            return Expr { kind: ExprKind::Literal(Value::NULL), span };
        }
        self.depth += levels;
        let out = f(self);
        self.depth -= levels;
        out
    }

    fn expr_here(&mut self, e: &Expression) -> Expr {
        let range = e.span().unwrap_or(0..0);
        let span = self.span(Some(range.clone()));
        let kind = match e {
            Expression::Null(_) => ExprKind::Literal(Value::NULL),
            Expression::Bool(b) => ExprKind::Literal(Value::from(**b)),
            Expression::Number(_) => return self.number(range),
            Expression::String(_) => {
                let inner = range.start + 1..range.end.saturating_sub(1);
                ExprKind::Literal(Value::string(&template::unescape_quoted(self, inner)))
            }
            Expression::StringTemplate(t) => template::quoted(self, t),
            Expression::HeredocTemplate(t) => template::heredoc(self, t, range),
            Expression::Array(items) => ExprKind::Tuple(items.iter().map(|i| self.expr(i)).collect()),
            Expression::Object(o) => ExprKind::Object(o.iter().map(|(k, v)| self.item(k, v.expr())).collect()),
            Expression::Parenthesis(p) => ExprKind::Paren(Box::new(self.expr(p.inner()))),
            Expression::Variable(v) => ExprKind::Variable(v.as_str().into()),
            Expression::Conditional(c) => ExprKind::Conditional {
                condition: Box::new(self.expr(&c.cond_expr)),
                then: Box::new(self.expr(&c.true_expr)),
                otherwise: Box::new(self.expr(&c.false_expr)),
            },
            Expression::FuncCall(c) => self.call(c),
            Expression::Traversal(t) => return self.traversal(t, range),
            Expression::UnaryOp(op) => {
                let unary = match *op.operator {
                    UnaryOperator::Neg => UnaryOp::Neg,
                    UnaryOperator::Not => UnaryOp::Not,
                };
                ExprKind::Unary(unary, Box::new(self.expr(&op.expr)))
            }
            Expression::BinaryOp(op) => {
                ExprKind::Binary(Box::new(self.expr(&op.lhs_expr)), binary_op(*op.operator), Box::new(self.expr(&op.rhs_expr)))
            }
            Expression::ForExpr(f) => self.for_expr(f),
        };
        Expr { kind, span }
    }

    fn number(&mut self, range: Range) -> Expr {
        let span = self.span(Some(range.clone()));
        let negative = self.slice(&range).starts_with('-');
        let start = if negative { skip_space(self.text, range.start + 1) } else { range.start };
        let text = self.slice(&(start..range.end));
        let value = Number::parse(text).map_or(Value::NULL, Value::from);
        if value.is_null() {
            let detail = "Failed to recognize the value of this number literal.";
            self.diags.push(Diagnostic::error("Invalid number literal", detail).at(span));
        }
        let literal = Expr { kind: ExprKind::Literal(value), span: self.span(Some(start..range.end)) };
        if !negative {
            return literal;
        }
        Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(literal)), span }
    }

    fn item(&mut self, key: &ObjectKey, value: &Expression) -> ObjectItem {
        let range = key.span().unwrap_or(0..0);
        let span = self.span(Some(range.clone()));
        let value = self.expr(value);
        if self.masked.binary_search_by_key(&range.start, |r| r.start).is_ok() {
            return self.masked_item(range, value);
        }
        match key {
            ObjectKey::Ident(name) => bare_item(name.as_str(), span, value),
            // `true = 1` names the attribute "true".
            ObjectKey::Expression(Expression::Null(_) | Expression::Bool(_)) => bare_item(self.slice(&range), span, value),
            ObjectKey::Expression(e) => ObjectItem { key: self.expr(e), bare: false, value },
        }
    }

    /// An item whose key the parser did not see as it is.
    fn masked_item(&mut self, range: Range, value: Expr) -> ObjectItem {
        let text = self.slice(&range).trim_end();
        let span = self.span(Some(range.clone()));
        match crate::parse::parse_expression(self.file, text, span.start as usize) {
            Ok(Expr { kind: ExprKind::Variable(name), .. }) => bare_item(&name, span, value),
            Ok(key) => ObjectItem { key, bare: false, value },
            Err(diags) => {
                self.diags.extend(diags);
                bare_item(text, span, value)
            }
        }
    }

    fn call(&mut self, c: &hcl::FuncCall) -> ExprKind {
        let parts = c.name.namespace.iter().chain([&c.name.name]);
        let name = parts.map(|p| p.as_str()).collect::<Vec<_>>().join("::");
        let last = self.span(c.name.name.span());
        let name_span = c.name.namespace.first().map_or(last, |first| self.span(first.span()).to(last));
        let args = c.args.iter().map(|a| self.expr(a)).collect();
        ExprKind::Call { name: name.into(), name_span, args, expand_last: c.args.expand_final() }
    }

    fn for_expr(&mut self, f: &hcl::ForExpr) -> ExprKind {
        ExprKind::For(Box::new(For {
            key_var: f.intro.key_var.as_ref().map(|i| i.as_str().into()),
            value_var: f.intro.value_var.as_str().into(),
            collection: self.expr(&f.intro.collection_expr),
            key: f.key_expr.as_ref().map(|k| self.expr(k)),
            value: self.expr(&f.value_expr),
            group: f.grouping,
            condition: f.cond.as_ref().map(|c| self.expr(&c.expr)),
        }))
    }

    fn traversal(&mut self, t: &hcl::Traversal, range: Range) -> Expr {
        self.deeper(t.operators.len(), Some(range), |this| {
            let on = this.expr(&t.expr);
            this.steps(on, &t.operators)
        })
    }

    fn steps(&mut self, mut on: Expr, steps: &[Decorated<TraversalOperator>]) -> Expr {
        for (i, step) in steps.iter().enumerate() {
            let range = step.span().unwrap_or(0..0);
            let here = self.span(Some(range.clone()));
            let span = on.span.to(here);
            let kind = match step.value() {
                TraversalOperator::GetAttr(name) => {
                    let end = range.end;
                    let name_span = self.span(Some(end - name.as_str().len().min(end)..end));
                    ExprKind::GetAttr { on: Box::new(on), name: name.as_str().into(), name_span }
                }
                TraversalOperator::LegacyIndex(_) => {
                    let start = skip_space(self.text, range.start + 1);
                    let key = self.number(start..range.end);
                    ExprKind::Index { on: Box::new(on), key: Box::new(key) }
                }
                TraversalOperator::Index(key) => ExprKind::Index { on: Box::new(on), key: Box::new(self.expr(key)) },
                // `.*` takes the attributes that follow into each element; what comes then applies to the result.
                TraversalOperator::AttrSplat(_) => {
                    let rest = &steps[i + 1..];
                    let attrs =
                        rest.iter().take_while(|s| matches!(s.value(), TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_)));
                    let (each, after) = rest.split_at(attrs.count());
                    let splat = self.splat(on, here, each);
                    return self.steps(splat, after);
                }
                // `[*]` takes everything that follows.
                TraversalOperator::FullSplat(_) => return self.splat(on, here, &steps[i + 1..]),
            };
            on = Expr { kind, span };
        }
        on
    }

    fn splat(&mut self, on: Expr, marker: Span, each: &[Decorated<TraversalOperator>]) -> Expr {
        let item = Expr { kind: ExprKind::SplatItem, span: marker };
        let each = self.steps(item, each);
        let span = on.span.to(each.span);
        Expr { kind: ExprKind::Splat { on: Box::new(on), each: Box::new(each) }, span }
    }
}

fn bare_item(name: &str, span: Span, value: Expr) -> ObjectItem {
    let key = Expr { kind: ExprKind::Literal(Value::string(name)), span };
    ObjectItem { key, bare: true, value }
}

fn binary_op(op: BinaryOperator) -> BinaryOp {
    match op {
        BinaryOperator::Eq => BinaryOp::Eq,
        BinaryOperator::NotEq => BinaryOp::Ne,
        BinaryOperator::LessEq => BinaryOp::Le,
        BinaryOperator::GreaterEq => BinaryOp::Ge,
        BinaryOperator::Less => BinaryOp::Lt,
        BinaryOperator::Greater => BinaryOp::Gt,
        BinaryOperator::Plus => BinaryOp::Add,
        BinaryOperator::Minus => BinaryOp::Sub,
        BinaryOperator::Mul => BinaryOp::Mul,
        BinaryOperator::Div => BinaryOp::Div,
        BinaryOperator::Mod => BinaryOp::Mod,
        BinaryOperator::And => BinaryOp::And,
        BinaryOperator::Or => BinaryOp::Or,
    }
}

/// The diagnostic for an expression that nests too deep.
pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("Expression too deep", "Brackets, conditionals, templates and blocks can nest 64 levels deep, operators can be chained 128 times, attributes and indices 400 times.")
        .at(span)
        .help("Move a part of the expression to a local value.")
}

/// The first byte from `at` on that is neither space nor comment.
pub(crate) fn skip_space(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or("");
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let comment = if trimmed.starts_with("/*") {
            trimmed.find("*/").map_or(trimmed.len(), |i| i + 2)
        } else if trimmed.starts_with("//") || trimmed.starts_with('#') {
            trimmed.find('\n').unwrap_or(trimmed.len())
        } else {
            return at;
        };
        at += comment;
    }
}
