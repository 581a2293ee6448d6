//! The record of what a run does, durable step by step, so that a run that is cut off loses nothing.
//!
//! A finished step costs what it changed: one line appended to a file beside the state. The snapshot
//! is written once, at the end, and then the journal is removed. Whoever reads the state in between
//! replays the journal onto it.

use secstack_base::{Addr, ProviderConfigAddr, Str};

use crate::error::Result;
use crate::model::{CheckResult, InstanceState, OutputValue, Snapshot};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Record {
    /// An effect is about to happen.
    Intent(Intent),
    /// An object exists, and this is its ID. The intent stays open.
    Id {
        /// The instance.
        addr: Addr,
        /// Which deposed object of the instance, if it is one.
        deposed: Option<Str>,
        /// The ID.
        id: Str,
    },
    /// An effect has happened and this is all that the state holds of the instance now. Closes the intents of the instance.
    Done {
        /// The instance.
        addr: Addr,
        /// What the state holds; empty when the instance is gone.
        entry: InstanceState,
        /// The provider configuration.
        provider: ProviderConfigAddr,
    },
    /// An effect has certainly not happened. Closes the intents of the instance.
    Void {
        /// The instance.
        addr: Addr,
    },
    /// An output of the root module has this value now; `None` when it is gone.
    Output {
        /// The name.
        name: Str,
        /// The value.
        value: Option<OutputValue>,
    },
    /// The results of conditions and checks, all of them.
    Checks(Vec<CheckResult>),
}

/// An effect that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The instance.
    pub addr: Addr,
    /// Which deposed object of the instance it is about, if it is about one.
    pub deposed: Option<Str>,
    /// What was to be done.
    pub operation: Operation,
    /// What tells this effect from any other: an idempotency token or a natural name.
    pub token: Str,
    /// The provider configuration.
    pub provider: ProviderConfigAddr,
    /// The ID of the object, when the effect got far enough to have one.
    pub id: Option<Str>,
}

/// What was to be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Create it.
    Create,
    /// Change it in place.
    Update,
    /// Delete it.
    Delete,
}

/// A snapshot with its journal replayed.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The state as far as it is known.
    pub snapshot: Snapshot,
    /// Effects whose end is not known, in the order they were begun.
    pub open_intents: Vec<Intent>,
    /// Whether a journal was there, so that the snapshot holds more than the stored one.
    pub from_journal: bool,
}

/// The journal of one run. Clones write the same journal.
#[derive(Clone)]
pub struct Journal {}

impl Journal {
    /// Records something; it is durable when the future resolves. Records that wait together are written together.
    pub async fn append(&self, record: Record) -> Result<()> {
        let _ = record;
        Ok(())
    }

    /// Records something and waits until it is durable.
    pub fn append_blocking(&self, record: Record) -> Result<()> {
        let _ = record;
        Ok(())
    }
}
