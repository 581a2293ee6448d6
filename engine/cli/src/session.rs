//! The state of a workspace while a command works on it: locked, read, written, given back.

use std::sync::Arc;

use secstack_base::{Diagnostic, Diags};
use secstack_state::store::lock_within;
use secstack_state::{LockInfo, Snapshot, Store};

use crate::app::Told;
use crate::flags::Lock;
use crate::stores::Place;
use crate::view::View;

/// The state of a workspace.
pub struct Session {
    /// Where the state is kept.
    pub store: Arc<dyn Store>,
    /// The state as it was read; an empty one when there was none.
    pub snapshot: Snapshot,
    /// Whether there was a state.
    pub exists: bool,
    /// Part of it is in the journal of a run that was cut off.
    pub is_recovered: bool,
    lock: Option<String>,
}

impl Session {
    /// Locks and reads the state. `operation` is what the lock is for, in Terraform's words.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn open(view: &View, place: &Place, workspace: &str, lock: &Lock, operation: &str) -> Result<Self, Told> {
        let mut session = Self::unread(view, place, workspace, Some((lock, operation))).await?;
        session.read(view).await?;
        Ok(session)
    }

    /// Reads the state without a lock, for commands that only look.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn look(view: &View, place: &Place, workspace: &str) -> Result<Self, Told> {
        let mut session = Self::unread(view, place, workspace, None).await?;
        session.read(view).await?;
        Ok(session)
    }

    /// Locks the state, and leaves open whether it can be read.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn unread(view: &View, place: &Place, workspace: &str, lock: Option<(&Lock, &str)>) -> Result<Self, Told> {
        let fail = |e: &secstack_state::Error| view.error(e.diagnostic());
        let store = place.backend.open(workspace).await.map_err(|e| fail(&e))?;
        let lock = match lock.filter(|(l, _)| l.lock) {
            Some((lock, operation)) => Some(lock_within(&*store, LockInfo::new(operation), lock.lock_timeout).await.map_err(|e| fail(&e))?),
            None => None,
        };
        Ok(Self { store, snapshot: Snapshot::new(), exists: false, is_recovered: false, lock })
    }

    async fn read(&mut self, view: &View) -> Result<(), Told> {
        let recovered = self.store.recover().await.map_err(|e| view.error(e.diagnostic()))?;
        let Some(recovered) = recovered else { return Ok(()) };
        if !recovered.open_intents.is_empty() {
            let list: Vec<String> = recovered
                .open_intents
                .iter()
                .map(|i| {
                    format!("  - {:?} of {}{}", i.operation, i.addr, i.id.as_ref().map(|id| format!(" [id={id}]")).unwrap_or_default())
                        .to_lowercase()
                })
                .collect();
            let what = format!(
                "A run was cut off before it learnt what came of these operations:\n{}\nLook whether the objects exist, and import or delete them.",
                list.join("\n")
            );
            view.diags(&Diags(vec![Diagnostic::warning("Operations without a known end", what)]));
        }
        self.snapshot = recovered.snapshot;
        self.exists = true;
        self.is_recovered = recovered.from_journal;
        Ok(())
    }

    /// Stores a successor of the state that was read.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn write(&self, view: &View, snapshot: &Snapshot) -> Result<(), Told> {
        self.store.write(snapshot).await.map(drop).map_err(|e| view.error(e.diagnostic()))
    }

    /// Gives the lock back.
    pub async fn close(self, view: &View) {
        if let Some(id) = &self.lock
            && let Err(e) = self.store.unlock(id).await
        {
            view.diags(&Diags(vec![e.diagnostic()]));
        }
    }
}
