//! Declarations during an apply: evaluated again, with what is known by now.

use petgraph::graph::NodeIndex;
use secstack_base::addr::{ResourceAddr, ResourceName};
use secstack_base::{Data, Diagnostic, Diags, InstanceKey, Marks, Mode, Str, Type, Value};
use secstack_eval::config::ROOT;
use secstack_eval::graph::resource_provider;
use secstack_eval::world::ResourceFacts;
use secstack_eval::{ModuleIx, Node, ProviderKey, Repetition, RepetitionData, decode_block};
use secstack_plan::conditions::Verdict;
use secstack_plan::declared::{Declared, Phase, provider_instances};
use secstack_plan::expand::{Repeat, expand};
use secstack_plan::{Action, PlanMode, diff};
use secstack_state::model::OutputValue;

use super::Run;

impl Run {
    /// Evaluates a declaration. Resource blocks start their steps and are complete when those are.
    pub(crate) async fn static_node(&mut self, exec: usize, index: NodeIndex) {
        let ok = match self.graph.graph[index].clone() {
            Node::Provider(key) => self.provider(&key).await,
            Node::Call(ix) => self.call(ix),
            Node::Variable(ix, name) => self.variable(ix, &name),
            Node::Local(ix, name) => self.local(ix, &name),
            Node::Output(ix, name) => self.output(ix, &name),
            Node::Check(ix, name) => self.check(ix, &name),
            Node::Close(_) => true,
            Node::Resource(ix, name) => match name.mode {
                Mode::Ephemeral => self.ephemeral(ix, &name).await,
                _ => {
                    if self.resource(exec, index, ix, &name) {
                        return;
                    }
                    false
                }
            },
        };
        self.exec.complete(exec, !ok);
    }

    fn report(&mut self, diags: Diags) -> bool {
        let ok = !diags.has_errors();
        for d in diags {
            self.fail(d);
        }
        ok
    }

    async fn provider(&mut self, key: &ProviderKey) -> bool {
        let config = self.world.config.clone();
        let module = &config.module(key.module).module;
        let local_name = config.local_name(key.module, &key.provider);
        let block = module.providers.get(&(local_name, key.alias.clone()));
        let Some(provider) = self.providers.get(&key.provider).cloned() else { return false };
        let schema = &provider.schema().config.block;
        let mut diags = Diags::new();
        let instances = provider_instances(&self.world, key, block, (schema, false), &mut diags);
        for (instance, value) in instances {
            let addr = secstack_base::ProviderConfigAddr {
                module: config.module(key.module).path.clone(),
                provider: key.provider.clone(),
                alias: key.alias.clone(),
                key: instance,
            };
            let value = value.unmark_deep(Marks::ALL);
            if let Err(text) = self.providers.configure(&addr, value.is_wholly_known().then_some(&value)).await {
                let (summary, detail) = text.split_once('\n').map_or((text.as_str(), ""), |(s, d)| (s, d));
                diags.push(Diagnostic::error(summary.to_string(), detail.to_string()).at_opt(block.map(|b| b.span)));
            }
        }
        self.report(diags)
    }

    fn call(&mut self, ix: ModuleIx) -> bool {
        let config = self.world.config.clone();
        let Some((parent, name)) = &config.module(ix).parent else { return true };
        let call = &config.module(*parent).module.calls[name];
        let mut diags = Diags::new();
        for parent_addr in self.world.instances(*parent) {
            let Some(facts) = self.world.facts(*parent, &parent_addr) else { continue };
            let scope = self.world.scope(*parent, facts, RepetitionData::default());
            let repeat = Repeat { count: call.count.as_ref(), for_each: call.for_each.as_ref(), enabled: call.enabled.as_ref() };
            let mut found = Diags::new();
            let mut repetition = expand(repeat, &scope, self.plan.mode == PlanMode::Destroy, &mut found);
            if self.plan.mode == PlanMode::Destroy {
                // Only provider configurations are evaluated; a call whose expansion is not known has none to offer.
                if matches!(repetition, Repetition::Unknown) {
                    repetition = Repetition::Count(0);
                }
                found = Diags::new();
            }
            diags.extend(found);
            self.world.expand(ix, &parent_addr, repetition);
        }
        self.report(diags)
    }

