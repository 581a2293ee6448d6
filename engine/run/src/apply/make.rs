//! Steps that make or change an object, or read a data source.

use std::sync::Arc;

use futures::FutureExt;
use secstack_base::schema::Schema;
use secstack_base::{Addr, Diagnostic, Diags, Marks, Mode, ProviderConfigAddr, Str, Type, Value};
use secstack_eval::{RepetitionData, decode_block};
use secstack_lang::module::Resource;
use secstack_plan::conditions::{Verdict, judge};
use secstack_plan::deprecated::deprecations;
use secstack_plan::legacy::{self, When, normalize};
use secstack_plan::{Action, diff, promise, validate};
use secstack_sdk::Instance;
use secstack_state::model::{ConfigAddr, Object};

use super::graph::node_of;
use super::{Finished, Run, StepResult};
use crate::effect::{Effect, Failure, Timeouts};
use crate::event::{Event, StepInfo};

/// What is known of a step once it starts.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The planned object with everything known by now, marked.
    pub planned: Value,
    /// The object is there and its provisioners run.
    pub made: Option<Value>,
}

/// A change with the block it comes from.
pub(crate) struct Site {
    pub ix: secstack_eval::ModuleIx,
    pub addr: Addr,
    pub provider: ProviderConfigAddr,
    pub schema: Arc<Schema>,
    pub instance: Arc<dyn Instance>,
}

impl Run {
    /// What a change needs to be carried out.
    pub(crate) fn site(&self, change: usize) -> Result<Site, Box<Diagnostic>> {
        let c = &self.plan.changes[change];
        let lost = |what: String| Box::new(Diagnostic::error("Step cannot be carried out", what).about(c.addr.to_string()));
        let schema = self.schema_of(c).ok_or_else(|| lost(format!("There is no schema for {}.", c.addr)))?;
        let instance =
            self.providers.instance(&c.provider).ok_or_else(|| lost(format!("The provider configuration {} is not ready.", c.provider)))?;
        let ix = self.world.config.find(&c.addr.module().path());
        let node = node_of(self, &c.addr);
        let (Some(ix), Some(_)) = (ix, node) else {
            return Err(lost(format!("{} is not in the configuration of the plan.", c.addr)));
        };
        Ok(Site { ix, addr: c.addr.clone(), provider: c.provider.clone(), schema, instance })
    }

    /// Starts the step of a declared instance.
    pub(crate) fn make(&mut self, exec: usize, change: usize) {
        let site = match self.site(change) {
            Ok(site) => site,
            Err(d) => {
                self.fail(*d);
                return self.step_over(exec, change, true);
            }
        };
        let mut diags = Diags::new();
        let planned = self.plan_again(&site, change, &mut diags);
        for d in diags.clone() {
            self.fail(d);
        }
        if diags.has_errors() {
            return self.step_over(exec, change, true);
        }
        self.known.insert(change, Known { planned: planned.clone(), made: None });
        let action = self.plan.changes[change].action;
        let plain = planned.unmark_deep(Marks::ALL);
        match action {
            Action::Read => self.read(exec, change, &site, plain),
            Action::Update => self.update(exec, change, &site, plain),
            Action::NoOp => {
                let value = self.plan.changes[change].before.clone();
                let finished = Finished { exec, change, result: StepResult::Made(value.unmark_deep(Marks::ALL)) };
                self.spawn(async move { finished }.boxed());
            }
            _ => self.create(exec, change, &site, plain),
        }
    }

    pub(crate) fn effect(&self, site: &Site, planned: &Value) -> Effect {
        Effect {
            instance: site.instance.clone(),
            addr: site.addr.clone(),
            deposed: None,
            provider: site.provider.clone(),
            journal: self.journal.clone(),
            timeouts: timeouts(planned),
            lookout: self.lookout.clone(),
        }
    }

