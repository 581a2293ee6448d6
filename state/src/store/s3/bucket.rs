//! Objects in a bucket: read, written under a condition, listed and removed.
//!
//! Requests run on a thread of their own. A run that is busy with something else cannot keep a lock from being renewed
//! then, and the journal, which is written from a thread without a runtime, uses the same connections.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectCannedAcl, ObjectIdentifier, ServerSideEncryption};
use md5::{Digest, Md5};

use super::clock::Clock;
use super::config::{Config, Sealing};
use super::connect::client;
use super::failure::{self, Failure, explain};
use crate::error::{Error, Result};
use crate::past::Past;

/// How often a write is tried while somebody else writes the same object.
const ATTEMPTS: u32 = 5;
/// How many objects are read at once.
const AT_ONCE: usize = 16;
/// The member of an object's metadata that tells one write from any other.
const WRITE: &str = "secstack-write";
/// Metadata of an object besides that: names and ASCII text.
pub(super) type Notes = Vec<(&'static str, String)>;

/// A bucket. Clones share its connections.
#[derive(Clone)]
pub(super) struct Bucket(Arc<Inner>);

struct Inner {
    name: String,
    client: aws_sdk_s3::Client,
    clock: Clock,
    sealing: Sealing,
    acl: Option<ObjectCannedAcl>,
    thread: Thread,
}

/// The thread that requests run on.
struct Thread(Option<tokio::runtime::Runtime>);

impl Thread {
    fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("state").enable_all().build();
        runtime.map(|r| Self(Some(r))).map_err(|e| Error::io("start the thread of the state", &e))
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        self.0.as_ref().map(tokio::runtime::Runtime::handle).expect("the runtime is taken only when this is dropped")
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // It may end on a thread that runs other tasks, where waiting is not allowed.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// An object that was read.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub bytes: Vec<u8>,
    pub etag: String,
    /// How long ago it was written, by the server's clock.
    pub age: Duration,
    /// Its metadata.
    pub notes: BTreeMap<String, String>,
}

/// What must hold for a write.
#[derive(Clone, Debug)]
pub(super) enum If {
    /// Nothing is there.
    Absent,
    /// What is there is what was read.
    Unchanged(String),
}

/// An object in a list.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub key: String,
    pub size: i64,
    pub age: Duration,
}

impl Bucket {
    /// Finds region and credentials.
    pub(super) async fn open(config: &Config) -> Result<Self> {
        let thread = Thread::start()?;
        let clock = Clock::default();
        let opening = thread.handle().spawn(client(config.clone(), clock.clone()));
        let client = joined(opening.await)?;
        Ok(Self(Arc::new(Inner {
            name: config.bucket.clone(),
            client,
            clock,
            sealing: config.sealing.clone(),
            acl: config.acl.as_deref().map(ObjectCannedAcl::from),
            thread,
        })))
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Runs something on the thread of the state.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
        self.handle().spawn(work)
    }

