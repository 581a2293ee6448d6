//! The end of planning: what the configuration does not ask for any more, and the plan as a whole.

use std::collections::BTreeSet;

use secstack_base::addr::ModulePath;
use secstack_base::addr::ResourceAddr;
use secstack_base::{Addr, Diagnostic, Diags, InstanceKey, Marks, Mode, Str, Value};
use secstack_eval::graph::resource_provider;
use secstack_eval::{Node, Repetition, RepetitionData};
use secstack_lang::ast::TraversalStep;
use secstack_lang::module::Removed;
use secstack_state::model::{ConfigAddr, Object};

use crate::conditions::{CheckBook, Verdict};
use crate::diff;
use crate::managed::Site;
use crate::plan::{Action, Change, OutputChange, Plan, PlanMode, Reason};
use crate::planner::{Planner, Prior};

/// The summary of the warning that only part of the configuration is planned.
pub const TARGETING: &str = "Resource targeting is in effect";

impl Planner {
    /// Deletes the instances of a declared resource that its repetition has no place for.
    pub(crate) fn orphaned_instances(&mut self, site: &Site<'_>, resource: &ResourceAddr, repetition: &Repetition) {
        let keys: Vec<InstanceKey> =
            self.prior_state.resources.get(resource).map(|r| r.instances.keys().cloned().collect()).unwrap_or_default();
        for key in keys {
            if repetition.contains(&key) {
                continue;
            }
            let addr = resource.instance(key.clone());
            let reason = match (repetition, &key) {
                (Repetition::Count(_), InstanceKey::Int(_)) => Reason::DeleteBecauseCountIndex,
                (Repetition::Each(_), InstanceKey::Str(_)) => Reason::DeleteBecauseEachKey,
                (Repetition::Disabled, _) => Reason::DeleteBecauseNoResourceConfig,
                _ => Reason::DeleteBecauseWrongRepetition,
            };
            let mut diags = Diags::new();
            let data = secstack_eval::world::data_of_key(&key);
            if self.is_targeted(&addr) && self.priors.contains_key(&addr) {
                self.protect_from_delete(site, &addr, &data, &mut diags);
            }
            self.diags.extend(diags);
            self.delete(&addr, Some(reason));
        }
    }

    /// Plans the deletion of an instance, current and deposed objects alike.
    fn delete(&mut self, addr: &Addr, reason: Option<Reason>) {
        self.delete_current(addr, reason, Action::Delete);
    }

    /// The object that a deletion starts from: that of the state, since without a block an object is only looked at to see
    /// whether it is still there. A destroy begins with what was found.
    fn deleted<'a>(&self, prior: &'a Prior, current: &'a Value) -> &'a Value {
        if self.options.mode == PlanMode::Normal { &prior.stored } else { current }
    }

    fn delete_current(&mut self, addr: &Addr, reason: Option<Reason>, action: Action) {
        if !self.is_targeted(addr) {
            return;
        }
        let Some(prior) = self.priors.get(addr).cloned() else { return };
        let Some(current) = prior.current.clone() else { return };
        let Some(provider) = self.effective_provider(addr) else { return };
        let Some(schema) = self.schema(&provider.provider, Mode::Managed, addr.ty()) else { return };
        if let Some(node) = self.resource_node(addr) {
            self.pending_nodes.insert(node);
        }
        let change = Change {
            addr: addr.clone(),
            // What a destroy deletes is shown where it is.
            previous: self.moved_from.get(addr).filter(|_| self.options.mode != PlanMode::Destroy).cloned(),
            deposed: None,
            provider,
            schema_version: schema.version,
            action,
            reason,
            before: diff::mark_sensitive(&schema.block, self.deleted(&prior, &current)),
            after: Value::NULL,
            replace_paths: Vec::new(),
            importing: None,
            dependencies: prior.object.dependencies.clone(),
            create_before_destroy: prior.object.create_before_destroy,
        };
        self.changes.insert((addr.clone(), None), change);
    }

