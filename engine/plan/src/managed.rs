//! Plans the instances of a managed resource.

use std::collections::BTreeSet;
use std::sync::Arc;

use petgraph::graph::NodeIndex;
use secstack_base::addr::{ResourceAddr, ResourceName};
use secstack_base::diag::Severity;
use secstack_base::schema::Schema;
use secstack_base::{Addr, Data, Diagnostic, Diags, InstanceKey, Marks, Mode, ModuleAddr, ProviderConfigAddr, Type, Value, convert};
use secstack_eval::graph::resource_provider;
use secstack_eval::world::ResourceFacts;
use secstack_eval::{ModuleIx, Repetition, RepetitionData, decode_block, evaluate};
use secstack_lang::module::Resource;
use secstack_state::model::ConfigAddr;

use crate::conditions::{Verdict, judge};
use crate::diff;
use crate::expand::{Repeat, expand};
use crate::plan::{Action, Change, PlanMode, Reason};
use crate::planner::{Outcome, Planner};

/// What planning one instance needs to know of its block.
pub(crate) struct Site<'a> {
    pub node: NodeIndex,
    pub ix: ModuleIx,
    pub module: &'a ModuleAddr,
    pub resource: &'a Resource,
    pub schema: Arc<Schema>,
    pub provider: ProviderConfigAddr,
    pub dependencies: Arc<[ConfigAddr]>,
    pub create_first: bool,
}

impl Planner {
    pub(crate) fn managed_node(&mut self, node: NodeIndex, ix: ModuleIx, name: &ResourceName) -> Outcome {
        let config = self.world.config.clone();
        let resource = &config.module(ix).module.resources[name];
        let key = resource_provider(&config, ix, name);
        let Some(schema) = self.schema(&key.provider, Mode::Managed, &name.ty) else { return Outcome::Failed };
        if !self.options.validating && self.request_imports(node, ix, name, &key) {
            return Outcome::Waiting;
        }
        let dependencies = self.dependencies(node);
        let mut ok = true;
        for module in self.world.instances(ix) {
            let provider = self.config_addr(&key, InstanceKey::None);
            let create_first = self.create_first.contains(&node);
            let site = Site {
                node,
                ix,
                module: &module,
                resource,
                schema: schema.clone(),
                provider,
                dependencies: dependencies.clone(),
                create_first,
            };
            ok &= match self.options.mode {
                _ if self.options.validating => self.validate_resource(&site),
                PlanMode::Normal => self.plan_resource(&site),
                PlanMode::Destroy | PlanMode::RefreshOnly => self.keep_resource(&site),
            };
        }
        if ok { Outcome::Done } else { Outcome::Failed }
    }

    /// The resources that the state will record as needed by a node: everything behind it. Where that is a very long
    /// list only what it needs directly is recorded, since long chains would make the state grow with the square.
    pub(crate) fn dependencies(&self, node: NodeIndex) -> Arc<[ConfigAddr]> {
        const MOST: usize = 500;
        let direct = self.graph.resources_behind(node);
        let mut all = direct.clone();
        let mut stack: Vec<_> = direct.iter().copied().collect();
        while let Some(n) = stack.pop() {
            for more in self.graph.resources_behind(n) {
                if all.insert(more) {
                    stack.push(more);
                }
            }
            if all.len() > MOST {
                all = direct;
                break;
            }
        }
        let mut found: Vec<ConfigAddr> = all.iter().filter_map(|n| self.config_addr_of(*n)).collect();
        found.sort();
        found.into()
    }

    fn config_addr_of(&self, node: NodeIndex) -> Option<ConfigAddr> {
        match &self.graph.graph[node] {
            // What is ephemeral is gone when the state is read again.
            secstack_eval::Node::Resource(ix, name) if name.mode != Mode::Ephemeral => {
                Some(ConfigAddr { module: self.world.config.module(*ix).path.clone(), name: name.clone() })
            }
            _ => None,
        }
    }

