//! What takes the place of providers, resources, data sources and modules in a run.
//!
//! A mocked provider is replaced as a whole. An overridden resource gets a provider of its own, which pretends, so that no
//! other part of the program knows of overrides; an overridden module keeps its variables and loses everything else.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::addr::{ResourceAddr, Target};
use secstack_base::{Diagnostic, Diags, InstanceKey, Mode, ModuleAddr, ProviderAddr, Span, Str, Value};
use secstack_eval::config::{Config, ModuleIx, ROOT};
use secstack_eval::evaluate;
use secstack_eval::scope::Scope;
use secstack_lang::body::Items;
use secstack_lang::module::{ProviderRef, RequiredProvider};
use secstack_lang::test_file::{Mock, MockProvider as MockBlock, Override, OverrideKind, Run, TestFile};
use secstack_lang::{Body, Expr, ExprKind, Module};
use secstack_run::ProviderSet;
use secstack_sdk::Provider;

use super::mock::{Given, MockProvider, Script};
use super::reference::key_of;
use crate::catalog;

/// What takes the place of providers.
#[derive(Clone, Default)]
pub struct StandIns {
    /// By the address where it pretends: which provider it pretends to be, and what it is told.
    providers: BTreeMap<ProviderAddr, (ProviderAddr, Arc<Script>)>,
}

/// What a run asks for.
pub struct Wanted<'a> {
    /// The file.
    pub file: &'a TestFile,
    /// The run.
    pub run: &'a Run,
    /// What values may refer to.
    pub scope: &'a dyn Scope,
}

impl StandIns {
    /// All providers, with those that pretend.
    pub fn providers(&self) -> Arc<ProviderSet> {
        let real: BTreeMap<ProviderAddr, Arc<dyn Provider>> =
            catalog::all(&Default::default()).into_iter().map(|p| (p.address(), p)).collect();
        let mut all = real.clone();
        for (at, (of, script)) in &self.providers {
            if let Some(real) = real.get(of) {
                all.insert(at.clone(), Arc::new(MockProvider::new(at.clone(), real.clone(), script.clone())));
            }
        }
        Arc::new(ProviderSet::new(all.into_values()))
    }

    /// Puts the mocks and overrides of a run in their places in the configuration under test. What pretended for an
    /// overridden resource of an earlier run goes on, since that run's objects may still be there.
    pub fn put(&mut self, config: &mut Config, wanted: &Wanted<'_>, diags: &mut Diags) {
        self.providers.retain(|at, (of, _)| at != of);
        let mut overrides: BTreeMap<String, (&Override, bool)> = BTreeMap::new();
        for (addr, mock) in mocks(wanted, config) {
            let during_plan = mock.during_plan;
            overrides.extend(mock.data.overrides.iter().map(|o| (o.target.to_string(), (o, during_plan))));
            let mut scripts = |list: &BTreeMap<Str, Mock>| {
                let mut given = |m: &Mock| Given {
                    values: values(m.defaults.as_ref(), wanted.scope, diags),
                    during_plan: m.during_plan.unwrap_or(during_plan),
                };
                list.iter().map(|(ty, m)| (ty.clone(), given(m))).collect::<BTreeMap<_, _>>()
            };
            let (resources, data) = (scripts(&mock.data.resources), scripts(&mock.data.data));
            let script = Script { resources, data, others: Given { values: Value::NULL, during_plan } };
            unconfigure(config, &addr);
            self.providers.insert(addr.clone(), (addr, Arc::new(script)));
        }
        let stated = wanted.file.overrides.iter().chain(&wanted.run.overrides);
        overrides.extend(stated.map(|o| (o.target.to_string(), (o, false))));
        for (o, during_plan) in overrides.into_values() {
            if let Err(d) = self.put_override(config, o, during_plan, wanted.scope, diags) {
                diags.push(*d);
            }
        }
    }

    fn put_override(
        &mut self,
        config: &mut Config,
        o: &Override,
        during_plan: bool,
        scope: &dyn Scope,
        diags: &mut Diags,
    ) -> Result<(), Box<Diagnostic>> {
        let target = target(o)?;
        let values = values(o.values.as_ref(), scope, diags);
        let given = Given { values, during_plan: o.during_plan.unwrap_or(during_plan) };
        let exists = match &target {
            Target::Module(module) => override_module(config, module, &given.values),
            Target::Resource(resource) => self.override_resource(config, resource, given),
            Target::Instance(_) => false,
        };
        if exists {
            return Ok(());
        }
        let detail = format!(
            "The override target {target} does not exist within the configuration under test. This could indicate a typo in the target address or an unnecessary override."
        );
        Err(Box::new(Diagnostic::warning("Invalid override target", detail).at(o.target.span)))
    }

    /// Gives a resource or data source a provider of its own. False when there is no such block.
    fn override_resource(&mut self, config: &mut Config, target: &ResourceAddr, given: Given) -> bool {
        let Some(ix) = config.find(&target.module.path()) else { return false };
        let Some(resource) = config.module(ix).module.resources.get(&target.name) else { return false };
        let span = resource.span;
        let local =
            resource.provider.as_ref().map_or_else(|| Config::implied_provider(&target.name.ty).to_string(), |p| p.name.to_string());
        let real = config.provider_addr(ix, &local);
        // No provider block can be of this name.
        let name: Str = format!("override-{}", self.providers.len()).into();
        let at = ProviderAddr { host: "terraform.io".into(), namespace: "override".into(), name: name.clone() };
        self.providers.insert(at.clone(), (real, Arc::new(Script { others: given, ..Script::default() })));
        // The name leads to the provider from the module of the resource up to the root module.
        let mut on_the_way = Some(ix);
        while let Some(here) = on_the_way {
            let required =
                RequiredProvider { source: at.clone(), version: None, version_span: None, configuration_aliases: Vec::new(), span };
            config.modules[here.0].module.required_providers.insert(name.clone(), required);
            on_the_way = config.module(here).parent.as_ref().map(|(parent, _)| *parent);
        }
        let module = &mut config.modules[ix.0].module;
        if let Some(r) = module.resources.get_mut(&target.name) {
            r.provider = Some(ProviderRef { name, alias: None, key: None, span });
        }
        true
    }
}