    /// Ends the walk and puts the plan together.
    pub fn into_plan(mut self) -> Plan {
        if !self.options.validating {
            if self.options.mode == PlanMode::Normal {
                self.check_imported_instances();
                crate::moves::check_instances(&mut self);
            }
            match self.options.mode {
                PlanMode::Normal => self.delete_undeclared(),
                PlanMode::Destroy => self.delete_everything(),
                PlanMode::RefreshOnly => {}
            }
            if self.options.mode != PlanMode::RefreshOnly {
                self.delete_deposed();
            }
            if self.options.mode != PlanMode::Destroy {
                self.find_drift();
            }
            self.finish_outputs();
            self.renew_dependencies();
            self.relevant = crate::relevant::relevant(&self);
            self.warn();
        } else {
            let mut diags = Diags::new();
            crate::validate::removed_provisioners(&self, &mut diags);
            self.diags.extend(diags);
        }
        self.put_together()
    }

    /// Deletes, or forgets, what has no block any more.
    fn delete_undeclared(&mut self) {
        let mut addrs: Vec<Addr> = self.priors.keys().cloned().collect();
        addrs.sort();
        for addr in addrs {
            if self.changes.contains_key(&(addr.clone(), None)) {
                continue;
            }
            let config = self.world.config.clone();
            let ix = config.find(&addr.module().path());
            let declared = ix.is_some_and(|ix| config.module(ix).module.resources.contains_key(&addr.resource.name));
            let module_there = ix.is_some_and(|ix| self.world.facts(ix, addr.module()).is_some());
            if declared && module_there {
                continue;
            }
            if !declared && let Some(removed) = self.removed_by(&addr) {
                let action = if removed.destroy { Action::Delete } else { Action::Forget };
                self.delete_current(&addr, Some(Reason::DeleteBecauseNoResourceConfig), action);
                continue;
            }
            let moved = self.moved_from.get(&addr).is_some_and(|from| *from != addr);
            let reason = match declared {
                false if moved => Reason::DeleteBecauseNoMoveTarget,
                false => Reason::DeleteBecauseNoResourceConfig,
                // The block is there, and the instance of its module is not.
                true => Reason::DeleteBecauseNoModule,
            };
            self.delete(&addr, Some(reason));
        }
    }

    /// The `removed` block that speaks of an instance.
    pub(crate) fn removed_by(&self, addr: &Addr) -> Option<&Removed> {
        let wanted = ConfigAddr { module: addr.module().path(), name: addr.resource.name.clone() };
        self.world.config.iter().find_map(|(_, m)| m.module.removed.iter().find(|r| removed_names(r, &wanted, &m.path)))
    }

    fn delete_everything(&mut self) {
        let mut addrs: Vec<Addr> = self.priors.keys().cloned().collect();
        addrs.sort();
        for addr in addrs {
            if self.is_targeted(&addr) && self.priors[&addr].current.is_some() {
                self.protect_declared(&addr);
            }
            self.delete(&addr, None);
        }
    }

    fn protect_declared(&mut self, addr: &Addr) {
        let config = self.world.config.clone();
        let Some(ix) = config.find(&addr.module().path()) else { return };
        let Some(resource) = config.module(ix).module.resources.get(&addr.resource.name) else { return };
        let key = resource_provider(&config, ix, &addr.resource.name);
        let Some(schema) = self.schema(&key.provider, Mode::Managed, addr.ty()) else { return };
        let Some(node) = self.resource_node(addr) else { return };
        let provider = self.config_addr(&key, InstanceKey::None);
        let site = Site {
            node,
            ix,
            module: addr.module(),
            resource,
            schema,
            provider,
            dependencies: std::sync::Arc::from([]),
            create_first: false,
        };
        let mut diags = Diags::new();
        self.protect_from_delete(&site, addr, &RepetitionData::default(), &mut diags);
        self.diags.extend(diags);
    }

