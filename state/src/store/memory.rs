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
use crate::journal::{self, Guard, Journal, Record, Recovered, Sink, Stored};
use crate::lock::LockInfo;
use crate::model::{Snapshot, Version};
use crate::past::{Opened, Past};
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
    process: Arc<Mutex<Process>>,
    cipher: Cipher,
}

/// What a process knows of its own.
#[derive(Default)]
struct Process {
    /// The lock that it holds, or held.
    lock: Option<String>,
    journal: Option<Journal>,
}

#[derive(Default)]
struct Kept {
    state: Option<String>,
    journal: Option<Vec<u8>>,
    lock: Option<LockInfo>,
    /// Counts the journals: only the last one takes records.
    epoch: u64,
}

impl Kept {
    /// Whether a process that took a lock still holds it.
    fn check_lock(&self, taken: Option<&str>) -> Result<()> {
        match taken {
            Some(id) if self.lock.as_ref().is_none_or(|l| l.id != id) => {
                Err(Error::LockLost("The lease of this run has run out, and another one may hold the lock.".into()))
            }
            _ => Ok(()),
        }
    }
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
        Self { kept: self.kept.clone(), process: self.process.clone(), cipher }
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
        kept.epoch += 1;
        drop(kept);
        *self.process() = Process::default();
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the journal of this run, outside the lock that its sink takes too, and gives what is open in it.
    async fn close_journal(&self) -> Option<Vec<Record>> {
        let journal = self.process().journal.take()?;
        Some(journal.end().await)
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
#[derive(Clone)]
struct MemorySink {
    kept: Weak<Mutex<Kept>>,
    epoch: u64,
    lock: Option<String>,
}

impl MemorySink {
    /// Does something with what is kept, unless another run has taken over.
    fn with(&self, work: impl FnOnce(&mut Kept)) -> Result<()> {
        let Some(kept) = self.kept.upgrade() else { return Ok(()) };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.check_lock(self.lock.as_deref())?;
        if kept.epoch != self.epoch {
            return Err(Error::LockLost("Another run has closed the journal of this one.".into()));
        }
        work(&mut kept);
        Ok(())
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn commit(&mut self, lines: &str) -> Result<()> {
        self.with(|kept| kept.journal.get_or_insert_default().extend(lines.as_bytes()))
    }

    fn guard(&self) -> Option<Guard> {
        let sink = self.clone();
        Some(Arc::new(move || sink.with(|_| ())))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn recover(&self) -> Result<Option<Recovered>> {
        let kept = self.kept();
        journal::recover(kept.snapshot(&self.cipher)?, kept.stored_journal(&self.cipher)?, NAME)
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<Version> {
        let ended = self.close_journal().await;
        let mut kept = self.kept();
        kept.check_lock(self.process().lock.as_deref())?;
        let version = match plan_write(snapshot, kept.state.as_deref().map(str::as_bytes), NAME, &self.cipher)? {
            Planned::Same(version) => version,
            Planned::Replace(text, version) => {
                kept.state = Some(text);
                version
            }
        };
        let open = match ended {
            Some(open) => open,
            None => journal::open_intents(kept.stored_journal(&self.cipher)?.as_ref()),
        };
        kept.journal = if open.is_empty() { None } else { Some(journal::begin(&version, &open, &self.cipher)?.text.into_bytes()) };
        Ok(version)
    }

    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()> {
        self.close_journal().await;
        let mut kept = self.kept();
        kept.check_lock(self.process().lock.as_deref())?;
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
        self.close_journal().await;
        let mut kept = self.kept();
        let beginning = journal::go_on(base, kept.snapshot(&self.cipher)?, kept.stored_journal(&self.cipher)?, NAME, &self.cipher)?;
        let mut process = self.process();
        kept.check_lock(process.lock.as_deref())?;
        kept.journal = Some(beginning.text.clone().into_bytes());
        kept.epoch += 1;
        let sink = MemorySink { kept: Arc::downgrade(&self.kept), epoch: kept.epoch, lock: process.lock.clone() };
        let (journal, work) = Journal::new(sink, beginning);
        tokio::spawn(work);
        process.journal = Some(journal.clone());
        Ok(journal)
    }

    async fn lock(&self, info: LockInfo) -> Result<String> {
        let mut kept = self.kept();
        if let Some(holder) = &kept.lock {
            return Err(Error::Locked(Box::new(Locked { holder: Some(holder.clone()), cause: "resource temporarily unavailable".into() })));
        }
        let id = info.id.clone();
        kept.lock = Some(LockInfo { path: NAME.into(), ..info });
        self.process().lock = Some(id.clone());
        Ok(id)
    }

    async fn unlock(&self, id: &str) -> Result<()> {
        let mut kept = self.kept();
        match kept.lock.take_if(|held| held.id == id) {
            Some(_) => {
                self.process().lock.take_if(|lock| lock == id);
                Ok(())
            }
            None => Err(Error::Lock(format!("invalid lock id: {id:?}"))),
        }
    }

    async fn force_unlock(&self, id: &str) -> Result<()> {
        self.unlock(id).await
    }

    async fn versions(&self, most: usize) -> Result<Vec<Past>> {
        let size = self.kept().state.as_ref().map(|text| text.len() as u64);
        Ok(size.map(|size| Past { id: NAME.into(), written: None, size }).into_iter().take(most).collect())
    }

    async fn open_version(&self, _: &str) -> Result<Option<Opened>> {
        let snapshot = self.kept().snapshot(&self.cipher)?;
        Ok(snapshot.map(|s| Opened { snapshot: Some(s), author: None }))
    }
}
