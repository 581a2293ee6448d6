//! What a process does at the same time: it lives, stands still and dies with the process.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

/// The tasks of a process. Clones are those of the same one.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<Inbox>>);

#[derive(Default)]
struct Inbox {
    new: Vec<BoxFuture<'static, ()>>,
    waker: Option<Waker>,
}

impl Tasks {
    /// Does something beside the main task.
    pub(super) fn spawn(&self, work: BoxFuture<'static, ()>) {
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.new.push(work);
        if let Some(waker) = inbox.waker.take() {
            waker.wake();
        }
    }

    fn take(&self, waker: &Waker) -> Vec<BoxFuture<'static, ()>> {
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.waker = Some(waker.clone());
        std::mem::take(&mut inbox.new)
    }

    /// Does the main task, and the others until that one is done.
    pub(super) async fn beside<T>(self, main: impl Future<Output = T>) -> T {
        let mut main = pin!(main);
        let mut running = FuturesUnordered::new();
        poll_fn(|cx| {
            if let Poll::Ready(done) = main.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            running.extend(self.take(cx.waker()));
            while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
            Poll::Pending
        })
        .await
    }
}
