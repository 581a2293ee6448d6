//! `dynamic` blocks: one block for every element of `for_each`.
//!
//! While `for_each` is unknown one block stands for all, and makes the value of all blocks of its type unknown.

use secstack_base::{Data, Diagnostic, Diags, Marks, Str, Type, Value, convert};
use secstack_lang::ast::as_traversal;
use secstack_lang::body::{Attribute, Block};
use secstack_lang::{Expr, ExprKind};

use crate::block::{Instance, Place, Wanted, missing_argument, missing_item, unsupported_argument, unsupported_block};
use crate::evaluate;
use crate::for_each::{elements, is_iterable};
use crate::scope::Bound;
use crate::traversal::quote;
use crate::type_text::friendly;

const INVALID_FOR_EACH: &str = "Invalid dynamic for_each value";
const INVALID_LABEL: &str = "Invalid dynamic block label";

/// The parts of a `dynamic` block.
#[derive(Default)]
pub(crate) struct Dynamic {
    pub for_each: Option<Attribute>,
    pub iterator: Option<Attribute>,
    pub labels: Option<Attribute>,
    pub content: Vec<Block>,
    unsupported: Diags,
}

impl Dynamic {
    pub fn read(block: &Block) -> Dynamic {
        let (view, found) = block.body.view(&[("content", 0)]);
        let mut d = Dynamic { unsupported: found, ..Dynamic::default() };
        for a in view.attributes.iter() {
            match &*a.name {
                "for_each" => d.for_each = Some(a.clone()),
                "iterator" => d.iterator = Some(a.clone()),
                "labels" => d.labels = Some(a.clone()),
                name => d.unsupported.push(unsupported_argument(name, a.name_span, "")),
            }
        }
        for b in view.blocks.iter() {
            match &*b.ty {
                "content" => d.content.push(b.clone()),
                name => d.unsupported.push(unsupported_block(name, b.ty_span, "")),
            }
        }
        d
    }

    /// The name given to the iterator, if it is a name.
    pub fn iterator(&self) -> Option<Str> {
        let expr = &self.iterator.as_ref()?.expr;
        match &expr.kind {
            // In JSON a name is a string.
            ExprKind::Literal(Value { data: Data::String(name), .. }) => Some(name.clone()),
            _ => as_traversal(expr).filter(|t| t.steps.is_empty()).map(|t| t.root),
        }
    }
}

impl Place<'_> {
    /// Evaluates a `dynamic` block and adds the blocks it stands for.
    pub(crate) fn expand(self, block: &Block, wanted: &Wanted<'_>, diags: &mut Diags, found: &mut Vec<Instance>) {
        let d = Dynamic::read(block);
        let Some((iterator, for_each)) = self.check(&d, block, wanted, diags) else { return };
        let Some(content) = d.content.first() else { return };
        let span = block.labels.first().map_or(block.span, |(_, span)| *span);
        let mut add = |key: Value, value: Value, unknown: bool, diags: &mut Diags| {
            let names = vec![(iterator.clone(), Value::object([("key", key), ("value", value)]))];
            let bound = Bound { outer: self.scope, names };
            let place = Place { scope: &bound, marks: for_each.marks, unknown };
            let Some(labels) = place.labels(&d, diags) else { return };
            let value = place.body(&content.body, wanted.schema, diags).mark(for_each.marks);
            found.push(Instance { labels, value, unknown, span });
        };
        if for_each.is_unknown() {
            add(Value::unknown(Type::Dynamic), Value::unknown(Type::Dynamic), true, diags);
        }
        for (key, value) in elements(&for_each) {
            add(key.value(), value.clone(), self.unknown, diags);
        }
    }

    /// The iterator's name and the value of `for_each`, when the block is well formed.
    fn check(self, d: &Dynamic, block: &Block, wanted: &Wanted<'_>, diags: &mut Diags) -> Option<(Str, Value)> {
        let before = diags.0.len();
        diags.extend(d.unsupported.iter().cloned());
        if let Some(labels) = d.labels.as_ref().filter(|_| wanted.labels.is_empty()) {
            diags.push(unsupported_argument("labels", labels.name_span, ""));
        }
        let iterator = match &d.iterator {
            None => Some(wanted.name.into()),
            Some(given) => d.iterator().or_else(|| {
                let detail = "Dynamic iterator must be a single variable name.";
                diags.push(Diagnostic::error("Invalid dynamic iterator name", detail).at(given.expr.span));
                None
            }),
        };
        match d.content.as_slice() {
            [_] => {}
            [] => diags.push(
                Diagnostic::error(
                    "Missing dynamic content block",
                    "A dynamic block must have a nested block of type \"content\" to describe the body of each generated block.",
                )
                .at(missing_item(&block.body)),
            ),
            [_, second, ..] => diags.push(
                Diagnostic::error("Extraneous dynamic content block", "Only one nested content block is allowed for each dynamic block.")
                    .at(second.span),
            ),
        }
        let Some(for_each) = &d.for_each else {
            diags.push(missing_argument("for_each", &block.body));
            return None;
        };
        let value = evaluate(&for_each.expr, self.scope, diags);
        if crate::expr::errors_since(diags, before) {
            return None;
        }
        let ty = value.ty();
        let mut invalid = |detail: String| diags.push(Diagnostic::error(INVALID_FOR_EACH, detail).at(for_each.expr.span));
        if !is_iterable(&ty) && ty != Type::Dynamic {
            invalid(format!("Cannot use a {} value in for_each. An iterable collection is required.", friendly(&ty)));
            return None;
        }
        if value.is_null() {
            invalid("Cannot use a null value in for_each.".into());
            return None;
        }
        let labels: &[Expr] = match d.labels.as_ref().map(|a| &a.expr.kind) {
            Some(ExprKind::Tuple(items)) => items,
            _ => &[],
        };
        if labels.len() != wanted.labels.len() {
            let (summary, at) = match labels.get(wanted.labels.len()) {
                Some(extra) => ("Extraneous dynamic block label", extra.span),
                None => ("Insufficient dynamic block labels", d.labels.as_ref().map_or(block.span, |a| a.expr.span)),
            };
            let detail = format!("Blocks of type {} require {} label(s).", quote(wanted.name), wanted.labels.len());
            diags.push(Diagnostic::error(summary, detail).at(at));
            return None;
        }
        Some((iterator?, value))
    }

    /// The labels of one block.
    fn labels(self, d: &Dynamic, diags: &mut Diags) -> Option<Vec<Str>> {
        let Some(Attribute { expr: Expr { kind: ExprKind::Tuple(items), .. }, .. }) = &d.labels else {
            return Some(Vec::new());
        };
        items.iter().map(|item| self.label(item, diags)).collect()
    }

    fn label(self, expr: &Expr, diags: &mut Diags) -> Option<Str> {
        let before = diags.0.len();
        let value = evaluate(expr, self.scope, diags);
        if crate::expr::errors_since(diags, before) {
            return None;
        }
        let why = match convert::convert(&value, &Type::String) {
            Err(e) => format!("Cannot use this value as a dynamic block label: {e}."),
            Ok(value) => match value {
                Value { data: Data::String(s), marks: Marks::NONE } => return Some(s),
                Value { data: Data::String(_), .. } => {
                    "This value has dynamic marks that make it unsuitable for use as a block label.".into()
                }
                Value { data: Data::Null(_), .. } => "Cannot use a null value as a dynamic block label.".into(),
                _ => "This value is not yet known. Dynamic block labels must be immediately-known values.".into(),
            },
        };
        diags.push(Diagnostic::error(INVALID_LABEL, why).at(expr.span));
        None
    }
}
