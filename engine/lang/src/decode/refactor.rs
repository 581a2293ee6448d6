//! Blocks about objects that exist: `moved`, `removed`, `import`.

use secstack_base::{Diagnostic, Diags, Span, Value};

use super::reference::unquoted;
use super::{Decoder, Quoted, Shape, provider_ref, reference, truth, whole};
use crate::ast::{Traversal, TraversalStep, as_traversal};
use crate::body::Block;
use crate::module::{Import, Moved, Removed};
use crate::{Expr, ExprKind};

const MOVED: Shape = Shape { args: &["from", "to"], required: &["from", "to"], blocks: &[] };

const REMOVED: Shape =
    Shape { args: &["from"], required: &["from"], blocks: &[("lifecycle", &[]), ("connection", &[]), ("provisioner", &["type"])] };

const REMOVED_LIFECYCLE: Shape = Shape { args: &["destroy"], required: &[], blocks: &[] };

const IMPORT: Shape = Shape { args: &["for_each", "provider", "id", "to"], required: &["to"], blocks: &[] };

impl Decoder {
    pub(super) fn moved(&mut self, b: &Block) {
        let c = whole(&b.body, &MOVED, &mut self.diags);
        let mut address = |name: &str| {
            let t = reference(&c.get(name)?.expr, c.json, Quoted::Refuse, &mut self.diags)?;
            check_address(&t, &mut self.diags).map(|kind| (t, kind))
        };
        let (from, to) = (address("from"), address("to"));
        let (Some((from, from_kind)), Some((to, to_kind))) = (from, to) else { return };
        if (from_kind == Kind::Module) != (to_kind == Kind::Module) {
            let detail = "The \"from\" and \"to\" addresses must either both refer to resources or both refer to modules.";
            return self.error("Invalid \"moved\" addresses", detail, b.span);
        }
        self.module.moved.push(Moved { from, to, span: b.span });
    }

    pub(super) fn removed(&mut self, b: &Block) {
        let c = whole(&b.body, &REMOVED, &mut self.diags);
        let from = c.get("from").and_then(|a| reference(&a.expr, c.json, Quoted::Refuse, &mut self.diags));
        let from = from.and_then(|t| self.removed_address(t));
        let mut destroy = true;
        for l in c.blocks_of("lifecycle") {
            let inner = whole(&l.body, &REMOVED_LIFECYCLE, &mut self.diags);
            if let Some(a) = inner.get("destroy") {
                destroy = truth(&a.expr, &mut self.diags).unwrap_or(true);
            }
        }
        let mut provisioners = Vec::new();
        for p in c.blocks_of("provisioner") {
            let decoded = self.provisioner(p);
            if !decoded.on_destroy {
                let detail = "Only destroy-time provisioners are valid in \"removed\" blocks. To declare a destroy-time provisioner, use:\n    when = destroy";
                self.error("Invalid provisioner block", detail, p.span);
            }
            provisioners.push(decoded);
        }
        let connection = c.blocks_of("connection").next().map(|b| b.body.clone());
        let Some(from) = from else { return };
        self.module.removed.push(Removed { from, destroy, provisioners, connection, span: b.span });
    }

    fn removed_address(&mut self, t: Traversal) -> Option<Traversal> {
        let kind = check_address(&t, &mut self.diags)?;
        let all = parts(&t);
        let in_module = if kind == Kind::Module { &all[..] } else { &all[..all.len() - 1] };
        if let Some(key) = in_module.iter().find_map(|p| p.key) {
            let detail = "Module address must be a module (e.g. \"module.foo\"), not a module instance (e.g. \"module.foo[1]\").";
            self.error("Module instance keys not allowed", detail, key);
            return None;
        }
        if let Some(key) = all.last().and_then(|p| p.key) {
            let detail = "Resource address must be a resource (e.g. \"test_instance.foo\"), not a resource instance (e.g. \"test_instance.foo[1]\").";
            self.error("Resource instance keys not allowed", detail, key);
            return None;
        }
        if kind == Kind::Data {
            let detail = "Data sources are never destroyed, so they are not valid targets of removed blocks. To remove the data source from state, remove the data source block from configuration.";
            self.error("Data source address not allowed", detail, t.span);
            return None;
        }
        Some(t)
    }