    fn create(&mut self, exec: usize, change: usize, site: &Site, planned: Value) {
        if self.plan.changes[change].action == Action::CreateThenDelete
            && let Some(key) = self.snapshot.depose(&site.addr)
        {
            self.deposed.set(change, key);
            self.record_instance(&site.addr, &site.provider);
        }
        self.begin(exec, self.info(change, Action::Create));
        let effect = self.effect(site, &planned);
        let noted = self.known.get(&change).and_then(|k| self.noted(site, change, &k.planned));
        let intent = self.intend(change, &effect, &planned, noted);
        let step = move |intent| {
            async move {
                let result = match effect.create(&planned, intent).await {
                    Ok(value) => StepResult::Made(value),
                    Err(f) => StepResult::Failed(f),
                };
                Finished { exec, change, result }
            }
            .boxed()
        };
        match intent {
            // It takes nobody's turn while it waits for the journal.
            Some(intent) => self.preparing.push(intent.once_durable().map(|intent| step(Some(intent))).boxed()),
            None => self.spawn(step(None)),
        }
    }

    fn update(&mut self, exec: usize, change: usize, site: &Site, planned: Value) {
        let prior = self.plan.changes[change].before.unmark_deep(Marks::ALL);
        if prior.same_unmarked(&planned) {
            // Only marks, or write-only arguments: nothing is sent.
            let finished = Finished { exec, change, result: StepResult::Made(planned) };
            self.begin(exec, self.info(change, Action::Update));
            return self.spawn(async move { finished }.boxed());
        }
        self.begin(exec, self.info(change, Action::Update));
        let effect = self.effect(site, &planned);
        self.spawn(
            async move {
                let result = match effect.update(&prior, &planned).await {
                    Ok(value) => StepResult::Made(value),
                    Err(f) => StepResult::Failed(f),
                };
                Finished { exec, change, result }
            }
            .boxed(),
        );
    }

    fn read(&mut self, exec: usize, change: usize, site: &Site, config: Value) {
        self.begin(exec, self.info(change, Action::Read));
        let (instance, addr) = (site.instance.clone(), site.addr.clone());
        let config = crate::effect::known_part(&config);
        self.spawn(
            async move {
                let result = match instance.read_data_at(&addr, &config).await {
                    Ok(value) => StepResult::Made(value),
                    Err(e) => StepResult::Failed(Failure::from(e)),
                };
                Finished { exec, change, result }
            }
            .boxed(),
        );
    }

    /// Evaluates the arguments again and checks that what comes of them is what was promised.
    fn plan_again(&mut self, site: &Site, change: usize, diags: &mut Diags) -> Value {
        let config = self.world.config.clone();
        let r = &config.module(site.ix).module.resources[&site.addr.resource.name];
        let c = &self.plan.changes[change];
        if c.action == Action::NoOp {
            return c.after.clone();
        }
        let data = self.repetition_data(site);
        let verdicts: Vec<Verdict> = {
            let Some(facts) = self.world.facts(site.ix, site.addr.module()) else { return Value::unknown(Type::Dynamic) };
            let scope = self.world.scope(site.ix, facts, data.clone());
            r.lifecycle.preconditions.iter().map(|rule| judge(rule, &scope)).collect()
        };
        self.verdicts(&site.addr, r, &verdicts, "precondition", diags);
        let Some(facts) = self.world.facts(site.ix, site.addr.module()) else { return Value::unknown(Type::Dynamic) };
        let scope = self.world.scope(site.ix, facts, data);
        let arguments = decode_block(&r.body, &site.schema.block, &scope, diags);
        match site.addr.mode() {
            // What was not known when the plan was made is checked now; of a managed resource planning again does that.
            Mode::Data => validate::arguments(&site.schema, &arguments, r, &site.addr, diags),
            _ => diags.extend(deprecations(&site.schema, &arguments, &r.body, &site.addr.to_string())),
        }
        if diags.has_errors() {
            return arguments;
        }
        let c = &self.plan.changes[change];
        if site.addr.mode() == Mode::Data {
            return diff::data_placeholder(&site.schema.block, &arguments);
        }
        let prior = (c.action == Action::Update).then(|| c.before.unmark_deep(Marks::ALL));
        let stored = (!c.before.is_null()).then_some(&c.before).filter(|_| c.action == Action::Update);
        let arguments = diff::ignore(&arguments, stored, &r.lifecycle.ignore_changes, &site.schema.block);
        let (instance, ty) = (site.instance.clone(), site.addr.ty().to_string());
        let hook = move |draft: &mut secstack_base::schema::Draft| instance.plan(&ty, draft);
        let again = diff::diff(&diff::Change { schema: &site.schema, prior: prior.as_ref(), config: &arguments, hook: &hook }, diags);
        if let Some((path, what)) = promise::broken(&c.after, &again.planned) {
            let text = format!(
                "When expanding the plan for {} to include new values learned so far during apply, the planned value of {path} {what}.\n\nThe plan said one thing and the configuration, now that more is known, says another. Nothing was changed; make a new plan.",
                c.addr
            );
            diags.push(Diagnostic::error("Inconsistent final plan", text).at(r.span));
        }
        let written = write_only(&site.schema.block, &arguments, &again.planned);
        merge_known(&c.after, &written)
    }

