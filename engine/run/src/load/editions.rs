//! Chooses which edition of each provider a run uses: whose schemas, of which versions.
//!
//! An edition that no version constraint allows is out. Of the others the one is taken that leaves the fewest names unknown:
//! arguments that blocks of the configuration set, and attributes that objects of the state have. So a configuration that
//! says nothing about versions gets the preferred edition until it, or what it made, needs another.

use std::collections::BTreeSet;
use std::sync::Arc;

use secstack_base::{Mode, ProviderAddr, Str};
use secstack_eval::Config;
use secstack_eval::graph::resource_provider;
use secstack_lang::body::Items;
use secstack_lang::module::Resource;
use secstack_lang::version::{Constraint, Version};
use secstack_sdk::Provider;
use secstack_state::Snapshot;

use crate::providers::ProviderSet;

/// Chooses the editions that fit a configuration and a state. Where constraints allow none, the preferred one stays:
/// saying so is for [`super::requirements::provider_versions`].
pub fn choose(config: Option<&Config>, state: Option<&Snapshot>, providers: &ProviderSet) {
    for (addr, editions) in providers.editions().filter(|(_, e)| e.all().len() > 1) {
        let constraints = config.map(|c| constraints(c, addr)).unwrap_or_default();
        let unknown = |p: &Arc<dyn Provider>| {
            let written = config.map_or(0, |c| arguments(c, addr, &**p));
            written + state.map_or(0, |s| stored(s, addr, &**p, editions.all()))
        };
        let allowed = editions.all().iter().enumerate().filter(|(_, p)| allows(&***p, &constraints));
        // The first of those that are equally good.
        if let Some((best, _)) = allowed.min_by_key(|(_, p)| unknown(p)) {
            editions.choose(best);
        }
    }
}

fn constraints(config: &Config, provider: &ProviderAddr) -> Vec<Constraint> {
    let required = config.iter().flat_map(|(_, m)| m.module.required_providers.values());
    let of_it = required.filter(|r| r.source == *provider);
    of_it.filter_map(|r| Constraint::parse(r.version.as_ref()?).ok()).collect()
}

/// Whether a provider honours a version that all constraints allow. One without versions goes with any.
pub(super) fn allows(provider: &dyn Provider, constraints: &[Constraint]) -> bool {
    let versions = versions(provider);
    versions.is_empty() || versions.iter().any(|v| constraints.iter().all(|c| c.allows(v)))
}

/// The versions whose schemas a provider honours.
pub(super) fn versions(provider: &dyn Provider) -> Vec<Version> {
    provider.versions().iter().filter_map(|v| v.parse().ok()).collect()
}

/// How many arguments blocks of the configuration set that the provider does not have.
fn arguments(config: &Config, addr: &ProviderAddr, provider: &dyn Provider) -> usize {
    let resources = config.iter().flat_map(|(ix, m)| m.module.resources.values().map(move |r| (ix, r)));
    let of_it = resources.filter(|(ix, r)| resource_provider(config, *ix, &r.name).provider == *addr);
    of_it.map(|(_, r)| unknown_arguments(r, provider)).sum()
}

fn unknown_arguments(r: &Resource, provider: &dyn Provider) -> usize {
    let schema = provider.schema();
    let types = match r.name.mode {
        Mode::Managed => &schema.resources,
        Mode::Data => &schema.data,
        Mode::Ephemeral => &schema.ephemeral,
    };
    let Some(schema) = types.get(&r.name.ty) else { return 0 };
    let is_unknown = |name: &Str| schema.block.attribute(name).is_none() && schema.block.nested(name).is_none();
    match &r.body.items {
        Items::Native { attributes, .. } => attributes.iter().filter(|a| is_unknown(&a.name)).count(),
        Items::Json(members) => members.iter().filter(|m| is_unknown(&m.name)).count(),
    }
}

