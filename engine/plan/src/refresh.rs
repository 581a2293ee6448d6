//! The objects of the state: decoded, read again, and compared with what they were.

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use secstack_base::{Addr, Diagnostic, InstanceKey, Marks, Mode, ProviderConfigAddr, Str, Value};
use secstack_eval::Node;
use secstack_eval::graph::resource_provider;
use secstack_state::model::Object;

use crate::diff;
use crate::legacy::{When, normalize};
use crate::plan::{Action, Change, PlanMode};
use crate::planner::{Pending, Planner, Prior};
use crate::requests::Want;

impl Planner {
    /// Decodes every managed object of the state with the schema of its type.
    pub(crate) fn decode_priors(&mut self) {
        let state = self.prior_state.clone();
        for (addr, provider, instance) in state.instances() {
            if addr.mode() != Mode::Managed {
                continue;
            }
            let Some(schema) = self.schema(&provider.provider, Mode::Managed, addr.ty()) else {
                let what = format!("The state holds {addr}, whose resource type the provider {} does not have here.", provider.provider);
                self.diags.push(Diagnostic::error("Unsupported resource type in state", what).about(addr.to_string()));
                continue;
            };
            let ty = schema.block.ty();
            let deposed = instance.deposed.iter().map(|(k, o)| (Some(k.clone()), o));
            for (key, object) in instance.current.iter().map(|o| (None, o)).chain(deposed) {
                if object.schema_version > schema.version {
                    let what = format!(
                        "The state of {addr} was written by a newer version of the provider {} (schema version {}; the newest known here is {}).",
                        provider.provider, object.schema_version, schema.version
                    );
                    self.diags.push(Diagnostic::error("Resource instance managed by newer provider version", what).about(addr.to_string()));
                    continue;
                }
                match object.decode(&ty) {
                    Ok(stored) => {
                        let prior = Prior { object: object.clone(), current: Some(stored.clone()), stored };
                        match key {
                            None => {
                                self.priors.insert(addr.clone(), prior);
                            }
                            Some(key) => {
                                self.deposed.insert((addr.clone(), key), prior);
                            }
                        }
                    }
                    Err(e) => {
                        let what = format!("The stored object of {addr} does not fit the schema of its type: {e}.");
                        self.diags.push(Diagnostic::error("Invalid resource instance data in state", what).about(addr.to_string()));
                    }
                }
            }
        }
    }

    /// The provider configuration that manages an object of the state: that of its block, or the recorded one.
    pub(crate) fn effective_provider(&self, addr: &Addr) -> Option<ProviderConfigAddr> {
        let recorded = self.prior_state.resources.get(&addr.resource).map(|r| r.provider.clone());
        let config = &self.world.config;
        let declared =
            config.find(&addr.module().path()).filter(|ix| config.module(*ix).module.resources.contains_key(&addr.resource.name));
        match declared {
            Some(ix) => {
                let key = resource_provider(config, ix, &addr.resource.name);
                let plain = self.config_addr(&key, InstanceKey::None);
                let keyed = config.module(ix).module.resources[&addr.resource.name].provider.as_ref().is_some_and(|p| p.key.is_some());
                if keyed { recorded } else { Some(plain) }
            }
            None => recorded,
        }
    }

    /// Takes the result of configuring a provider, and asks for the objects that are its to read.
    pub(crate) fn configured_answer(&mut self, config: &ProviderConfigAddr, result: Result<Option<Value>, String>) -> bool {
        match result {
            // The configuration was not known: the provider can plan, not read.
            Ok(None) => {
                self.unconfigured.insert(config.clone());
                self.configured.insert(config.clone());
                return true;
            }
            Ok(Some(_)) => self.configured.insert(config.clone()),
            Err(text) => {
                let span = self.provider_span(config);
                let (summary, detail) = text.split_once('\n').map_or((text.as_str(), ""), |(s, d)| (s, d));
                self.diags.push(Diagnostic::error(summary.to_string(), detail.to_string()).at_opt(span).about(config.to_string()));
                return false;
            }
        };
        if !self.options.refresh {
            return true;
        }
        let mut mine: Vec<(Addr, Option<Str>)> = self.priors.keys().map(|a| (a.clone(), None)).collect();
        mine.extend(self.deposed.keys().map(|(a, k)| (a.clone(), Some(k.clone()))));
        mine.sort();
        {
            let is_read = self.is_read();
            mine.retain(|(addr, _)| self.effective_provider(addr).as_ref() == Some(config) && is_read(addr));
        }
        for (addr, deposed) in mine {
            // What is only forgotten need not be known.
            if self.removed_by(&addr).is_some_and(|r| !r.destroy) && self.options.mode == PlanMode::Normal {
                continue;
            }
            let prior = match &deposed {
                None => self.priors.get(&addr),
                Some(k) => self.deposed.get(&(addr.clone(), k.clone())),
            };
            let Some(prior) = prior else { continue };
            let value = Arc::new(prior.stored.unmark_deep(Marks::ALL));
            let node: Option<NodeIndex> = self.resource_node(&addr).filter(|n| self.active.contains(n));
            let thorough = self.options.mode == PlanMode::RefreshOnly;
            let want = Want::Refresh { addr: addr.clone(), deposed: deposed.clone(), prior: value, thorough };
            self.ask(config.clone(), want, Pending::Refresh { node, addr, deposed });
        }
        true
    }