    pub(crate) fn repetition_data(&self, site: &Site) -> RepetitionData {
        self.world
            .facts(site.ix, site.addr.module())
            .and_then(|f| f.resources.get(&site.addr.resource.name))
            .map(|f| f.repetition.data(&site.addr.key))
            .unwrap_or_default()
    }

    pub(crate) fn verdicts(&mut self, addr: &Addr, r: &Resource, verdicts: &[Verdict], kind: &str, diags: &mut Diags) {
        let rules = if kind == "precondition" { &r.lifecycle.preconditions } else { &r.lifecycle.postconditions };
        let config_addr = ConfigAddr { module: addr.module().path(), name: addr.resource.name.clone() }.to_string();
        if kind == "precondition" || r.lifecycle.preconditions.is_empty() {
            self.checks.forget("resource", &config_addr, &addr.to_string());
        }
        for (rule, verdict) in rules.iter().zip(verdicts) {
            diags.extend(verdict.told(format!("Resource {kind} failed"), rule.condition.span));
            self.checks.record("resource", &config_addr, &addr.to_string(), verdict);
        }
    }

    /// Judges the postconditions of an instance. False when one fails.
    pub(crate) fn postconditions(&mut self, change: usize, value: &Value) -> bool {
        let addr = self.plan.changes[change].addr.clone();
        let config = self.world.config.clone();
        let Some(ix) = config.find(&addr.module().path()) else { return true };
        let Some(r) = config.module(ix).module.resources.get(&addr.resource.name) else { return true };
        if r.lifecycle.postconditions.is_empty() {
            return true;
        }
        let Some(facts) = self.world.facts(ix, addr.module()) else { return true };
        let data = facts.resources.get(&addr.resource.name).map(|f| f.repetition.data(&addr.key)).unwrap_or_default();
        let verdicts: Vec<Verdict> = {
            let scope = self.world.scope(ix, facts, data).with_self(value.clone());
            r.lifecycle.postconditions.iter().map(|rule| judge(rule, &scope)).collect()
        };
        let mut diags = Diags::new();
        self.verdicts(&addr, r, &verdicts, "postcondition", &mut diags);
        let ok = !diags.has_errors();
        for d in diags {
            self.fail(d);
        }
        ok
    }

    /// Takes a finished step.
    pub(crate) async fn finished(&mut self, f: Finished) {
        let Finished { exec, change, result } = f;
        match result {
            StepResult::Made(value) => self.made(exec, change, value),
            StepResult::Gone => self.gone(exec, change),
            StepResult::Provisioned => {
                if matches!(self.exec.nodes[exec], super::Exec::Destroy(_)) {
                    return self.delete_now(exec, change);
                }
                self.whole(change);
                self.complete(exec, change);
            }
            StepResult::ProvisionFailed(d) => self.provision_failed(exec, change, *d),
            StepResult::Failed(failure) => self.failed(exec, change, failure),
        }
    }

