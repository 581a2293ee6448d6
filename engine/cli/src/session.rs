//! The state of a workspace while a command works on it: locked, read, written, given back.

use std::sync::Arc;

use secstack_base::{Diagnostic, Diags};
use secstack_state::store::lock_within;
use secstack_state::{Intent, LockInfo, Snapshot, Store};

use crate::app::Told;
use crate::flags::Lock;
use crate::recovery;
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
    /// Effects that a run had begun when it was cut off, or that a run under way works on.
    pub open_intents: Vec<Intent>,
    lock: Option<String>,
}

impl Session {
    /// Locks and reads the state. `operation` is what the lock is for, in Terraform's words.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn open(view: &View, place: &Place, workspace: &str, lock: &Lock, operation: &str) -> Result<Self, Told> {
        Self::unread(view, place, workspace, Some((lock, operation))).await?.read_or_close(view).await
    }

    /// Reads the state for a plan. That needs no lock, unless a run was cut off and is to be taken up first. Where another
    /// run holds the lock, the plan starts from the state as it is.
    ///
    /// # Errors
    /// When the state cannot be read, which is told.
    pub async fn open_to_plan(view: &View, place: &Place, workspace: &str, lock: &Lock) -> Result<Self, Told> {
        let mut session = Self::unread(view, place, workspace, None).await?;
        session.read(view).await?;
        if !lock.lock || session.open_intents.is_empty() && !session.is_recovered {
            return Ok(session);
        }
        let locked = lock_within(&*session.store, LockInfo::new("OperationTypePlan"), lock.lock_timeout).await;
        view.diags(&Diags(session.store.notices()));
        match locked {
            Ok(id) => {
                session.lock = Some(id);
                session = session.read_or_close(view).await?;
            }
            Err(secstack_state::Error::Locked(l)) => {
                let what = format!(
                    "Another run is changing what this plan starts from. The plan shows what is known so far, and may be out of date when that run ends.\n{l}"
                );
                view.diags(&Diags(vec![Diagnostic::warning("Another run is under way", what)]));
            }
            Err(e) => return Err(view.error(e.diagnostic())),
        }
        Ok(session)
    }

    /// Reads the state without a lock, for commands that only look.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn look(view: &View, place: &Place, workspace: &str) -> Result<Self, Told> {
        let mut session = Self::unread(view, place, workspace, None).await?;
        session.read(view).await?;
        if !session.open_intents.is_empty() {
            view.diags(&Diags(vec![recovery::open_warning(&session.open_intents)]));
        }
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
            Some((lock, operation)) => {
                let locked = lock_within(&*store, LockInfo::new(operation), lock.lock_timeout).await;
                view.diags(&Diags(store.notices()));
                Some(locked.map_err(|e| fail(&e))?)
            }
            None => None,
        };
        Ok(Self { store, snapshot: Snapshot::new(), exists: false, is_recovered: false, open_intents: Vec::new(), lock })
    }

    /// Reads the state, and gives the lock back where that fails.
    async fn read_or_close(mut self, view: &View) -> Result<Self, Told> {
        match self.read(view).await {
            Ok(()) => Ok(self),
            Err(told) => {
                self.close(view).await;
                Err(told)
            }
        }
    }

    async fn read(&mut self, view: &View) -> Result<(), Told> {
        let recovered = self.store.recover().await.map_err(|e| view.error(e.diagnostic()))?;
        (self.exists, self.is_recovered, self.open_intents) = (false, false, Vec::new());
        let Some(recovered) = recovered else { return Ok(()) };
        self.snapshot = recovered.snapshot;
        self.exists = true;
        self.is_recovered = recovered.from_journal;
        self.open_intents = recovered.open_intents;
        Ok(())
    }

    /// Stores a successor of the state that was read.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn write(&self, view: &View, snapshot: &Snapshot) -> Result<(), Told> {
        self.store.write(snapshot).await.map(drop).map_err(|e| view.error(e.diagnostic()))
    }

    /// Stores the snapshot as it is now, and goes on from what is stored then.
    ///
    /// # Errors
    /// When that fails, which is told.
    pub async fn write_anew(&mut self, view: &View) -> Result<(), Told> {
        let version = self.store.write(&self.snapshot).await.map_err(|e| view.error(e.diagnostic()))?;
        (self.snapshot.lineage, self.snapshot.serial) = (version.lineage, version.serial);
        (self.exists, self.is_recovered) = (true, false);
        Ok(())
    }

    /// Whether this run holds the lock.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
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
