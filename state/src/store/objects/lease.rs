//! The lock beside a state: Terraform's object, with a lease that has to be renewed.
//!
//! Whoever holds the lock writes its object again every few seconds. When nobody has done so for the length of the
//! lease, by the server's clock, the holder is gone or cannot reach the server, and another run takes the lock over. A
//! holder that was stopped meanwhile counts the time on its own clocks and knows when it wakes up that it is too late.
//! Terraform's locks have no lease, and are never taken over.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Bucket, If, Object};
use crate::error::{Error, Locked, Result};
use crate::lock::LockInfo;
use crate::past::Author;

/// Times come in whole seconds, so that an age may be off by one; and the holder is to be sure first.
const MARGIN: Duration = Duration::from_secs(2);
/// How often the lock is renewed during a lease.
const RENEWALS: u32 = 3;

/// A lock as it is stored. Terraform skips the lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LockFile {
    #[serde(flatten)]
    pub info: LockInfo,
    #[serde(rename = "Lease", default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
}

/// For how long a lock is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Lease {
    /// Since it was last written.
    pub seconds: u64,
    /// How often that was: each writing gives another object.
    pub renewals: u64,
}

impl LockFile {
    fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::Lock(e.to_string()))
    }
}

/// Somebody's lock, as it was found.
pub(super) struct Found {
    pub object: Object,
    /// `None` when the object does not say who holds the lock.
    pub file: Option<LockFile>,
}

impl Found {
    /// Reads the lock, if there is one.
    pub(super) async fn read(bucket: &Bucket, key: &str) -> Result<Option<Self>> {
        let object = bucket.get(key).await?;
        Ok(object.map(|object| Self { file: serde_json::from_slice(&object.bytes).ok(), object }))
    }

    fn lease(&self) -> Option<Lease> {
        self.file.as_ref().and_then(|f| f.lease)
    }

    fn has_run_out(&self) -> bool {
        self.lease().is_some_and(|l| self.object.age > Duration::from_secs(l.seconds) + MARGIN)
    }

    /// The refusal that the lock means for others.
    pub(super) fn refusal(&self, bucket: &str, key: &str) -> Error {
        let cause = match (&self.file, self.lease()) {
            (None, _) => format!(
                "The object s3://{bucket}/{key} is a lock that does not say who holds it. If no run is under way, remove the object."
            ),
            (Some(_), None) => "The state is locked by another program.".into(),
            (Some(_), Some(lease)) => format!(
                "The state is locked by another run, which was last heard of {} seconds ago. If it is gone, its lock can be taken over {} seconds after that.",
                self.object.age.as_secs(),
                (Duration::from_secs(lease.seconds) + MARGIN).as_secs()
            ),
        };
        Error::Locked(Box::new(Locked { holder: self.file.as_ref().map(|f| f.info.clone()), cause: cause.into() }))
    }
}

/// A lock that this run holds.
pub(super) struct Holding {
    bucket: Bucket,
    key: String,
    length: Duration,
    held: Mutex<Held>,
    lost: watch::Sender<Option<String>>,
}

struct Held {
    file: LockFile,
    etag: String,
    good_until: Moment,
}

/// A moment by two clocks: one that stops while the machine sleeps but cannot be set, and one that does not stop.
#[derive(Clone, Copy)]
struct Moment(Instant, SystemTime);

impl Moment {
    fn after(length: Duration) -> Self {
        Self(Instant::now() + length, SystemTime::now() + length)
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    fn has_passed(self) -> bool {
        Instant::now() >= self.0 || SystemTime::now() > self.1
    }
}

impl Holding {
    /// Takes the lock, if nobody else holds it. Gives what was found of a holder whose lease had run out, too.
    pub(super) async fn take(bucket: &Bucket, key: &str, info: LockInfo, length: Duration) -> Result<(Self, Option<Found>)> {
        // Somebody may give the lock back between two requests, or take it.
        for _ in 0..3 {
            if let Some(new) = Self::put(bucket, key, &info, length, If::Absent).await? {
                return Ok((new, None));
            }
            let Some(found) = Found::read(bucket, key).await? else { continue };
            if !found.has_run_out() {
                return Err(found.refusal(bucket.name(), key));
            }
            if let Some(new) = Self::put(bucket, key, &info, length, If::Unchanged(found.object.etag.clone())).await? {
                return Ok((new, Some(found)));
            }
        }
        let cause = "Other runs take the lock and give it back all the time.".into();
        Err(Error::Locked(Box::new(Locked { holder: None, cause })))
    }

