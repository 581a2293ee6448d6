//! The state of one workspace in a bucket.
//!
//! Every write depends on what was read: the server refuses it when another run has written meanwhile. A run that takes
//! over from another first makes sure of that refusal. It closes the journal of the other run with a fence, and claims
//! the state by adding an empty line at its end. That changes nothing that anybody reads, but the tag of the object.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secstack_base::Diagnostic;
use tokio::sync::oneshot;

use super::super::{Force, Planned, Store, plan_push, plan_write, read_stored};
use super::epoch::{Layout, Place};
use super::lease::{Found, Holding};
use super::{Bucket, If, Notes, Objects};
use crate::crypt::Cipher;
use crate::error::{Error, Locked, Result};
use crate::file;
use crate::journal::{self, Intent, Journal, Recovered, Stored};
use crate::lock::LockInfo;
use crate::model::{Snapshot, Version};
use crate::past::{Author, Opened, Past};

/// How often something is read again that changes while it is read.
const PATIENCE: usize = 20;
/// The member of a state's metadata that tells the run whose journal it ends.
const ENDED: &str = "secstack-ended";
/// How long the end of a renewal of the lock is waited for when the lock is given back.
const LAST_RENEWAL: Duration = Duration::from_secs(2);

/// The state of one workspace.
pub struct ObjectStore {
    bucket: Bucket,
    key: String,
    lease: Duration,
    cipher: Cipher,
    journal: Place,
    session: tokio::sync::Mutex<Session>,
    lock: Mutex<Option<Kept>>,
    notices: Mutex<Vec<Diagnostic>>,
}

#[derive(Default)]
struct Session {
    /// The journal of this run.
    journal: Option<Writing>,
    /// There is no journal but the one of this run: nobody else writes one while this run holds the lock.
    alone: Option<Layout>,
    /// Removes what is left of a journal that is spent.
    cleaning: Option<oneshot::Receiver<Result<()>>>,
    /// The state as it was read or written last.
    known: Option<Known>,
    /// It was read when the lock was taken, and nobody has asked for it since.
    fresh: bool,
}

/// A journal at work.
struct Writing {
    journal: Journal,
    run: String,
    epoch: u64,
    /// How many objects it has.
    objects: Arc<AtomicU64>,
}

/// A state as it is stored.
#[derive(Clone, Default)]
struct Known {
    bytes: Option<Vec<u8>>,
    etag: Option<String>,
    author: Option<Author>,
    /// The run whose journal it ends, whatever that journal lacks.
    ended: Option<String>,
}

/// A lock with the task that renews it.
struct Kept {
    holding: Arc<Holding>,
    stop: Arc<tokio::sync::Notify>,
    /// Ends with the task.
    task: oneshot::Receiver<()>,
}

impl Known {
    fn snapshot(&self, name: &str, cipher: &Cipher) -> Result<Option<Snapshot>> {
        let snapshot = self.bytes.as_deref().map_or(Ok(None), |bytes| read_stored(bytes, name, cipher))?;
        // A workspace without anything in it: nobody has written its state yet.
        Ok(snapshot.filter(|s| s.serial > 0 || !s.is_empty()))
    }

    /// The metadata with which it is written once more: who claims a state does not change it.
    fn notes(&self) -> Notes {
        let author = self.author.as_ref().map(Author::notes).unwrap_or_default();
        author.into_iter().chain(self.ended.clone().map(|run| (ENDED, run))).collect()
    }

    fn condition(&self) -> If {
        self.etag.clone().map_or(If::Absent, If::Unchanged)
    }
}

impl ObjectStore {
    /// The state with this key in a bucket. A lock of it is good for `lease` after its last renewal.
    pub fn new(objects: Arc<dyn Objects>, key: String, lease: Duration, cipher: Cipher) -> Self {
        let bucket = Bucket::new(objects);
        Self {
            journal: Place::new(bucket.clone(), &key, cipher.clone()),
            cipher,
            bucket,
            key,
            lease,
            session: tokio::sync::Mutex::default(),
            lock: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket.name(), self.key)
    }

