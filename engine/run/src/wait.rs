//! Looking again at objects that come or go: one read for all of a type that somebody waits for.
//!
//! Who waits says when to look. Whoever is due first looks for all whose time is nearly there as well, so that a hundred
//! gateways that appear together cost as many calls as one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secstack_base::{ProviderConfigAddr, Str};
use secstack_sdk::{Error, Found, Instance, ReadRequest, Result, Wait};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// The objects that a run waits for.
#[derive(Default)]
pub struct Lookout {
    waiting: Mutex<BTreeMap<Kind, Vec<Waiter>>>,
    tickets: AtomicU64,
}

/// What is read together: objects of one type of a provider configuration.
pub type Kind = (ProviderConfigAddr, Str);

struct Waiter {
    ticket: u64,
    request: ReadRequest,
    /// When it does no harm to look.
    from: Instant,
    answer: oneshot::Sender<Result<Option<Found>>>,
}

impl Lookout {
    /// Looks at an object after a pause, or somewhat earlier in company.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn look_after(&self, pause: Duration, instance: &dyn Instance, kind: &Kind, request: ReadRequest) -> Result<Option<Found>> {
        let now = Instant::now();
        let (answer, mut told) = oneshot::channel();
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.enter(kind, Waiter { ticket, request: request.clone(), from: now + pause / 2, answer });
        // Who looked for us as well and stopped in the middle leaves it to us.
        let alone = async || first(instance.read(&kind.1, std::slice::from_ref(&request)).await);
        tokio::select! {
            biased;
            told = &mut told => return match told {
                Ok(answer) => answer,
                Err(_) => alone().await,
            },
            () = tokio::time::sleep(pause) => {}
        }
        let company = self.due(kind);
        if !company.iter().any(|w| w.ticket == ticket) {
            // Somebody looks at it right now.
            company.into_iter().for_each(|w| self.enter(kind, w));
            return match told.await {
                Ok(answer) => answer,
                Err(_) => alone().await,
            };
        }
        let requests: Vec<ReadRequest> = company.iter().map(|w| w.request.clone()).collect();
        let answers = instance.read(&kind.1, &requests).await;
        let mut ours = Err(Error::other("the provider gave no answer"));
        for (waiter, answer) in company.into_iter().zip(answers) {
            if waiter.ticket == ticket {
                ours = answer;
            } else {
                // Who does not wait any more does not matter.
                let _ = waiter.answer.send(answer);
            }
        }
        ours
    }

    fn enter(&self, kind: &Kind, waiter: Waiter) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).entry(kind.clone()).or_default().push(waiter);
    }

    /// Takes those at whom one may look now.
    fn due(&self, kind: &Kind) -> Vec<Waiter> {
        let now = Instant::now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = waiting.get_mut(kind) else { return Vec::new() };
        let (due, later) = std::mem::take(all).into_iter().partition(|w| w.from <= now);
        *all = later;
        due
    }
}

fn first(answers: Vec<Result<Option<Found>>>) -> Result<Option<Found>> {
    answers.into_iter().next().unwrap_or_else(|| Err(Error::other("the provider gave no answer")))
}

/// The pauses between looks: short at first, as many things are quick, then as the type asks.
pub struct Pauses {
    next: Duration,
    most: Duration,
}

impl Pauses {
    /// The pauses of a type.
    pub fn new(wait: &Wait) -> Self {
        Self { next: Duration::from_millis(100).min(wait.every), most: wait.every }
    }

    /// The next pause.
    pub fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.most);
        pause
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures::future::join_all;
    use secstack_base::{InstanceKey, ProviderAddr, Value};
    use secstack_sdk::{Created, Id, Status};

    use super::*;

    /// Notes which objects each call reads.
    #[derive(Default)]
    struct Service(Mutex<Vec<String>>);

    #[async_trait]
    impl Instance for Service {
        async fn read(&self, _: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
            let ids: Vec<&str> = objects.iter().map(|o| &*o.id.0).collect();
            self.0.lock().unwrap().push(ids.join(" "));
            tokio::time::sleep(Duration::from_millis(10)).await;
            let found = |o: &ReadRequest| Ok(Some(Found { status: Status::Ready, value: Value::string(&o.id.0) }));
            objects.iter().map(found).collect()
        }
        async fn create(&self, _: &str, _: &Value, _: &str) -> Result<Created> {
            Err(Error::other("no"))
        }
        async fn update(&self, _: &str, _: &Id, _: &Value, _: &Value) -> Result<Option<Value>> {
            Err(Error::other("no"))
        }
        async fn delete(&self, _: &str, _: &Id, _: &Value) -> Result<()> {
            Err(Error::other("no"))
        }
        async fn read_data(&self, _: &str, _: &Value) -> Result<Value> {
            Err(Error::other("no"))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_nearly_due_is_read_with_who_is() {
        check("a=100 b=150 c=190", &["a b c"]).await;
        check("a=100 b=1000", &["a", "b"]).await;
        // While `a` is read, `b` comes due and is not read with it.
        check("a=100 b=205", &["a", "b"]).await;
    }

    /// Waits for objects for as many milliseconds each; the calls that are made.
    async fn check(waits: &str, want: &[&str]) {
        let (service, lookout) = (Service::default(), Lookout::default());
        let provider =
            ProviderConfigAddr { module: Default::default(), provider: ProviderAddr::hashicorp("x"), alias: None, key: InstanceKey::None };
        let kind = (provider, Str::from("x_y"));
        let looks = waits.split(' ').filter_map(|w| w.split_once('=')).map(|(id, pause)| {
            let pause = Duration::from_millis(pause.parse().unwrap());
            lookout.look_after(pause, &service, &kind, ReadRequest::new(Id(id.into()), None))
        });
        for (found, wait) in join_all(looks).await.into_iter().zip(waits.split(' ')) {
            assert_eq!(found.unwrap().unwrap().value.as_str(), wait.split('=').next());
        }
        assert_eq!(*service.0.lock().unwrap(), want);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_left_in_the_middle_looks_alone() {
        let (service, lookout) = (Service::default(), Lookout::default());
        let provider =
            ProviderConfigAddr { module: Default::default(), provider: ProviderAddr::hashicorp("x"), alias: None, key: InstanceKey::None };
        let kind = (provider, Str::from("x_y"));
        let look = |id: &str, ms| lookout.look_after(Duration::from_millis(ms), &service, &kind, ReadRequest::new(Id(id.into()), None));
        let stopped = tokio::time::timeout(Duration::from_millis(105), look("a", 100));
        let (stopped, left) = tokio::join!(stopped, look("b", 150));
        assert!(stopped.is_err());
        assert_eq!(left.unwrap().unwrap().value.as_str(), Some("b"));
        assert_eq!(*service.0.lock().unwrap(), ["a b", "b"]);
    }
}