    fn delete_deposed(&mut self) {
        for ((addr, key), prior) in self.deposed.clone() {
            let (Some(current), true) = (prior.current.clone(), self.is_targeted(&addr)) else { continue };
            let Some(provider) = self.effective_provider(&addr) else { continue };
            let Some(schema) = self.schema(&provider.provider, Mode::Managed, addr.ty()) else { continue };
            let forget = self.removed_by(&addr).is_some_and(|r| !r.destroy);
            let change = Change {
                addr: addr.clone(),
                previous: None,
                deposed: Some(key.clone()),
                provider,
                schema_version: schema.version,
                action: if forget { Action::Forget } else { Action::Delete },
                reason: None,
                before: diff::mark_sensitive(&schema.block, self.deleted(&prior, &current)),
                after: Value::NULL,
                replace_paths: Vec::new(),
                importing: None,
                dependencies: prior.object.dependencies.clone(),
                create_before_destroy: prior.object.create_before_destroy,
            };
            self.changes.insert((addr, Some(key)), change);
        }
    }

    /// What the state records besides values, brought up to date. Where nothing else changes that is what the
    /// configuration says; where something does, the old dependencies count as well until it is done.
    fn renew_dependencies(&mut self) {
        if self.options.mode != PlanMode::Normal {
            return;
        }
        for c in self.changes.values().filter(|c| c.deposed.is_none() && c.addr.mode() == Mode::Managed && !c.after.is_null()) {
            let Some(object) = self.prior_state.get_shared(&c.addr).cloned() else { continue };
            let dependencies = match c.action {
                Action::NoOp => c.dependencies.clone(),
                _ if self.options.refresh => {
                    object.dependencies.iter().chain(c.dependencies.iter()).collect::<BTreeSet<_>>().into_iter().cloned().collect()
                }
                _ => object.dependencies.clone(),
            };
            if object.dependencies == dependencies && object.create_before_destroy == c.create_before_destroy {
                continue;
            }
            let renewed = Object { dependencies, create_before_destroy: c.create_before_destroy, ..(*object).clone() };
            let Some(provider) = self.prior_state.resources.get(&c.addr.resource).map(|r| r.provider.clone()) else { continue };
            self.prior_state.set_current(&c.addr, &provider, renewed);
        }
    }

    /// Outputs that go away. A destroy takes all of them.
    fn finish_outputs(&mut self) {
        let destroy = self.options.mode == PlanMode::Destroy;
        let targeted = !self.options.targets.is_empty() || !self.options.excludes.is_empty();
        if destroy {
            let found = std::mem::take(&mut self.outputs);
            if !targeted {
                let known = |name: &Str, o: &OutputChange| !o.after.is_null() || self.previous.outputs.contains_key(name);
                self.outputs = found.into_iter().filter(|(n, o)| known(n, o)).filter_map(|(n, o)| Some((n, gone(o)?))).collect();
            }
        }
        for (name, old) in &self.previous.outputs {
            if destroy && self.outputs.contains_key(name) {
                continue;
            }
            let declared = self.world.config.modules.first().is_some_and(|m| m.module.outputs.contains_key(name));
            if targeted && !self.outputs.contains_key(name) || !destroy && declared {
                continue;
            }
            let change = OutputChange {
                before: old.value.unmark_deep(Marks::ALL),
                after: Value::NULL,
                sensitive: old.sensitive,
                before_sensitive: old.sensitive,
                action: Action::Delete,
            };
            self.outputs.insert(name.clone(), change);
        }
    }

    pub(crate) fn warn_of_targets(&mut self) {
        if !self.options.targets.is_empty() {
            let what = "You are creating a plan with the -target option, which means that the result of this plan may not represent all of the changes requested by the current configuration.\n\nThe -target option is not for routine use, and is provided only for exceptional situations such as recovering from errors or mistakes, or when Terraform specifically suggests to use it as part of an error message.";
            self.diags.push(Diagnostic::warning(TARGETING, what));
        }
        if !self.options.excludes.is_empty() {
            let what = "You are creating a plan with the -exclude option, which means that the result of this plan may not represent all of the changes requested by the current configuration.";
            self.diags.push(Diagnostic::warning(TARGETING, what));
        }
    }