/// The providers that only pretend in a run.
fn mocks<'a>(wanted: &Wanted<'a>, config: &Config) -> Vec<(ProviderAddr, &'a MockBlock)> {
    let all = &wanted.file.mock_providers;
    if wanted.run.providers.is_empty() {
        let mut default: Vec<_> = all.values().collect();
        // Without an alias it stands for the whole provider, whatever others say.
        default.sort_by_key(|m| m.alias.is_none());
        return default.into_iter().map(|m| (config.provider_addr(ROOT, &m.name), m)).collect();
    }
    let passed = wanted.run.providers.iter();
    passed.filter_map(|(inner, outer)| Some((config.provider_addr(ROOT, &inner.name), all.get(&key_of(outer))?))).collect()
}

/// A provider that pretends takes no arguments.
fn unconfigure(config: &mut Config, provider: &ProviderAddr) {
    for ix in (0..config.modules.len()).map(ModuleIx) {
        let names: Vec<_> = config.module(ix).module.providers.keys().cloned().collect();
        for key in names {
            if config.provider_addr(ix, &key.0) == *provider
                && let Some(p) = config.modules[ix.0].module.providers.get_mut(&key)
            {
                p.for_each = None;
                p.body = empty(p.body.span);
            }
        }
    }
}

fn empty(span: Span) -> Body {
    Body { items: Items::Native { attributes: Vec::new(), blocks: Vec::new() }, span }
}

/// The value of an object that a block gives, or null.
fn values(given: Option<&Expr>, scope: &dyn Scope, diags: &mut Diags) -> Value {
    given.map_or(Value::NULL, |e| evaluate(e, scope, diags))
}

/// Says which overrides of a file cannot be.
pub fn check(file: &TestFile, diags: &mut Diags) {
    let of_mocks = file.mock_providers.values().flat_map(|m| &m.data.overrides);
    let all = of_mocks.chain(&file.overrides).chain(file.runs.iter().flat_map(|r| &r.overrides));
    diags.extend(Diags(all.filter_map(|o| target(o).err().map(|d| *d)).collect()));
}

/// What an override is for.
fn target(o: &Override) -> Result<Target, Box<Diagnostic>> {
    let text = o.target.to_string();
    let fail = |summary: &'static str, detail: String| Err(Box::new(Diagnostic::error(summary, detail).at(o.target.span)));
    let Ok(target) = text.parse::<Target>() else {
        return fail("Invalid override target", format!("{text} is not the address of a resource, a data source or a module."));
    };
    let (only, fits) = match (&target, o.kind) {
        (Target::Module(_), kind) => (kind, kind == OverrideKind::Module),
        (Target::Resource(ResourceAddr { name, .. }), kind) => (kind, kind == of(name.mode)),
        (Target::Instance(a), kind) => (kind, kind == of(a.mode())),
    };
    if !fits {
        let (what, block) = match only {
            OverrideKind::Module => ("modules", "override_module"),
            OverrideKind::Resource => ("resources", "override_resource"),
            OverrideKind::Data => ("data sources", "override_data"),
        };
        return fail("Invalid override target", format!("You can only target {what} from {block} blocks, not {text}."));
    }
    let module = match &target {
        Target::Module(m) | Target::Resource(ResourceAddr { module: m, .. }) => m,
        Target::Instance(a) => a.module(),
    };
    if matches!(target, Target::Instance(_)) || module.0.iter().any(|(_, key)| *key != InstanceKey::None) {
        let detail = format!("This version overrides all instances of a block at once: write the address {text} without its keys.");
        return fail("Unsupported override target", detail);
    }
    Ok(target)
}

fn of(mode: Mode) -> OverrideKind {
    match mode {
        Mode::Data => OverrideKind::Data,
        _ => OverrideKind::Resource,
    }
}

/// Gives the outputs of a module their values, and takes out what it would manage. False when there is no such module.
fn override_module(config: &mut Config, target: &ModuleAddr, outputs: &Value) -> bool {
    let Some(ix) = config.find(&target.path()) else { return false };
    forget_below(config, ix);
    let module = &mut config.modules[ix.0].module;
    let mut outside =
        Module { variables: std::mem::take(&mut module.variables), outputs: std::mem::take(&mut module.outputs), ..Module::default() };
    outside.required_providers = std::mem::take(&mut module.required_providers);
    for o in outside.outputs.values_mut() {
        let value = outputs.get(&o.name).cloned().unwrap_or(Value::NULL);
        (o.value, o.preconditions) = (Expr { kind: ExprKind::Literal(value), span: o.value.span }, Vec::new());
        o.depends_on.clear();
    }
    *module = outside;
    true
}

/// Empties the modules that a module calls.
fn forget_below(config: &mut Config, ix: ModuleIx) {
    for child in std::mem::take(&mut config.modules[ix.0].children).into_values() {
        forget_below(config, child);
        config.modules[child.0].module = Module::default();
    }
}
