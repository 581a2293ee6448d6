//! `terraform` blocks.

use secstack_base::{Diagnostic, ProviderAddr, Span, Str};

use super::module_call::invalid_constraint;
use super::provider::is_provider_name;
use super::{Decoder, Quoted, Shape, list, provider_ref, reference, text, unquoted, whole};
use crate::body::{Attribute, Block};
use crate::encryption::Encryption;
use crate::module::{ProviderRef, RequiredProvider};
use crate::version::Constraint;
use crate::{Expr, ExprKind};

const TERRAFORM: Shape = Shape {
    args: &["required_version", "experiments", "language"],
    required: &[],
    blocks: &[("backend", &["type"]), ("cloud", &[]), ("required_providers", &[]), ("provider_meta", &["provider"]), ("encryption", &[])],
};

/// What `terraform` blocks said so far.
#[derive(Default)]
pub(super) struct Settings {
    required_providers: Option<Span>,
    backends: Vec<Block>,
    clouds: Vec<Block>,
    /// Whether an override file brought another `required_providers` block, which is merged.
    pub merges: bool,
    /// Whether an override file brought another `encryption` block, which is merged.
    pub merges_encryption: bool,
}

impl Decoder {
    pub(super) fn terraform(&mut self, b: &Block) {
        let c = whole(&b.body, &TERRAFORM, &mut self.diags);
        if let Some(a) = c.get("required_version") {
            if let Some(t) = text(&a.expr, &mut self.diags)
                && Constraint::parse(&t).is_err()
            {
                self.diags.push(invalid_constraint(&a.expr));
            }
            self.module.required_version.push(a.clone());
        }
        if let Some(a) = c.get("experiments") {
            for item in list(&a.expr, &mut self.diags) {
                let detail = "There is no current experiment of that name.";
                self.diags.push(Diagnostic::error("Unknown experiment keyword", detail).at(item.span));
            }
        }
        for inner in &c.blocks {
            match &*inner.ty {
                "backend" => self.terraform.backends.push(inner.clone()),
                "cloud" => self.terraform.clouds.push(inner.clone()),
                "required_providers" => self.required_providers(inner, c.json),
                "provider_meta" => self.module.provider_meta.push(inner.clone()),
                _ => self.encryption(inner),
            }
        }
    }

    fn encryption(&mut self, b: &Block) {
        let found = Encryption::decode(&b.body, b.span, &mut self.diags);
        self.module.encryption = match self.module.encryption.take() {
            None => Some(found),
            Some(base) if self.terraform.merges_encryption => Some(base.merge(found)),
            Some(base) => {
                let place = self.place(base.span);
                let detail = format!("A module may have only one encryption configuration. It was previously configured in {place}.");
                self.again("Duplicate encryption configuration", detail, b.span, base.span);
                Some(base)
            }
        };
    }

