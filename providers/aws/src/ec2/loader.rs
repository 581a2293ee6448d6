//! Objects that several resource types read, fetched together.
//!
//! A route, its table and the table's associations all are in the answer of one call. Their types are read at
//! the same time, so those who ask within a moment are answered by one call; later ones by what it told.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use secstack_sdk::Result;
use tokio::sync::Mutex;

/// How long the first to ask waits for others.
const GATHER: Duration = Duration::from_millis(5);

/// Objects of one kind by ID, those that do not exist included. Lives in the memo of reads.
pub struct Loader<T> {
    wanted: Lock<BTreeSet<String>>,
    known: Mutex<BTreeMap<String, Option<Arc<T>>>>,
}

impl<T> Default for Loader<T> {
    fn default() -> Self {
        Self { wanted: Lock::default(), known: Mutex::default() }
    }
}

impl<T> Loader<T> {
    /// The objects that exist, of those asked for. `fetch` gets at most `most` IDs.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub async fn load<F, Fut>(&self, ids: &BTreeSet<String>, most: usize, fetch: F) -> Result<BTreeMap<String, Arc<T>>>
    where
        F: Fn(Vec<String>) -> Fut,
        Fut: Future<Output = Result<Vec<(String, T)>>>,
    {
        self.lock().extend(ids.iter().cloned());
        tokio::time::sleep(GATHER).await;
        let mut known = self.known.lock().await;
        if ids.iter().any(|id| !known.contains_key(id)) {
            let mut wanted = std::mem::take(&mut *self.lock());
            wanted.extend(ids.iter().cloned());
            let missing: Vec<String> = wanted.into_iter().filter(|id| !known.contains_key(id)).collect();
            for batch in missing.chunks(most) {
                let found = fetch(batch.to_vec()).await?;
                known.extend(batch.iter().map(|id| (id.clone(), None)));
                known.extend(found.into_iter().map(|(id, object)| (id, Some(Arc::new(object)))));
            }
        }
        let object = |id: &String| Some((id.clone(), known.get(id)?.clone()?));
        Ok(ids.iter().filter_map(object).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_ask_together_share_a_call() {
        let loader = Loader::default();
        let calls = Lock::new(vec![]);
        let fetch = |ids: Vec<String>| {
            calls.lock().unwrap().push(ids.join(" "));
            std::future::ready(Ok(ids.into_iter().filter(|id| id != "x").map(|id| (id.clone(), id)).collect()))
        };
        let ask = |ids: &str| ids.split(' ').map(Into::into).collect::<BTreeSet<String>>();
        let (a, b, c) = (ask("a b"), ask("b x"), ask("c"));
        let (first, second) = tokio::join!(loader.load(&a, 2, fetch), loader.load(&b, 2, fetch));
        assert_eq!((first.unwrap().len(), second.unwrap().len()), (2, 1));
        loader.load(&a, 2, fetch).await.unwrap();
        loader.load(&c, 2, fetch).await.unwrap();
        assert_eq!(*calls.lock().unwrap(), ["a b", "x", "c"]);
    }
}