    /// An object is there: it enters the state, and what follows its creation starts.
    fn made(&mut self, exec: usize, change: usize, value: Value) {
        let c = self.plan.changes[change].clone();
        let Ok(site) = self.site(change) else { return self.step_over(exec, change, true) };
        let Some(known) = self.known.get(&change).cloned() else { return self.step_over(exec, change, true) };
        let marks = diff::marked_paths(&known.planned);
        let reference = known.planned.unmark_deep(Marks::ALL);
        let mut value = if site.schema.legacy && c.action != Action::Read { normalize(&value, &reference, When::Apply) } else { value };
        if site.schema.legacy && c.action == Action::Update {
            value = legacy::emptied(&value, &c.before, &site.schema.block);
        }
        for a in site.schema.block.attributes.iter().filter(|a| a.write_only) {
            value = value.with(&a.name, Value::null(a.ty.clone()));
        }
        let value = diff::mark_paths(&value, &marks);
        if !site.schema.legacy
            && c.action != Action::NoOp
            && let Some((path, what)) = promise::broken(&known.planned, &value)
        {
            let text = format!(
                "When applying changes to {}, the provider produced an unexpected new value: {path} {what}.\n\nThis is a bug in the provider.",
                c.addr
            );
            self.fail(Diagnostic::error("Provider produced inconsistent result after apply", text).about(c.addr.to_string()));
        }
        let creates = c.action == Action::Create || c.action.is_replace();
        // Until its provisioners have run, a new object is not complete.
        self.store(&site, change, &value, creates && self.has_provisioners(&site));
        if creates {
            self.created(&site, &value);
        }
        let marked = diff::mark_sensitive(&site.schema.block, &value);
        self.world.set_resource(&c.addr, marked.clone());
        self.known.insert(change, Known { planned: known.planned, made: Some(marked) });
        if creates && self.provision_created(exec, change, &site) {
            return;
        }
        self.complete(exec, change);
    }

    /// The provisioners of a new object have run: nothing is missing from it any more.
    fn whole(&mut self, change: usize) {
        let c = self.plan.changes[change].clone();
        if let Some(object) = self.snapshot.get_shared(&c.addr).filter(|o| o.tainted).cloned() {
            self.snapshot.set_current(&c.addr, &c.provider, object.with_tainted(false));
            self.record_instance(&c.addr, &c.provider);
        }
    }

    /// A step ended well, its provisioners included.
    fn complete(&mut self, exec: usize, change: usize) {
        let c = self.plan.changes[change].clone();
        let action = if c.action.is_replace() { Action::Create } else { c.action };
        let value = self.known.get(&change).and_then(|k| k.made.clone()).unwrap_or(Value::NULL);
        if c.action != Action::NoOp {
            let id = value.get_str("id").map(Str::from);
            let step = StepInfo { id, ..self.info(change, action) };
            self.events.send(Event::StepComplete { step, elapsed: self.elapsed(exec) });
        }
        match c.action {
            Action::Create | Action::CreateThenDelete | Action::DeleteThenCreate => self.done.add += 1,
            Action::Update => self.done.change += 1,
            _ => {}
        }
        self.done.import += usize::from(c.importing.is_some());
        let ok = self.postconditions(change, &value);
        self.step_over(exec, change, !ok);
    }

    fn failed(&mut self, exec: usize, change: usize, failure: Failure) {
        if matches!(self.exec.nodes[exec], super::Exec::Destroy(_)) {
            return self.delete_failed(exec, change, failure);
        }
        let c = self.plan.changes[change].clone();
        let action = if c.action.is_replace() { Action::Create } else { c.action };
        self.events.send(Event::StepErrored { step: self.info(change, action), elapsed: self.elapsed(exec) });
        let span = self.block_span(&c.addr);
        let (summary, detail) = failure.message.split_once('\n').map_or((failure.message.as_str(), ""), |(s, d)| (s, d));
        let d = Diagnostic::error(summary.to_string(), detail.to_string()).at_opt(span).about(c.addr.to_string());
        if let Some(check) = self.in_check(&c.addr) {
            return self.check_read_failed(exec, change, &check, d);
        }
        self.fail(d);
        self.unrecorded |= failure.unrecorded;
        if let (Some(partial), Ok(site)) = (&failure.partial, self.site(change)) {
            let tainted = c.action != Action::Update;
            let marks = self.known.get(&change).map(|k| diff::marked_paths(&k.planned)).unwrap_or_default();
            let partial = diff::mark_paths(partial, &marks);
            self.store(&site, change, &partial, tainted);
            if tainted {
                self.created(&site, &partial);
            }
        } else if c.action == Action::CreateThenDelete && !failure.is_open {
            self.restore_deposed(change);
        }
        self.step_over(exec, change, true);
    }

    fn in_check(&self, addr: &Addr) -> Option<Str> {
        let ix = self.world.config.find(&addr.module().path())?;
        self.world.config.module(ix).module.resources.get(&addr.resource.name)?.in_check.clone()
    }

