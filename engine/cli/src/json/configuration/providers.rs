//! Provider configurations, under keys that resources name.
//!
//! A key is the local name of a provider in a module, with the alias. Keys of a module that inherits its
//! configuration, or gets it from its call, lead to the key of the module that has it.

use std::collections::BTreeMap;

use secstack_base::{ProviderAddr, Str};
use secstack_eval::config::ROOT;
use secstack_eval::{Config, ModuleIx, Schemas};
use secstack_lang::module::ProviderConfig;
use secstack_run::ProviderSet;

use super::expression::body;
use crate::json::write::{Object, map};

/// All keys.
#[derive(Default)]
pub struct Keys(BTreeMap<String, Entry>);

struct Entry {
    name: String,
    provider: ProviderAddr,
    alias: Option<Str>,
    constraint: String,
    module: ModuleIx,
    /// Whether a `provider` block stands behind the key.
    block: bool,
    parent: Option<String>,
}

impl Keys {
    /// The keys of a configuration.
    pub fn collect(config: &Config) -> Self {
        let mut keys = Self::default();
        keys.visit(config, ROOT);
        keys
    }

    /// The key of the configuration that a resource of a module uses.
    pub fn of(&self, config: &Config, ix: ModuleIx, local_name: &str, alias: Option<&Str>) -> String {
        let key = key(config, ix, &compact(local_name, alias));
        match self.0.get(&key).and_then(|e| e.parent.as_ref()) {
            Some(parent) if self.0.contains_key(parent) => parent.clone(),
            _ => key,
        }
    }

    fn visit(&mut self, config: &Config, ix: ModuleIx) {
        let here = config.module(ix);
        let required = requirements(config, ix);
        let constraint = |p: &ProviderAddr| required.get(p).map_or_else(String::new, |c| constraints(c));
        for (name, alias) in here.module.providers.keys() {
            let provider = config.provider_addr(ix, name);
            let entry = Entry {
                name: name.to_string(),
                alias: alias.clone(),
                constraint: constraint(&provider),
                provider,
                module: ix,
                block: true,
                parent: None,
            };
            self.0.insert(key(config, ix, &compact(name, alias.as_ref())), entry);
        }
        for (name, r) in &here.module.required_providers {
            for alias in &r.configuration_aliases {
                self.add(config, ix, &compact(&alias.name, alias.alias.as_ref()), Entry::plain(name, &r.source, constraint(&r.source), ix));
            }
            let parent = self.parent(config, ix, name, &r.source);
            self.add(config, ix, name, Entry { parent, ..Entry::plain(name, &r.source, constraint(&r.source), ix) });
        }
        for provider in required.keys() {
            let parent = self.parent(config, ix, &provider.name, provider);
            self.add(config, ix, &provider.name, Entry { parent, ..Entry::plain(&provider.name, provider, String::new(), ix) });
        }
        for (name, call) in &here.module.calls {
            let Some(child) = here.children.get(name).copied() else { continue };
            for (inner, outer) in &call.providers {
                let (inner_name, outer_name) = (compact(&inner.name, inner.alias.as_ref()), compact(&outer.name, outer.alias.as_ref()));
                let provider = config.provider_addr(child, &inner.name);
                let parent = self.source(key(config, ix, &outer_name), &provider);
                let entry = Entry { parent, ..Entry::plain(&inner_name, &provider, String::new(), child) };
                self.0.insert(key(config, child, &inner_name), entry);
            }
            self.visit(config, child);
        }
    }

    fn add(&mut self, config: &Config, ix: ModuleIx, name: &str, entry: Entry) {
        self.0.entry(key(config, ix, name)).or_insert(entry);
    }

    fn parent(&self, config: &Config, ix: ModuleIx, name: &str, provider: &ProviderAddr) -> Option<String> {
        let (parent, _) = config.module(ix).parent.as_ref()?;
        self.source(key(config, *parent, name), provider)
    }

    /// The key at the end of the way that begins with `start`.
    fn source(&self, start: String, provider: &ProviderAddr) -> Option<String> {
        let (mut found, mut next) = (None, Some(start));
        while let Some(key) = next {
            let Some(entry) = self.0.get(&key).filter(|e| e.provider == *provider) else { break };
            next = entry.parent.clone();
            found = Some(key);
        }
        found
    }
}

