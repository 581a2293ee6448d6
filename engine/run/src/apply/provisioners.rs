//! Provisioners in the course of an apply: evaluated with `self`, run as part of the step.

use futures::FutureExt;
use secstack_base::{Diagnostic, Diags, Value};
use secstack_eval::{ModuleIx, RepetitionData};
use secstack_lang::Body;
use secstack_lang::module::Provisioner;
use secstack_plan::Action;
use secstack_plan::provisioner::{Arguments, arguments};
use secstack_state::model::ConfigAddr;

use super::make::Site;
use super::{Finished, Run, StepResult};
use crate::event::Event;
use crate::provision::{self, Provision};

/// Provisioners that run one after another.
struct Provisioners<'a> {
    /// The module that declares them.
    ix: ModuleIx,
    list: &'a [&'a Provisioner],
    /// The connection of their resource.
    connection: Option<&'a Body>,
}

impl Run {
    /// Starts the provisioners of a new object. False when it has none.
    pub(crate) fn provision_created(&mut self, exec: usize, change: usize, site: &Site) -> bool {
        let config = self.world.config.clone();
        let r = &config.module(site.ix).module.resources[&site.addr.resource.name];
        let list: Vec<&Provisioner> = r.provisioners.iter().filter(|p| !p.on_destroy).collect();
        if list.is_empty() {
            return false;
        }
        let value = self.known.get(&change).and_then(|k| k.made.clone()).unwrap_or(Value::NULL);
        let data = self.repetition_data(site);
        let what = Provisioners { ix: site.ix, list: &list, connection: r.connection.as_ref() };
        self.provision(exec, change, &what, value, data);
        true
    }

    /// Starts the provisioners that run before a deletion. False when there are none.
    pub(crate) fn provision_destroyed(&mut self, exec: usize, change: usize) -> bool {
        let c = self.plan.changes[change].clone();
        // As Terraform documents, the provisioners of a create-first replacement do not run for the old half.
        if self.deposed_key(change).is_some() {
            return false;
        }
        // A tainted object may never have been complete: its provisioners do not run.
        if self.snapshot.get(&c.addr).is_some_and(|o| o.tainted) {
            return false;
        }
        let config = self.world.config.clone();
        let Some(ix) = config.find(&c.addr.module().path()) else { return false };
        let module = &config.module(ix).module;
        let declared = module.resources.get(&c.addr.resource.name).map(|r| (&r.provisioners, &r.connection));
        let removed = || {
            module
                .removed
                .iter()
                .find(|r| {
                    secstack_plan::removed_names(
                        r,
                        &ConfigAddr { module: c.addr.module().path(), name: c.addr.resource.name.clone() },
                        &config.module(ix).path,
                    )
                })
                .map(|r| (&r.provisioners, &r.connection))
        };
        let Some((all, connection)) = declared.or_else(removed) else { return false };
        let list: Vec<&Provisioner> = all.iter().filter(|p| p.on_destroy).collect();
        if list.is_empty() {
            return false;
        }
        let value = self.doomed_value(change);
        let data = secstack_eval::world::data_of_key(&c.addr.key);
        let what = Provisioners { ix, list: &list, connection: connection.as_ref() };
        self.provision(exec, change, &what, value, data);
        true
    }

    fn provision(&mut self, exec: usize, change: usize, what: &Provisioners<'_>, value: Value, data: RepetitionData) {
        let addr = self.plan.changes[change].addr.clone();
        let mut diags = Diags::new();
        let empty = secstack_eval::world::ModuleFacts::new(addr.module().clone());
        let facts = self.world.facts(what.ix, addr.module()).unwrap_or(&empty);
        let scope = self.world.scope(what.ix, facts, data).with_self(value);
        let mut ready = Vec::new();
        for p in what.list {
            let Arguments { own, connection } = arguments(p, what.connection, &scope, &mut diags);
            let continue_on_failure = p.continue_on_failure;
            ready.push(Provision { ty: p.ty.clone(), arguments: own, connection, continue_on_failure, span: p.span });
        }
        if diags.has_errors() {
            let first = diags.0.swap_remove(0);
            return self.spawn(async move { Finished { exec, change, result: StepResult::ProvisionFailed(Box::new(first)) } }.boxed());
        }
        let (root, events) = (self.root.clone(), self.events.clone());
        self.spawn(
            async move {
                let result = match provision::run(&ready, &addr, &root, &events).await {
                    Ok(()) => StepResult::Provisioned,
                    Err(d) => StepResult::ProvisionFailed(d),
                };
                Finished { exec, change, result }
            }
            .boxed(),
        );
    }

    /// A provisioner failed: a new object is tainted, a deletion does not take place.
    pub(crate) fn provision_failed(&mut self, exec: usize, change: usize, d: Diagnostic) {
        let c = self.plan.changes[change].clone();
        self.fail(if d.address.is_none() { d.about(c.addr.to_string()) } else { d });
        if matches!(self.exec.nodes[exec], super::Exec::Destroy(_)) {
            self.events.send(Event::StepErrored { step: self.info(change, Action::Delete), elapsed: self.elapsed(exec) });
            return self.exec.complete(exec, true);
        }
        self.events.send(Event::StepErrored { step: self.info(change, Action::Create), elapsed: self.elapsed(exec) });
        if let Some(object) = self.snapshot.get_shared(&c.addr).cloned() {
            self.snapshot.set_current(&c.addr, &c.provider, object.with_tainted(true));
            self.record_instance(&c.addr, &c.provider);
        }
        self.step_over(exec, change, true);
    }
}