    /// The data source of a check cannot be read: the check fails, the run does not.
    fn check_read_failed(&mut self, exec: usize, change: usize, check: &Str, d: Diagnostic) {
        let addr = self.plan.changes[change].addr.clone();
        let name = |module: String| if module.is_empty() { format!("check.{check}") } else { format!("{module}.check.{check}") };
        let (config_addr, instance) = (name(addr.module().path().to_string()), name(addr.module().to_string()));
        self.checks.forget("check", &config_addr, &instance);
        self.checks.record("check", &config_addr, &instance, &Verdict::Fail(d.summary.to_string(), None, Vec::new()));
        let warning = secstack_plan::values::as_warning(d);
        self.events.send(Event::Diagnostic(warning.clone()));
        self.diags.push(warning);
        self.step_over(exec, change, true);
    }

    pub(crate) fn block_span(&self, addr: &Addr) -> Option<secstack_base::Span> {
        let ix = self.world.config.find(&addr.module().path())?;
        self.world.config.module(ix).module.resources.get(&addr.resource.name).map(|r| r.span)
    }

    fn restore_deposed(&mut self, change: usize) {
        let c = self.plan.changes[change].clone();
        let Some(key) = self.deposed.key_of(change) else { return };
        if let Some(object) = self.snapshot.remove_deposed(&c.addr, &key) {
            self.snapshot.set_current(&c.addr, &c.provider, object);
            self.record_instance(&c.addr, &c.provider);
        }
        self.deposed.clear(change);
    }

    /// Puts an object into the state and on its way to durability.
    pub(crate) fn store(&mut self, site: &Site, change: usize, value: &Value, tainted: bool) {
        let c = self.plan.changes[change].clone();
        let known = crate::effect::known_part(value);
        match Object::encode(site.schema.version, &known, &site.schema.block.ty()) {
            Ok(mut object) => {
                object.tainted = tainted;
                if c.addr.mode() == Mode::Managed {
                    object.dependencies = c.dependencies.clone();
                }
                object.create_before_destroy = c.create_before_destroy;
                object.private = (c.action == Action::Update || c.action == Action::NoOp)
                    .then(|| self.snapshot.get(&c.addr).and_then(|o| o.private.clone()))
                    .flatten();
                self.snapshot.set_current(&c.addr, &c.provider, object);
                self.record_instance(&c.addr, &c.provider);
            }
            Err(e) => self.fail(Diagnostic::error("Object cannot be stored", format!("{}: {e}", c.addr)).about(c.addr.to_string())),
        }
    }

    /// Ends a step and, with the last of its block, the block.
    pub(crate) fn step_over(&mut self, exec: usize, change: usize, failed: bool) {
        self.exec.complete(exec, failed);
        let Some(node) = node_of(self, &self.plan.changes[change].addr.clone()) else { return };
        if matches!(self.exec.nodes[exec], super::Exec::Destroy(_)) {
            return;
        }
        if failed {
            self.failed_nodes.insert(node);
        }
        let Some(left) = self.open_steps.get_mut(&node) else { return };
        *left = left.saturating_sub(1);
        if *left == 0
            && let Some(own) = self.exec.statics.get(&node).copied()
        {
            let failed = self.failed_nodes.contains(&node);
            self.exec.complete(own, failed);
        }
    }
}

/// Write-only arguments, which no plan keeps, put back for the provider to see.
fn write_only(schema: &secstack_base::schema::Block, arguments: &Value, planned: &Value) -> Value {
    let given = schema.attributes.iter().filter(|a| a.write_only).filter_map(|a| Some((&a.name, arguments.get(&a.name)?.clone())));
    given.fold(planned.clone(), |v, (name, value)| v.with(name, value))
}

/// The value planned again, with known parts of the plan where the new one has none.
fn merge_known(plan: &Value, again: &Value) -> Value {
    if again.is_unknown() && !plan.is_unknown() {
        return plan.clone();
    }
    again.map_parts(|step, v| match plan.at(&secstack_base::Path(vec![step])) {
        Some(p) => merge_known(p, v),
        None => v.clone(),
    })
}

/// Limits of a `timeouts` block.
pub(crate) fn timeouts(object: &Value) -> Timeouts {
    let of = |name: &str| {
        let text = object.get("timeouts")?.get_str(name)?;
        crate::duration::parse_duration(text)
    };
    Timeouts { create: of("create"), update: of("update"), delete: of("delete") }
}
