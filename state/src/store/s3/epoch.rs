//! The journal of a run as objects beside the state: `KEY.journal/EPOCH/NUMBER`, each the records of one write.
//!
//! Objects are only ever added, each under the next number and only if nothing is there. That is what makes a run that
//! was taken for dead harmless: its successor puts an empty object, a fence, under the number that comes next, and the
//! old run can add nothing any more. The first object of an epoch says what the journal extends and holds all that
//! earlier epochs left, so that the newest epoch is the whole journal. An epoch without its first object is spent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::bucket::{Bucket, If};
use super::lease::Holding;
use crate::crypt::Cipher;
use crate::error::{Error, Result};
use crate::journal::{self, Sink, Stored};

/// How long a fence stays: longer than anybody leaves a run stopped and then lets it go on.
const FENCE_STAYS: Duration = Duration::from_secs(24 * 3600);

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
        let numbers: BTreeSet<u64> = objects.iter().take_while(|(_, o)| !o.is_fence).map(|(n, _)| *n).collect();
        if let Some(missing) = (0..).zip(&numbers).find(|(want, n)| want != *n).map(|(want, _)| want) {
            return Err(self.damaged(epoch, missing, "is missing"));
        }
        let found = self.bucket.get_all(numbers.iter().map(|n| self.key(epoch, *n)).collect()).await?;
        let mut text = Vec::new();
        for (number, object) in numbers.into_iter().zip(found) {
            let Some(object) = object else { return Ok(None) };
            if !journal::is_whole(&object.bytes) {
                return Err(self.damaged(epoch, number, "is not as it was written"));
            }
            text.extend(object.bytes);
        }
        Stored::read(&text, &format!("{}{epoch:08}", self.name()), &self.cipher).map(Some)
    }

    fn damaged(&self, epoch: u64, number: u64, how: &str) -> Error {
        Error::Journal {
            file: format!("s3://{}/{}", self.bucket.name(), self.key(epoch, number)),
            problem: format!("The journal is damaged: this object {how}. The state itself is as it was stored last."),
            help: "Restore the object from an older version, if the bucket keeps versions. Without one, move the journal away, import what it names by ID, and plan again.".into(),
        }
    }

    /// Keeps every other run from adding to the journal.
    pub(super) async fn fence(&self, layout: &Layout) -> Result<()> {
        for (epoch, objects) in layout.live().filter(|(_, objects)| !objects.values().any(|o| o.is_fence)) {
            let mut next = objects.keys().next_back().map_or(1, |n| n + 1);
            // The other run may be writing still.
            while self.bucket.put(&self.key(epoch, next), Vec::new(), If::Absent).await?.is_none() {
                let layout = self.layout().await?;
                let Some(objects) = layout.epochs.get(&epoch).filter(|o| !o.values().any(|o| o.is_fence)) else { break };
                next = objects.keys().next_back().map_or(1, |n| n + 1);
            }
        }
        Ok(())
    }

    /// Begins an epoch with the given text, and removes what it takes the place of.
    pub(super) async fn begin(&self, layout: &Layout, text: &str, holding: Option<Arc<Holding>>) -> Result<ObjectSink> {
        let epoch = layout.next_epoch();
        if self.bucket.put(&self.key(epoch, 0), text.as_bytes().to_vec(), If::Absent).await?.is_none() {
            return Err(Error::LockLost("Another run has begun at the same time, and writes its own journal.".into()));
        }
        self.remove(layout, epoch).await?;
        Ok(ObjectSink { place: self.clone(), epoch, next: 1, holding, broken: None })
    }

    /// Removes all of the journal.
    pub(super) async fn end(&self, layout: &Layout) -> Result<()> {
        self.remove(layout, u64::MAX).await
    }

    async fn remove(&self, layout: &Layout, newest: u64) -> Result<()> {
        // Without its first object an epoch is spent, whatever else is left of it.
        for part in layout.spent(newest) {
            self.bucket.delete(part.into_iter().map(|(epoch, number)| self.key(epoch, number)).collect()).await?;
        }
        Ok(())
    }
}

/// Adds to an epoch. Used by the thread of the journal.
pub(super) struct ObjectSink {
    place: Place,
    epoch: u64,
    next: u64,
    holding: Option<Arc<Holding>>,
    /// Why nothing can be added any more: after a write whose end is not known, nobody can tell what comes next.
    broken: Option<Error>,
}

impl ObjectSink {
    async fn append(&self, lines: &str) -> Result<()> {
        let check = || self.holding.as_ref().map_or(Ok(()), |h| h.check());
        check()?;
        let key = self.place.key(self.epoch, self.next);
        if self.place.bucket.put(&key, lines.as_bytes().to_vec(), If::Absent).await?.is_none() {
            return Err(Error::LockLost("Another run took this one for dead, and has closed its journal.".into()));
        }
        // The run may have been stopped in between, and another one be at work.
        check()
    }
}

impl Sink for ObjectSink {
    fn commit(&mut self, lines: &str) -> Result<()> {
        if let Some(e) = &self.broken {
            return Err(e.clone());
        }
        match self.place.bucket.wait_for(self.append(lines)) {
            Ok(()) => {
                self.next += 1;
                Ok(())
            }
            Err(e) => {
                self.broken = Some(e.clone());
                Err(e)
            }
        }
    }
}