    /// Says which addresses of `-replace` name a resource with several instances and none of them.
    fn warn_of_replace(&mut self) {
        for asked in self.options.replace.clone().iter().filter(|a| a.key == InstanceKey::None) {
            let planned: Vec<String> = self
                .changes
                .iter()
                .filter(|((a, deposed), _)| a.resource == asked.resource && deposed.is_none())
                .map(|((a, _), _)| format!("  -replace={:?}", a.to_string()))
                .collect();
            if planned.is_empty() || self.changes.contains_key(&(asked.clone(), None)) {
                continue;
            }
            let one = "To force replacement of particular instances, use one or more of the following options instead:";
            let what = format!(
                "Your force-replace request for {asked} doesn't match any resource instances because it lacks an instance key.\n\n{one}\n{}",
                planned.join("\n")
            );
            self.diags.push(Diagnostic::warning("Incompletely-matched force-replace resource instance", what));
        }
    }

    fn warn(&mut self) {
        self.warn_of_targets();
        self.warn_of_replace();
        let forgotten: BTreeSet<String> =
            self.changes.values().filter(|c| c.action == Action::Forget).map(|c| format!(" - {}", c.addr)).collect();
        if !forgotten.is_empty() {
            let list = forgotten.into_iter().collect::<Vec<_>>().join("\n");
            let what = format!(
                "If you apply this plan, Terraform will discard its tracking information for the following objects, but it will not delete them:\n{list}\n\nAfter applying this plan, Terraform will no longer manage these objects. You will need to import them into Terraform to manage them again."
            );
            self.diags.push(Diagnostic::warning("Some objects will no longer be managed by Terraform", what));
        }
    }

    /// The verdicts, with what is declared and was not looked at. A destroy says nothing of conditions.
    fn all_checks(&mut self) -> CheckBook {
        let destroy = self.options.mode == PlanMode::Destroy;
        let mut book = std::mem::take(&mut self.checks);
        if destroy {
            book = CheckBook::default();
        }
        for (ix, m) in self.world.config.iter() {
            let dot = if m.path.0.is_empty() { "" } else { "." };
            let named = |kind: &str, name: &str| format!("{}{dot}{kind}.{name}", m.path);
            let d = &m.module;
            let mut declare = |node: Node, kind: &str, addr: String| {
                let looked_at = !destroy && self.graph.index.get(&node).is_some_and(|n| self.active.contains(n));
                if !book.has(kind, &addr) && !looked_at {
                    book.declare_unexpanded(kind, &addr);
                }
                if destroy && ix == secstack_eval::config::ROOT && kind == "output" {
                    book.record(kind, &addr, &addr, &Verdict::Unknown);
                }
            };
            for (name, r) in &d.resources {
                if !r.lifecycle.preconditions.is_empty() || !r.lifecycle.postconditions.is_empty() {
                    let addr = ConfigAddr { module: m.path.clone(), name: name.clone() }.to_string();
                    declare(Node::Resource(ix, name.clone()), "resource", addr);
                }
            }
            for v in d.variables.values().filter(|v| !v.validations.is_empty()) {
                declare(Node::Variable(ix, v.name.clone()), "var", named("var", &v.name));
            }
            for o in d.outputs.values().filter(|o| !o.preconditions.is_empty()) {
                declare(Node::Output(ix, o.name.clone()), "output", named("output", &o.name));
            }
            for name in d.checks.keys() {
                declare(Node::Check(ix, name.clone()), "check", named("check", name));
            }
        }
        book
    }