    /// Who writes in this run.
    fn author(&self) -> Author {
        self.holding().map_or_else(|| Author::of(&LockInfo::new("")), |h| h.author())
    }

    fn lock_key(&self) -> String {
        format!("{}.tflock", self.key)
    }

    fn holding(&self) -> Option<Arc<Holding>> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|k| k.holding.clone())
    }

    /// Whether this run may write, as far as its lock is concerned.
    fn may_write(&self) -> Result<()> {
        self.holding().map_or(Ok(()), |h| h.check())
    }

    async fn fetch(&self) -> Result<Known> {
        let Some(object) = self.bucket.get(&self.key).await? else { return Ok(Known::default()) };
        let author = Author::from_notes(&object.notes);
        let ended = object.notes.get(ENDED).cloned();
        Ok(Known { bytes: Some(object.bytes).filter(|b| !b.is_empty()), etag: Some(object.etag), author, ended })
    }

    fn decode(&self, known: &Known) -> Result<Option<Snapshot>> {
        known.snapshot(&self.name(), &self.cipher)
    }

    /// A state without anything in it.
    fn nothing(&self) -> Result<Vec<u8>> {
        Ok(self.cipher.seal_state(&file::write(&Snapshot::new())?, &self.name())?.into_bytes())
    }

    /// The snapshot without the journal.
    pub(crate) async fn snapshot(&self) -> Result<Option<Snapshot>> {
        self.decode(&self.fetch().await?)
    }

    /// Makes the state of a new workspace, without anything in it.
    #[cfg(feature = "s3")]
    pub(crate) async fn create(&self) -> Result<()> {
        self.bucket.put(&self.key, self.nothing()?, If::Absent, self.author().notes()).await.map(drop)
    }

    /// The snapshot and the journal as they stood at one instant.
    async fn load(&self) -> Result<(Layout, Known, Option<Stored>)> {
        for _ in 0..PATIENCE {
            // Whoever writes a snapshot removes its journal afterwards: a journal that is listed first and read last is
            // either whole, or the snapshot holds it.
            let layout = self.journal.layout().await?;
            let known = self.fetch().await?;
            if let Some(mut journal) = self.journal.read(&layout).await? {
                if let Some(journal) = &mut journal {
                    journal.is_ended = !journal.run.is_empty() && known.ended.as_ref() == Some(&journal.run);
                }
                return Ok((layout, known, journal));
            }
        }
        Err(self.restless())
    }

    fn restless(&self) -> Error {
        let problem = format!("The state {} is written by other runs faster than it can be read.", self.name());
        Error::Remote { summary: "State not accessible", problem, help: Some("Wait until they are done, and try again.".into()) }
    }

    /// Keeps a run that went before from writing anything any more.
    async fn shut_out(&self, layout: &Layout) -> Result<()> {
        self.journal.shut_out(layout, || self.may_write()).await?;
        for _ in 0..PATIENCE {
            let known = self.fetch().await?;
            // Another one may have taken over from this run while it stood still: it is not the one to be shut out.
            self.may_write()?;
            let claimed = match &known.bytes {
                Some(bytes) => [bytes.as_slice(), b"\n"].concat(),
                None => self.nothing()?,
            };
            if self.bucket.put(&self.key, claimed, known.condition(), known.notes()).await?.is_some() {
                return Ok(());
            }
        }
        Err(self.restless())
    }

    /// Stores a text in the place of what is known. It ends the journal of the run that is named, if one is.
    async fn store(&self, session: &mut Session, known: &Known, text: String, expected: Version, ended: Option<String>) -> Result<()> {
        self.may_write()?;
        session.known = None;
        let new = Known { bytes: Some(text.into_bytes()), etag: None, author: Some(self.author()), ended };
        if let Some(etag) = self.bucket.put(&self.key, new.bytes.clone().unwrap_or_default(), known.condition(), new.notes()).await? {
            session.known = Some(Known { etag: Some(etag), ..new });
            return Ok(());
        }
        self.may_write()?;
        let found = self.snapshot().await?.map(|s| s.version());
        if found.as_ref() == Some(&expected) {
            return Err(Error::LockLost("Another run took this one for dead, and has claimed the state.".into()));
        }
        Err(Error::Moved { expected, found })
    }

    /// Ends the journal, but for the effects whose end is not known.
    async fn end_journal(&self, session: &mut Session, ended: Option<Ended>, version: &Version) -> Result<()> {
        let open = ended.as_ref().map(|e| e.open.iter().cloned().map(journal::Record::Intent).collect::<Vec<_>>());
        if let (Some(_), Some(ended), Some([])) = (&session.alone, &ended, open.as_deref()) {
            session.cleaning = Some(self.journal.end_epoch(ended.epoch, ended.objects).await?);
            return match self.holding() {
                // The rest is removed while the lock is given back.
                Some(_) => Ok(()),
                None => self.cleaned(session).await,
            };
        }
        if session.alone.is_some() && ended.is_none() {
            return Ok(());
        }
        session.alone = None;
        let layout = self.journal.layout().await?;
        let open = match open {
            Some(open) => open,
            None if layout.is_live() => journal::open_intents(self.load().await?.2.as_ref()),
            None => Vec::new(),
        };
        self.settle_journal(&layout, open, version).await
    }

    async fn cleaned(&self, session: &mut Session) -> Result<()> {
        let Some(cleaning) = session.cleaning.take() else { return Ok(()) };
        // A task that was cancelled belongs to a program that ends.
        cleaning.await.unwrap_or(Ok(()))
    }

    /// Leaves of the journal what is still open.
    async fn settle_journal(&self, layout: &Layout, open: Vec<journal::Record>, version: &Version) -> Result<()> {
        if open.is_empty() {
            return self.journal.end(layout).await;
        }
        let text = journal::begin(version, &open, &self.cipher)?.text;
        let mut sink = self.journal.begin(layout, &text, None).await?;
        journal::Sink::wait(&mut sink).await;
        Ok(())
    }

    fn tell(&self, notice: Diagnostic) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    /// Waits for what the journal has under way, and takes it from the session.
    async fn close_journal(&self, session: &mut Session) -> Option<Ended> {
        let Writing { journal, run, epoch, objects } = session.journal.take()?;
        journal.close().await;
        Some(Ended { open: journal.open_intents(), run, epoch, objects: objects.load(Ordering::SeqCst) })
    }
}

