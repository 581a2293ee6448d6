//! Arguments that name something: `depends_on`, `provider`, `moved`. In JSON they are strings.

use secstack_base::{Diagnostic, Diags, Span};

use crate::ast::{Traversal, TraversalStep, as_traversal, references};
use crate::module::ProviderRef;
use crate::{Body, Expr, ExprKind, parse_expression};

/// What to make of a reference in quotes in the native syntax.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Quoted {
    /// It is an old habit: warn.
    Warn,
    /// It is an error.
    Refuse,
}

const STATIC: &str = "A single static variable reference is required: only attribute access and indexing with constant keys. No calculations, function calls, template expressions, etc are allowed here.";

/// The reference that an expression is.
pub(crate) fn reference(expr: &Expr, json: bool, quoted: Quoted, diags: &mut Diags) -> Option<Traversal> {
    let expr = unquoted(expr, json, quoted, diags);
    let found = as_traversal(&expr);
    if found.is_none() {
        diags.push(Diagnostic::error("Invalid expression", STATIC).at(expr.span));
    }
    found
}

/// The expression in a string, where strings stand for references.
pub(crate) fn unquoted(expr: &Expr, json: bool, quoted: Quoted, diags: &mut Diags) -> Expr {
    let ExprKind::Literal(v) = &expr.kind else { return expr.clone() };
    let Some(text) = v.as_str().filter(|_| json || quoted == Quoted::Warn) else { return expr.clone() };
    match parse_expression(expr.span.file, text, expr.span.start as usize + 1) {
        Ok(inner) => {
            if !json {
                let detail = "In this context, references are expected literally rather than in quotes. Terraform 0.11 and earlier required quotes, but quoted references are now deprecated and will be removed in a future version of Terraform. Remove the quotes surrounding this reference to silence this warning.";
                diags.push(Diagnostic::warning("Quoted references are deprecated", detail).at(expr.span));
            }
            inner
        }
        // The caller says that it is no reference.
        Err(_) => expr.clone(),
    }
}

/// The items of a list that is written out.
pub(crate) fn list<'a>(expr: &'a Expr, diags: &mut Diags) -> &'a [Expr] {
    match &expr.kind {
        ExprKind::Tuple(items) => items,
        _ => {
            diags.push(Diagnostic::error("Invalid expression", "A static list expression is required.").at(expr.span));
            &[]
        }
    }
}

/// The references in a list: `depends_on`.
pub(crate) fn references_of(expr: &Expr, json: bool, diags: &mut Diags) -> Vec<Traversal> {
    let mut out = Vec::new();
    for item in list(expr, diags) {
        out.extend(reference(item, json, Quoted::Warn, diags));
    }
    out
}

/// The provider configuration that an expression names. `argument` is where it stands.
pub(crate) fn provider_ref(expr: &Expr, json: bool, argument: &str, diags: &mut Diags) -> Option<ProviderRef> {
    let expr = unquoted(expr, json, Quoted::Warn, diags);
    let (on, key) = match &expr.kind {
        ExprKind::Index { on, key } => (&**on, Some((**key).clone())),
        _ => (&expr, None),
    };
    let summary = "Invalid provider configuration reference";
    let Some(t) = as_traversal(on) else {
        let detail = format!(
            "The {argument} argument requires a provider type name, optionally followed by a period and then a configuration alias."
        );
        diags.push(Diagnostic::error(summary, detail).at(expr.span));
        return None;
    };
    let alias = match &t.steps[..] {
        [] => None,
        [TraversalStep::Attr(name, _)] => Some(name.clone()),
        _ => {
            let detail = format!(
                "The {argument} argument requires a provider type name, optionally followed by a period and then a configuration alias."
            );
            diags.push(Diagnostic::error(summary, detail).at(expr.span));
            return None;
        }
    };
    Some(ProviderRef { name: t.root, alias, key, span: expr.span })
}

/// All references in the arguments of a body, blocks within included.
pub(crate) fn references_in_body(body: &Body, f: &mut dyn FnMut(&Traversal, Span)) {
    let (view, _) = body.view(&[]);
    for a in view.attributes.iter() {
        references(&a.expr, &mut |t| f(&t, t.span));
    }
    for b in view.blocks.iter() {
        references_in_body(&b.body, f);
    }
}
