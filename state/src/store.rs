//! Where snapshots live: one state for each workspace, one writer at a time.
//!
//! A store keeps a promise in three parts. Who holds the lock writes alone, and Terraform takes part in
//! that. A write is based on what was read, or is refused. What a run did is durable in the journal
//! before the snapshot holds it, so that a run may be cut off anywhere.

mod local;
mod memory;
pub mod objects;
mod replace;
#[cfg(feature = "s3")]
mod s3;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secstack_base::Diagnostic;

use crate::crypt::{Cipher, Kind};
use crate::error::{Error, Result};
use crate::journal::{Journal, Recovered};
use crate::lock::LockInfo;
use crate::model::{Snapshot, TERRAFORM_VERSION, Version};
use crate::past::{Opened, Past};
use crate::{check, file};

pub use local::{LocalBackend, LocalStore, Paths};
pub use memory::{MemoryBackend, MemoryStore};
#[cfg(feature = "s3")]
pub use s3::S3Backend;

/// A mistake in the arguments of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The argument, if one is to blame.
    pub argument: Option<String>,
    /// What is wrong, in sentences.
    pub text: String,
}

/// A place with one state for each workspace.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The names of the workspaces, `default` first, the others in order.
    async fn workspaces(&self) -> Result<Vec<String>>;

    /// The state of a workspace. A workspace that does not exist is created, if its name is allowed.
    async fn open(&self, workspace: &str) -> Result<Arc<dyn Store>>;

    /// Removes a workspace and its state. `default` stays.
    async fn delete(&self, workspace: &str) -> Result<()>;

    /// The stored snapshot of a workspace, for whoever only wants its outputs. Nothing is created.
    async fn look(&self, workspace: &str) -> Result<Option<Snapshot>>;

    /// Whether the place can be reached, and what a user had better know of it.
    async fn check(&self) -> Result<Vec<Diagnostic>> {
        Ok(Vec::new())
    }
}

/// The state of one workspace.
#[async_trait]
pub trait Store: Send + Sync {
    /// The stored snapshot with the journal of a run that was cut off replayed onto it. `None` when there is neither.
    ///
    /// Whoever does not hold the lock may see the journal of a run that is still at work: its intents are open
    /// because it works on them. Act on open intents only with the lock in hand.
    async fn recover(&self) -> Result<Option<Recovered>>;

    /// The state as far as it is known: [`Store::recover`] without the open intents.
    async fn read(&self) -> Result<Option<Snapshot>> {
        Ok(self.recover().await?.map(|r| r.snapshot))
    }

    /// Stores a successor of the snapshot that was read, whose lineage and serial it still has, and ends the
    /// journal. The serial goes up by one if anything changed; the version that is stored now is returned.
    ///
    /// Fails with `Moved`, writing nothing, if what is stored is not what the snapshot is based on.
    /// Intents that are still open stay in the journal.
    async fn write(&self, snapshot: &Snapshot) -> Result<Version>;

    /// Stores a snapshot with the lineage and serial that it has, as `state push` and migration do.
    /// Unless forced, it must be newer than what is stored and of the same lineage.
    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()>;

    /// Begins the journal of a run that starts from `base`, or goes on with the one of a run that was cut off.
    /// An earlier journal of this store takes no more records.
    async fn journal(&self, base: &Snapshot) -> Result<Journal>;

    /// Takes the lock, or fails with `Locked` at once. Returns its ID.
    async fn lock(&self, info: LockInfo) -> Result<String>;

    /// Gives the lock back.
    async fn unlock(&self, id: &str) -> Result<()>;

    /// Breaks the lock of a run that is gone.
    async fn force_unlock(&self, id: &str) -> Result<()>;

    /// The versions of the state that are still stored, the newest first, at most so many. The journal is not among them.
    async fn versions(&self, most: usize) -> Result<Vec<Past>>;

    /// Reads a version. `None` when it is gone by now.
    async fn open_version(&self, id: &str) -> Result<Option<Opened>>;

    /// Whether the state is kept on this machine, where it can be written when nothing else can be reached.
    fn is_local(&self) -> bool {
        true
    }

