//! Data sources and ephemeral resources: read now if everything is known, or during apply.

use petgraph::graph::NodeIndex;
use secstack_base::addr::{ResourceAddr, ResourceName};
use secstack_base::{Addr, Diagnostic, Diags, InstanceKey, Marks, Mode, ModuleAddr, Type, Value};
use secstack_eval::graph::resource_provider;
use secstack_eval::world::ResourceFacts;
use secstack_eval::{ModuleIx, RepetitionData, decode_block, reference};
use secstack_lang::module::{CheckRule, Resource};
use secstack_state::model::{ConfigAddr, Object};

use crate::conditions::{Verdict, judge};
use crate::diff;
use crate::expand::expand;
use crate::managed::{repeat, unknown_repetition};
use crate::plan::{Action, Change, PlanMode, Reason};
use crate::planner::{Outcome, Pending, Planner};
use crate::requests::Want;

impl Planner {
    pub(crate) fn data_node(&mut self, node: NodeIndex, ix: ModuleIx, name: &ResourceName) -> Outcome {
        let config = self.world.config.clone();
        let r = &config.module(ix).module.resources[name];
        let key = resource_provider(&config, ix, name);
        let Some(schema) = self.schema(&key.provider, Mode::Data, &name.ty) else { return Outcome::Failed };
        let provider = self.config_addr(&key, InstanceKey::None);
        let pending_for_all = self.depends_on_pending(ix, r);
        let mut ok = true;
        let mut asked = false;
        for module in self.world.instances(ix) {
            let mut diags = Diags::new();
            let Some(facts) = self.world.facts(ix, &module) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let repetition = expand(repeat(r), &scope, self.options.validating, &mut diags);
            if diags.has_errors() {
                self.diags.extend(diags);
                ok = false;
                continue;
            }
            let mut known = ResourceFacts::new(repetition.clone());
            let resource = ResourceAddr { module: module.clone(), name: name.clone() };
            if self.options.validating {
                let scope = self.world.scope(ix, facts, unknown_repetition(r));
                let value = decode_block(&r.body, &schema.block, &scope, &mut diags);
                if !diags.has_errors() {
                    crate::validate::arguments(&schema, &value, r, &resource.instance(InstanceKey::None), &mut diags);
                    let found = self.providers.validate(&key.provider, Mode::Data, &name.ty, &value.unmark_deep(Marks::ALL));
                    diags.extend(found.into_iter().map(|d| d.at_opt(Some(r.span))));
                }
                ok &= !diags.has_errors();
                self.diags.extend(diags);
                known.set(InstanceKey::None, diff::data_placeholder(&schema.block, &value));
                if let Some(facts) = self.world.facts_mut(ix, &module) {
                    facts.resources.insert(name.clone(), known);
                }
                continue;
            }
            let mut configs = Vec::new();
            for instance in repetition.keys() {
                let addr = resource.instance(instance.clone());
                let scope = self.world.scope(ix, facts, repetition.data(&instance));
                let judged = self.options.mode != PlanMode::Destroy;
                let verdicts: Vec<_> =
                    r.lifecycle.preconditions.iter().filter(|_| judged).map(|rule| (rule, judge(rule, &scope))).collect();
                let value = decode_block(&r.body, &schema.block, &scope, &mut diags);
                configs.push((addr, value, verdicts));
            }
            for (addr, _, verdicts) in &configs {
                self.conditions(addr, verdicts, "precondition", &mut diags);
            }
            let failed = diags.has_errors();
            ok &= !failed;
            self.diags.extend(diags);
            if let Some(facts) = self.world.facts_mut(ix, &module) {
                facts.resources.insert(name.clone(), known.clone());
            }
            let pending = pending_for_all || self.needs_pending(node, r, &module);
            for (addr, value, _) in configs.into_iter().filter(|_| !failed) {
                let unknown = !value.is_wholly_known();
                if unknown || pending && self.options.mode == PlanMode::Normal {
                    let reason = if unknown { Reason::ReadBecauseConfigUnknown } else { Reason::ReadBecauseDependencyPending };
                    let planned = diff::data_placeholder(&schema.block, &value);
                    self.world.set_resource(&addr, diff::mark_sensitive(&schema.block, &planned));
                    self.defer_read(node, addr, provider.clone(), schema.version, planned, reason);
                } else {
                    let mut found = Diags::new();
                    crate::validate::arguments(&schema, &value, r, &addr, &mut found);
                    let wrong = found.has_errors();
                    self.diags.extend(found);
                    if wrong {
                        ok = false;
                        continue;
                    }
                    asked = true;
                    let plain = value.unmark_deep(Marks::ALL);
                    self.ask(
                        provider.clone(),
                        Want::Read { addr: addr.clone(), config: plain },
                        Pending::Read { node, addr, config: value },
                    );
                }
            }
        }
        match (ok, asked) {
            (_, true) => Outcome::Waiting,
            (true, false) => Outcome::Done,
            (false, false) => Outcome::Failed,
        }
    }