/// A journal that takes no more records.
struct Ended {
    open: Vec<Intent>,
    run: String,
    epoch: u64,
    objects: u64,
}

#[async_trait]
impl Store for ObjectStore {
    async fn recover(&self) -> Result<Option<Recovered>> {
        let mut session = self.session.lock().await;
        if session.alone.is_some() && session.journal.is_none() && self.holding().is_some() {
            let read = session.known.clone().filter(|_| std::mem::take(&mut session.fresh));
            let known = match read {
                Some(known) => known,
                None => self.fetch().await?,
            };
            let snapshot = self.decode(&known)?;
            session.known = Some(known);
            return journal::recover(snapshot, None, &self.journal.name());
        }
        let (_, known, journal) = self.load().await?;
        let snapshot = self.decode(&known)?;
        session.known = Some(known);
        journal::recover(snapshot, journal, &self.journal.name())
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<Version> {
        let mut session = self.session.lock().await;
        let ended = self.close_journal(&mut session).await;
        let known = match session.known.clone() {
            Some(known) => known,
            None => self.fetch().await?,
        };
        let stored = known.bytes.as_deref().filter(|_| !matches!(self.decode(&known), Ok(None)));
        let version = match plan_write(snapshot, stored, &self.name(), &self.cipher)? {
            Planned::Same(version) => version,
            Planned::Replace(text, version) => {
                self.store(&mut session, &known, text, snapshot.version(), ended.as_ref().map(|e| e.run.clone())).await?;
                version
            }
        };
        self.may_write()?;
        self.end_journal(&mut session, ended, &version).await?;
        Ok(version)
    }

    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()> {
        let mut session = self.session.lock().await;
        self.close_journal(&mut session).await;
        let (known, stored, open) = match force {
            Force::No => {
                let (_, known, journal) = self.load().await?;
                let stored = self.decode(&known)?;
                journal::check_spent(stored.clone(), journal.clone(), &self.journal.name(), snapshot)?;
                (known, stored, journal::open_intents(journal.as_ref()))
            }
            // What stands there may be broken, which is why it is replaced.
            Force::Yes => {
                let etag = self.bucket.get(&self.key).await?.map(|o| o.etag);
                (Known { etag, ..Known::default() }, None, Vec::new())
            }
        };
        let expected = stored.as_ref().map_or_else(|| snapshot.version(), Snapshot::version);
        let text = plan_push(snapshot, stored, force, &self.name(), &self.cipher)?;
        self.store(&mut session, &known, text, expected, None).await?;
        session.alone = None;
        self.settle_journal(&self.journal.layout().await?, open, &snapshot.version()).await
    }

    async fn journal(&self, base: &Snapshot) -> Result<Journal> {
        let mut session = self.session.lock().await;
        let ended = self.close_journal(&mut session).await;
        self.may_write()?;
        self.cleaned(&mut session).await?;
        let holding = self.holding();
        let (layout, known, journal) = match (session.alone.take(), session.known.clone()) {
            (Some(layout), Some(known)) if ended.is_none() => (layout, known, None),
            _ => self.load().await?,
        };
        if holding.is_none() && layout.is_live() {
            // Without a lock only what a dead run left may be taken up.
            if let Some(found) = Found::read(&self.bucket, &self.lock_key()).await? {
                return Err(found.refusal(self.bucket.name(), &self.lock_key()));
            }
            self.journal.fence(&layout, || Ok(())).await?;
        }
        let stored = self.decode(&known)?;
        session.known = Some(known);
        let beginning = journal::go_on(base, stored, journal, &self.journal.name(), &self.cipher)?;
        let run = beginning.run.clone();
        let is_locked = holding.is_some();
        let sink = self.journal.begin(&layout, &beginning.text, holding).await?;
        let (epoch, objects) = (sink.epoch(), sink.counts());
        session.alone = is_locked.then(|| Layout::after(epoch));
        let (journal, work) = Journal::new(sink, beginning);
        self.bucket.spawn(work);
        session.journal = Some(Writing { journal: journal.clone(), run, epoch, objects });
        Ok(journal)
    }

    async fn lock(&self, info: LockInfo) -> Result<String> {
        if let Some(holding) = self.holding() {
            let cause = format!("This run holds the lock already, by the ID {}.", holding.id());
            return Err(Error::Locked(Box::new(Locked { holder: None, cause: cause.into() })));
        }
        let info = LockInfo { path: format!("{}/{}", self.bucket.name(), self.key), ..info };
        let id = info.id.clone();
        let (holding, before) = Holding::take(&self.bucket, &self.lock_key(), info, self.lease).await?;
        let (holding, stop) = (Arc::new(holding), Arc::new(tokio::sync::Notify::new()));
        let (keeping, stopping) = (holding.clone(), stop.clone());
        let task = self.bucket.spawn(async move {
            tokio::select! {
                biased;
                () = stopping.notified() => {}
                () = keeping.keep() => {}
            }
        });
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Kept { holding, stop, task });
        if let Some(found) = &before {
            self.tell(taken_over(found));
        }
        let ready = async {
            let (layout, known) = tokio::try_join!(self.journal.layout(), self.fetch())?;
            let mut session = self.session.lock().await;
            if before.is_some() || layout.is_live() {
                self.shut_out(&layout).await?;
                (session.known, session.fresh) = (None, false);
            } else {
                (session.alone, session.known, session.fresh) = (Some(layout), Some(known), true);
            }
            self.may_write()
        };
        match ready.await {
            Ok(()) => Ok(id),
            Err(e) => {
                let _ = self.unlock(&id).await;
                Err(e)
            }
        }
    }

