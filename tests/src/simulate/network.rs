//! The network: what is sent takes time, gets lost on either way, is refused, and arrives although its sender is gone.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use secstack_base::schema::Draft;
use secstack_base::{Diags, ProviderAddr, Str, Value};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ProviderSchema, ReadRequest, Result, Trace, Wait, fence};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::process::Lock;
use super::{Broken, World, locked};
use crate::random::Random;

/// The longest that a call takes one way, in milliseconds.
const LONGEST: u64 = 900;
/// What changes nothing, so that it does no harm without the lock.
const READS: [&str; 3] = ["read", "looked for", "read a data source"];
/// By how much requests to the bucket of the state fare better than calls: there are more of them.
const BUCKET: u64 = 5;

/// How calls fare: each number is of how many one fares so. Zero is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    throttled: u64,
    refused: u64,
    /// Not answered, whether or not it was carried out.
    unanswered: u64,
    /// After so many calls the credentials have expired.
    expires: Option<u64>,
    /// Writes to the bucket that come at the same instant as somebody else's.
    busy: u64,
}

/// How something fares that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Well,
    Expired,
    Throttled,
    Refused,
    /// It does not arrive.
    LostThere,
    /// It is carried out, and the answer does not arrive.
    LostBack,
}

impl Weather {
    pub(super) fn of(random: &mut Random) -> Self {
        if random.once_in(2) {
            return Self::default();
        }
        let mut one_of = |n| if random.once_in(2) { n } else { 0 };
        let mut weather = Self { throttled: one_of(6), refused: one_of(15), unanswered: one_of(8), expires: None, busy: one_of(5) };
        if random.once_in(4) {
            weather.expires = Some(random.below(30));
        }
        weather
    }

    pub(super) fn is_fair(&self) -> bool {
        self.throttled + self.refused + self.unanswered + self.busy == 0 && self.expires.is_none()
    }
}

impl World {
    /// How a call fares.
    pub(super) fn fate(&self) -> Fate {
        self.fate_of(1)
    }

    /// How a request to the bucket fares.
    pub(super) fn fate_at_bucket(&self) -> Fate {
        self.fate_of(BUCKET)
    }

    fn fate_of(&self, better: u64) -> Fate {
        let weather = *locked(&self.weather);
        let happens = |n: u64| n > 0 && self.below(n * better) == 0;
        if let Some(left) = weather.expires {
            if left == 0 {
                self.saw("credentials expired");
                return Fate::Expired;
            }
            locked(&self.weather).expires = Some(left - 1);
        }
        let (fate, what) = if happens(weather.throttled) {
            (Fate::Throttled, "throttled")
        } else if happens(weather.refused) {
            (Fate::Refused, "refused")
        } else if !happens(weather.unanswered) {
            return Fate::Well;
        } else if self.below(2) == 0 {
            (Fate::LostThere, "lost on its way there")
        } else {
            (Fate::LostBack, "lost on its way back")
        };
        self.saw(what);
        fate
    }

    /// Whether somebody else writes to the bucket at this instant.
    pub(super) fn is_busy(&self) -> bool {
        let n = locked(&self.weather).busy;
        n > 0 && self.below(n) == 0
    }

    /// Sends something that takes at most so many milliseconds each way, and waits for the answer. It may arrive although its
    /// sender is gone.
    pub(super) async fn send<T: Send + 'static>(&self, longest: u64, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let [there, back] = [(); 2].map(|()| Duration::from_millis(1 + self.below(longest)));
        let (tell, told) = oneshot::channel();
        let call = tokio::spawn(async move {
            tokio::time::sleep(there).await;
            let answer = work.await;
            tokio::time::sleep(back).await;
            let _ = tell.send(answer);
        });
        let _under_way = UnderWay { call, is_sent: self.below(2) == 0 };
        told.await.ok()
    }
}

/// A provider behind the network.
pub(super) struct Network {
    pub inner: Arc<dyn Provider>,
    pub world: Arc<World>,
    /// The lock of the process that calls.
    pub lock: Lock,
}

#[async_trait]
impl Provider for Network {
    fn address(&self) -> ProviderAddr {
        self.inner.address()
    }