impl Entry {
    fn plain(name: &str, provider: &ProviderAddr, constraint: String, module: ModuleIx) -> Self {
        Self { name: name.into(), provider: provider.clone(), alias: None, constraint, module, block: false, parent: None }
    }
}

/// Writes the configurations, but for those that are only a way to another.
pub fn write(o: &mut Object<'_>, keys: &Keys, config: &Config, providers: &ProviderSet) {
    let own: Vec<_> = keys.0.iter().filter(|(_, e)| e.parent.is_none()).collect();
    if own.is_empty() {
        return;
    }
    map(o.member("provider_config"), own, |out, e| {
        let mut o = Object::new(out);
        o.text("name", &e.name).text("full_name", &e.provider.to_string());
        o.text_opt("alias", e.alias.as_deref()).text_opt("version_constraint", Some(&e.constraint));
        o.text_opt("module_address", Some(&config.module(e.module).path.to_string()));
        if let (Some(block), Some(schema)) = (block(config, e), providers.provider(&e.provider)) {
            body(&mut o, &config.sources, &block.body, &schema.block);
        }
        o.end();
    });
}

fn block<'a>(config: &'a Config, e: &Entry) -> Option<&'a ProviderConfig> {
    e.block.then(|| config.module(e.module).module.providers.get(&(e.name.as_str().into(), e.alias.clone())))?
}

fn key(config: &Config, ix: ModuleIx, name: &str) -> String {
    let path = &config.module(ix).path;
    if path.0.is_empty() { name.into() } else { format!("{path}:{name}") }
}

fn compact(name: &str, alias: Option<&Str>) -> String {
    alias.map_or_else(|| name.into(), |a| format!("{name}.{a}"))
}

/// The providers that a module itself needs, with the constraints it gives.
fn requirements(config: &Config, ix: ModuleIx) -> BTreeMap<ProviderAddr, Vec<String>> {
    let module = &config.module(ix).module;
    let mut found: BTreeMap<ProviderAddr, Vec<String>> = BTreeMap::new();
    for r in module.required_providers.values() {
        found.entry(r.source.clone()).or_default().extend(r.version.as_ref().map(ToString::to_string));
    }
    for ((name, _), block) in &module.providers {
        let version = block.version.as_ref().and_then(|v| super::constant(&v.expr).as_str().map(String::from));
        found.entry(config.provider_addr(ix, name)).or_default().extend(version);
    }
    for r in module.resources.values() {
        let name = r.provider.as_ref().map_or_else(|| Config::implied_provider(&r.name.ty), |p| &p.name);
        found.entry(config.provider_addr(ix, name)).or_default();
    }
    found
}

/// Constraints as Terraform writes them: `>= 5.0.0, < 6.0.0`, the lowest version first.
fn constraints(written: &[String]) -> String {
    let mut all: Vec<(Vec<u64>, String)> = written.iter().flat_map(|w| w.split(',')).filter_map(normal).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

fn normal(part: &str) -> Option<(Vec<u64>, String)> {
    let part = part.trim();
    let split = part.find(|c: char| c.is_ascii_digit())?;
    let (op, version) = (part[..split].trim(), part[split..].trim());
    let (numbers, tag) = version.find(['-', '+']).map_or((version, ""), |i| version.split_at(i));
    let mut segments: Vec<u64> = numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect();
    let mut shown = segments.clone();
    segments.resize(3, 0);
    if op != "~>" {
        shown.clone_from(&segments);
    }
    let text = shown.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    let op = if matches!(op, "" | "=") { String::new() } else { format!("{op} ") };
    Some((segments, format!("{op}{text}{tag}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn constraints_are_put_in_order() {
        for (written, want) in [
            (&["~> 5.0"][..], "~> 5.0"),
            (&[">=1.0,<2"], ">= 1.0.0, < 2.0.0"),
            (&["< 6", ">= 5.1", "5.4.0-beta1"], ">= 5.1.0, 5.4.0-beta1, < 6.0.0"),
            (&[], ""),
        ] {
            let written: Vec<String> = written.iter().map(ToString::to_string).collect();
            assert_eq!(super::constraints(&written), want);
        }
    }
}
