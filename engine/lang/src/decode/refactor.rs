//! Blocks about objects that exist: `moved`, `removed`, `import`.

use secstack_base::{Diagnostic, Diags, Value};

use super::reference::unquoted;
use super::{Decoder, Quoted, Shape, provider_ref, reference, truth, whole};
use crate::ast::{Traversal, TraversalStep, as_traversal};
use crate::body::Block;
use crate::module::{Import, Moved, Removed};
use crate::{Expr, ExprKind};

const MOVED: Shape = Shape { args: &["from", "to"], required: &["from", "to"], blocks: &[] };

const REMOVED: Shape = Shape {
    args: &["from"],
    required: &["from"],
    blocks: &[("lifecycle", &[]), ("connection", &[]), ("provisioner", &["type"])],
};

const REMOVED_LIFECYCLE: Shape = Shape { args: &["destroy"], required: &[], blocks: &[] };

const IMPORT: Shape = Shape { args: &["for_each", "provider", "id", "to", "identity"], required: &["to"], blocks: &[] };

impl Decoder {
    pub(super) fn moved(&mut self, b: &Block) {
        let c = whole(&b.body, &MOVED, &mut self.diags);
        let mut address = |name: &str| {
            let t = reference(&c.get(name)?.expr, c.json, Quoted::Refuse, &mut self.diags)?;
            check_address(&t, &mut self.diags).map(|is_module| (t, is_module))
        };
        let (from, to) = (address("from"), address("to"));
        let (Some((from, from_module)), Some((to, to_module))) = (from, to) else { return };
        if from_module != to_module {
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
        check_address(&t, &mut self.diags)?;
        if let Some(TraversalStep::Index(_, span)) = t.steps.iter().find(|s| matches!(s, TraversalStep::Index(..))) {
            let (summary, detail) = if matches!(t.steps.last(), Some(TraversalStep::Index(..))) && !is_module(&t) {
                ("Resource instance keys not allowed", "Resource address must be a resource (e.g. \"test_instance.foo\"), not a resource instance (e.g. \"test_instance.foo[1]\").")
            } else {
                ("Module instance keys not allowed", "Module address must be a module (e.g. \"module.foo\"), not a module instance (e.g. \"module.foo[1]\").")
            };
            self.error(summary, detail, *span);
            return None;
        }
        if names(&t).iter().any(|n| *n == "data") && !is_module(&t) {
            let detail = "Data sources are never destroyed, so they are not valid targets of removed blocks. To remove the data source from state, remove the data source block from configuration.";
            self.error("Data source address not allowed", detail, t.span);
            return None;
        }
        Some(t)
    }

    pub(super) fn import(&mut self, b: &Block) {
        let c = whole(&b.body, &IMPORT, &mut self.diags);
        if c.get("id").is_none() && c.get("identity").is_none() {
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
        if is_module(&t) || names(&t).iter().any(|n| *n == "data") {
            if is_module(&t) {
                let detail = "A resource instance address is required here. The module path must be followed by a resource instance specification.";
                self.error("Invalid address", detail, to.span);
            }
            return self.error("Invalid import address", "Only managed resources can be imported.", a.name_span.to(a.expr.span));
        }
        if check_address(&t, &mut self.diags).is_none() {
            return;
        }
        let import = Import {
            to,
            id: c.expr("id"),
            identity: c.expr("identity"),
            for_each: c.expr("for_each"),
            provider,
            span: b.span,
        };
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

/// The names of an address after its module path, keys left out.
fn names(t: &Traversal) -> Vec<&str> {
    let all = std::iter::once(&*t.root).chain(t.steps.iter().filter_map(|s| match s {
        TraversalStep::Attr(name, _) => Some(&**name),
        TraversalStep::Index(..) => None,
    }));
    let mut all: Vec<&str> = all.collect();
    while all.first() == Some(&"module") && all.len() >= 2 {
        all.drain(..2);
    }
    all
}

fn is_module(t: &Traversal) -> bool {
    &*t.root == "module" && names(t).is_empty()
}

/// Whether the address is one of a module; `None`, with a report, when it is no address.
fn check_address(t: &Traversal, diags: &mut Diags) -> Option<bool> {
    let mut error = |detail: &str, span| {
        diags.push(Diagnostic::error("Invalid address", detail).at(span));
        None
    };
    if is_module(t) {
        return Some(true);
    }
    let keys_misplaced = misplaced_key(t);
    if let Some(span) = keys_misplaced {
        return error("A resource name is required.", span);
    }
    let names = names(t);
    let want = if matches!(names.first(), Some(&"data" | &"ephemeral")) { 3 } else { 2 };
    if names.len() < want {
        return error("Resource specification must include a resource type and name.", t.span);
    }
    if names.len() > want {
        let extra = t.steps.iter().rev().find_map(|s| match s {
            TraversalStep::Attr(_, span) => Some(*span),
            TraversalStep::Index(..) => None,
        });
        return error("Resource instance key must be given in square brackets.", extra.unwrap_or(t.span));
    }
    Some(false)
}

/// A key where a name must stand: directly after a resource type.
fn misplaced_key(t: &Traversal) -> Option<secstack_base::Span> {
    let mut expect_name = true;
    let mut module_next = &*t.root == "module";
    let mut left = 0;
    for (i, step) in t.steps.iter().enumerate() {
        match step {
            TraversalStep::Attr(name, _) => {
                if module_next {
                    (module_next, left) = (false, i + 1);
                    expect_name = false;
                } else if left == i || matches!(t.steps.get(i.wrapping_sub(1)), Some(TraversalStep::Index(..))) {
                    module_next = &**name == "module";
                    expect_name = true;
                } else {
                    expect_name = false;
                }
            }
            TraversalStep::Index(_, span) if expect_name => return Some(*span),
            TraversalStep::Index(..) => {}
        }
    }
    None
}
