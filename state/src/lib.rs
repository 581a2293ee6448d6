//! The state: what the last run left behind, and where it is kept.
//!
//! - [`model`]: a [`Snapshot`] in memory.
//! - [`json`]: values to and from the JSON that Terraform stores.
//! - [`mod@file`]: a snapshot to and from a file of format version 4, byte for byte as Terraform writes it.
//! - [`check`]: whether a snapshot is sound. Runs on every read and every write.
//! - [`crypt`]: encryption of what is written.
//! - [`journal`]: the record of what a run did, durable step by step.
//! - [`lock`]: who may write, excluding Terraform and excluded by it.
//! - [`past`]: former versions of a state.
//! - [`store`]: where snapshots live, with a local and a memory implementation.
//! - [`workspace`]: which of several states is selected.

pub mod check;
pub mod crypt;
pub mod error;
pub mod file;
pub mod journal;
pub mod json;
pub mod lock;
pub mod model;
pub mod past;
pub mod store;
pub mod workspace;

pub use crypt::Cipher;
pub use error::{Error, Result};
pub use journal::{Intent, Journal, Record, Recovered};
pub use lock::LockInfo;
pub use model::{CheckObject, CheckResult, CheckStatus, ConfigAddr, InstanceState, Object, OutputValue, ResourceState, Snapshot, Version};
pub use store::{Backend, Store};
