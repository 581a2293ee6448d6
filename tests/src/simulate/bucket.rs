//! The way to the bucket of the state: requests take time, get lost on either way, are repeated, and arrive although their
//! sender is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use secstack_state::store::objects::{If, Listed, MemoryObjects, Notes, Object, Objects, Put};
use secstack_state::{Error, Result};

use super::network::Fate;
use super::tasks::Tasks;
use super::{KEY, SECRET, SESSION, World};

/// The longest that a request takes one way, in milliseconds.
const LONGEST: u64 = 150;

/// The bucket as a process sees it.
pub(super) struct Remote {
    pub inner: MemoryObjects,
    pub world: Arc<World>,
    pub tasks: Tasks,
}

impl Remote {
    async fn request<T: Send + 'static>(&self, ask: impl Fn(MemoryObjects) -> BoxFuture<'static, Result<T>> + Send + 'static) -> Result<T> {
        let fate = self.world.fate_at_bucket();
        let failed = |why: &str| Err(Error::Remote { summary: "State not reachable", problem: why.into(), help: None });
        match fate {
            Fate::Expired => return failed("ExpiredToken: the credentials have expired"),
            Fate::Throttled | Fate::Refused => {
                // The client tries again by itself when the server is busy, and a refusal is none of the conditions.
                tokio::time::sleep(Duration::from_millis(LONGEST)).await;
                if fate == Fate::Refused {
                    return failed("the server failed");
                }
            }
            Fate::LostThere => {
                tokio::time::sleep(Duration::from_millis(LONGEST)).await;
                return failed("there was no answer");
            }
            Fate::Well | Fate::LostBack => {}
        }
        let inner = self.inner.clone();
        let repeated = fate == Fate::LostBack && self.world.below(2) == 0;
        let answer = self.world.send(LONGEST, async move {
            let first = ask(inner.clone()).await;
            // A client that gets no answer asks once more.
            if repeated { ask(inner).await } else { first }
        });
        let answer = answer.await.unwrap_or_else(|| failed("the request was given up"));
        if fate == Fate::LostBack && !repeated { failed("there was no answer") } else { answer }
    }
}

#[async_trait]
impl Objects for Remote {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.tasks.spawn(work);
    }

    async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>> {
        let (key, version) = (key.to_string(), version.map(str::to_string));
        self.request(move |o| {
            let (key, version) = (key.clone(), version.clone());
            Box::pin(async move { o.get(&key, version.as_deref()).await })
        })
        .await
    }

    async fn head(&self, key: &str) -> Result<Option<(BTreeMap<String, String>, String)>> {
        let key = key.to_string();
        self.request(move |o| {
            let key = key.clone();
            Box::pin(async move { o.head(&key).await })
        })
        .await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: &If, notes: Notes) -> Result<Put> {
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(SESSION) || key != KEY && text.contains(SECRET) {
            let line = text.lines().find(|l| l.contains(SESSION) || l.contains(SECRET)).unwrap_or_default();
            self.world.is_wrong(format!("a secret was written to {key}: {line}"));
        }
        if text.contains("\"ahead\":true") {
            self.world.saw("creations announced");
        }
        // Others write the same object at this instant, and fail.
        if self.world.is_busy() {
            self.world.saw("bucket: busy");
            return Ok(Put::Busy);
        }
        let (at, key, condition) = (key, key.to_string(), condition.clone());
        let put = self.request(move |o| {
            let (key, bytes, condition, notes) = (key.clone(), bytes.clone(), condition.clone(), notes.clone());
            Box::pin(async move { o.put(&key, bytes, &condition, notes).await })
        });
        let put = put.await;
        let what = match &put {
            Ok(Put::Done(_)) => "bucket: written",
            Ok(_) => "bucket: condition refused",
            Err(_) => "bucket: write failed",
        };
        self.world.saw(what);
        self.world.tell(&format!("    {what}: {at}"));
        put
    }

    async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool> {
        let (key, etag) = (key.to_string(), etag.to_string());
        self.request(move |o| {
            let (key, etag) = (key.clone(), etag.clone());
            Box::pin(async move { o.delete_unchanged(&key, &etag).await })
        })
        .await
    }

    async fn delete(&self, keys: Vec<String>) -> Result<()> {
        self.world.tell(&format!("    bucket: remove {keys:?}"));
        self.request(move |o| {
            let keys = keys.clone();
            Box::pin(async move { o.delete(keys).await })
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let prefix = prefix.to_string();
        self.request(move |o| {
            let prefix = prefix.clone();
            Box::pin(async move { o.list(&prefix).await })
        })
        .await
    }

    async fn versions(&self, key: &str, most: usize) -> Result<Vec<secstack_state::past::Past>> {
        self.inner.versions(key, most).await
    }
}