    fn defer_read(
        &mut self,
        node: NodeIndex,
        addr: Addr,
        provider: secstack_base::ProviderConfigAddr,
        schema_version: u64,
        planned: Value,
        reason: Reason,
    ) {
        if self.options.mode != PlanMode::Normal || !self.is_targeted(&addr) {
            return;
        }
        self.pending_nodes.insert(node);
        let dependencies = self.dependencies(node);
        let change = Change {
            addr: addr.clone(),
            previous: None,
            deposed: None,
            provider,
            schema_version,
            action: Action::Read,
            reason: Some(reason),
            before: Value::NULL,
            after: planned,
            replace_paths: Vec::new(),
            importing: None,
            dependencies,
            create_before_destroy: false,
        };
        self.changes.insert((addr, None), change);
    }

    /// Whether anything that the block explicitly depends on has changes in this plan.
    fn depends_on_pending(&self, ix: ModuleIx, r: &Resource) -> bool {
        let config = &self.world.config;
        let mut entries: Vec<(ModuleIx, &secstack_lang::ast::Traversal)> = r.depends_on.iter().map(|t| (ix, t)).collect();
        let mut at = ix;
        while let Some((parent, call)) = &config.module(at).parent {
            entries.extend(config.module(*parent).module.calls[call].depends_on.iter().map(|t| (*parent, t)));
            at = *parent;
        }
        entries.into_iter().any(|(ix, t)| {
            let Ok(node) = reference::resolve_whole(config, ix, t) else { return false };
            let Some(index) = self.graph.index.get(&node) else { return false };
            let deep = matches!(node, secstack_eval::Node::Close(_));
            self.pending_nodes.contains(index) || deep && self.close_has_pending(*index)
        })
    }

    /// Whether a resource has changes in this plan that the block refers to: whoever reads what another block makes wants it
    /// made first, even where the name is known. With conditions that goes for whatever the block hangs on, as a change of
    /// it may be what makes them hold.
    fn needs_pending(&self, node: NodeIndex, r: &Resource, module: &ModuleAddr) -> bool {
        let has_changes = |n| self.has_changes_for(n, module);
        match (&r.lifecycle.preconditions[..], &r.lifecycle.postconditions[..]) {
            ([], []) => self.graph.needs(node).any(has_changes),
            _ => self.graph.closure([node]).into_iter().any(has_changes),
        }
    }

    /// Whether a node is a managed resource with changes that an instance of the module may be about.
    fn has_changes_for(&self, node: NodeIndex, module: &ModuleAddr) -> bool {
        let secstack_eval::Node::Resource(ix, name) = &self.graph.graph[node] else { return false };
        if name.mode != Mode::Managed || !self.pending_nodes.contains(&node) {
            return false;
        }
        let changes_here =
            || self.changes.values().any(|c| c.addr.resource.name == *name && c.addr.module() == module && c.action != Action::NoOp);
        self.world.config.module(*ix).path != module.path() || self.world.instances(*ix).len() < 2 || changes_here()
    }