    fn addr(&self, site: &Site<'_>, key: InstanceKey) -> Addr {
        ResourceAddr { module: site.module.clone(), name: site.resource.name.clone() }.instance(key)
    }

    /// Only looks whether the block makes sense, with values from outside unknown.
    fn validate_resource(&mut self, site: &Site<'_>) -> bool {
        let mut diags = Diags::new();
        let r = site.resource;
        let Some(facts) = self.world.facts(site.ix, site.module) else { return true };
        let scope = self.world.scope(site.ix, facts, RepetitionData::default());
        expand(repeat(r), &scope, true, &mut diags);
        let data = unknown_repetition(r);
        let scope = self.world.scope(site.ix, facts, data);
        let config = decode_block(&r.body, &site.schema.block, &scope, &mut diags);
        let addr = self.addr(site, InstanceKey::None);
        if !diags.has_errors() {
            crate::validate::ephemeral(&site.schema.block, &config, (&addr, &r.body), &mut diags);
            crate::validate::arguments(&site.schema, &config, r, &addr, &mut diags);
            let found = self.providers.validate(&site.provider.provider, Mode::Managed, &r.name.ty, &config.unmark_deep(Marks::ALL));
            diags.extend(found.into_iter().map(|d| d.at_opt(Some(r.span)).about(addr.to_string())));
        }
        crate::validate::ignore_changes(&site.schema, r, &mut diags);
        let value = diff::data_placeholder(&site.schema.block, &config);
        for rule in r.lifecycle.preconditions.iter().chain(&r.lifecycle.postconditions) {
            let data = unknown_repetition(r);
            let scope = self.world.scope(site.ix, facts, data).with_self(value.clone());
            if let Verdict::Error(found) = judge(rule, &scope) {
                diags.extend(found);
            }
        }
        crate::validate::provisioners(self, site, facts, &value, &mut diags);
        let single = r.count.is_none() && r.for_each.is_none() && r.enabled.is_none();
        let mut known = ResourceFacts::new(if single { Repetition::Single } else { Repetition::Unknown });
        known.set(InstanceKey::None, value);
        let ok = !diags.has_errors();
        if let Some(facts) = self.world.facts_mut(site.ix, site.module) {
            facts.resources.insert(r.name.clone(), known);
        }
        self.diags.extend(diags);
        ok
    }

    /// Destroy and refresh-only: objects keep their current values. What a destroy deletes is added at the end.
    fn keep_resource(&mut self, site: &Site<'_>) -> bool {
        let mut diags = Diags::new();
        let resource = ResourceAddr { module: site.module.clone(), name: site.resource.name.clone() };
        let keys: Vec<InstanceKey> = self.previous_keys(&resource);
        let mut repetition = Repetition::Single;
        let r = site.resource;
        if r.count.is_some() || r.for_each.is_some() || r.enabled.is_some() {
            let Some(facts) = self.world.facts(site.ix, site.module) else { return true };
            let scope = self.world.scope(site.ix, facts, RepetitionData::default());
            repetition = expand(repeat(r), &scope, true, &mut diags);
            if diags.has_errors() || matches!(repetition, Repetition::Unknown) {
                repetition = crate::expand::of_keys(&keys, repeat(r));
            }
        }
        let mut facts = ResourceFacts::new(repetition);
        for key in &keys {
            let addr = resource.instance(key.clone());
            // What is gone is taken for something that does not exist yet.
            let Some(value) = self.priors.get(&addr).and_then(|p| p.current.clone()) else { continue };
            facts.set(key.clone(), diff::mark_sensitive(&site.schema.block, &value));
        }
        let kept: Vec<(InstanceKey, Value, RepetitionData)> =
            keys.iter().filter_map(|k| Some((k.clone(), facts.instances.get(k)?.clone(), facts.repetition.data(k)))).collect();
        let declared = facts.repetition.keys().into_iter().chain(keys);
        let missing: BTreeSet<InstanceKey> = declared.filter(|k| !facts.instances.contains_key(k)).collect();
        for key in missing {
            facts.set(key, Value::unknown_not_null(site.schema.block.ty()));
        }
        if let Some(known) = self.world.facts_mut(site.ix, site.module) {
            known.resources.insert(r.name.clone(), facts);
        }
        if self.options.mode == PlanMode::RefreshOnly {
            for (key, value, data) in kept {
                self.keep_conditions(site, &resource.instance(key), value, data);
            }
        }
        true
    }

