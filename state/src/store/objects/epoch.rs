//! The journal of a run as objects beside the state: `KEY.journal/EPOCH/NUMBER`, each the records of one write.
//!
//! Objects are only ever added, each under the next number and only if nothing is there. Several may be on their way at
//! once, but a record counts only when all before it are there. That is what makes a run that was taken for dead
//! harmless: its successor puts an empty object, a fence, under the first number that is free, and nothing that the old
//! run adds counts any more. The first object of an epoch says what the journal extends and holds all that earlier epochs
//! left, so that the newest epoch is the whole journal. An epoch without its first object is spent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::bucket::given_up;
use super::lease::Holding;
use super::{Bucket, If};
use crate::crypt::Cipher;
use crate::error::{Error, Result};
use crate::journal::{self, Done, Guard, Sink, Stored};

/// How long results of steps wait for others to be written with.
const PATIENCE: Duration = Duration::from_millis(200);
/// The member of the metadata that tells how many objects of a journal were known to be there when one was written.
const AFTER: &str = "secstack-after";
/// How long a fence stays: longer than anybody leaves a run stopped and then lets it go on.
const FENCE_STAYS: Duration = Duration::from_secs(24 * 3600);

/// How many objects are on their way at once.
const UNDER_WAY: usize = 16;

/// The place of the journal of a state.
#[derive(Clone)]
pub(super) struct Place {
    bucket: Bucket,
    prefix: String,
    cipher: Cipher,
}

/// Which objects there are.
#[derive(Debug, Default)]
pub(super) struct Layout {
    epochs: BTreeMap<u64, BTreeMap<u64, Entry>>,
}

#[derive(Debug)]
struct Entry {
    is_fence: bool,
    age: Duration,
}

impl Layout {
    /// Epochs that are not spent.
    fn live(&self) -> impl DoubleEndedIterator<Item = (u64, &BTreeMap<u64, Entry>)> {
        self.epochs.iter().filter(|(_, objects)| objects.get(&0).is_some_and(|o| !o.is_fence)).map(|(n, objects)| (*n, objects))
    }

    /// What is left when this run ends an epoch of its own.
    pub(super) fn after(epoch: u64) -> Self {
        Self { epochs: [(epoch, BTreeMap::new())].into() }
    }

    /// Whether there is no object at all.
    fn is_empty(&self) -> bool {
        self.epochs.values().all(BTreeMap::is_empty)
    }

    /// Whether a run left a journal, or is writing one.
    pub(super) fn is_live(&self) -> bool {
        self.live().next().is_some()
    }

    /// A number that no epoch has had.
    fn next_epoch(&self) -> u64 {
        self.epochs.keys().next_back().map_or(1, |n| n + 1)
    }

    /// What an epoch before `newest` leaves that is of no use any more, as epochs and numbers: first objects, then the others.
    fn spent(&self, newest: u64) -> [Vec<(u64, u64)>; 2] {
        let objects = self.epochs.range(..newest).flat_map(|(epoch, objects)| objects.iter().map(move |(n, o)| (*epoch, *n, o)));
        let spent = objects.filter(|(.., o)| !o.is_fence || o.age > FENCE_STAYS).map(|(epoch, n, _)| (epoch, n));
        let (first, rest) = spent.partition(|(_, n)| *n == 0);
        [first, rest]
    }
}

impl Place {
    pub(super) fn new(bucket: Bucket, key: &str, cipher: Cipher) -> Self {
        Self { bucket, prefix: format!("{key}.journal/"), cipher }
    }

    /// What errors call the journal.
    pub(super) fn name(&self) -> String {
        format!("s3://{}/{}", self.bucket.name(), self.prefix)
    }

    fn key(&self, epoch: u64, number: u64) -> String {
        format!("{}{epoch:08}/{number:08}", self.prefix)
    }

    /// Looks which objects there are.
    pub(super) async fn layout(&self) -> Result<Layout> {
        let mut layout = Layout::default();
        for o in self.bucket.list(&self.prefix).await? {
            let path = o.key.strip_prefix(&self.prefix).and_then(|p| p.split_once('/'));
            let Some((Ok(epoch), Ok(number))) = path.map(|(e, n)| (e.parse::<u64>(), n.parse::<u64>())) else { continue };
            layout.epochs.entry(epoch).or_default().insert(number, Entry { is_fence: o.size == 0, age: o.age });
        }
        Ok(layout)
    }