    /// Waits for something on a thread that has no runtime.
    pub(super) fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle().block_on(work)
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        self.0.thread.handle()
    }

    /// Reads an object. `None` when it is not there.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.get_version(key, None).await
    }

    /// Reads a version of an object; the newest if none is named.
    pub(super) async fn get_version(&self, key: &str, version: Option<&str>) -> Result<Option<Object>> {
        let (inner, at, version) = (self.0.clone(), key.to_string(), version.map(str::to_string));
        let got = self.spawn(async move {
            let mut asked = inner.client.get_object().bucket(&inner.name).key(at).set_version_id(version);
            if let Some((key, digest)) = inner.sealing.customer() {
                asked = asked.sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(digest);
            }
            let answer = asked.send().await.map_err(|e| failure::of(&e))?;
            let age = inner.clock.age(answer.last_modified);
            let notes = answer.metadata.clone().unwrap_or_default().into_iter().collect();
            let etag = answer.e_tag.unwrap_or_default();
            let bytes = answer.body.collect().await.map_err(|e| Failure::broken_off(&e))?.to_vec();
            Ok(Object { bytes, etag, age, notes })
        });
        match joined(got.await) {
            Ok(object) => Ok(Some(object)),
            Err(f) if Failure::is_missing(&f) => Ok(None),
            Err(f) => Err(explain(&format!("read s3://{}/{key}", self.0.name), &f)),
        }
    }

    /// Reads objects, some at once. `None` in the place of those that are not there.
    pub(super) async fn get_all(&self, keys: Vec<String>) -> Result<Vec<Option<Object>>> {
        let mut found = Vec::with_capacity(keys.len());
        let mut running = std::collections::VecDeque::new();
        let mut keys = keys.into_iter();
        loop {
            while running.len() < AT_ONCE
                && let Some(key) = keys.next()
            {
                let bucket = self.clone();
                running.push_back(tokio::spawn(async move { bucket.get(&key).await }));
            }
            let Some(next) = running.pop_front() else { return Ok(found) };
            found.push(joined(next.await)?);
        }
    }

    /// Writes an object if the condition holds, and gives its new tag. `None` when the condition does not hold.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>, condition: If, notes: Notes) -> Result<Option<String>> {
        let write = uuid::Uuid::new_v4().to_string();
        for attempt in 1.. {
            let put = self.put_once(key, bytes.clone(), &condition, (&write, &notes)).await;
            let f = match put {
                Ok(etag) => return Ok(Some(etag)),
                Err(f) => f,
            };
            let gone = matches!(condition, If::Unchanged(_)) && f.is_missing();
            if !f.is_refused() && !gone {
                return Err(explain(&format!("write s3://{}/{key}", self.0.name), &f));
            }
            // A request that was repeated may be refused because of its own first try.
            if let Some(etag) = self.written_by(key, &write).await? {
                return Ok(Some(etag));
            }
            if f.status != 409 || attempt == ATTEMPTS {
                return Ok(None);
            }
            // Somebody else writes at this instant, and may fail.
            tokio::time::sleep(Duration::from_millis(100) * attempt).await;
        }
        Ok(None)
    }

    async fn put_once(&self, key: &str, bytes: Vec<u8>, condition: &If, (write, notes): (&str, &Notes)) -> Result<String, Failure> {
        let notes = notes.clone();
        let (inner, key, condition, write) = (self.0.clone(), key.to_string(), condition.clone(), write.to_string());
        let put = self.spawn(async move {
            let mut asked = inner.client.put_object().bucket(&inner.name).key(key).content_type("application/json");
            asked = asked.metadata(WRITE, write).set_acl(inner.acl.clone()).body(ByteStream::from(bytes));
            asked = notes.into_iter().fold(asked, |asked, (name, text)| asked.metadata(name, text));
            asked = match condition {
                If::Absent => asked.if_none_match("*"),
                If::Unchanged(etag) => asked.if_match(etag),
            };
            asked = match &inner.sealing {
                Sealing::Bucket => asked,
                Sealing::S3 => asked.server_side_encryption(ServerSideEncryption::Aes256),
                Sealing::Kms(key) => asked.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key),
                Sealing::Customer(_) => asked,
            };
            if let Some((key, digest)) = inner.sealing.customer() {
                asked = asked.sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(digest);
            }
            let answer = asked.send().await.map_err(|e| failure::of(&e))?;
            Ok(answer.e_tag.unwrap_or_default())
        });
        joined(put.await)
    }

    /// The tag of an object, if it is the one that a certain write made.
    async fn written_by(&self, key: &str, write: &str) -> Result<Option<String>> {
        let (inner, at) = (self.0.clone(), key.to_string());
        let asked = self.spawn(async move {
            let mut asked = inner.client.head_object().bucket(&inner.name).key(at);
            if let Some((key, digest)) = inner.sealing.customer() {
                asked = asked.sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(digest);
            }
            asked.send().await.map_err(|e| failure::of(&e))
        });
        match joined(asked.await) {
            Ok(head) if head.metadata().and_then(|m| m.get(WRITE)).is_some_and(|w| w == write) => Ok(head.e_tag),
            Ok(_) => Ok(None),
            Err(f) if Failure::is_missing(&f) => Ok(None),
            Err(f) => Err(explain(&format!("look at s3://{}/{key}", self.0.name), &f)),
        }
    }

    /// Removes an object, if it is still the one with this tag. `false` when it is not.
    pub(super) async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool> {
        let (inner, at, etag) = (self.0.clone(), key.to_string(), etag.to_string());
        let deleted = self.spawn(async move {
            let asked = inner.client.delete_object().bucket(&inner.name).key(at).if_match(etag);
            asked.send().await.map_err(|e| failure::of(&e))
        });
        match joined(deleted.await) {
            Ok(_) => Ok(true),
            Err(f) if f.is_refused() || f.is_missing() => Ok(false),
            Err(f) => Err(explain(&format!("remove s3://{}/{key}", self.0.name), &f)),
        }
    }

    /// Removes objects, in no certain order. Those that are not there count as removed.
    pub(super) async fn delete(&self, keys: Vec<String>) -> Result<()> {
        for some in keys.chunks(1000) {
            let failed = |f: &Failure| explain(&format!("remove objects from the bucket {:?}", self.0.name), f);
            let objects = some.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects: Result<Vec<_>, _> = objects.collect();
            let delete = objects.and_then(|o| Delete::builder().set_objects(Some(o)).quiet(true).build());
            let delete = delete.map_err(|e| failed(&Failure::broken_off(&e)))?;
            let inner = self.0.clone();
            let deleted = self.spawn(async move {
                let asked = inner.client.delete_objects().bucket(&inner.name).delete(delete);
                asked.send().await.map_err(|e| failure::of(&e))
            });
            let answer = joined(deleted.await).map_err(|f| failed(&f))?;
            if let Some(e) = answer.errors().first() {
                let code = e.code().unwrap_or_default();
                return Err(failed(&Failure::told(code, e.message().unwrap_or_default())));
            }
        }
        Ok(())
    }

    /// The objects whose keys begin with a text, in order.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let (inner, at) = (self.0.clone(), prefix.to_string());
        let listed = self.spawn(async move {
            let (mut found, mut token) = (Vec::new(), None);
            loop {
                let asked = inner.client.list_objects_v2().bucket(&inner.name).prefix(&at).set_continuation_token(token);
                let page = asked.send().await.map_err(|e| failure::of(&e))?;
                found.extend(page.contents.unwrap_or_default().into_iter().filter_map(|o| {
                    let age = inner.clock.age(o.last_modified);
                    Some(Listed { key: o.key?, size: o.size.unwrap_or_default(), age })
                }));
                token = page.next_continuation_token;
                if token.is_none() {
                    return Ok(found);
                }
            }
        });
        joined(listed.await).map_err(|f: Failure| explain(&format!("list s3://{}/{prefix}", self.0.name), &f))
    }

    /// The versions of an object that are still there, the newest first.
    pub(super) async fn versions(&self, key: &str, most: usize) -> Result<Vec<Past>> {
        let (inner, at) = (self.0.clone(), key.to_string());
        let listed = self.spawn(async move {
            let (mut found, mut markers) = (Vec::new(), (None, None));
            loop {
                let asked = inner.client.list_object_versions().bucket(&inner.name).prefix(&at);
                let page = asked.set_key_marker(markers.0).set_version_id_marker(markers.1).send().await.map_err(|e| failure::of(&e))?;
                found.extend(page.versions.unwrap_or_default().into_iter().filter(|v| v.key.as_ref() == Some(&at)).map(|v| Past {
                    id: v.version_id.unwrap_or_default(),
                    written: v.last_modified.and_then(|t| SystemTime::try_from(t).ok()),
                    size: v.size.and_then(|s| u64::try_from(s).ok()).unwrap_or_default(),
                }));
                // Keys come in order: what follows belongs to another one once this one has been passed.
                let more = page.is_truncated == Some(true) && page.next_key_marker.as_ref() == Some(&at);
                markers = (page.next_key_marker, page.next_version_id_marker);
                if !more || found.len() >= most {
                    found.truncate(most);
                    return Ok(found);
                }
            }
        });
        joined(listed.await).map_err(|f: Failure| explain(&format!("list the versions of s3://{}/{key}", self.0.name), &f))
    }

    /// Whether the bucket keeps old versions of objects. `None` when we may not know.
    pub(super) async fn keeps_versions(&self) -> Result<Option<bool>> {
        let inner = self.0.clone();
        let asked = self.spawn(async move {
            let answer = inner.client.get_bucket_versioning().bucket(&inner.name).send().await;
            // Emulators give the outermost element another name, which this client minds and others do not.
            let raw = answer.as_ref().err().and_then(|e| e.raw_response()).filter(|r| r.status().is_success());
            if let Some(raw) = raw {
                let text = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default());
                return Ok(text.contains("<Status>Enabled</Status>"));
            }
            answer.map(|a| a.status == Some(BucketVersioningStatus::Enabled)).map_err(|e| failure::of(&e))
        });
        match joined(asked.await) {
            Ok(keeps) => Ok(Some(keeps)),
            // It is not allowed to ask, or the server does not know the question.
            Err(f) if matches!(f.status, 403 | 501) => Ok(None),
            Err(f) => Err(explain(&format!("look at the bucket {:?}", self.0.name), &f)),
        }
    }
}

/// A task that panicked takes its caller along; one that was cancelled belongs to a runtime that is gone.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(e) => std::panic::resume_unwind(e.into_panic()),
    }
}

impl Sealing {
    /// A key that we hold, and its digest.
    fn customer(&self) -> Option<(String, String)> {
        let Sealing::Customer(key) = self else { return None };
        let bytes = aws_smithy_types::base64::decode(key).unwrap_or_default();
        Some((key.clone(), aws_smithy_types::base64::encode(Md5::digest(bytes))))
    }
}
