//! `resource`, `data` and `ephemeral` blocks, their `lifecycle` and provisioners.

use secstack_base::addr::{Mode, ResourceName};
use secstack_base::{Diagnostic, Span, Str};

use super::reference::{references_in_body, unquoted};
use super::variable::only_one;
use super::{Content, Decoder, Quoted, Shape, check_repetition, label, list, part, provider_ref, reference, references_of, truth, whole};
use crate::ast::{Traversal, TraversalStep, as_traversal, references};
use crate::body::{Block, Items};
use crate::module::{IgnoreChanges, Lifecycle, Provisioner, Resource};
use crate::{Body, Expr, ExprKind};

const COMMON: &[&str] = &["count", "for_each", "provider", "depends_on"];

const RESOURCE: Shape = Shape {
    args: COMMON,
    required: &[],
    blocks: &[("locals", &[]), ("lifecycle", &[]), ("connection", &[]), ("provisioner", &["type"]), ("_", &[])],
};

const DATA: Shape = Shape { args: COMMON, required: &[], blocks: &[("locals", &[]), ("lifecycle", &[]), ("_", &[])] };

const LIFECYCLE: Shape = Shape {
    args: &["create_before_destroy", "prevent_destroy", "ignore_changes", "replace_triggered_by", "enabled", "destroy"],
    required: &[],
    blocks: &[("precondition", &[]), ("postcondition", &[])],
};

const PROVISIONER: Shape =
    Shape { args: &["when", "on_failure"], required: &[], blocks: &[("connection", &[]), ("lifecycle", &[]), ("_", &[])] };

/// How messages speak of a kind of block.
struct Words {
    mode: Mode,
    /// As in `Invalid data source name`.
    ty: &'static str,
    name: &'static str,
    /// As in `Invalid data resource lifecycle argument`.
    lifecycle: &'static str,
    /// As in `A terraform_data data resource named`.
    noun: &'static str,
}

const MANAGED_WORDS: Words =
    Words { mode: Mode::Managed, ty: "Invalid resource type name", name: "Invalid resource name", lifecycle: "", noun: "resource" };

const DATA_WORDS: Words = Words {
    mode: Mode::Data,
    ty: "Invalid data source name",
    name: "Invalid data resource name",
    lifecycle: "data resource",
    noun: "data resource",
};

const EPHEMERAL_WORDS: Words = Words {
    mode: Mode::Ephemeral,
    ty: "Invalid ephemeral resource type",
    name: "Invalid ephemeral resource name",
    lifecycle: "ephemeral resource",
    noun: "ephemeral resource",
};

impl Decoder {
    pub(super) fn resource(&mut self, b: &Block) {
        self.resource_in(b, None);
    }

    /// Decodes a resource block; `check` is the block around it.
    pub(super) fn resource_in(&mut self, b: &Block, check: Option<Str>) {
        let words = match &*b.ty {
            "data" => &DATA_WORDS,
            "ephemeral" => &EPHEMERAL_WORDS,
            _ => &MANAGED_WORDS,
        };
        let managed = words.mode == Mode::Managed;
        let (c, rest) = part(&b.body, if managed { &RESOURCE } else { &DATA }, &mut self.diags);
        let ((ty, ty_span), (name, name_span)) = (label(b, 0), label(b, 1));
        self.check_name(words.ty, &ty, ty_span);
        self.check_name(words.name, &name, name_span);

        let name = ResourceName { mode: words.mode, ty, name };
        let (count, for_each) = (c.expr("count"), c.expr("for_each"));
        check_repetition(count.as_ref(), c.get("for_each").map(|a| a.name_span), &mut self.diags);
        let depends_on = c.get("depends_on").map(|a| references_of(&a.expr, c.json, &mut self.diags)).unwrap_or_default();
        let provider = c.get("provider").and_then(|a| provider_ref(&a.expr, c.json, "provider", &mut self.diags));
        let mut enabled = None;
        let mut lifecycle = Lifecycle::default();
        let mut blocks = c.blocks_of("lifecycle");
        if let Some(first) = blocks.next() {
            (lifecycle, enabled) = self.lifecycle(first, words);
            for again in blocks {
                self.diags.push(only_one("resource", "lifecycle", again, first));
            }
        }
        for b in c.blocks_of("locals") {
            self.reserved_block(b, "resource");
        }
        let connection = self.connection(&c, "resource");
        let mut provisioners = Vec::new();
        for p in c.blocks_of("provisioner") {
            provisioners.push(self.provisioner(p));
        }
        if provisioners.iter().any(|p| p.on_destroy) {
            connection.iter().for_each(|c| self.check_destroy_references(c));
        }
        let body = self.with_escaped(rest, &c, "resource");
        if let Some(first) = self.module.resources.get(&name).map(|r| r.span) {
            return self.duplicate_resource(words, &name, b.span, first);
        }
        let resource = Resource {
            name: name.clone(),
            body,
            count,
            for_each,
            enabled,
            depends_on,
            provider,
            lifecycle,
            provisioners,
            connection,
            in_check: check,
            type_span: b.labels.first().map_or(b.span, |(_, span)| *span),
            span: b.span,
        };
        self.module.resources.insert(name, resource);
    }

