//! States in memory, for tests and simulation.
//!
//! They go through the same text as files do, so that what a test sees is what a disk would hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;

use super::{Backend, Force, Planned, Store, plan_push, plan_write, read_stored};
use crate::crypt::Cipher;
use crate::error::{Error, Locked, Result};
use crate::file;
use crate::journal::{self, Journal, Recovered, Sink, Stored};
use crate::lock::LockInfo;
use crate::model::{Snapshot, Version};
use crate::workspace;

const NAME: &str = "state in memory";

/// States in memory.
#[derive(Clone, Default)]
pub struct MemoryBackend(Arc<Mutex<BTreeMap<String, MemoryStore>>>);

#[async_trait]
impl Backend for MemoryBackend {
    async fn workspaces(&self) -> Result<Vec<String>> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = stored.keys().filter(|n| *n != workspace::DEFAULT).cloned();
        Ok(std::iter::once(workspace::DEFAULT.to_string()).chain(others).collect())
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Store>> {
        workspace::check(name)?;
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::new(stored.entry(name.into()).or_default().clone()))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        if name == workspace::DEFAULT {
            return Err(Error::Workspace("The default workspace cannot be deleted.".into()));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    async fn look(&self, name: &str) -> Result<Option<Snapshot>> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.get(name).map_or(Ok(None), |store| store.kept().snapshot(&store.cipher))
    }
}

/// One state in memory. Clones are the same state, as two processes see it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
    cipher: Cipher,
}

#[derive(Default)]
struct Kept {
    state: Option<String>,
    journal: Option<Vec<u8>>,
    lock: Option<LockInfo>,
    current: Option<Journal>,
}

impl MemoryStore {
    /// A store that holds a snapshot.
    pub fn holding(snapshot: &Snapshot) -> Result<Self> {
        let store = Self::default();
        store.kept().state = Some(file::write(snapshot)?);
        Ok(store)
    }

    /// A store that holds the texts of a state and of a journal, as a run that was cut off may have left them.
    pub fn left_with(state: Option<String>, journal: Option<Vec<u8>>) -> Self {
        let store = Self::default();
        let mut kept = store.kept();
        (kept.state, kept.journal) = (state, journal);
        drop(kept);
        store
    }

    /// The same state as a run sees it that encrypts what it writes.
    #[must_use]
    pub fn with_cipher(&self, cipher: Cipher) -> Self {
        Self { kept: self.kept.clone(), cipher }
    }

    /// The text of the state as it would stand in a file.
    pub fn text(&self) -> Option<String> {
        self.kept().state.clone()
    }

    /// The text of the journal as it would stand in a file.
    pub fn journal_text(&self) -> Option<Vec<u8>> {
        self.kept().journal.clone()
    }

    /// What is left when the process dies: the lock and whoever writes the journal are gone.
    pub fn crash(&self) {
        let mut kept = self.kept();
        kept.lock = None;
        let current = kept.current.take();
        drop(kept);
        current.iter().for_each(Journal::close);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the journal of this run, outside the lock that its sink takes too.
    fn close_journal(&self) {
        let current = self.kept().current.take();
        current.iter().for_each(Journal::close);
    }
}

impl Kept {
    fn snapshot(&self, cipher: &Cipher) -> Result<Option<Snapshot>> {
        self.state.as_deref().map_or(Ok(None), |text| read_stored(text.as_bytes(), NAME, cipher))
    }

    fn stored_journal(&self, cipher: &Cipher) -> Result<Option<Stored>> {
        self.journal.as_deref().map_or(Ok(None), |text| Stored::read(text, NAME, cipher))
    }
}

/// The journal of a store in memory.
struct MemorySink(Weak<Mutex<Kept>>);

impl Sink for MemorySink {
    fn commit(&mut self, lines: &str) -> Result<()> {
        if let Some(kept) = self.0.upgrade() {
            kept.lock().unwrap_or_else(PoisonError::into_inner).journal.get_or_insert_default().extend(lines.as_bytes());
        }
        Ok(())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn recover(&self) -> Result<Option<Recovered>> {
        let kept = self.kept();
        journal::recover(kept.snapshot(&self.cipher)?, kept.stored_journal(&self.cipher)?, NAME)
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<Version> {
        self.close_journal();
        let mut kept = self.kept();
        let version = match plan_write(snapshot, kept.state.as_deref().map(str::as_bytes), NAME, &self.cipher)? {
            Planned::Same(version) => version,
            Planned::Replace(text, version) => {
                kept.state = Some(text);
                version
            }
        };
        let open = journal::open_intents(kept.stored_journal(&self.cipher)?.as_ref());
        kept.journal = if open.is_empty() { None } else { Some(journal::begin(&version, &open, &self.cipher)?.text.into_bytes()) };
        Ok(version)
    }

    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()> {
        self.close_journal();
        let mut kept = self.kept();
        let stored = kept.snapshot(&self.cipher)?;
        if force == Force::No {
            journal::check_spent(stored.clone(), kept.stored_journal(&self.cipher)?, NAME, snapshot)?;
        }
        let open = match force {
            Force::No => journal::open_intents(kept.stored_journal(&self.cipher)?.as_ref()),
            Force::Yes => Vec::new(),
        };
        kept.state = Some(plan_push(snapshot, stored, force, NAME, &self.cipher)?);
        kept.journal = match open.is_empty() {
            true => None,
            false => Some(journal::begin(&snapshot.version(), &open, &self.cipher)?.text.into_bytes()),
        };
        Ok(())
    }

    async fn journal(&self, base: &Snapshot) -> Result<Journal> {
        self.close_journal();
        let mut kept = self.kept();
        let beginning = journal::go_on(base, kept.snapshot(&self.cipher)?, kept.stored_journal(&self.cipher)?, NAME, &self.cipher)?;
        kept.journal = Some(beginning.text.clone().into_bytes());
        let journal = Journal::inline(MemorySink(Arc::downgrade(&self.kept)), beginning);
        kept.current = Some(journal.clone());
        Ok(journal)
    }

    async fn lock(&self, info: LockInfo) -> Result<String> {
        let mut kept = self.kept();
        if let Some(holder) = &kept.lock {
            return Err(Error::Locked(Box::new(Locked { holder: Some(holder.clone()), cause: "resource temporarily unavailable".into() })));
        }
        let id = info.id.clone();
        kept.lock = Some(LockInfo { path: NAME.into(), ..info });
        Ok(id)
    }

    async fn unlock(&self, id: &str) -> Result<()> {
        let mut kept = self.kept();
        match kept.lock.take_if(|held| held.id == id) {
            Some(_) => Ok(()),
            None => Err(Error::Lock(format!("invalid lock id: {id:?}"))),
        }
    }

    async fn force_unlock(&self, id: &str) -> Result<()> {
        self.unlock(id).await
    }
}
