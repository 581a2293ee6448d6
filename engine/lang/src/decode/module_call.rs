//! `module` blocks.

use secstack_base::{Diagnostic, Diags};

use super::{Decoder, Shape, check_repetition, label, part, provider_ref, references_of, static_value, whole};
use crate::ast::ObjectItem;
use crate::body::Block;
use crate::module::{ModuleCall, ProviderRef};
use crate::source::ModuleSource;
use crate::version::Constraint;
use crate::{Expr, ExprKind};

const MODULE: Shape = Shape {
    args: &["source", "version", "count", "for_each", "depends_on", "providers"],
    required: &["source"],
    blocks: &[("_", &[]), ("lifecycle", &[]), ("locals", &[]), ("provider", &["type"])],
};

/// OpenTofu's `lifecycle` of a module call.
const LIFECYCLE: Shape = Shape { args: &["enabled"], required: &[], blocks: &[] };

impl Decoder {
    pub(super) fn module_call(&mut self, b: &Block) {
        let (c, rest) = part(&b.body, &MODULE, &mut self.diags);
        let (name, name_span) = label(b, 0);
        self.check_name("Invalid module instance name", &name, name_span);
        let (source, version) = (c.expr("source"), c.expr("version"));
        if let Some(source) = &source {
            check_source(source, version.as_ref(), &mut self.diags);
        }
        let (count, for_each) = (c.expr("count"), c.expr("for_each"));
        check_repetition(count.as_ref(), c.get("for_each").map(|a| a.name_span), &mut self.diags);
        let mut enabled = None;
        for b in &c.blocks {
            match &*b.ty {
                "lifecycle" if b.body.view(&[]).0.attributes.iter().any(|a| &*a.name == "enabled") => {
                    enabled = whole(&b.body, &LIFECYCLE, &mut self.diags).expr("enabled");
                }
                "_" => {}
                _ => self.reserved_block(b, "module"),
            }
        }
        let depends_on = c.get("depends_on").map(|a| references_of(&a.expr, c.json, &mut self.diags)).unwrap_or_default();
        let providers = c.get("providers").map(|a| providers(&a.expr, c.json, &mut self.diags)).unwrap_or_default();
        let body = self.with_escaped(rest, &c, "module");
        if let Some(first) = self.module.calls.get(&name).map(|m| m.span) {
            let place = self.place(first);
            let detail = format!(
                "A module call named {name:?} was already defined in {place}. Module calls must have unique names within a module."
            );
            return self.again("Duplicate module call", detail, b.span, first);
        }
        let call = ModuleCall { name: name.clone(), source, version, body, count, for_each, enabled, depends_on, providers, span: b.span };
        self.module.calls.insert(name, call);
    }
}

/// Checks an address and a version that are written out. Others are evaluated (OpenTofu).
fn check_source(source: &Expr, version: Option<&Expr>, diags: &mut Diags) {
    let literal = |e: &Expr| static_value(e).and_then(|v| v.as_str().map(str::to_owned));
    if let Some((text, expr)) = version.and_then(|e| Some((literal(e)?, e)))
        && Constraint::parse(&text).is_err()
    {
        diags.push(invalid_constraint(expr));
    }
    let Some(text) = literal(source) else { return };
    let Err(e) = ModuleSource::parse(&text) else {
        if version.is_some() && !matches!(ModuleSource::parse(&text), Ok(ModuleSource::Registry { .. })) {
            let what = if text.starts_with('.') { "local directory" } else { "remote package" };
            let detail = format!(
                "Failed to parse module registry address: can't use {what} {text:?} as a module registry address.\n\nTerraform assumed that you intended a module registry source address because you also set the argument \"version\", which applies only to registry modules."
            );
            diags.push(Diagnostic::error("Invalid registry module source address", detail).at(source.span));
        }
        return;
    };
    let (summary, detail) = if version.is_some() {
        (
            "Invalid registry module source address",
            format!(
                "Failed to parse module registry address: {e}.\n\nTerraform assumed that you intended a module registry source address because you also set the argument \"version\", which applies only to registry modules."
            ),
        )
    } else {
        (
            "Invalid module source address",
            format!(
                "Terraform failed to determine your intended installation method for remote module package {text:?}.\n\nIf you intended this as a path relative to the current module, use \"./{text}\" instead. The \"./\" prefix indicates that the address is a relative filesystem path."
            ),
        )
    };
    diags.push(Diagnostic::error(summary, detail).at(source.span));
}

/// The diagnostic for a version constraint that is none.
pub(super) fn invalid_constraint(expr: &Expr) -> Diagnostic {
    let detail = "This string does not use correct version constraint syntax.";
    Diagnostic::error("Invalid version constraint", detail).at(expr.span)
}

pub(crate) fn providers(expr: &Expr, json: bool, diags: &mut Diags) -> Vec<(ProviderRef, ProviderRef)> {
    let ExprKind::Object(items) = &expr.kind else {
        diags.push(Diagnostic::error("Invalid expression", "A static map expression is required.").at(expr.span));
        return Vec::new();
    };
    let mut out: Vec<(ProviderRef, ProviderRef)> = Vec::new();
    for item in items {
        let Some(inner) = inner_name(item, json, diags) else { continue };
        let Some(outer) = provider_ref(&item.value, json, "providers", diags) else { continue };
        if let Some((first, _)) = out.iter().find(|(i, _)| i.name == inner.name && i.alias == inner.alias) {
            let detail = format!(
                "A provider configuration was already passed to {}. Each child provider configuration can be assigned only once.",
                shown(&inner)
            );
            diags.push(Diagnostic::error("Duplicate provider address", detail).at(inner.span).label(first.span, "the first one"));
            continue;
        }
        out.push((inner, outer));
    }
    out
}

/// The key of `providers`, which is a reference although it stands where a name does.
fn inner_name(item: &ObjectItem, json: bool, diags: &mut Diags) -> Option<ProviderRef> {
    if let (true, ExprKind::Literal(v)) = (item.bare, &item.key.kind) {
        let name = v.as_str()?.into();
        return Some(ProviderRef { name, alias: None, key: None, span: item.key.span });
    }
    provider_ref(&item.key, json, "providers", diags)
}

fn shown(p: &ProviderRef) -> String {
    p.alias.as_ref().map_or_else(|| p.name.to_string(), |a| format!("{}.{a}", p.name))
}