    /// The bytes in which this store would keep a snapshot, encrypted if it encrypts.
    fn encode(&self, snapshot: &Snapshot) -> Result<Vec<u8>> {
        Ok(file::write(snapshot)?.into_bytes())
    }

    /// What happened since this was last asked that a user is to be told.
    fn notices(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Waits until the lock that this run holds is lost, and says how. For most stores that never happens.
    async fn lost(&self) -> Error {
        std::future::pending().await
    }
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
    let deadline = tokio::time::Instant::now() + timeout;
    let mut pause = Duration::from_millis(100);
    loop {
        let tried = store.lock(info.clone()).await;
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        match tried {
            Err(e) if e.is_locked() && !left.is_zero() => tokio::time::sleep(pause.min(left)).await,
            done => return done,
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// What a write comes to, whatever the store.
enum Planned {
    /// What is stored holds the same.
    Same(Version),
    /// This text, of this version, takes its place. It is encrypted, if it is to be.
    Replace(String, Version),
}

/// The snapshot in the stored bytes of a state.
fn read_stored(stored: &[u8], name: &str, cipher: &Cipher) -> Result<Option<Snapshot>> {
    file::read(&cipher.open(Kind::State, stored, name)?, name)
}

/// Works out the text of a successor of what is stored.
fn plan_write(snapshot: &Snapshot, stored: Option<&[u8]>, name: &str, cipher: &Cipher) -> Result<Planned> {
    let expected = snapshot.version();
    let opened = cipher.open(Kind::State, stored.unwrap_or_default(), name)?;
    let stored = match std::str::from_utf8(&opened) {
        Ok("") => None,
        Ok(text) => Some(text),
        Err(_) => return file::read(&opened, name).map(|_| Planned::Same(expected)),
    };
    let found = stored.map(|text| file::read_version(text, name)).transpose()?.flatten();
    let moved = || Error::Moved { expected: expected.clone(), found: found.clone() };
    match &found {
        Some(found) if *found != expected => return Err(moved()),
        None if expected.serial != 0 => return Err(moved()),
        _ => {}
    }
    check::check(snapshot)?;
    let content = file::write_content(snapshot)?;
    if let Some(text) = stored.filter(|text| found.is_some() && file::holds(text, &content)) {
        return match cipher.is_migrating() {
            true => Ok(Planned::Replace(cipher.seal_state(text, name)?, expected)),
            false => Ok(Planned::Same(expected)),
        };
    }
    let lineage = if expected.lineage.is_empty() { Snapshot::new().lineage } else { expected.lineage };
    let version = Version { lineage, serial: expected.serial + 1 };
    let text = file::write_with(TERRAFORM_VERSION, &version, &content);
    Ok(Planned::Replace(cipher.seal_state(&text, name)?, version))
}

/// Works out the text of a pushed snapshot.
fn plan_push(snapshot: &Snapshot, stored: Option<Snapshot>, force: Force, name: &str, cipher: &Cipher) -> Result<String> {
    check::check(snapshot)?;
    let content = file::write_content(snapshot)?;
    if let (Some(stored), Force::No) = (stored.filter(|s| !s.is_empty()), force) {
        check_successor(snapshot, &stored, || Ok(file::write_content(&stored)? == content))?;
    }
    cipher.seal_state(&file::write_with(TERRAFORM_VERSION, &snapshot.version(), &content), name)
}

/// Terraform's rules on what may be pushed over what.
fn check_successor(new: &Snapshot, old: &Snapshot, same: impl FnOnce() -> Result<bool>) -> Result<()> {
    let refuse = |m: String| Err(Error::Unrelated(m));
    if new.lineage.is_empty() || old.lineage.is_empty() || new.lineage == old.lineage && new.serial > old.serial {
        return Ok(());
    }
    if new.lineage != old.lineage {
        return refuse(format!("cannot import state with lineage {:?} over unrelated state with lineage {:?}", new.lineage, old.lineage));
    }
    if new.serial < old.serial {
        return refuse(format!("cannot import state with serial {} over newer state with serial {}", new.serial, old.serial));
    }
    if same()? {
        return Ok(());
    }
    refuse(format!("cannot overwrite existing state with serial {} with a different state that has the same serial", new.serial))
}
