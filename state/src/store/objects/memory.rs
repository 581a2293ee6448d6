//! A bucket in memory, for simulation: its clock is tokio's, which a simulation turns by hand.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{If, Listed, Notes, Object, Objects, Put};
use crate::error::Result;
use crate::past::Past;

/// A bucket in memory. Clones are the same bucket.
#[derive(Clone, Default)]
pub struct MemoryObjects(Arc<Mutex<BTreeMap<String, Kept>>>);

struct Kept {
    bytes: Vec<u8>,
    notes: BTreeMap<String, String>,
    written: Instant,
}

impl Kept {
    /// As in S3, the same content has the same tag whoever wrote it.
    fn etag(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.bytes);
        digest.as_ref().iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }
}

impl MemoryObjects {
    /// All keys with what stands there.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.kept().iter().map(|(key, kept)| (key.clone(), kept.bytes.clone())).collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Objects for MemoryObjects {
    fn name(&self) -> &str {
        "memory"
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }

    /// Only the newest version is kept.
    async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>> {
        let found = self.kept();
        let found = found.get(key).filter(|k| version.is_none_or(|v| v == k.etag()));
        Ok(found.map(|k| Object { bytes: k.bytes.clone(), etag: k.etag(), age: k.written.elapsed(), notes: k.notes.clone() }))
    }

    async fn head(&self, key: &str) -> Result<Option<(BTreeMap<String, String>, String)>> {
        Ok(self.kept().get(key).map(|k| (k.notes.clone(), k.etag())))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: &If, notes: Notes) -> Result<Put> {
        let mut all = self.kept();
        let found = all.get(key).map(Kept::etag);
        let holds = match condition {
            If::Absent => found.is_none(),
            If::Unchanged(etag) => found.as_ref() == Some(etag),
        };
        if !holds {
            return Ok(Put::Refused);
        }
        let notes = notes.into_iter().map(|(name, text)| (name.to_string(), text)).collect();
        let new = Kept { bytes, notes, written: Instant::now() };
        let etag = new.etag();
        all.insert(key.into(), new);
        Ok(Put::Done(etag))
    }

    async fn delete_unchanged(&self, key: &str, etag: &str) -> Result<bool> {
        let mut all = self.kept();
        let is_it = all.get(key).is_some_and(|k| k.etag() == etag);
        if is_it {
            all.remove(key);
        }
        Ok(is_it)
    }

    async fn delete(&self, keys: Vec<String>) -> Result<()> {
        let mut all = self.kept();
        keys.iter().for_each(|key| drop(all.remove(key)));
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let all = self.kept();
        let found = all.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found
            .map(|(key, k)| Listed { key: key.clone(), size: i64::try_from(k.bytes.len()).unwrap_or(i64::MAX), age: k.written.elapsed() })
            .collect())
    }

    async fn versions(&self, key: &str, most: usize) -> Result<Vec<Past>> {
        let found = self.kept();
        let found = found.get(key).map(|k| Past { id: k.etag(), written: None, size: k.bytes.len() as u64 });
        Ok(found.into_iter().take(most).collect())
    }
}
