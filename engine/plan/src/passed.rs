//! Provider configurations that module calls pass on: what a module needs, and what is said of names that nobody declares.

use secstack_base::{Diagnostic, Diags, Span};
use secstack_eval::{Config, ModuleIx};
use secstack_lang::module::{ModuleCall, ProviderConfig, ProviderRef};

/// Checks the `providers` arguments of all calls, and the provider blocks inside modules.
pub(crate) fn check(config: &Config, diags: &mut Diags) {
    for (ix, m) in config.iter() {
        let Some((parent, name)) = &m.parent else { continue };
        let call = &config.module(*parent).module.calls[name];
        for (inner, outer) in &call.providers {
            undefined(config, (ix, inner), (*parent, outer), diags);
        }
        for block in m.module.providers.values() {
            inside(config, ix, call, block, diags);
        }
        missing(config, ix, call, diags);
    }
}

fn undefined(config: &Config, (ix, inner): (ModuleIx, &ProviderRef), (parent, outer): (ModuleIx, &ProviderRef), diags: &mut Diags) {
    const SUMMARY: &str = "Reference to undefined provider";
    let declares = |ix: ModuleIx, name: &str| config.module(ix).module.required_providers.contains_key(name);
    let has_block = config.module(ix).module.providers.keys().any(|(name, _)| *name == inner.name);
    if !declares(ix, &inner.name) && !has_block {
        let (name, source) = (&inner.name, format!("hashicorp/{}", inner.name));
        let what = format!(
            "There is no explicit declaration for local provider name {name:?} in {}, so Terraform is assuming you mean to pass a configuration for {source:?}.\n\nIf you also control the child module, add a required_providers entry named {name:?} with the source address {source:?}.",
            config.module(ix).path
        );
        diags.push(Diagnostic::warning(SUMMARY, what).at(inner.span));
    }
    if outer.alias.is_none() && !declares(parent, &outer.name) {
        let (name, source) = (&outer.name, format!("hashicorp/{}", outer.name));
        let module = described(config, parent);
        let what = format!(
            "There is no explicit declaration for local provider name {name:?} in {module}, so Terraform is assuming you mean to pass a configuration for provider {source:?}.\n\nTo clarify your intent and silence this warning, add to {module} a required_providers entry named {name:?} with source = {source:?}, or a different source address if appropriate."
        );
        diags.push(Diagnostic::warning(SUMMARY, what).at(outer.span));
    }
}

fn described(config: &Config, ix: ModuleIx) -> String {
    let path = &config.module(ix).path;
    if path.0.is_empty() { "the root module".into() } else { path.to_string() }
}

/// A provider block inside a module: an empty one says nothing, and one with arguments keeps the module from being repeated.
fn inside(config: &Config, ix: ModuleIx, call: &ModuleCall, block: &ProviderConfig, diags: &mut Diags) {
    let (view, _) = block.body.view(&[]);
    let empty = view.attributes.is_empty() && view.blocks.is_empty() && block.version.is_none();
    if empty && block.alias.is_none() {
        let name = &block.name;
        let what = format!(
            "Earlier versions of Terraform used empty provider blocks (\"proxy provider configurations\") for child modules to declare their need to be passed a provider configuration by their callers. That approach was ambiguous and is now deprecated.\n\nIf you control this module, you can migrate to the new declaration syntax by removing all of the empty provider {name:?} blocks and then adding or updating an entry like the following to the required_providers block of {}:\n    {name} = {{\n      source = \"hashicorp/{name}\"\n    }}",
            config.module(ix).path
        );
        diags.push(Diagnostic::warning("Redundant empty provider block", what).at(block.span));
    }
    let repeated: Option<Span> = call.count.as_ref().or(call.for_each.as_ref()).map(|e| e.span).or(call.depends_on.first().map(|t| t.span));
    if let (false, Some(span)) = (empty, repeated) {
        let what = format!(
            "The module at {} is a legacy module which contains its own local provider configurations, and so calls to it may not use the count, for_each, or depends_on arguments.\n\nIf you also control the module {:?}, consider updating this module to instead expect provider configurations to be passed by its caller.",
            config.module(ix).path,
            call.name
        );
        diags.push(Diagnostic::error("Module is incompatible with count, for_each, and depends_on", what).at(span));
    }
}

/// The configurations that a module asks for with `configuration_aliases` and is not given.
fn missing(config: &Config, ix: ModuleIx, call: &ModuleCall, diags: &mut Diags) {
    for (local, required) in &config.module(ix).module.required_providers {
        for wanted in &required.configuration_aliases {
            if call.providers.iter().any(|(inner, _)| inner.name == wanted.name && inner.alias == wanted.alias) {
                continue;
            }
            let alias = wanted.alias.as_deref().unwrap_or_default();
            let what = format!(
                "The child module requires an additional configuration for provider {}, with the local name \"{local}.{alias}\".\n\nRefer to the module's documentation to understand the intended purpose of this additional provider configuration, and then add an entry for {local}.{alias} in the \"providers\" meta-argument in the module block to choose which provider configuration the module should use for that purpose.",
                required.source
            );
            diags.push(Diagnostic::error("Missing required provider configuration", what).at(call.span));
        }
    }
}
