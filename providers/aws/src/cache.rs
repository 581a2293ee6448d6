//! A memo of read calls, so that a plan makes no call twice.
//!
//! Several types and data sources ask for the same thing: the policies attached to a role, the versioning of a
//! bucket. One call answers all, also those who ask while it is under way. Every change empties the memo.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use secstack_sdk::{Error, Result};
use tokio::sync::OnceCell;

type Cell = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// Answers by what was asked.
#[derive(Default)]
pub struct Cache(Mutex<HashMap<String, Cell>>);

impl Cache {
    /// The answer under `key`: `read` gives it unless it is there or on its way. Errors are not kept.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn get<T, F>(&self, key: String, read: F) -> Result<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T>>,
    {
        let cell = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let found = cell.get_or_try_init(|| async { Ok::<_, Error>(Arc::new(read.await?) as Arc<dyn Any + Send + Sync>) });
        found.await?.clone().downcast().map_err(|_| Error::other("two different questions share a key in the memo of reads"))
    }

    /// Forgets everything. A read under way still answers those who asked before.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn asked_twice_read_once_until_cleared() {
        let (cache, calls) = (Cache::default(), AtomicUsize::new(0));
        let ask = || {
            cache.get("k".into(), async {
                tokio::task::yield_now().await;
                Ok(calls.fetch_add(1, Ordering::SeqCst))
            })
        };
        let (a, b) = tokio::join!(ask(), ask());
        assert_eq!((*a.unwrap(), *b.unwrap()), (0, 0));
        cache.clear();
        assert_eq!(*ask().await.unwrap(), 1);
        let failed = cache.get::<(), _>("e".into(), async { Err(Error::other("no")) }).await;
        assert!(failed.is_err());
        assert!(cache.get("e".into(), async { Ok(()) }).await.is_ok());
    }
}
