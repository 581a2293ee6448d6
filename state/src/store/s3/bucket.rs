//! The bucket of S3 that holds states.
//!
//! Requests run on a thread of their own. A run that is busy with something else cannot keep a lock from being renewed then.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectCannedAcl, ObjectIdentifier, ServerSideEncryption};
use futures::future::BoxFuture;
use md5::{Digest, Md5};

use super::super::objects::{If, Listed, Notes, Object, Objects, Put};
use super::clock::Clock;
use super::config::{Config, Sealing};
use super::connect::client;
use super::failure::{self, Failure, explain};
use crate::error::{Error, Result};
use crate::past::Past;

/// A bucket of S3. Clones share its connections.
#[derive(Clone)]
pub(super) struct S3Objects(Arc<Inner>);

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

impl S3Objects {
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

    /// Runs a request on the thread of the state.
    fn request<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
        self.handle().spawn(work)
    }

    fn handle(&self) -> &tokio::runtime::Handle {
        self.0.thread.handle()
    }

    /// Whether the bucket keeps old versions of objects. `None` when we may not know.
    pub(super) async fn keeps_versions(&self) -> Result<Option<bool>> {
        let inner = self.0.clone();
        let asked = self.request(async move {
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

#[async_trait]
impl Objects for S3Objects {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.handle().spawn(work);
    }

    async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>> {
        let (inner, at, version) = (self.0.clone(), key.to_string(), version.map(str::to_string));
        let got = self.request(async move {
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

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: &If, notes: Notes) -> Result<Put> {
        let (inner, at, wanted) = (self.0.clone(), key.to_string(), condition.clone());
        let put = self.request(async move {
            let mut asked = inner.client.put_object().bucket(&inner.name).key(at).content_type("application/json");
            asked = asked.set_acl(inner.acl.clone()).body(ByteStream::from(bytes));
            asked = notes.into_iter().fold(asked, |asked, (name, text)| asked.metadata(name, text));
            asked = match wanted {
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
            Ok::<_, Failure>(answer.e_tag.unwrap_or_default())
        });
        let gone = |f: &Failure| matches!(condition, If::Unchanged(_)) && f.is_missing();
        match joined(put.await) {
            Ok(etag) => Ok(Put::Done(etag)),
            Err(f) if f.status == 409 => Ok(Put::Busy),
            Err(f) if f.is_refused() || gone(&f) => Ok(Put::Refused),
            Err(f) => Err(explain(&format!("write s3://{}/{key}", self.0.name), &f)),
        }
    }

    async fn head(&self, key: &str) -> Result<Option<(BTreeMap<String, String>, String)>> {
        let (inner, at) = (self.0.clone(), key.to_string());
        let asked = self.request(async move {
            let mut asked = inner.client.head_object().bucket(&inner.name).key(at);
            if let Some((key, digest)) = inner.sealing.customer() {
                asked = asked.sse_customer_algorithm("AES256").sse_customer_key(key).sse_customer_key_md5(digest);
            }
            asked.send().await.map_err(|e| failure::of(&e))
        });
        match joined(asked.await) {
            Ok(head) => Ok(Some((head.metadata.unwrap_or_default().into_iter().collect(), head.e_tag.unwrap_or_default()))),
            Err(f) if Failure::is_missing(&f) => Ok(None),
            Err(f) => Err(explain(&format!("look at s3://{}/{key}", self.0.name), &f)),
        }
    }

    async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool> {
        let (inner, at, etag) = (self.0.clone(), key.to_string(), etag.to_string());
        let deleted = self.request(async move {
            let asked = inner.client.delete_object().bucket(&inner.name).key(at).if_match(etag);
            asked.send().await.map_err(|e| failure::of(&e))
        });
        match joined(deleted.await) {
            Ok(_) => Ok(true),
            Err(f) if f.is_refused() || f.is_missing() => Ok(false),
            Err(f) => Err(explain(&format!("remove s3://{}/{key}", self.0.name), &f)),
        }
    }

    async fn delete(&self, keys: Vec<String>) -> Result<()> {
        for some in keys.chunks(1000) {
            let failed = |f: &Failure| explain(&format!("remove objects from the bucket {:?}", self.0.name), f);
            let objects = some.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects: Result<Vec<_>, _> = objects.collect();
            let delete = objects.and_then(|o| Delete::builder().set_objects(Some(o)).quiet(true).build());
            let delete = delete.map_err(|e| failed(&Failure::broken_off(&e)))?;
            let inner = self.0.clone();
            let deleted = self.request(async move {
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

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let (inner, at) = (self.0.clone(), prefix.to_string());
        let listed = self.request(async move {
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

    async fn versions(&self, key: &str, most: usize) -> Result<Vec<Past>> {
        let (inner, at) = (self.0.clone(), key.to_string());
        let listed = self.request(async move {
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