    fn provider_span(&self, config: &ProviderConfigAddr) -> Option<secstack_base::Span> {
        let ix = self.world.config.find(&config.module)?;
        let name = self.world.config.local_name(ix, &config.provider);
        self.world.config.module(ix).module.providers.get(&(name, config.alias.clone())).map(|p| p.span)
    }

    /// Takes the current object of an instance.
    pub(crate) fn refresh_answer(&mut self, addr: &Addr, deposed: Option<&Str>, result: Result<Option<Value>, String>) {
        let prior = match deposed {
            None => self.priors.get(addr).cloned(),
            Some(k) => self.deposed.get(&(addr.clone(), k.clone())).cloned(),
        };
        let Some(mut prior) = prior else { return };
        let Some(provider) = self.prior_state.resources.get(&addr.resource).map(|r| r.provider.clone()) else { return };
        let Some(schema) = self.schema(&provider.provider, Mode::Managed, addr.ty()) else { return };
        let found = match result {
            Ok(found) => found,
            Err(text) => {
                let (summary, detail) = text.split_once('\n').map_or((text.as_str(), ""), |(s, d)| (s, d));
                self.diags.push(Diagnostic::error(summary.to_string(), detail.to_string()).about(addr.to_string()));
                return;
            }
        };
        let marks = diff::marked_paths(&prior.stored);
        let plain = prior.stored.unmark_deep(Marks::ALL);
        prior.current = found.map(|v| {
            let v = if schema.legacy { normalize(&v, &plain, When::Refresh) } else { v };
            if v.same(&plain) { prior.stored.clone() } else { diff::mark_paths(&v, &marks) }
        });
        match (&prior.current, deposed) {
            (Some(v), _) if v.same(&prior.stored) => {}
            (Some(v), None) => {
                if let Ok(mut object) = Object::encode(schema.version, v, &schema.block.ty()) {
                    object.private = prior.object.private.clone();
                    object.tainted = prior.object.tainted;
                    object.dependencies = prior.object.dependencies.clone();
                    object.create_before_destroy = prior.object.create_before_destroy;
                    self.prior_state.set_current(addr, &provider, object);
                }
            }
            (Some(_), Some(_)) => {}
            (None, None) => {
                self.prior_state.remove_current(addr);
            }
            (None, Some(k)) => {
                self.prior_state.remove_deposed(addr, k);
            }
        }
        match deposed {
            None => {
                self.priors.insert(addr.clone(), prior);
            }
            Some(k) => {
                self.deposed.insert((addr.clone(), k.clone()), prior);
            }
        }
    }

    /// The differences between stored and current objects.
    pub(crate) fn find_drift(&mut self) {
        let mut addrs: Vec<Addr> = self.priors.keys().cloned().collect();
        addrs.sort();
        for addr in addrs {
            let prior = &self.priors[&addr];
            let same = prior.current.as_ref().is_some_and(|c| c.same(&prior.stored));
            let moved = self.moved_from.get(&addr).cloned();
            if same && (moved.is_none() || self.options.mode != PlanMode::RefreshOnly) {
                continue;
            }
            let Some(provider) = self.effective_provider(&addr).or_else(|| self.previous_provider(&addr)) else { continue };
            let Some(schema) = self.schema(&provider.provider, Mode::Managed, addr.ty()) else { continue };
            let action = match &prior.current {
                None => Action::Delete,
                Some(_) if same => Action::NoOp,
                Some(_) => Action::Update,
            };
            let mark = |v: &Value| diff::mark_sensitive(&schema.block, v);
            self.drift.push(Change {
                addr: addr.clone(),
                previous: moved,
                deposed: None,
                provider,
                schema_version: schema.version,
                action,
                reason: None,
                before: mark(&prior.stored),
                after: prior.current.as_ref().map_or(Value::NULL, mark),
                replace_paths: Vec::new(),
                importing: None,
                dependencies: prior.object.dependencies.clone(),
                create_before_destroy: prior.object.create_before_destroy,
            });
        }
    }

    pub(crate) fn previous_provider(&self, addr: &Addr) -> Option<ProviderConfigAddr> {
        let from = self.moved_from.get(addr).unwrap_or(addr);
        self.previous.resources.get(&from.resource).map(|r| r.provider.clone())
    }

    /// Nodes for the provider configurations that only the state still needs.
    pub fn state_providers(config: &secstack_eval::Config, state: &secstack_state::model::Snapshot) -> Vec<Node> {
        let mut found: Vec<Node> = Vec::new();
        for resource in state.resources.values() {
            let p = &resource.provider;
            let Some(ix) = config.find(&p.module) else { continue };
            let node = Node::Provider(secstack_eval::ProviderKey { module: ix, provider: p.provider.clone(), alias: p.alias.clone() });
            if !found.contains(&node) {
                found.push(node);
            }
        }
        found
    }
}
