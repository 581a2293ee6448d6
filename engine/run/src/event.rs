//! What happens during a run, as it happens.

use std::sync::Arc;
use std::time::Duration;

use secstack_base::{Addr, Diagnostic, Str};
use secstack_plan::Action;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An object is read again.
    RefreshStart {
        /// The instance.
        addr: Addr,
        /// Its ID.
        id: Option<Str>,
    },
    /// An object was read again.
    RefreshComplete {
        /// The instance.
        addr: Addr,
        /// Its ID.
        id: Option<Str>,
    },
    /// A step begins.
    StepStart(StepInfo),
    /// A step ended well.
    StepComplete {
        /// The step.
        step: StepInfo,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step failed.
    StepErrored {
        /// The step.
        step: StepInfo,
        /// How long it took.
        elapsed: Duration,
    },
    /// A provisioner begins.
    ProvisionStart {
        /// The instance.
        addr: Addr,
        /// The type of the provisioner.
        provisioner: Str,
    },
    /// A provisioner wrote something.
    ProvisionProgress {
        /// The instance.
        addr: Addr,
        /// The type of the provisioner.
        provisioner: Str,
        /// A line, without its end.
        output: String,
    },
    /// A provisioner ended.
    ProvisionComplete {
        /// The instance.
        addr: Addr,
        /// The type of the provisioner.
        provisioner: Str,
        /// Whether it ended well.
        ok: bool,
    },
    /// A mistake or a warning, as soon as it is known.
    Diagnostic(Diagnostic),
    /// Something worth telling, such as a retry.
    Note(String),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub struct StepInfo {
    /// The instance.
    pub addr: Addr,
    /// What is done: create, read, update or delete (halves of a replacement are steps of their own).
    pub action: Action,
    /// The deposed object that is meant.
    pub deposed: Option<Str>,
    /// The ID of the object, where it has one already.
    pub id: Option<Str>,
}

/// Takes events. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Sends events to `f`.
    pub fn new(f: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    /// Ignores events.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Sends one.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }
}