    async fn unlock(&self, id: &str) -> Result<()> {
        let kept = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take_if(|k| k.holding.id() == id);
        let Some(mut kept) = kept else {
            return Err(Error::Lock(match self.holding() {
                Some(holding) => format!("invalid lock id: {id:?}. current id: {:?}", holding.id()),
                None => "The state is not locked by this run.".into(),
            }));
        };
        kept.stop.notify_one();
        // One that takes longer is refused when its turn comes, or makes the lock one that has to be removed once more.
        let _ = tokio::time::timeout(LAST_RENEWAL, &mut kept.task).await;
        let mut session = self.session.lock().await;
        session.alone = None;
        let (cleaned, given_back) = tokio::join!(self.cleaned(&mut session), kept.holding.give_back());
        given_back.and(cleaned)
    }

    async fn force_unlock(&self, id: &str) -> Result<()> {
        let key = self.lock_key();
        let Some(found) = Found::read(&self.bucket, &key).await? else {
            return Err(Error::Lock("The state is not locked.".into()));
        };
        let Some(file) = &found.file else { return Err(found.refusal(self.bucket.name(), &key)) };
        if file.info.id != id {
            return Err(Error::Lock(format!("The lock ID {id:?} does not match the existing lock.\n{}", file.info)));
        }
        // Its holder may be there after all.
        if file.lease.is_some() {
            self.shut_out(&self.journal.layout().await?).await?;
        }
        for _ in 0..PATIENCE {
            let Some(found) = Found::read(&self.bucket, &key).await? else { return Ok(()) };
            if found.file.is_none_or(|f| f.info.id != id) || self.bucket.delete_unchanged(&key, &found.object.etag).await? {
                return Ok(());
            }
        }
        Err(self.restless())
    }

