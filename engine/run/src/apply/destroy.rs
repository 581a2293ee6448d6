//! Steps that delete or forget an object.

use futures::FutureExt;
use secstack_base::{Addr, Diagnostic, Marks, ProviderConfigAddr, Str, Value};
use secstack_plan::Action;

use super::{Finished, Run, StepResult};
use crate::effect::{Effect, Failure};
use crate::event::Event;

impl Run {
    /// Starts the deletion that a change holds.
    pub(crate) fn destroy(&mut self, exec: usize, change: usize) {
        let c = self.plan.changes[change].clone();
        if c.action == Action::Forget {
            return self.forget(exec, change);
        }
        if c.action == Action::CreateThenDelete && self.deposed.key_of(change).is_none() {
            // The new object was never made: the old one stays.
            return self.exec.complete(exec, true);
        }
        self.begin(exec, self.info(change, Action::Delete));
        if !self.provision_destroyed(exec, change) {
            self.delete_now(exec, change);
        }
    }

    fn forget(&mut self, exec: usize, change: usize) {
        let c = self.plan.changes[change].clone();
        match &c.deposed {
            None => self.snapshot.remove_current(&c.addr),
            Some(key) => self.snapshot.remove_deposed(&c.addr, key),
        };
        self.record_instance(&c.addr, &c.provider);
        self.done.forget += 1;
        self.exec.complete(exec, false);
    }

    /// Deletes the object, its provisioners having run.
    pub(crate) fn delete_now(&mut self, exec: usize, change: usize) {
        let c = self.plan.changes[change].clone();
        let Some(instance) = self.providers.instance(&c.provider) else {
            let what = format!("The provider configuration {} is not ready.", c.provider);
            self.fail(Diagnostic::error("Provider not configured", what).about(c.addr.to_string()));
            return self.exec.complete(exec, true);
        };
        let prior = c.before.unmark_deep(Marks::ALL);
        let effect = Effect {
            instance,
            addr: c.addr.clone(),
            deposed: self.deposed_key(change),
            provider: c.provider.clone(),
            journal: self.journal.clone(),
            timeouts: super::make::timeouts(&prior),
            lookout: self.lookout.clone(),
        };
        self.spawn(
            async move {
                let result = match effect.delete(&prior).await {
                    Ok(()) => StepResult::Gone,
                    Err(f) => StepResult::Failed(f),
                };
                Finished { exec, change, result }
            }
            .boxed(),
        );
    }

    pub(crate) fn deposed_key(&self, change: usize) -> Option<Str> {
        self.deposed.key_of(change).or_else(|| self.plan.changes[change].deposed.clone())
    }

    /// An object is gone.
    pub(crate) fn gone(&mut self, exec: usize, change: usize) {
        let c = self.plan.changes[change].clone();
        match self.deposed_key(change) {
            Some(key) => self.snapshot.remove_deposed(&c.addr, &key),
            None => self.snapshot.remove_current(&c.addr),
        };
        self.record_instance(&c.addr, &c.provider);
        self.done.remove += 1;
        self.events.send(Event::StepComplete { step: self.info(change, Action::Delete), elapsed: self.elapsed(exec) });
        self.exec.complete(exec, false);
    }

    pub(crate) fn delete_failed(&mut self, exec: usize, change: usize, failure: Failure) {
        let c = self.plan.changes[change].clone();
        self.events.send(Event::StepErrored { step: self.info(change, Action::Delete), elapsed: self.elapsed(exec) });
        let span = self.block_span(&c.addr);
        let (summary, detail) = failure.message.split_once('\n').map_or((failure.message.as_str(), ""), |(s, d)| (s, d));
        self.fail(Diagnostic::error(summary.to_string(), detail.to_string()).at_opt(span).about(c.addr.to_string()));
        self.exec.complete(exec, true);
    }

    /// The object that a deletion is about.
    pub(crate) fn doomed_value(&self, change: usize) -> Value {
        self.plan.changes[change].before.clone()
    }

    /// Makes the entry of an instance, as it is now, durable.
    pub(crate) fn record_instance(&mut self, addr: &Addr, provider: &ProviderConfigAddr) {
        if self.journal.is_none() {
            return;
        }
        let entry = self.snapshot.instance(addr).cloned().unwrap_or_default();
        self.records.push(secstack_state::journal::Record::Done { addr: addr.clone(), entry, provider: provider.clone() });
    }
}