    pub(super) fn import(&mut self, b: &Block) {
        let c = whole(&b.body, &IMPORT, &mut self.diags);
        if c.get("id").is_none() {
            let mut open = b.body.span;
            open.end = open.end.min(open.start + 1);
            let detail = "The argument \"id\" is required, but no definition was found.";
            self.error("Missing required argument", detail, open);
        }
        let provider = c.get("provider").and_then(|a| provider_ref(&a.expr, c.json, "provider", &mut self.diags));
        let Some(a) = c.get("to") else { return };
        let to = unquoted(&a.expr, c.json, Quoted::Refuse, &mut self.diags);
        let address = constant_part(&to);
        let Some(t) = as_traversal(&address) else {
            let detail = "A single static variable reference is required: only attribute access and indexing with constant keys. No calculations, function calls, template expressions, etc are allowed here.";
            return self.error("Invalid expression", detail, to.span);
        };
        match check_address(&t, &mut self.diags) {
            None => return,
            Some(Kind::Managed) => {}
            Some(kind) => {
                if kind == Kind::Module {
                    let detail = "A resource instance address is required here. The module path must be followed by a resource instance specification.";
                    self.error("Invalid address", detail, to.span);
                }
                return self.error("Invalid import address", "Only managed resources can be imported.", a.name_span.to(a.expr.span));
            }
        }
        let import = Import { to, id: c.expr("id"), for_each: c.expr("for_each"), provider, span: b.span };
        self.module.imports.push(import);
    }
}

/// The expression with a constant in place of every instance key, which may be computed.
fn constant_part(expr: &Expr) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Index { on, key } => ExprKind::Index {
            on: Box::new(constant_part(on)),
            key: Box::new(match key.kind {
                ExprKind::Literal(_) => (**key).clone(),
                _ => Expr { kind: ExprKind::Literal(Value::string("?")), span: key.span },
            }),
        },
        ExprKind::GetAttr { on, name, name_span } => {
            ExprKind::GetAttr { on: Box::new(constant_part(on)), name: name.clone(), name_span: *name_span }
        }
        other => other.clone(),
    };
    Expr { kind, span: expr.span }
}

/// A name of an address, and whether an instance key follows it.
struct Part<'a> {
    name: &'a str,
    span: Span,
    key: Option<Span>,
}

fn parts(t: &Traversal) -> Vec<Part<'_>> {
    let mut out = vec![Part { name: &t.root, span: t.span, key: None }];
    for step in &t.steps {
        match (step, out.last_mut()) {
            (TraversalStep::Attr(name, span), _) => out.push(Part { name, span: *span, key: None }),
            (TraversalStep::Index(_, span), Some(last)) => last.key = Some(*span),
            (TraversalStep::Index(..), None) => {}
        }
    }
    out
}

/// What an address leads to.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Module,
    Managed,
    Data,
    Ephemeral,
}

/// What the address leads to; `None`, with a report, when it is no address.
fn check_address(t: &Traversal, diags: &mut Diags) -> Option<Kind> {
    let mut error = |summary: &'static str, detail: &str, span| {
        diags.push(Diagnostic::error(summary, detail).at(span));
        None
    };
    let all = parts(t);
    let mut rest = &all[..];
    while let [Part { name: "module", key, span }, after @ ..] = rest {
        let detail = "Prefix \"module.\" must be followed by a module name.";
        let [_, after @ ..] = after else { return error("Invalid address operator", detail, *span) };
        if let Some(key) = key {
            return error("Invalid address operator", detail, *key);
        }
        rest = after;
    }
    let kind = match rest.first().map(|p| p.name) {
        None => return Some(Kind::Module),
        Some(word @ ("count" | "each" | "local" | "path" | "self" | "terraform" | "var" | "template" | "lazy" | "arg")) => {
            let detail = format!(
                "The keyword {word:?} is reserved and cannot be used to target a resource address. If you are targeting a resource type that uses a reserved keyword, please prefix your address with \"resource.\"."
            );
            return error("Invalid address", &detail, t.span);
        }
        Some("data") => Kind::Data,
        Some("ephemeral") => Kind::Ephemeral,
        Some(_) => Kind::Managed,
    };
    if kind != Kind::Managed {
        rest = &rest[1..];
    }
    let invalid = "Invalid address";
    match rest {
        [] => error(invalid, "Resource specification must include a resource type and name.", t.span),
        [Part { key: Some(key), .. }, ..] => error(invalid, "A resource name is required.", *key),
        [only] if all.len() > 1 => error(invalid, "A resource name is required.", only.span),
        [_] => error(invalid, "Resource specification must include a resource type and name.", t.span),
        [_, _] => Some(kind),
        [_, _, extra, ..] => error(invalid, "Resource instance key must be given in square brackets.", extra.span),
    }
}