    fn close_has_pending(&self, close: NodeIndex) -> bool {
        self.graph.needs(close).any(|n| {
            self.pending_nodes.contains(&n) || matches!(self.graph.graph[n], secstack_eval::Node::Close(_)) && self.close_has_pending(n)
        })
    }

    /// Takes what conditions of an instance came to.
    pub(crate) fn conditions(&mut self, addr: &Addr, verdicts: &[(&CheckRule, Verdict)], kind: &str, diags: &mut Diags) {
        let config_addr = ConfigAddr { module: addr.module().path(), name: addr.resource.name.clone() }.to_string();
        for (rule, verdict) in verdicts {
            diags.extend(verdict.told(format!("Resource {kind} failed"), rule.condition.span));
            self.checks.record("resource", &config_addr, &addr.to_string(), verdict);
        }
    }

    /// Takes the result of a data source. False when it is of no use.
    pub(crate) fn read_answer(&mut self, addr: &Addr, config: &Value, result: Result<Option<Value>, String>) -> bool {
        let world = self.world.config.clone();
        let Some(ix) = world.find(&addr.module().path()) else { return false };
        let r = &world.module(ix).module.resources[&addr.resource.name];
        let key = resource_provider(&world, ix, &addr.resource.name);
        let provider = self.config_addr(&key, InstanceKey::None);
        let Some(schema) = self.schema(&key.provider, Mode::Data, addr.ty()) else { return false };
        let mut diags = Diags::new();
        let value = match result {
            Ok(Some(value)) => diff::mark_paths(&value, &diff::marked_paths(config)),
            Ok(None) => Value::NULL,
            Err(text) => {
                let (summary, detail) =
                    text.split_once('\n').map_or((text.clone(), String::new()), |(s, d)| (s.to_string(), d.to_string()));
                diags.push(Diagnostic::error(summary, detail).at(r.span).about(addr.to_string()));
                Value::unknown(Type::Dynamic)
            }
        };
        if let Some(check) = &r.in_check {
            return self.check_read(addr, check, provider, &schema, (value, config), diags);
        }
        if diags.has_errors() {
            self.diags.extend(diags);
            return false;
        }
        let marked = diff::mark_sensitive(&schema.block, &value);
        self.world.set_resource(addr, marked.clone());
        let repetition = self
            .world
            .find(addr.module())
            .and_then(|(_, f)| f.resources.get(&addr.resource.name))
            .map(|f| f.repetition.data(&addr.key))
            .unwrap_or_default();
        if let Some(facts) = self.world.facts(ix, addr.module()) {
            let verdicts: Vec<_> = {
                let scope = self.world.scope(ix, facts, repetition).with_self(marked);
                let judged = self.options.mode != PlanMode::Destroy;
                r.lifecycle.postconditions.iter().filter(|_| judged).map(|rule| (rule, judge(rule, &scope))).collect()
            };
            self.conditions(addr, &verdicts, "postcondition", &mut diags);
        }
        let ok = !diags.has_errors();
        self.diags.extend(diags);
        if let Ok(object) = Object::encode(schema.version, &value, &schema.block.ty()) {
            self.prior_state.set_current(addr, &provider, object);
        }
        ok
    }

    /// A data source of a check: what goes wrong is a warning, and it is read again during apply.
    #[allow(clippy::too_many_arguments)]
    fn check_read(
        &mut self,
        addr: &Addr,
        check: &secstack_base::Str,
        provider: secstack_base::ProviderConfigAddr,
        schema: &secstack_base::schema::Schema,
        (value, config): (Value, &Value),
        diags: Diags,
    ) -> bool {
        let failed = diags.has_errors();
        let name = |module: String| if module.is_empty() { format!("check.{check}") } else { format!("{module}.check.{check}") };
        let (config_addr, instance) = (name(addr.module().path().to_string()), name(addr.module().to_string()));
        for d in &diags.0 {
            let what = if d.detail.is_empty() { d.summary.to_string() } else { format!("{}: {}", d.summary, d.detail) };
            self.checks.record("check", &config_addr, &instance, &Verdict::Fail(what, None, Vec::new()));
        }
        self.diags.extend(diags.into_iter().map(crate::values::as_warning));
        self.world.set_resource(addr, diff::mark_sensitive(&schema.block, &value));
        // What could not be read leaves its arguments in the state.
        let stored = if failed { config.clone() } else { value.clone() };
        if let Ok(object) = Object::encode(schema.version, &stored, &schema.block.ty()) {
            self.prior_state.set_current(addr, &provider, object);
        }
        let Some(node) = self.resource_node(addr) else { return !failed };
        let planned = if failed { diff::data_placeholder(&schema.block, config) } else { value };
        self.defer_read(node, addr.clone(), provider, schema.version, planned, Reason::ReadBecauseCheckNested);
        self.pending_nodes.remove(&node);
        !failed
    }