    async fn versions(&self, most: usize) -> Result<Vec<Past>> {
        self.bucket.versions(&self.key, most).await
    }

    async fn open_version(&self, id: &str) -> Result<Option<Opened>> {
        let Some(object) = self.bucket.get_version(&self.key, id).await? else { return Ok(None) };
        let author = Author::from_notes(&object.notes);
        let known = Known { bytes: Some(object.bytes).filter(|b| !b.is_empty()), ..Known::default() };
        Ok(Some(Opened { snapshot: known.snapshot(&format!("{} (version {id})", self.name()), &self.cipher)?, author }))
    }

    fn is_local(&self) -> bool {
        false
    }

    fn encode(&self, snapshot: &Snapshot) -> Result<Vec<u8>> {
        Ok(self.cipher.seal_state(&file::write(snapshot)?, &self.name())?.into_bytes())
    }

    fn notices(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn lost(&self) -> Error {
        match self.holding() {
            Some(holding) => holding.lost().await,
            None => std::future::pending().await,
        }
    }
}

/// What a user is told of a lock that was taken over.
fn taken_over(found: &Found) -> Diagnostic {
    let holder = found.file.as_ref().map(|f| f.info.to_string()).unwrap_or_default();
    let what = format!(
        "Another run held the lock on the state and was last heard of {} seconds ago. It was taken for dead, and this run has its lock now. If it is still there, it cannot write the state any more.\n{holder}",
        found.object.age.as_secs()
    );
    Diagnostic::warning("Lock taken over", what)
}
