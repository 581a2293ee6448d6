//! Objects as the store uses them: a write is known to be done or not, even when its answer got lost.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{If, Listed, Notes, Object, Objects, Put};
use crate::error::{Error, Result};
use crate::past::Past;

/// How often a write is tried while somebody else writes the same object.
const ATTEMPTS: u32 = 5;
/// How many objects are read at once.
const AT_ONCE: usize = 16;
/// The member of an object's metadata that tells one write from any other.
const WRITE: &str = "secstack-write";

/// A bucket. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Bucket(Arc<dyn Objects>);

impl Bucket {
    pub(crate) fn new(objects: Arc<dyn Objects>) -> Self {
        Self(objects)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    /// Does something beside the caller. The receiver is told what came of it.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T> {
        let (tell, told) = oneshot::channel();
        self.0.spawn(Box::pin(async move { drop(tell.send(work.await)) }));
        told
    }

    /// Reads an object. `None` when it is not there.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.0.get(key, None).await
    }

    /// Reads a version of an object.
    pub(crate) async fn get_version(&self, key: &str, version: &str) -> Result<Option<Object>> {
        self.0.get(key, Some(version)).await
    }

    /// Reads objects, some at once. `None` in the place of those that are not there.
    pub(crate) async fn get_all(&self, keys: Vec<String>) -> Result<Vec<Option<Object>>> {
        use futures::stream::{StreamExt, TryStreamExt};
        let reads = keys.into_iter().map(|key| async move { self.get(&key).await });
        futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    /// Writes an object if the condition holds, and gives its new tag. `None` when the condition does not hold.
    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>, condition: If, mut notes: Notes) -> Result<Option<String>> {
        let write = uuid::Uuid::new_v4().to_string();
        notes.push((WRITE, write.clone()));
        for attempt in 1.. {
            let put = self.0.put(key, bytes.clone(), &condition, notes.clone()).await?;
            if let Put::Done(etag) = put {
                return Ok(Some(etag));
            }
            // A request that was repeated may be refused because of its own first try.
            if let Some((notes, etag)) = self.0.head(key).await?
                && notes.get(WRITE) == Some(&write)
            {
                return Ok(Some(etag));
            }
            if put == Put::Refused || attempt == ATTEMPTS {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(100) * attempt).await;
        }
        Ok(None)
    }

    /// Removes an object, if it is still the one with this tag. `false` when it is not.
    pub(crate) async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool> {
        self.0.delete_unchanged(key, etag).await
    }

    /// Removes objects, in no certain order. Those that are not there count as removed.
    pub(crate) async fn delete(&self, keys: Vec<String>) -> Result<()> {
        if keys.is_empty() { Ok(()) } else { self.0.delete(keys).await }
    }

    /// The objects whose keys begin with a text, in order.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        self.0.list(prefix).await
    }

    /// The versions of an object that are still there, the newest first, at most so many.
    pub(crate) async fn versions(&self, key: &str, most: usize) -> Result<Vec<Past>> {
        self.0.versions(key, most).await
    }
}

/// Whoever was to do something has ended with the program.
pub(super) fn given_up(e: &oneshot::error::RecvError) -> Error {
    Error::Lock(format!("The work on the state was given up: {e}."))
}
