//! A state as objects in a bucket: the state itself, its lock and its journal, each with a key of its own.
//!
//! - [`Objects`]: what is asked of the bucket, the only door to S3. A simulation plays it in memory.
//! - `bucket`: writes that are repeated, or whose answer got lost.
//! - `lease`: the lock, and how long it is good.
//! - `epoch`: the journal.
//! - `store`: the state of one workspace, which brings them together.
//! - `memory`: a bucket in memory.
//!
//! Why a run that was stopped and wakes up cannot do harm is told in `docs/decisions/0003-states-in-s3.md`.

mod bucket;
mod epoch;
mod lease;
mod memory;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::error::Result;
use crate::past::Past;

pub(crate) use bucket::Bucket;
pub use memory::MemoryObjects;
pub use store::ObjectStore;

/// Metadata of an object: names and ASCII text.
pub type Notes = Vec<(&'static str, String)>;

/// An object that was read.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// What tells this content from any other.
    pub etag: String,
    /// How long ago it was written, by the server's clock.
    pub age: Duration,
    /// Its metadata.
    pub notes: BTreeMap<String, String>,
}

/// What must hold for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum If {
    /// Nothing is there.
    Absent,
    /// What is there has this tag.
    Unchanged(String),
}

/// What came of a write that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was done, and this is the new tag.
    Done(String),
    /// The condition does not hold.
    Refused,
    /// Somebody else writes the same object at this instant, and may fail.
    Busy,
}

/// An object in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Where it is.
    pub key: String,
    /// How many bytes it has.
    pub size: i64,
    /// How long ago it was written, by the server's clock.
    pub age: Duration,
}

/// A bucket of objects, with writes under a condition. Each call is one request, or one after the other for pages.
///
/// A request whose answer is lost may have been carried out, and may be repeated below this.
///
/// # Errors
/// Every call fails with `Remote` when there is no answer, or one that is neither the result nor a refusal of a condition.
#[async_trait]
pub trait Objects: Send + Sync {
    /// What errors call the bucket.
    fn name(&self) -> &str;

    /// Does something beside whoever asks for it, until it is done or the program ends.
    fn spawn(&self, work: BoxFuture<'static, ()>);

    /// Reads a version of an object; the newest if none is named. `None` when it is not there.
    async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>>;

    /// The metadata and the tag of an object. `None` when it is not there.
    async fn head(&self, key: &str) -> Result<Option<(BTreeMap<String, String>, String)>>;

    /// Writes an object if the condition holds.
    async fn put(&self, key: &str, bytes: Vec<u8>, condition: &If, notes: Notes) -> Result<Put>;

    /// Removes an object, if it is still the one with this tag. `false` when it is not.
    async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool>;

    /// Removes objects, in no certain order. Those that are not there count as removed.
    async fn delete(&self, keys: Vec<String>) -> Result<()>;

    /// The objects whose keys begin with a text, in order.
    async fn list(&self, prefix: &str) -> Result<Vec<Listed>>;

    /// The versions of an object that are still there, the newest first, at most so many.
    async fn versions(&self, key: &str, most: usize) -> Result<Vec<Past>>;
}