    /// Reads the journal. The outer `None` when it changed since it was listed.
    pub(super) async fn read(&self, layout: &Layout) -> Result<Option<Option<Stored>>> {
        let Some((epoch, objects)) = layout.live().next_back() else { return Ok(Some(None)) };
        let end = first_free(objects);
        let found = self.bucket.get_all((0..end).map(|n| self.key(epoch, n)).collect()).await?;
        let mut text = Vec::new();
        for (number, object) in (0..).zip(found) {
            let Some(object) = object else { return Ok(None) };
            if !journal::is_whole(&object.bytes) {
                return Err(self.damaged(epoch, number, "is not as it was written"));
            }
            text.extend(object.bytes);
        }
        self.check_end(epoch, objects, end).await?;
        Stored::read(&text, &format!("{}{epoch:08}", self.name()), &self.cipher).map(Some)
    }

    /// What stands behind the end was on its way when its run ended, unless that run knew of more that was there.
    async fn check_end(&self, epoch: u64, objects: &BTreeMap<u64, Entry>, end: u64) -> Result<()> {
        if objects.get(&end).is_some_and(|o| o.is_fence) {
            return Ok(());
        }
        let behind = objects.range(end..).filter(|(_, o)| !o.is_fence).map(|(n, _)| self.key(epoch, *n)).collect();
        let known = self.bucket.get_all(behind).await?.into_iter().flatten().filter_map(|o| o.notes.get(AFTER)?.parse::<u64>().ok());
        match known.max() {
            Some(after) if after > end => Err(self.damaged(epoch, end, "is missing")),
            _ => Ok(()),
        }
    }

    fn damaged(&self, epoch: u64, number: u64, how: &str) -> Error {
        Error::Journal {
            file: format!("s3://{}/{}", self.bucket.name(), self.key(epoch, number)),
            problem: format!("The journal is damaged: this object {how}. The state itself is as it was stored last."),
            help: "Restore the object from an older version, if the bucket keeps versions. Without one, move the journal away, import what it names by ID, and plan again.".into(),
        }
    }

    /// Keeps every other run from adding to the journal. `may_go_on` is asked right before each write.
    pub(super) async fn fence(&self, layout: &Layout, may_go_on: impl Fn() -> Result<()>) -> Result<()> {
        for (epoch, objects) in layout.live() {
            self.fence_epoch(epoch, objects, &may_go_on).await?;
        }
        Ok(())
    }

    /// The same for a run whose lock is taken over, which may be about to begin an epoch. The first object of that may be on
    /// its way for as long as the run stands still, whether or not later ones have arrived.
    pub(super) async fn shut_out(&self, layout: &Layout, may_go_on: impl Fn() -> Result<()>) -> Result<()> {
        self.fence(layout, &may_go_on).await?;
        if let Some((newest, objects)) = layout.epochs.last_key_value() {
            self.fence_epoch(*newest, objects, &may_go_on).await?;
        }
        self.fence_epoch(layout.next_epoch(), &BTreeMap::new(), &may_go_on).await
    }

    async fn fence_epoch(&self, epoch: u64, objects: &BTreeMap<u64, Entry>, may_go_on: &impl Fn() -> Result<()>) -> Result<()> {
        let is_fence = |objects: &BTreeMap<u64, Entry>, n: u64| objects.get(&n).is_some_and(|o| o.is_fence);
        let mut free = first_free(objects);
        if is_fence(objects, free) {
            return Ok(());
        }
        loop {
            may_go_on()?;
            if self.bucket.put(&self.key(epoch, free), Vec::new(), If::Absent, Vec::new()).await?.is_some() {
                return Ok(());
            }
            // The other run is writing still.
            let layout = self.layout().await?;
            let Some(objects) = layout.epochs.get(&epoch) else { return Ok(()) };
            free = first_free(objects);
            if is_fence(objects, free) {
                return Ok(());
            }
        }
    }

    /// Begins an epoch with the given text, and removes what it takes the place of.
    pub(super) async fn begin(&self, layout: &Layout, text: &str, holding: Option<Arc<Holding>>) -> Result<ObjectSink> {
        let epoch = layout.next_epoch();
        let mut sink = ObjectSink {
            place: self.clone(),
            epoch,
            next: 0,
            counts: Arc::default(),
            holding,
            last: None,
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
        };
        let begun = sink.send(text, None);
        if !layout.is_empty() {
            // Nothing may be lost in between: what is there goes when the new first object stands.
            begun.await.unwrap_or_else(|e| Err(given_up(&e)))?;
            self.remove(layout, epoch).await?;
        }
        Ok(sink)
    }