    fn duplicate_resource(&mut self, words: &Words, name: &ResourceName, span: Span, first: Span) {
        let place = self.place(first);
        let (ty, name) = (&name.ty, &name.name);
        let detail = format!(
            "A {ty} {} named {name:?} was already declared in {place}. Resource names must be unique per type in each module.",
            words.noun
        );
        let summary = match words.mode {
            Mode::Managed => format!("Duplicate resource {ty:?} configuration"),
            Mode::Data => format!("Duplicate data {ty:?} configuration"),
            Mode::Ephemeral => format!("Duplicate ephemeral {ty:?} configuration"),
        };
        self.again(summary, detail, span, first);
    }

    pub(super) fn reserved_block(&mut self, b: &Block, owner: &str) {
        let detail = format!("The block type name {:?} is reserved for use by Terraform in a future version.", b.ty);
        self.error(format!("Reserved block type name in {owner} block"), detail, b.ty_span);
    }

    /// The only `connection` block.
    fn connection(&mut self, c: &Content, owner: &str) -> Option<Body> {
        let mut blocks = c.blocks_of("connection");
        let first = blocks.next()?;
        for again in blocks {
            self.diags.push(only_one(owner, "connection", again, first));
        }
        Some(first.body.clone())
    }

    /// The arguments with those of the `_` block, which may have the names of meta-arguments.
    pub(super) fn with_escaped(&mut self, mut rest: Body, c: &Content, owner: &str) -> Body {
        let mut blocks = c.blocks_of("_");
        let Some(first) = blocks.next() else { return rest };
        for again in blocks {
            let detail = format!(
                "The special block type \"_\" can be used to force particular arguments to be interpreted as resource-type-specific rather than as meta-arguments, but each {owner} block can have only one such block."
            );
            self.diags.push(Diagnostic::error("Duplicate escaping block", detail).at(again.ty_span).label(first.span, "the first one"));
        }
        match (&mut rest.items, &first.body.items) {
            (Items::Native { attributes, blocks }, Items::Native { attributes: a, blocks: b }) => {
                attributes.extend(a.iter().cloned());
                blocks.extend(b.iter().cloned());
            }
            (Items::Json(members), Items::Json(m)) => members.extend(m.iter().cloned()),
            _ => {}
        }
        rest
    }

    fn lifecycle(&mut self, b: &Block, words: &Words) -> (Lifecycle, Option<Expr>) {
        let c = whole(&b.body, &LIFECYCLE, &mut self.diags);
        let mut out = Lifecycle::default();
        for a in &c.attributes {
            if words.mode != Mode::Managed && &*a.name != "enabled" {
                let noun = words.lifecycle;
                let detail = format!(
                    "The lifecycle argument {:?} is defined only for managed resources (\"resource\" blocks), and is not valid for {noun}s.",
                    a.name
                );
                self.error(format!("Invalid {noun} lifecycle argument"), detail, a.name_span);
                continue;
            }
            match &*a.name {
                "create_before_destroy" => out.create_before_destroy = truth(&a.expr, &mut self.diags),
                "prevent_destroy" => {
                    super::constant::check_static(&a.expr, &mut self.diags);
                    truth_of_literal(&a.expr, &mut self.diags);
                    out.prevent_destroy = Some(a.expr.clone());
                }
                "destroy" => out.destroy = Some(a.expr.clone()),
                "ignore_changes" => out.ignore_changes = self.ignore_changes(&a.expr, c.json),
                "replace_triggered_by" => out.replace_triggered_by = self.replace_triggers(&a.expr, c.json),
                _ => {}
            }
        }
        for rule in &c.blocks {
            let decoded = self.rule(rule, &rule.ty);
            if &*rule.ty == "precondition" { out.preconditions.extend(decoded) } else { out.postconditions.extend(decoded) }
        }
        (out, c.expr("enabled"))
    }

