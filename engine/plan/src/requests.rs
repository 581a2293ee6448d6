//! What planning lacks and asks for. The `run` crate answers.

use std::sync::Arc;

use secstack_base::{Addr, ProviderConfigAddr, Str, Value};

/// Something planning cannot do itself.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which one; the answer carries it.
    pub ticket: usize,
    /// The provider configuration to ask.
    pub provider: ProviderConfigAddr,
    /// What is wanted.
    pub want: Want,
}

/// What is wanted of a provider.
#[derive(Clone, Debug)]
pub enum Want {
    /// Make the configuration ready. `None` when it is not wholly known yet.
    Configure(Option<Value>),
    /// The current object of an instance in the state.
    Refresh {
        /// The instance.
        addr: Addr,
        /// The deposed key, if the object is not the current one.
        deposed: Option<Str>,
        /// The object as the state has it, without marks.
        prior: Arc<Value>,
        /// Whether everything is wanted that can be read, as when the state is to be brought up to date.
        thorough: bool,
    },
    /// The object to import.
    Import {
        /// Where it goes.
        addr: Addr,
        /// The ID as given.
        id: Str,
    },
    /// A data source.
    Read {
        /// The data resource.
        addr: Addr,
        /// Its arguments, wholly known, without marks.
        config: Value,
    },
    /// An ephemeral resource.
    Open {
        /// The resource.
        addr: Addr,
        /// Its arguments, wholly known, without marks.
        config: Value,
    },
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which request.
    pub ticket: usize,
    /// The object, or `None` when there is none (or nothing to return). The error is text for people.
    pub result: Result<Option<Value>, String>,
}
