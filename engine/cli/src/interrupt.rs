//! Interrupts: the first asks a run to end as soon as it can, the second ends it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::view::View;

/// Whether the run was asked to end.
#[derive(Clone, Default)]
pub struct Interrupts {
    /// Set by the first interrupt.
    pub stop: Arc<AtomicBool>,
    told: Arc<Notify>,
}

impl Interrupts {
    /// Listens from now on. However often this is called, there is one listener.
    pub fn listen(view: &View) -> Self {
        static LISTENING: OnceLock<Interrupts> = OnceLock::new();
        LISTENING.get_or_init(|| Self::begin(view)).clone()
    }

    fn begin(view: &View) -> Self {
        let interrupts = Self::default();
        let (heard, view) = (interrupts.clone(), view.clone());
        tokio::spawn(async move {
            loop {
                signal().await;
                if heard.stop.swap(true, Ordering::SeqCst) {
                    view.explain("\nTwo interrupts received. Exiting immediately. What was finished is in the journal of the state; the next run takes it up.");
                    std::process::exit(1);
                }
                view.say("\nInterrupt received.\nWaiting for what is under way to end. A second interrupt does not wait.\n");
                heard.told.notify_waiters();
                heard.told.notify_one();
            }
        });
        interrupts
    }

    /// Waits for the first interrupt.
    pub async fn wait(&self) {
        if !self.stop.load(Ordering::SeqCst) {
            self.told.notified().await;
        }
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