    /// Judges the conditions of an object that is only looked at. Nothing is changed because of them: they warn.
    fn keep_conditions(&mut self, site: &Site<'_>, addr: &Addr, value: Value, data: RepetitionData) {
        let lifecycle = &site.resource.lifecycle;
        let Some(facts) = self.world.facts(site.ix, site.module).filter(|_| self.is_targeted(addr)) else { return };
        let scope = self.world.scope(site.ix, facts, data.clone());
        let before: Vec<_> = lifecycle.preconditions.iter().map(|rule| (rule, judge(rule, &scope))).collect();
        let scope = self.world.scope(site.ix, facts, data).with_self(value);
        let after: Vec<_> = lifecycle.postconditions.iter().map(|rule| (rule, judge(rule, &scope))).collect();
        let mut diags = Diags::new();
        self.conditions(addr, &before, "precondition", &mut diags);
        self.conditions(addr, &after, "postcondition", &mut diags);
        self.diags.extend(diags.into_iter().map(crate::values::as_warning));
    }

    pub(crate) fn previous_keys(&self, resource: &ResourceAddr) -> Vec<InstanceKey> {
        self.previous
            .resources
            .get(resource)
            .map(|r| r.instances.iter().filter(|(_, i)| i.current.is_some()).map(|(k, _)| k.clone()).collect())
            .unwrap_or_default()
    }

    fn plan_resource(&mut self, site: &Site<'_>) -> bool {
        let mut diags = Diags::new();
        let r = site.resource;
        let Some(facts) = self.world.facts(site.ix, site.module) else { return true };
        let scope = self.world.scope(site.ix, facts, RepetitionData::default());
        let repetition = expand(repeat(r), &scope, false, &mut diags);
        if diags.has_errors() {
            self.diags.extend(diags);
            return false;
        }
        if let Some(facts) = self.world.facts_mut(site.ix, site.module) {
            facts.resources.insert(r.name.clone(), ResourceFacts::new(repetition.clone()));
        }
        let resource = ResourceAddr { module: site.module.clone(), name: r.name.clone() };
        let mut ok = true;
        let mut values = Vec::new();
        for key in repetition.keys() {
            let addr = resource.instance(key.clone());
            if !self.is_targeted(&addr) {
                let kept = self.priors.get(&addr).and_then(|p| p.current.clone());
                values.push((key, kept.unwrap_or_else(|| Value::unknown_not_null(site.schema.block.ty()))));
                continue;
            }
            let mut diags = Diags::new();
            let value = self.plan_instance(site, &addr, &repetition, &mut diags);
            ok &= !diags.has_errors();
            self.diags.extend(diags);
            values.push((key, value));
        }
        if let Some(facts) = self.world.facts_mut(site.ix, site.module) {
            let known = facts.resources.entry(r.name.clone()).or_default();
            for (key, value) in values {
                known.set(key, value);
            }
        }
        self.orphaned_instances(site, &resource, &repetition);
        ok
    }