    async fn put(bucket: &Bucket, key: &str, info: &LockInfo, length: Duration, condition: If) -> Result<Option<Self>> {
        let lease = Lease { seconds: length.as_secs(), renewals: 0 };
        let file = LockFile { info: info.clone(), lease: Some(lease) };
        let good_until = Moment::after(length);
        let put = bucket.put(key, file.bytes()?, condition, Vec::new()).await?;
        Ok(put.map(|etag| Self {
            bucket: bucket.clone(),
            key: key.into(),
            length,
            held: Mutex::new(Held { file, etag, good_until }),
            lost: watch::Sender::new(None),
        }))
    }

    pub(super) fn id(&self) -> String {
        self.held().file.info.id.clone()
    }

    /// The holder, as the author of what this run writes.
    pub(super) fn author(&self) -> Author {
        Author::of(&self.held().file.info)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this run may still write.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(why) = &*self.lost.borrow() {
            return Err(Error::LockLost(why.clone()));
        }
        if self.held().good_until.has_passed() {
            return Err(Error::LockLost(self.too_late()));
        }
        Ok(())
    }

    fn too_late(&self) -> String {
        format!(
            "This run could not renew its lock on the state for {} seconds: it was stopped, or did not reach S3. Another run may hold the lock by now.",
            self.length.as_secs()
        )
    }

    /// Waits until the lock is lost.
    pub(super) async fn lost(&self) -> Error {
        let mut watched = self.lost.subscribe();
        let why = watched.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        match why {
            Some(why) => Error::LockLost(why),
            None => std::future::pending().await,
        }
    }

    /// Renews the lock again and again, until it is lost.
    pub(super) async fn keep(&self) {
        let pause = self.length / RENEWALS;
        let mut next = pause;
        loop {
            tokio::time::sleep(next).await;
            // A server that does not answer is no reason to hold on for longer.
            let left = self.held().good_until.left();
            let renewed = tokio::time::timeout(left, self.renew()).await;
            next = match renewed.unwrap_or_else(|_| Err(Error::LockLost(self.too_late()))) {
                Ok(true) => pause,
                Ok(false) => return self.lose(self.taken().await),
                // The server may answer again before the lease has run out.
                Err(_) if !self.held().good_until.has_passed() => pause / 4,
                Err(_) => return self.lose(self.too_late()),
            };
        }
    }

    fn lose(&self, why: String) {
        self.lost.send_replace(Some(why));
    }

    async fn renew(&self) -> Result<bool> {
        let (mut file, etag) = {
            let held = self.held();
            (held.file.clone(), held.etag.clone())
        };
        if let Some(lease) = &mut file.lease {
            lease.renewals += 1;
        }
        // The lease counts from before the request: the server cannot have written it earlier.
        let good_until = Moment::after(self.length);
        let put = self.bucket.put(&self.key, file.bytes()?, If::Unchanged(etag), Vec::new()).await?;
        Ok(put.is_some_and(|etag| {
            *self.held() = Held { file, etag, good_until };
            true
        }))
    }

    /// What became of the lock that is not ours any more.
    async fn taken(&self) -> String {
        let begin = "This run does not hold the lock on the state any more";
        match Found::read(&self.bucket, &self.key).await {
            Ok(Some(Found { file: Some(file), .. })) => format!("{begin}: another one took it.\n{}", file.info),
            Ok(None) => format!("{begin}: another one took it over and has ended since, or somebody has broken it."),
            _ => format!("{begin}."),
        }
    }

    /// Gives the lock back.
    pub(super) async fn give_back(&self) -> Result<()> {
        let etag = self.held().etag.clone();
        if self.bucket.delete_unchanged(&self.key, &etag).await? {
            return Ok(());
        }
        // A renewal may have been under way when its task was ended.
        let ours = |f: &Found| f.file.as_ref().is_some_and(|f| f.info.id == self.id());
        if let Some(found) = Found::read(&self.bucket, &self.key).await?.filter(ours)
            && self.bucket.delete_unchanged(&self.key, &found.object.etag).await?
        {
            return Ok(());
        }
        Err(Error::LockLost(self.taken().await))
    }
}
