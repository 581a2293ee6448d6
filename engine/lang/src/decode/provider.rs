//! `provider` blocks.

use secstack_base::Diagnostic;

use super::module_call::invalid_constraint;
use super::{BAD_NAME, Decoder, Shape, label, part, static_value, text};
use crate::body::Block;
use crate::module::ProviderConfig;
use crate::token::is_ident;
use crate::version::Constraint;

const PROVIDER: Shape = Shape {
    args: &["version", "alias", "count", "depends_on", "for_each", "source"],
    required: &[],
    blocks: &[("_", &[]), ("lifecycle", &[]), ("locals", &[])],
};

impl Decoder {
    pub(super) fn provider(&mut self, b: &Block) {
        let (c, rest) = part(&b.body, &PROVIDER, &mut self.diags);
        let (name, name_span) = label(b, 0);
        if !is_provider_name(&name) {
            let detail = format!(
                "{name} is an invalid provider local name: must contain only letters, digits, and dashes, and may not use leading or trailing dashes"
            );
            self.error("Invalid provider local name", detail, b.span);
            return;
        }
        if name.to_lowercase() != *name {
            let detail = format!("Provider names must be normalized. Replace {name:?} with {:?} to fix this error.", name.to_lowercase());
            self.error("Invalid provider local name", detail, name_span);
        }
        let alias = c.get("alias").and_then(|a| {
            let alias = text(&a.expr, &mut self.diags);
            if !alias.as_deref().is_some_and(is_ident) {
                let detail = format!("An alias must be a valid name. {BAD_NAME}");
                self.error("Invalid provider configuration alias", detail, a.expr.span);
            }
            alias
        });
        let version = c.get("version").cloned();
        if let Some(a) = &version {
            let detail = "Terraform 0.13 and earlier allowed provider version constraints inside the provider configuration block, but that is now deprecated and will be removed in a future version of Terraform. To silence this warning, move the provider version constraint into the required_providers block.";
            let summary = "Version constraints inside provider configuration blocks are deprecated";
            self.diags.push(Diagnostic::warning(summary, detail).at(a.expr.span));
            let text = static_value(&a.expr);
            if text.as_ref().and_then(|v| v.as_str()).is_some_and(|t| Constraint::parse(t).is_err()) {
                self.diags.push(invalid_constraint(&a.expr));
            }
        }
        for a in c.attributes.iter().filter(|a| matches!(&*a.name, "count" | "depends_on" | "source")) {
            let detail = format!("The provider argument name {:?} is reserved for use by Terraform in a future version.", a.name);
            self.error("Reserved argument name in provider block", detail, a.name_span);
        }
        for b in c.blocks.iter().filter(|b| &*b.ty != "_") {
            self.reserved_block(b, "provider");
        }
        let key = (name.clone(), alias.clone());
        if let Some(first) = self.module.providers.get(&key).map(|p| p.span) {
            let place = self.place(first);
            let detail = match &alias {
                None => format!(
                    "A default (non-aliased) provider configuration for {name:?} was already given in {place}. If multiple configurations are required, set the \"alias\" argument for alternative configurations."
                ),
                Some(alias) => format!(
                    "A provider configuration for {name:?} with alias {alias:?} was already given in {place}. Each configuration for the same provider must have a distinct alias."
                ),
            };
            return self.again("Duplicate provider configuration", detail, b.span, first);
        }
        let body = self.with_escaped(rest, &c, "provider");
        let config = ProviderConfig { name, alias, version, for_each: c.expr("for_each"), body, span: b.span };
        self.module.providers.insert(key, config);
    }
}

/// Whether a provider may be called that.
pub(super) fn is_provider_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.ends_with('-') && name.chars().all(|c| c == '-' || c.is_alphanumeric())
}