/// How many objects of the state have attributes that only another edition has.
fn stored(state: &Snapshot, addr: &ProviderAddr, provider: &dyn Provider, editions: &[Arc<dyn Provider>]) -> usize {
    let mut count = 0;
    for (resource, entry) in state.resources.iter().filter(|(r, e)| r.name.mode == Mode::Managed && e.provider.provider == *addr) {
        let ty = &resource.name.ty;
        let Some(schema) = provider.schema().resources.get(ty) else { continue };
        let others = editions.iter().filter_map(|e| e.schema().resources.get(ty));
        let names: BTreeSet<&Str> = others.flat_map(|s| s.block.attributes.iter().map(|a| &a.name)).collect();
        // Looking for the names in the text first spares decoding of nearly all objects.
        let missing: Vec<String> = names.into_iter().filter(|n| schema.block.attribute(n).is_none()).map(|n| format!("{n:?}")).collect();
        let block = schema.block.ty();
        let objects = entry.instances.values().flat_map(|i| i.current.iter().chain(i.deposed.values()));
        let suspects = objects.filter(|o| missing.iter().any(|n| o.attributes.contains(n.as_str())));
        count += suspects.filter(|o| o.decode(&block).is_err()).count();
    }
    count
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use secstack_base::schema::{Attribute, Presence, ProviderSchema, Schema};
    use secstack_base::{ProviderConfigAddr, Sources, Type, Value};
    use secstack_sdk::{Error, Instance, Result};
    use secstack_state::model::Object;

    use super::*;
    use crate::load::{Early, Installed, Manifest, MemoryTree, load};

    /// A provider of which only the schema matters: `x_y` with an argument `old`, and `new` from version 2 on.
    struct Edition {
        version: &'static str,
        schema: ProviderSchema,
    }

    fn edition(version: &'static str, names: &[&str]) -> Edition {
        let mut schema = Schema::default();
        schema.block.attributes = names.iter().map(|n| Attribute::new(n, Type::String, Presence::Optional)).collect();
        let resources = [("x_y".into(), Arc::new(schema))].into();
        Edition { version, schema: ProviderSchema { resources, ..ProviderSchema::default() } }
    }

    #[async_trait]
    impl Provider for Edition {
        fn address(&self) -> ProviderAddr {
            ProviderAddr::hashicorp("x")
        }
        fn versions(&self) -> Vec<&'static str> {
            vec![self.version]
        }
        fn schema(&self) -> &ProviderSchema {
            &self.schema
        }
        fn editions(&self) -> Vec<Arc<dyn Provider>> {
            if self.version == "1.5.0" { vec![Arc::new(edition("2.0.0", &["old", "new"]))] } else { vec![] }
        }
        async fn configure(&self, _: &Value) -> Result<Arc<dyn Instance>> {
            Err(Error::other("not asked for"))
        }
        fn unconfigured(&self) -> Arc<dyn Instance> {
            unreachable!("nothing is planned")
        }
    }

    #[test]
    fn the_edition_that_fits() {
        check("", "old = 1", "", "1.5.0");
        check("", "new = 1", "", "2.0.0");
        check("~> 2.0", "old = 1", "", "2.0.0");
        check(">= 1.0", "", r#"{"old":"a"}"#, "1.5.0");
        check(">= 1.0", "", r#"{"old":"a","new":"b"}"#, "2.0.0");
        // What is allowed comes first: the plan says what does not fit.
        check("~> 1.0", "new = 1", r#"{"new":"b"}"#, "1.5.0");
        check("~> 3.0", "new = 1", "", "1.5.0");
    }

    /// A version constraint, the body of a block, the attributes of an object in the state, and the version that is used.
    #[track_caller]
    fn check(constraint: &str, body: &str, stored: &str, want: &str) {
        let version = if constraint.is_empty() { String::new() } else { format!("version = {constraint:?}") };
        let text = format!(
            "terraform {{\n required_providers {{\n x = {{\n source = \"hashicorp/x\"\n {version}\n }}\n }}\n}}\nresource \"x_y\" \"a\" {{\n{body}\n}}\n"
        );
        let tree = MemoryTree::new([("main.tf".into(), Arc::from(text.as_str()))]);
        let files = crate::DiskFiles::new(std::path::Path::new("."));
        let early = Early { inputs: &Default::default(), files: &files, workspace: "default" };
        let loaded = load(&tree, &mut Installed(Manifest::default()), &early, Sources::default());
        assert!(!loaded.diags.has_errors(), "{:?}", loaded.diags);
        let mut state = Snapshot::new();
        if !stored.is_empty() {
            let provider = ProviderConfigAddr {
                module: Default::default(),
                provider: ProviderAddr::hashicorp("x"),
                alias: None,
                key: secstack_base::InstanceKey::None,
            };
            let addr = "x_y.a".parse().unwrap();
            state.set_current(&addr, &provider, Object { attributes: stored.into(), ..Object::default() });
        }
        let providers = ProviderSet::new([Arc::new(edition("1.5.0", &["old"])) as Arc<dyn Provider>]);
        choose(Some(&loaded.config), Some(&state), &providers);
        assert_eq!(providers.get(&ProviderAddr::hashicorp("x")).map(|p| p.versions()), Some(vec![want]), "{constraint} {body} {stored}");
    }
}
