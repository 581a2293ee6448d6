//! Whether a run may still change anything.
//!
//! A run may be stopped and wake up when another one has taken over its lock. What it had begun must not go on then: a
//! call that was about to be made could undo the other's work. So the engine does its work within a check, and whatever
//! changes something asks it right before.

use std::sync::Arc;

use crate::{Error, ErrorKind, Result};

/// Says why nothing may be changed any more, when that is so.
pub type Check = Arc<dyn Fn() -> std::result::Result<(), String> + Send + Sync>;

tokio::task_local! {
    static FENCE: Check;
}

/// Works within a check.
pub async fn within<T>(check: Option<Check>, work: impl Future<Output = T>) -> T {
    match check {
        Some(check) => FENCE.scope(check, work).await,
        None => work.await,
    }
}

/// Asks the check that this work is done within. Work outside of any is always allowed.
///
/// # Errors
/// When nothing may be changed any more.
pub fn check() -> Result<()> {
    let asked = FENCE.try_with(|check| check());
    asked.unwrap_or(Ok(())).map_err(|why| Error::new(ErrorKind::Denied, why))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_within_a_check_is_refused_from_the_moment_it_says_so() {
        let closed = Arc::new(AtomicBool::new(false));
        let asked = closed.clone();
        let fence: Check = Arc::new(move || if asked.load(Ordering::SeqCst) { Err("too late".into()) } else { Ok(()) });
        within(Some(fence), async {
            assert!(check().is_ok());
            closed.store(true, Ordering::SeqCst);
            tokio::task::yield_now().await;
            assert_eq!(check().unwrap_err().message, "too late");
        })
        .await;
        assert!(check().is_ok());
    }
}