    fn put_together(mut self) -> Plan {
        // A reference to nothing is met by the graph and again by every instance that evaluates it.
        let mut seen = BTreeSet::new();
        let mut is_new = |d: &Diagnostic| d.span.is_none_or(|s| seen.insert((s, d.summary.clone(), d.detail.clone(), d.address.clone())));
        self.diags.0.retain(|d| !d.is_error() || is_new(d));
        let errored = self.diags.has_errors();
        let checks = self.all_checks().results();
        let root = self.world.config.modules.first();
        let ephemeral = |name: &Str| root.and_then(|m| m.module.variables.get(name)).is_some_and(|v| v.ephemeral);
        // What a default gives needs not be given again. Of a value that is like the default nobody can tell.
        let by_default = |name: &Str, value: &Value| {
            let variable = root.and_then(|m| m.module.variables.get(name));
            variable.is_some_and(|v| crate::inputs::default_of(v, &*self.world.ambient.files).is_some_and(|d| d.same(value)))
        };
        let set = self.inputs.iter().filter(|(n, v)| ephemeral(n) && !v.is_null() && !by_default(n, v));
        let ephemeral_variables = set.map(|(n, _)| n.clone()).collect();
        let complete = self.options.targets.is_empty() && self.options.excludes.is_empty();
        let mut plan = Plan {
            mode: self.options.mode,
            variables: self
                .given
                .into_iter()
                .filter(|(n, _)| !root.and_then(|m| m.module.variables.get(n)).is_some_and(|v| v.ephemeral))
                .collect(),
            ephemeral_variables,
            changes: self.changes.into_values().collect(),
            drift: self.drift,
            outputs: self.outputs,
            checks,
            previous_state: self.previous,
            prior_state: self.prior_state,
            targets: self.options.targets.iter().map(|t| t.to_string().into()).collect(),
            excludes: self.options.excludes.iter().map(|t| t.to_string().into()).collect(),
            replace: self.options.replace.iter().map(|t| t.to_string().into()).collect(),
            relevant: self.relevant.into_iter().collect(),
            timestamp: self.world.ambient.plan_timestamp.to_string(),
            applyable: false,
            complete,
            errored,
            diags: once(self.diags),
        };
        plan.applyable = !errored && plan.worth_applying();
        plan
    }
}

impl Plan {
    /// Whether an apply would change anything, the state included.
    fn worth_applying(&self) -> bool {
        if self.has_changes() {
            return true;
        }
        self.mode == PlanMode::RefreshOnly && (!self.drift.is_empty() || self.outputs.values().any(|o| o.action != Action::NoOp))
    }
}

/// The deletion of an output by a destroy, which begins with what its value is now. `None` where that is not known.
fn gone(o: OutputChange) -> Option<OutputChange> {
    o.after.is_wholly_known().then(|| OutputChange {
        before: o.after,
        after: Value::NULL,
        sensitive: o.sensitive,
        before_sensitive: o.sensitive,
        action: Action::Delete,
    })
}

/// Whether a `removed` block in the module `path` speaks of a resource.
pub fn removed_names(removed: &Removed, wanted: &ConfigAddr, path: &ModulePath) -> bool {
    let mut names: Vec<&Str> = vec![&removed.from.root];
    names.extend(removed.from.steps.iter().filter_map(|s| if let TraversalStep::Attr(n, _) = s { Some(n) } else { None }));
    let mut path = path.clone();
    let mut rest = names.as_slice();
    while let [word, call, more @ ..] = rest {
        if &***word != "module" {
            break;
        }
        path = path.child(call);
        rest = more;
    }
    match rest {
        [] => wanted.module.0.starts_with(&path.0),
        [ty, name] => wanted.module == path && wanted.name.ty == **ty && wanted.name.name == **name,
        _ => false,
    }
}

/// The same without what evaluating a reference says of an attribute when looking at the reference has said it already.
fn once(diags: Diags) -> Diags {
    let place = |d: &Diagnostic| d.span.filter(|_| d.is_error() && d.summary == "Unsupported attribute").map(|s| (s.file, s.end));
    let looked_at: BTreeSet<_> = diags.iter().filter(|d| d.values.is_none()).filter_map(place).collect();
    let is_new = |d: &Diagnostic| d.values.is_none() || place(d).is_none_or(|place| !looked_at.contains(&place));
    Diags(diags.into_iter().filter(is_new).collect())
}