    /// Plans one instance and gives its planned value.
    fn plan_instance(&mut self, site: &Site<'_>, addr: &Addr, repetition: &Repetition, diags: &mut Diags) -> Value {
        let r = site.resource;
        let unknown = || Value::unknown(Type::Dynamic);
        let Some(facts) = self.world.facts(site.ix, site.module) else { return unknown() };
        let data = repetition.data(&addr.key);
        let scope = self.world.scope(site.ix, facts, data.clone());
        let provider = match self.instance_provider(site, &scope, diags) {
            Some(p) => p,
            None => return unknown(),
        };
        let verdicts: Vec<_> = r.lifecycle.preconditions.iter().map(|rule| (rule, judge(rule, &scope))).collect();
        let config = decode_block(&r.body, &site.schema.block, &scope, diags);
        let forced_by_trigger = self.triggered(site, r, &data, diags);
        self.conditions(addr, &verdicts, "precondition", diags);
        if diags.has_errors() {
            return unknown();
        }
        crate::validate::ephemeral(&site.schema.block, &config, (addr, &r.body), diags);
        crate::validate::arguments(&site.schema, &config, r, addr, diags);
        let found = self.providers.validate(&provider.provider, Mode::Managed, &r.name.ty, &config.unmark_deep(Marks::ALL));
        diags.extend(found.into_iter().map(|d| d.at_opt(Some(r.span))));
        if diags.has_errors() {
            return unknown();
        }
        let change = self.decide(site, addr, &provider, &config, forced_by_trigger, diags);
        self.protect(site, &change, &data, diags);
        let known = if change.action == Action::Forget { Value::NULL } else { diff::mark_sensitive(&site.schema.block, &change.after) };
        let value = known.clone();
        let Some(facts) = self.world.facts(site.ix, site.module) else { return unknown() };
        let verdicts: Vec<_> = {
            let scope = self.world.scope(site.ix, facts, data).with_self(value.clone());
            if change.action == Action::Create || change.action.is_replace() {
                let list = crate::provisioner::at(r, false);
                crate::provisioner::check_connections(list, r.connection.as_ref(), &scope, Severity::Error, diags);
            }
            r.lifecycle.postconditions.iter().map(|rule| (rule, judge(rule, &scope))).collect()
        };
        self.conditions(addr, &verdicts, "postcondition", diags);
        if change.action != Action::NoOp {
            self.pending_nodes.insert(site.node);
        }
        self.changes.insert((addr.clone(), None), change);
        value
    }

    fn instance_provider(&self, site: &Site<'_>, scope: &dyn secstack_eval::Scope, diags: &mut Diags) -> Option<ProviderConfigAddr> {
        let mut provider = site.provider.clone();
        let Some(key) = site.resource.provider.as_ref().and_then(|p| p.key.as_ref()) else { return Some(provider) };
        let value = evaluate(key, scope, diags).unmark_deep(Marks::ALL);
        match convert::convert(&value, &Type::String).ok()?.data {
            Data::String(s) => provider.key = InstanceKey::Str(s),
            _ => {
                let what = "The instance key of a provider configuration must be known before apply.";
                diags.push(Diagnostic::error("Invalid provider instance key", what).at(key.span));
                return None;
            }
        }
        if !self.configured.contains(&provider) {
            let what = format!("There is no instance {} of the provider configuration.", provider.key);
            diags.push(Diagnostic::error("Invalid provider instance key", what).at(key.span));
            return None;
        }
        Some(provider)
    }