    pub(crate) fn ephemeral_node(&mut self, node: NodeIndex, ix: ModuleIx, name: &ResourceName) -> Outcome {
        let config = self.world.config.clone();
        let r = &config.module(ix).module.resources[name];
        let key = resource_provider(&config, ix, name);
        let Some(schema) = self.schema(&key.provider, Mode::Ephemeral, &name.ty) else { return Outcome::Failed };
        let provider = self.config_addr(&key, InstanceKey::None);
        let (mut ok, mut asked) = (true, false);
        for module in self.world.instances(ix) {
            let mut diags = Diags::new();
            let Some(facts) = self.world.facts(ix, &module) else { continue };
            let scope = self.world.scope(ix, facts, RepetitionData::default());
            let repetition = expand(repeat(r), &scope, self.options.validating, &mut diags);
            let mut configs = Vec::new();
            for instance in repetition.keys() {
                let scope = self.world.scope(ix, facts, repetition.data(&instance));
                configs.push((instance, decode_block(&r.body, &schema.block, &scope, &mut diags)));
            }
            let failed = diags.has_errors();
            ok &= !failed;
            self.diags.extend(diags);
            if let Some(facts) = self.world.facts_mut(ix, &module) {
                facts.resources.insert(name.clone(), ResourceFacts::new(repetition));
            }
            let resource = ResourceAddr { module: module.clone(), name: name.clone() };
            for (instance, value) in configs.into_iter().filter(|_| !failed) {
                let addr = resource.instance(instance);
                if self.options.validating || !value.is_wholly_known() {
                    let planned = diff::data_placeholder(&schema.block, &value).mark(Marks::EPHEMERAL);
                    self.world.set_resource(&addr, planned);
                    continue;
                }
                asked = true;
                let plain = value.unmark_deep(Marks::ALL);
                self.ask(provider.clone(), Want::Open { addr: addr.clone(), config: plain }, Pending::Open { node, addr, config: value });
            }
        }
        match (ok, asked) {
            (_, true) => Outcome::Waiting,
            (true, false) => Outcome::Done,
            (false, false) => Outcome::Failed,
        }
    }

    /// Takes an opened ephemeral resource.
    pub(crate) fn open_answer(&mut self, addr: &Addr, config: &Value, result: Result<Option<Value>, String>) -> bool {
        let Some(ix) = self.world.config.find(&addr.module().path()) else { return false };
        let span = self.world.config.module(ix).module.resources[&addr.resource.name].span;
        let key = resource_provider(&self.world.config, ix, &addr.resource.name);
        let Some(schema) = self.schema(&key.provider, Mode::Ephemeral, addr.ty()) else { return false };
        match result {
            Ok(value) => {
                let value = diff::mark_paths(&value.unwrap_or(Value::NULL), &diff::marked_paths(config));
                let value = diff::mark_sensitive(&schema.block, &value);
                self.world.set_resource(addr, ephemeral(&value));
                true
            }
            Err(text) => {
                self.diags.push(Diagnostic::error("Error opening ephemeral resource", text).at(span).about(addr.to_string()));
                false
            }
        }
    }
}

/// The object with every attribute marked ephemeral.
pub fn ephemeral(value: &Value) -> Value {
    value.map_parts(|_, v| v.clone().mark(Marks::EPHEMERAL))
}