    /// Removes all of the journal.
    pub(super) async fn end(&self, layout: &Layout) -> Result<()> {
        self.remove(layout, u64::MAX).await
    }

    /// Removes an epoch whose objects are known. It is spent when this returns; the rest is removed by the task.
    pub(super) async fn end_epoch(&self, epoch: u64, objects: u64) -> Result<oneshot::Receiver<Result<()>>> {
        self.bucket.delete(vec![self.key(epoch, 0)]).await?;
        let (place, rest) = (self.clone(), (1..objects).map(|n| self.key(epoch, n)).collect());
        Ok(self.bucket.spawn(async move { place.bucket.delete(rest).await }))
    }

    async fn remove(&self, layout: &Layout, newest: u64) -> Result<()> {
        // Without its first object an epoch is spent, whatever else is left of it.
        for part in layout.spent(newest) {
            self.bucket.delete(part.into_iter().map(|(epoch, number)| self.key(epoch, number)).collect()).await?;
        }
        Ok(())
    }
}

/// The first number that is free, or has a fence: what stands before it counts.
fn first_free(objects: &BTreeMap<u64, Entry>) -> u64 {
    (0..).find(|n| objects.get(n).is_none_or(|o| o.is_fence)).unwrap_or(u64::MAX)
}

/// Adds to an epoch.
pub(super) struct ObjectSink {
    place: Place,
    epoch: u64,
    next: u64,
    /// How many objects there are from the first one on.
    counts: Arc<AtomicU64>,
    holding: Option<Arc<Holding>>,
    /// What came of the object before.
    last: Option<oneshot::Receiver<Result<()>>>,
    under_way: Arc<Semaphore>,
}

impl ObjectSink {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How many objects count so far.
    pub(super) fn counts(&self) -> Arc<AtomicU64> {
        self.counts.clone()
    }

    /// Sends the next object on its way. The receiver is told what came of it, once all before it is told.
    fn send(&mut self, lines: &str, permit: Option<OwnedSemaphorePermit>) -> oneshot::Receiver<Result<()>> {
        let (tell, told) = oneshot::channel();
        let (tell_next, next) = oneshot::channel();
        let before = self.last.replace(next);
        let (place, holding, counts, bytes) = (self.place.clone(), self.holding.clone(), self.counts.clone(), lines.as_bytes().to_vec());
        let (key, after, number) = (place.key(self.epoch, self.next), self.counts.load(Ordering::SeqCst), self.next);
        self.next += 1;
        self.place.bucket.spawn(async move {
            let put = append(&place, &key, bytes, after, holding.as_deref()).await;
            let before = match before {
                Some(before) => before.await.unwrap_or_else(|e| Err(given_up(&e))),
                None => Ok(()),
            };
            let result = before.and(put);
            if result.is_ok() {
                counts.store(number + 1, Ordering::SeqCst);
            }
            drop(permit);
            let _ = tell_next.send(result.clone());
            let _ = tell.send(result);
        });
        told
    }
}

async fn append(place: &Place, key: &str, bytes: Vec<u8>, after: u64, holding: Option<&Holding>) -> Result<()> {
    let check = || holding.map_or(Ok(()), Holding::check);
    check()?;
    if place.bucket.put(key, bytes, If::Absent, vec![(AFTER, after.to_string())]).await?.is_none() {
        return Err(Error::LockLost("Another run took this one for dead, and has closed its journal.".into()));
    }
    // The run may have been stopped in between, and another one be at work.
    check()
}

#[async_trait]
impl Sink for ObjectSink {
    async fn commit(&mut self, lines: &str) -> Result<()> {
        self.send(lines, None).await.unwrap_or_else(|e| Err(given_up(&e)))
    }

    async fn begin(&mut self, lines: &str, done: Done) {
        // What comes while as many as may be are on their way goes together.
        let permit = self.under_way.clone().acquire_owned().await.ok();
        let told = self.send(lines, permit);
        self.place.bucket.spawn(async move { done(told.await.unwrap_or_else(|e| Err(given_up(&e)))) });
    }

    async fn wait(&mut self) {
        if let Some(last) = self.last.take() {
            // Who waited for it was told.
            let _ = last.await;
        }
    }

    fn patience(&self) -> Option<Duration> {
        Some(PATIENCE)
    }

    fn guard(&self) -> Option<Guard> {
        let holding = self.holding.clone()?;
        Some(Arc::new(move || holding.check()))
    }
}