    /// Chooses the action.
    fn decide(
        &mut self,
        site: &Site<'_>,
        addr: &Addr,
        provider: &ProviderConfigAddr,
        config: &Value,
        triggered: bool,
        diags: &mut Diags,
    ) -> Change {
        let r = site.resource;
        let imported = self.imported.get(addr).and_then(|(id, value)| value.clone().map(|v| (id.clone(), v)));
        let prior = self.priors.get(addr).filter(|p| p.current.is_some()).cloned();
        let tainted = prior.as_ref().is_some_and(|p| p.object.tainted);
        let stored = match &imported {
            Some((_, value)) => Some(value.clone()),
            None => prior.as_ref().and_then(|p| p.current.clone()),
        };
        let plain = stored.as_ref().map(|v| v.unmark_deep(Marks::ALL));
        let providers = self.providers.clone();
        let hook = move |draft: &mut secstack_base::schema::Draft| providers.plan(provider, &r.name.ty, draft);
        let fixed = diff::ignore(config, stored.as_ref(), &r.lifecycle.ignore_changes, &site.schema.block);
        let living = plain.as_ref().filter(|_| !tainted);
        let mut result = diff::diff(&diff::Change { schema: &site.schema, prior: living, config: &fixed, hook: &hook }, diags);
        let requested = self.options.replace.contains(addr);
        let mut reason = None;
        let mut action = match &plain {
            None => Action::Create,
            Some(_) if tainted => {
                reason = Some(Reason::ReplaceBecauseTainted);
                Action::DeleteThenCreate
            }
            Some(_) if requested => {
                reason = Some(Reason::ReplaceByRequest);
                Action::DeleteThenCreate
            }
            Some(_) if triggered => Action::DeleteThenCreate,
            Some(_) if !result.replace.is_empty() => {
                reason = Some(Reason::ReplaceBecauseCannotUpdate);
                Action::DeleteThenCreate
            }
            Some(_) if result.changed => Action::Update,
            Some(_) => Action::NoOp,
        };
        if triggered {
            reason = Some(Reason::ReplaceByTriggers);
        }
        let replace_paths =
            if reason == Some(Reason::ReplaceBecauseCannotUpdate) || action.is_replace() { result.replace.clone() } else { Vec::new() };
        if action.is_replace() && !tainted {
            result = diff::diff(&diff::Change { schema: &site.schema, prior: None, config, hook: &hook }, diags);
        }
        if action.is_replace() && site.create_first {
            action = Action::CreateThenDelete;
        }
        if action == Action::NoOp && self.marks_changed(site, stored.as_ref(), &result.planned) {
            action = Action::Update;
        }
        Change {
            addr: addr.clone(),
            previous: self.moved_from.get(addr).cloned(),
            deposed: None,
            provider: provider.clone(),
            schema_version: site.schema.version,
            action,
            reason,
            before: stored.unwrap_or(Value::NULL),
            after: result.planned,
            replace_paths,
            importing: imported.map(|(id, _)| id),
            dependencies: site.dependencies.clone(),
            create_before_destroy: site.create_first,
        }
    }

    /// Whether values became sensitive, or are not any more, although they stayed the same.
    fn marks_changed(&self, site: &Site<'_>, stored: Option<&Value>, planned: &Value) -> bool {
        let Some(stored) = stored else { return false };
        let of = |v: &Value| diff::marked_paths(&diff::mark_sensitive(&site.schema.block, v));
        of(stored) != of(planned)
    }

    /// Refuses what `prevent_destroy` forbids.
    fn protect(&self, site: &Site<'_>, change: &Change, data: &RepetitionData, diags: &mut Diags) {
        if !change.action.is_replace() {
            return;
        }
        self.protect_from_delete(site, &change.addr, data, diags);
    }

    pub(crate) fn protect_from_delete(&self, site: &Site<'_>, addr: &Addr, data: &RepetitionData, diags: &mut Diags) {
        let Some(e) = &site.resource.lifecycle.prevent_destroy else { return };
        let Some(facts) = self.world.facts(site.ix, site.module) else { return };
        let scope = self.world.scope(site.ix, facts, data.clone());
        let value = evaluate(e, &scope, diags).unmark_deep(Marks::ALL);
        if value.as_bool() == Some(true) {
            let what = format!(
                "Resource {addr} has lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed. To avoid this error and continue with the plan, either disable lifecycle.prevent_destroy or reduce the scope of the plan using the -target option."
            );
            diags.push(Diagnostic::error("Instance cannot be destroyed", what).at(site.resource.span));
        }
    }
}

/// The repetition arguments of a block.
pub(crate) fn repeat(r: &Resource) -> Repeat<'_> {
    Repeat { count: r.count.as_ref(), for_each: r.for_each.as_ref(), enabled: r.enabled.as_ref() }
}

/// `count` and `each` before anything is known.
pub(crate) fn unknown_repetition(r: &Resource) -> RepetitionData {
    RepetitionData {
        each: r.for_each.as_ref().map(|_| (Value::unknown_not_null(Type::String), Value::unknown(Type::Dynamic))),
        count_index: r.count.as_ref().map(|_| Value::unknown_not_null(Type::Number)),
    }
}