    fn versions(&self) -> Vec<&'static str> {
        self.inner.versions()
    }

    fn schema(&self) -> &ProviderSchema {
        self.inner.schema()
    }

    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>> {
        Ok(Arc::new(Line { inner: self.inner.configure(config).await?, world: self.world.clone(), lock: self.lock.clone() }))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        Arc::new(Line { inner: self.inner.unconfigured(), world: self.world.clone(), lock: self.lock.clone() })
    }
}

/// An instance behind the network.
struct Line {
    inner: Arc<dyn Instance>,
    world: Arc<World>,
    lock: Lock,
}

/// A call on its way. When its sender is gone it may not have been sent yet.
struct UnderWay {
    call: JoinHandle<()>,
    is_sent: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_sent {
            self.call.abort();
        }
    }
}

impl Line {
    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        ask: impl FnOnce(Arc<dyn Instance>) -> BoxFuture<'static, Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.world.broken != Broken::Fence {
            fence::check().inspect_err(|_| self.world.saw("call of a run that had lost its lock"))?;
        }
        if !READS.contains(&what) && !self.lock.is_held(&self.world.bucket) {
            self.world.is_wrong(format!("a run that had lost its lock did something: {what}"));
        }
        let fate = self.world.fate();
        let failed = |kind, why: &str| Err(Error::new(kind, why));
        match fate {
            Fate::Expired => return failed(ErrorKind::Denied, "ExpiredToken: the credentials have expired"),
            Fate::Well | Fate::LostBack => {}
            fate => {
                tokio::time::sleep(Duration::from_millis(1 + self.world.below(LONGEST))).await;
                return match fate {
                    Fate::Throttled => failed(ErrorKind::Throttled, "Throttled: too many calls"),
                    Fate::Refused => failed(ErrorKind::Denied, "Denied: not allowed"),
                    _ => failed(ErrorKind::Unanswered, "there was no answer"),
                };
            }
        }
        self.world.saw(what);
        let answer = self.world.send(LONGEST, ask(self.inner.clone())).await;
        let answer = answer.unwrap_or_else(|| failed(ErrorKind::Unanswered, "the call was given up"));
        if fate == Fate::LostBack { failed(ErrorKind::Unanswered, "there was no answer") } else { answer }
    }
}

#[async_trait]
impl Instance for Line {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        self.inner.validate(ty, data, config)
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        self.inner.plan(ty, draft)
    }

    fn wait(&self, ty: &str) -> Wait {
        self.inner.wait(ty)
    }

    fn leaves_token(&self, ty: &str) -> bool {
        self.inner.leaves_token(ty)
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let (ty, asked) = (ty.to_string(), objects.to_vec());
        let read = self.call("read", move |i| Box::pin(async move { Ok(i.read(&ty, &asked).await) })).await;
        read.unwrap_or_else(|e| objects.iter().map(|_| Err(e.clone())).collect())
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        let (ty, trace) = (ty.to_string(), trace.clone());
        self.call("looked for", move |i| Box::pin(async move { i.find_made(&ty, &trace).await })).await
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        let objects = objects.to_vec();
        self.call("settled", move |i| Box::pin(async move { i.settle(&objects).await })).await
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        let (ty, planned, token) = (ty.to_string(), planned.clone(), token.to_string());
        let settles = self.world.broken == Broken::Settling;
        let create = move |i: Arc<dyn Instance>| async move {
            let made = i.create(&ty, &planned, &token).await?;
            if let (Created::Id(id), true) = (&made, settles) {
                i.settle(&[(ty.into(), id.clone())]).await?;
            }
            Ok(made)
        };
        self.call("created", move |i| Box::pin(create(i))).await
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let (ty, id, planned) = (ty.to_string(), id.clone(), planned.clone());
        self.call("finished", move |i| Box::pin(async move { i.finish(&ty, &id, &planned).await })).await
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        let (ty, id, prior, planned) = (ty.to_string(), id.clone(), prior.clone(), planned.clone());
        self.call("updated", move |i| Box::pin(async move { i.update(&ty, &id, &prior, &planned).await })).await
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        let (ty, id, prior) = (ty.to_string(), id.clone(), prior.clone());
        self.call("deleted", move |i| Box::pin(async move { i.delete(&ty, &id, &prior).await })).await
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let (ty, config) = (ty.to_string(), config.clone());
        self.call("read a data source", move |i| Box::pin(async move { i.read_data(&ty, &config).await })).await
    }

    async fn open(&self, ty: &str, config: &Value) -> Result<Value> {
        self.inner.open(ty, config).await
    }
}