    fn declared(&mut self) -> Declared<'_> {
        let severity = self.plan.mode.severity();
        Declared { world: &mut self.world, checks: &mut self.checks, severity }
    }

    fn variable(&mut self, ix: ModuleIx, name: &Str) -> bool {
        let given = self.inputs.get(name).cloned();
        let diags = self.declared().variable(ix, name, |v| given.clone().unwrap_or_else(|| Value::unknown(v.ty.without_optional())));
        self.report(diags)
    }

    fn local(&mut self, ix: ModuleIx, name: &Str) -> bool {
        let diags = self.declared().local(ix, name);
        self.report(diags)
    }

    fn output(&mut self, ix: ModuleIx, name: &Str) -> bool {
        let mut diags = Diags::new();
        let value = self.declared().output(ix, name, &mut diags).filter(|_| self.plan.mode != PlanMode::Destroy);
        // What the plan said of it stays, as in Terraform, also where an object turns out to have another ID than planned.
        let planned = self.plan.outputs.get(name).filter(|_| ix == ROOT).map(|o| &o.after).filter(|v| v.is_wholly_known());
        let value = value.map(|v| planned.cloned().unwrap_or(v));
        if let Some(value) = value.map(|v| v.unmark_deep(Marks::ALL)) {
            let sensitive = self.world.config.module(ix).module.outputs[name].sensitive;
            // What is unknown still, since this run left its source out, is stored as null.
            let kept = (!value.is_null()).then(|| OutputValue { value: without_unknown(&value), sensitive });
            self.set_output(name, kept);
        }
        self.report(diags)
    }

    fn check(&mut self, ix: ModuleIx, name: &Str) -> bool {
        if self.plan.mode == PlanMode::Destroy {
            return true;
        }
        let diags = self.declared().check(ix, name, Phase::Apply);
        self.report(diags)
    }

    async fn ephemeral(&mut self, ix: ModuleIx, name: &ResourceName) -> bool {
        let config = self.world.config.clone();
        let r = &config.module(ix).module.resources[name];
        let key = resource_provider(&config, ix, name);
        let provider = secstack_base::ProviderConfigAddr {
            module: config.module(key.module).path.clone(),
            provider: key.provider.clone(),
            alias: key.alias.clone(),
            key: InstanceKey::None,
        };
        let (Some(schema), Some(instance)) = (
            {
                use secstack_eval::Schemas;
                self.providers.resource(&key.provider, Mode::Ephemeral, &name.ty)
            },
            self.providers.instance(&provider),
        ) else {
            return false;
        };
        let mut diags = Diags::new();
        for module in self.world.instances(ix) {
            let Some(facts) = self.world.facts(ix, &module) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let repetition = expand(
                secstack_plan::expand::Repeat { count: r.count.as_ref(), for_each: r.for_each.as_ref(), enabled: r.enabled.as_ref() },
                &scope,
                false,
                &mut diags,
            );
            let mut known = ResourceFacts::new(repetition.clone());
            for k in repetition.keys() {
                let Some(facts) = self.world.facts(ix, &module) else { continue };
                let config = decode_block(&r.body, &schema.block, &self.world.scope(ix, facts, repetition.data(&k)), &mut diags);
                if diags.has_errors() {
                    continue;
                }
                match instance.open(&name.ty, &config.unmark_deep(Marks::ALL)).await {
                    Ok(value) => {
                        let value = diff::mark_sensitive(&schema.block, &diff::mark_paths(&value, &diff::marked_paths(&config)));
                        known.set(k, secstack_plan::ephemeral(&value));
                    }
                    Err(e) => diags.push(Diagnostic::error("Error opening ephemeral resource", e.message).at(r.span)),
                }
            }
            if let Some(facts) = self.world.facts_mut(ix, &module) {
                facts.resources.insert(name.clone(), known);
            }
        }
        self.report(diags)
    }

    /// What stands for an instance of which this run knows nothing.
    fn unknown_object(&self, ix: ModuleIx, name: &ResourceName) -> Value {
        use secstack_eval::Schemas;
        let provider = resource_provider(&self.world.config, ix, name).provider;
        let schema = self.providers.resource(&provider, name.mode, &name.ty);
        schema.map_or_else(|| Value::unknown(Type::Dynamic), |s| Value::unknown_not_null(s.block.ty()))
    }

    /// Starts the steps of a resource block. False when its instances cannot be told.
    fn resource(&mut self, exec: usize, index: NodeIndex, ix: ModuleIx, name: &ResourceName) -> bool {
        let config = self.world.config.clone();
        let r = &config.module(ix).module.resources[name];
        let mut diags = Diags::new();
        let mut steps = Vec::new();
        for module in self.world.instances(ix) {
            let resource = ResourceAddr { module: module.clone(), name: name.clone() };
            let Some(facts) = self.world.facts(ix, &module) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let repeat = Repeat { count: r.count.as_ref(), for_each: r.for_each.as_ref(), enabled: r.enabled.as_ref() };
            let mut found = Diags::new();
            let repetition = if self.plan.mode == PlanMode::Normal {
                expand(repeat, &scope, false, &mut found)
            } else {
                secstack_plan::expand::of_keys(&self.keys_in_state(&resource), repeat)
            };
            diags.extend(found);
            let mut known = ResourceFacts::new(repetition.clone());
            for key in repetition.keys() {
                let addr = resource.instance(key.clone());
                match self.by_addr.get(&addr).copied() {
                    Some(change)
                        if matches!(self.plan.changes[change].action, Action::Create | Action::Update | Action::Read)
                            || self.plan.changes[change].action.is_replace()
                            || self.plan.changes[change].importing.is_some() =>
                    {
                        steps.push(change);
                        known.set(key, Value::unknown(Type::Dynamic));
                    }
                    Some(change) if self.plan.changes[change].action == Action::NoOp => {
                        let value = self.settled(change);
                        known.set(key, value);
                    }
                    _ => {
                        let value = self.stored_value(&addr).unwrap_or_else(|| self.unknown_object(ix, name));
                        known.set(key, value);
                    }
                }
            }
            if let Some(facts) = self.world.facts_mut(ix, &module) {
                facts.resources.insert(name.clone(), known);
            }
        }
        if !self.report(diags) {
            return false;
        }
        self.open_steps.insert(index, steps.len());
        if steps.is_empty() {
            self.exec.complete(exec, false);
        }
        for change in steps {
            let step = self.exec.nodes.len();
            self.exec.start(super::graph::Exec::Make(change));
            self.exec.makes.insert(change, step);
        }
        true
    }

    /// A change that does nothing: its value, with what only the state records brought up to date.
    fn settled(&mut self, change: usize) -> Value {
        let c = self.plan.changes[change].clone();
        if let Some(object) = self.snapshot.get_shared(&c.addr).cloned() {
            let renewed = object.dependencies != c.dependencies || object.create_before_destroy != c.create_before_destroy;
            if renewed || self.snapshot.resources.get(&c.addr.resource).is_some_and(|r| r.provider != c.provider) {
                let mut object = (*object).clone();
                object.dependencies = c.dependencies.clone();
                object.create_before_destroy = c.create_before_destroy;
                self.snapshot.set_current(&c.addr, &c.provider, object);
            }
        }
        let Some(schema) = self.schema_of(&c) else { return c.after };
        let value = diff::mark_sensitive(&schema.block, &c.after);
        self.postconditions(change, &value);
        value
    }

    /// Starts the run with the results that the plan already has.
    pub(crate) fn carry_checks(&mut self) {
        for result in &self.plan.checks {
            for object in &result.objects {
                use secstack_state::model::CheckStatus;
                match object.status {
                    CheckStatus::Fail => {
                        for f in &object.failures {
                            self.checks.record(
                                &result.kind,
                                &result.config_addr,
                                &object.addr,
                                &Verdict::Fail(f.to_string(), None, Vec::new()),
                            );
                        }
                    }
                    // A data source that was read while planning is not read again: what its conditions came to is not kept.
                    CheckStatus::Pass if is_data(&result.kind, &result.config_addr) => {
                        self.checks.record(&result.kind, &result.config_addr, &object.addr, &Verdict::Unknown)
                    }
                    CheckStatus::Pass => self.checks.record(&result.kind, &result.config_addr, &object.addr, &Verdict::Pass),
                    CheckStatus::Unknown => self.checks.record(&result.kind, &result.config_addr, &object.addr, &Verdict::Unknown),
                    CheckStatus::Error => {
                        self.checks.record(&result.kind, &result.config_addr, &object.addr, &Verdict::Error(Diags::new()))
                    }
                }
            }
            if result.objects.is_empty() {
                self.checks.declare(&result.kind, &result.config_addr);
            }
        }
    }
}

/// The value with null in place of what is unknown.
fn without_unknown(value: &Value) -> Value {
    match &value.data {
        Data::Unknown(ty, _) => Value::null(ty.clone()),
        _ => value.map_parts(|_, part| without_unknown(part)),
    }
}

fn is_data(kind: &str, config_addr: &str) -> bool {
    kind == "resource" && config_addr.parse::<secstack_state::model::ConfigAddr>().is_ok_and(|a| a.name.mode == Mode::Data)
}