    /// Settles on one backend.
    pub(super) fn finish(&mut self) {
        let Settings { backends, clouds, .. } = std::mem::take(&mut self.terraform);
        let duplicate = |d: &mut Self, blocks: &[Block], summary: &'static str, what: &str, short: &str| {
            for again in blocks.iter().skip(1) {
                let place = d.place(blocks[0].span).to_owned();
                let detail = format!("A module may have only one {what}. The {short} was previously configured in {place}.");
                d.again(summary, detail, again.span, blocks[0].span);
            }
        };
        duplicate(self, &backends, "Duplicate backend configuration", "backend configuration", "backend");
        duplicate(
            self,
            &clouds,
            "Duplicate HCP Terraform configurations",
            "'cloud' block configuring HCP Terraform or Terraform Enterprise",
            "'cloud' block",
        );
        if let (Some(backend), Some(cloud)) = (backends.first(), clouds.first()) {
            let (at_cloud, at_backend) = (self.place(cloud.span), self.place(backend.span));
            let detail = format!(
                "A module may declare either one 'cloud' block OR one 'backend' block configuring a state backend. The 'cloud' block is configured in {at_cloud}; a backend is configured in {at_backend}. Remove the backend block to configure HCP Terraform or Terraform Enteprise."
            );
            self.again("Both a backend and cloud configuration are present", detail, backend.span, cloud.span);
        }
        self.module.backend = backends.into_iter().chain(clouds).next();
    }

    fn required_providers(&mut self, b: &Block, json: bool) {
        if let Some(first) = self.terraform.required_providers.filter(|_| !self.terraform.merges) {
            let place = self.place(first);
            let detail = format!(
                "A module may have only one required providers configuration. The required providers were previously configured in {place}."
            );
            return self.again("Duplicate required providers configuration", detail, b.ty_span, first);
        }
        self.terraform.required_providers.get_or_insert(b.span);
        let (view, more) = b.body.view(&[]);
        self.diags.extend(more);
        for inner in view.blocks.iter() {
            self.error(format!("Unexpected {:?} block", inner.ty), "Blocks are not allowed here.", inner.ty_span);
        }
        for a in view.attributes.iter() {
            if let Some(p) = self.required_provider(a, json) {
                self.module.required_providers.insert(a.name.clone(), p);
            }
        }
    }

    fn required_provider(&mut self, a: &Attribute, json: bool) -> Option<RequiredProvider> {
        let name = &a.name;
        if !is_provider_name(name) {
            let detail = format!(
                "{name} is an invalid provider local name: must contain only letters, digits, and dashes, and may not use leading or trailing dashes"
            );
            self.error("Invalid provider local name", detail, a.name_span);
            return None;
        }
        if name.to_lowercase() != **name {
            let detail = format!("Provider names must be normalized. Replace {name:?} with {:?} to fix this error.", name.to_lowercase());
            self.error("Invalid provider local name", detail, a.name_span);
            return None;
        }
        let span = a.name_span.to(a.expr.span);
        let mut out = RequiredProvider {
            source: if &**name == "terraform" { ProviderAddr::builtin(name) } else { ProviderAddr::hashicorp(name) },
            version: None,
            version_span: None,
            configuration_aliases: Vec::new(),
            span,
        };
        match &a.expr.kind {
            ExprKind::Literal(v) if !v.is_null() => self.required_version(&a.expr, &mut out),
            ExprKind::Object(items) => {
                for item in items {
                    let key = match &item.key.kind {
                        ExprKind::Literal(v) => v.as_str().unwrap_or(""),
                        _ => "",
                    };
                    match key {
                        "version" => self.required_version(&item.value, &mut out),
                        "source" => self.source(&item.value, &mut out),
                        "configuration_aliases" => self.aliases(name, &item.value, json, &mut out),
                        _ => {
                            let detail = "required_providers objects can only contain \"version\", \"source\" and \"configuration_aliases\" attributes. To configure a provider, use a \"provider\" block.";
                            self.error("Invalid required_providers object", detail, item.key.span);
                        }
                    }
                }
            }
            _ => {
                self.error("Invalid required_providers object", "required_providers entries must be strings or objects.", a.expr.span);
                return None;
            }
        }
        Some(out)
    }

    fn required_version(&mut self, expr: &Expr, out: &mut RequiredProvider) {
        let Some(t) = text(expr, &mut self.diags) else { return };
        if Constraint::parse(&t).is_err() {
            self.diags.push(invalid_constraint(expr));
            return;
        }
        (out.version, out.version_span) = (Some(t), Some(expr.span));
    }

    fn source(&mut self, expr: &Expr, out: &mut RequiredProvider) {
        let Some(t) = text(expr, &mut self.diags) else { return };
        match t.parse::<ProviderAddr>() {
            Ok(source) if t.split('/').all(|p| p.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))) => {
                out.source = source;
            }
            _ => {
                let detail = "The \"source\" attribute must be in the format \"[hostname/][namespace/]name\"";
                self.error("Invalid provider source string", detail, expr.span);
            }
        }
    }

    fn aliases(&mut self, name: &Str, expr: &Expr, json: bool, out: &mut RequiredProvider) {
        for item in list(expr, &mut self.diags) {
            let item = unquoted(item, json, Quoted::Refuse, &mut self.diags);
            if reference(&item, json, Quoted::Refuse, &mut self.diags).is_none() {
                continue;
            }
            let Some(found) = provider_ref(&item, json, "configuration_aliases", &mut self.diags) else { continue };
            let ProviderRef { name: given, alias, .. } = &found;
            let summary = "Invalid configuration_aliases value";
            if given != name {
                let detail =
                    format!("Configuration aliases must be prefixed with the provider name. Expected {name:?}, but found {given:?}.");
                self.error(summary, detail, found.span);
            } else if alias.is_none() {
                let detail = "Configuration aliases can only contain references to local provider configuration names in the format of provider.alias";
                self.error(summary, detail, found.span);
            } else {
                out.configuration_aliases.push(found);
            }
        }
    }
}
