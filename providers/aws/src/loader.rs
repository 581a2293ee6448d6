//! Objects that several resource types read, fetched together.
//!
//! A route, its table and the table's associations all are in the answer of one call. Their types are read at
//! the same time, so those who ask within a moment are answered by one call; later ones by what it told.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use secstack_sdk::Result;
use secstack_sdk::typed::{Ask, Found};
use tokio::sync::Mutex;

/// How long the first to ask waits for others.
const GATHER: Duration = Duration::from_millis(5);

/// How many objects of a type that have calls of their own are read at once.
const AT_ONCE: usize = 16;

/// Reads objects that have calls of their own, several at once.
///
/// # Errors
/// The first of `read`.
pub async fn each<'a, R, F, Fut>(asks: &'a [Ask<R>], read: F) -> Result<Vec<Found<R>>>
where
    F: Fn(&'a Ask<R>) -> Fut,
    Fut: Future<Output = Result<Option<Found<R>>>>,
{
    let mut reads = Vec::with_capacity(asks.len());
    for ask in asks {
        reads.push(read(ask));
    }
    let found: Vec<_> = futures::stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Objects of one kind by ID, those that do not exist included. Lives in the memo of reads.
pub struct Loader<T, K = String> {
    wanted: Lock<BTreeSet<K>>,
    known: Mutex<BTreeMap<K, Result<Option<Arc<T>>>>>,
}

impl<T, K> Default for Loader<T, K> {
    fn default() -> Self {
        Self { wanted: Lock::default(), known: Mutex::default() }
    }
}

impl<T, K: Clone + Ord> Loader<T, K> {
    /// The objects that exist, of those asked for. `fetch` gets at most `most` IDs.
    ///
    /// # Errors
    /// Those of `fetch`, told to all who asked together: a service that does not answer is not asked by each of them.
    pub async fn load<F, Fut>(&self, ids: &BTreeSet<K>, most: usize, fetch: F) -> Result<BTreeMap<K, Arc<T>>>
    where
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = Result<Vec<(K, T)>>>,
    {
        let mut known = self.known.lock().await;
        if ids.iter().any(|id| !known.contains_key(id)) {
            drop(known);
            self.lock().extend(ids.iter().cloned());
            tokio::time::sleep(GATHER).await;
            known = self.known.lock().await;
        }
        if ids.iter().any(|id| !known.contains_key(id)) {
            let mut wanted = std::mem::take(&mut *self.lock());
            wanted.extend(ids.iter().cloned());
            let missing: Vec<K> = wanted.into_iter().filter(|id| !known.contains_key(id)).collect();
            for batch in missing.chunks(most) {
                let found = fetch(batch.to_vec()).await;
                let (found, rest) = found.map_or_else(|e| (vec![], Err(e)), |found| (found, Ok(None)));
                known.extend(batch.iter().map(|id| (id.clone(), rest.clone())));
                known.extend(found.into_iter().map(|(id, object)| (id, Ok(Some(Arc::new(object))))));
            }
        }
        let object = |id: &K| Some(known.get(id)?.clone().transpose()?.map(|o| (id.clone(), o)));
        ids.iter().filter_map(object).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<K>> {
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
