//! Whether this program is what a configuration asks for: `required_version` and `required_providers`.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, ProviderAddr, Span};
use secstack_eval::Config;
use secstack_lang::version::{Constraint, Version};
use secstack_lang::{ExprKind, Module};
use secstack_state::model::TERRAFORM_VERSION;

use super::editions;
use crate::providers::ProviderSet;

/// Checks the `required_version` settings of a module. We pass for the version of Terraform whose behaviour we honour.
pub fn core_version(module: &Module) -> Diags {
    let mut diags = Diags::new();
    let Ok(ours) = TERRAFORM_VERSION.parse::<Version>() else { return diags };
    for setting in &module.required_version {
        let ExprKind::Literal(value) = &setting.expr.kind else { continue };
        let Some(Ok(constraint)) = value.as_str().map(Constraint::parse) else { continue };
        if !constraint.allows(&ours) {
            let what = format!(
                "This configuration does not support Terraform version {TERRAFORM_VERSION}, which secstack stands in for. To proceed, either choose another program or update this version constraint. Version constraints are normally set for good reason, so updating the constraint may lead to other errors or unexpected behavior."
            );
            diags.push(Diagnostic::error("Unsupported Terraform Core version", what).at(setting.name_span.to(setting.expr.span)));
        }
    }
    diags
}

/// A version constraint with its text and place.
type Asked<'a> = (Constraint, &'a str, Option<Span>);

/// Chooses the editions of providers that fit the configuration, and checks the version constraints of `required_providers`
/// against the versions whose schemas they honour. Providers that do not exist are left to planning, which says where they
/// are used.
pub fn provider_versions(config: &Config, providers: &ProviderSet) -> Diags {
    editions::choose(Some(config), None, providers);
    let mut asked: BTreeMap<&ProviderAddr, Vec<Asked<'_>>> = BTreeMap::new();
    for (_, module) in config.iter() {
        for required in module.module.required_providers.values() {
            let Some(text) = &required.version else { continue };
            let Ok(constraint) = Constraint::parse(text) else { continue };
            asked.entry(&required.source).or_default().push((constraint, text, required.version_span.or(Some(required.span))));
        }
    }
    let mut diags = Diags::new();
    let of = |addr: &ProviderAddr| providers.editions().find(|(a, _)| *a == addr).map(|(_, e)| e.all());
    for (addr, constraints) in asked {
        let Some(all) = of(addr) else { continue };
        let only: Vec<Constraint> = constraints.iter().map(|(c, ..)| c.clone()).collect();
        if all.iter().any(|p| editions::allows(&**p, &only)) {
            continue;
        }
        let versions: Vec<Version> = all.iter().rev().flat_map(|p| editions::versions(&**p)).collect();
        let ours = versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", ");
        let alone: Vec<_> = constraints.iter().filter(|(c, ..)| !versions.iter().any(|v| c.allows(v))).collect();
        let blamed = if alone.is_empty() { constraints.iter().collect() } else { alone };
        for (_, text, span) in blamed {
            let what = format!(
                "The configuration asks for version {text:?} of {addr}. The provider of that name in this program honours the schemas of {ours}."
            );
            diags.push(
                Diagnostic::error("Unsupported provider version", what)
                    .at_opt(*span)
                    .help("Update the version constraint, or use a program that has this version of the provider."),
            );
        }
    }
    diags
}
