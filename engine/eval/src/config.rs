//! A configuration: the tree of modules that a root module leads to.

use std::collections::BTreeMap;

use secstack_base::addr::ModulePath;
use secstack_base::{ProviderAddr, Sources, Str};
use secstack_lang::Module;
use secstack_lang::module::ProviderRef;

/// Which module of a [`Config`]: an index into [`Config::modules`]. The root module is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleIx(pub usize);

/// The root module.
pub const ROOT: ModuleIx = ModuleIx(0);

/// One module of the tree.
#[derive(Clone, Debug)]
pub struct ConfigModule {
    /// The calls that lead here.
    pub path: ModulePath,
    /// What the module declares.
    pub module: Module,
    /// The directory as `path.module` gives it: relative to the root module, `.` for the root.
    pub dir: String,
    /// The module that calls this one, with the name of the call.
    pub parent: Option<(ModuleIx, Str)>,
    /// The modules this one calls, by the name of the call.
    pub children: BTreeMap<Str, ModuleIx>,
    /// The source address as written in the call, and the version that was chosen.
    pub source: Option<(Str, Option<Str>)>,
}

/// The whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// All modules, parents before children.
    pub modules: Vec<ConfigModule>,
    /// The text of all files.
    pub sources: Sources,
}

/// A provider block, or the empty configuration that stands for a missing one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderKey {
    /// The module that holds the block.
    pub module: ModuleIx,
    /// The provider.
    pub provider: ProviderAddr,
    /// The alias.
    pub alias: Option<Str>,
}

impl Config {
    /// A module of the tree.
    pub fn module(&self, ix: ModuleIx) -> &ConfigModule {
        &self.modules[ix.0]
    }

    /// The module at the end of `path`, if the configuration has it.
    pub fn find(&self, path: &ModulePath) -> Option<ModuleIx> {
        path.0.iter().try_fold(ROOT, |at, name| self.module(at).children.get(name).copied())
    }

    /// All modules with their index, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (ModuleIx, &ConfigModule)> {
        self.modules.iter().enumerate().map(|(i, m)| (ModuleIx(i), m))
    }

    /// The provider that a local name stands for in a module.
    ///
    /// Without an entry in `required_providers` it is the provider of that name in the `hashicorp`
    /// namespace, except for `terraform`, which is built in.
    pub fn provider_addr(&self, module: ModuleIx, local_name: &str) -> ProviderAddr {
        match self.module(module).module.required_providers.get(local_name) {
            Some(required) => required.source.clone(),
            None if local_name == "terraform" => ProviderAddr::builtin("terraform"),
            None => ProviderAddr::hashicorp(local_name),
        }
    }

    /// The local name that a resource type implies: what stands before the first underscore.
    pub fn implied_provider(resource_type: &str) -> &str {
        resource_type.split('_').next().unwrap_or(resource_type)
    }

    /// The provider block that a local name and alias in a module lead to, through the `providers` arguments of
    /// the calls and, for default configurations, by inheritance.
    pub fn provider_key(&self, module: ModuleIx, local_name: &str, alias: Option<&Str>) -> ProviderKey {
        let provider = self.provider_addr(module, local_name);
        let here = self.module(module);
        let has_block = here.module.providers.contains_key(&(Str::from(local_name), alias.cloned()));
        let Some((parent, call)) = &here.parent else {
            return ProviderKey { module, provider, alias: alias.cloned() };
        };
        if has_block {
            return ProviderKey { module, provider, alias: alias.cloned() };
        }
        let call = &self.module(*parent).module.calls[call];
        let passed =
            call.providers.iter().find(|(inner, _)| inner.alias.as_ref() == alias && self.provider_addr(module, &inner.name) == provider);
        match passed {
            Some((_, ProviderRef { name, alias, .. })) => self.provider_key(*parent, name, alias.as_ref()),
            None if alias.is_some() => ProviderKey { module, provider, alias: alias.cloned() },
            None => self.inherited(*parent, &provider),
        }
    }

    /// The default configuration of a provider as a child of `module` inherits it.
    fn inherited(&self, module: ModuleIx, provider: &ProviderAddr) -> ProviderKey {
        let local_name = self.local_name(module, provider);
        self.provider_key(module, &local_name, None)
    }

    /// The local name of a provider in a module.
    pub fn local_name(&self, module: ModuleIx, provider: &ProviderAddr) -> Str {
        let required = &self.module(module).module.required_providers;
        let declared = required.iter().find(|(_, r)| r.source == *provider);
        declared.map_or_else(|| provider.name.clone(), |(name, _)| name.clone())
    }
}