    fn ignore_changes(&mut self, expr: &Expr, json: bool) -> IgnoreChanges {
        let whole = unquoted(expr, json, Quoted::Refuse, &mut self.diags);
        if matches!(&whole.kind, ExprKind::Variable(name) if &**name == "all") {
            return IgnoreChanges::All;
        }
        let (mut out, mut wildcard) = (Vec::new(), None);
        for item in list(expr, &mut self.diags) {
            if matches!(&item.kind, ExprKind::Literal(v) if v.as_str() == Some("*")) {
                wildcard = Some(item.span);
                continue;
            }
            out.extend(reference(item, json, Quoted::Warn, &mut self.diags));
        }
        let Some(span) = wildcard else { return IgnoreChanges::Some(out) };
        let detail = "The [\"*\"] form of ignore_changes wildcard is was deprecated and is now invalid. Use \"ignore_changes = all\" to ignore changes to all attributes.";
        self.error("Invalid ignore_changes wildcard", detail, span);
        IgnoreChanges::All
    }

    fn replace_triggers(&mut self, expr: &Expr, json: bool) -> Vec<Expr> {
        let mut out = Vec::new();
        for item in list(expr, &mut self.diags) {
            let item = unquoted(item, json, Quoted::Refuse, &mut self.diags);
            let (mut found, mut other) = (0, false);
            references(&item, &mut |t| match &*t.root {
                "count" | "each" => {}
                "var" | "local" | "module" | "data" | "path" | "terraform" | "self" | "ephemeral" => other = true,
                _ => found += 1,
            });
            let detail = match found {
                _ if other => "Only resources, count.index, and each.key may be used in replace_triggered_by.",
                0 => "Missing resource reference in replace_triggered_by expression.",
                1 => {
                    out.push(item);
                    continue;
                }
                _ => "Multiple resource references in replace_triggered_by expression.",
            };
            // The first mistake is enough.
            let summary =
                if other { "Invalid reference in replace_triggered_by expression" } else { "Invalid replace_triggered_by expression" };
            self.error(summary, detail, item.span);
            return out;
        }
        out
    }

    pub(super) fn provisioner(&mut self, b: &Block) -> Provisioner {
        let (c, rest) = part(&b.body, &PROVISIONER, &mut self.diags);
        let (ty, _) = label(b, 0);
        let mut keyword = |name: &str, no: &str, yes: &str| {
            let Some(a) = c.get(name) else { return false };
            let value = unquoted(&a.expr, c.json, Quoted::Warn, &mut self.diags);
            let word = as_traversal(&value).filter(|t| t.steps.is_empty()).map(|t| t.root);
            match word.as_deref() {
                Some(w) if w == yes => return true,
                Some(w) if w == no => return false,
                _ => {}
            }
            let words = if name == "when" { format!("{no} or {yes}") } else { format!("{yes} or {no}") };
            let detail = format!("The {name:?} argument requires one of the following keywords: {words}.");
            self.diags.push(Diagnostic::error(format!("Invalid {name:?} keyword"), detail).at(value.span));
            false
        };
        let on_destroy = keyword("when", "create", "destroy");
        let continue_on_failure = keyword("on_failure", "fail", "continue");
        for b in c.blocks_of("lifecycle") {
            self.reserved_block(b, "provisioner");
        }
        let connection = self.connection(&c, "provisioner");
        let body = self.with_escaped(rest, &c, "provisioner");
        if on_destroy {
            self.check_destroy_references(&body);
            connection.iter().for_each(|c| self.check_destroy_references(c));
        }
        Provisioner { ty, body, connection, on_destroy, continue_on_failure, span: b.span }
    }

    fn check_destroy_references(&mut self, body: &Body) {
        let mut wrong = Vec::new();
        references_in_body(body, &mut |t, span| {
            if !valid_at_destroy(t) {
                wrong.push(span);
            }
        });
        for span in wrong {
            let detail = "Destroy-time provisioners and their connection configurations may only reference attributes of the related resource, via 'self', 'count.index', or 'each.key'.\n\nReferences to other resources during the destroy phase can cause dependency cycles and interact poorly with create_before_destroy.";
            self.error("Invalid reference from destroy provisioner", detail, span);
        }
    }
}

/// Reports a literal that is no bool; anything else is left to evaluation.
fn truth_of_literal(expr: &Expr, diags: &mut secstack_base::Diags) {
    if matches!(expr.kind, ExprKind::Literal(_)) {
        truth(expr, diags);
    }
}

fn valid_at_destroy(t: &Traversal) -> bool {
    let only = |want: &str| matches!(&t.steps[..], [TraversalStep::Attr(n, _)] if &**n == want);
    match &*t.root {
        "self" | "path" | "terraform" => true,
        "count" => only("index"),
        "each" => only("key"),
        _ => false,
    }
}
