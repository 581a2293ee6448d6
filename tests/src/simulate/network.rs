//! The way to the cloud: calls take time, get lost on either way, are refused, and arrive although their sender is gone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use secstack_base::schema::Draft;
use secstack_base::{Diags, ProviderAddr, Str, Value};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ProviderSchema, ReadRequest, Result, Trace, Wait, fence};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Broken, World, locked};
use crate::random::Random;

/// How calls fare: each number is of how many one fares so. Zero is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    throttled: u64,
    refused: u64,
    /// Not answered, whether or not it was carried out.
    unanswered: u64,
    /// After so many calls the credentials have expired.
    expires: Option<u64>,
}

impl Weather {
    pub(super) fn of(random: &mut Random) -> Self {
        if random.once_in(2) {
            return Self::default();
        }
        let mut one_of = |n| if random.once_in(2) { n } else { 0 };
        let mut weather = Self { throttled: one_of(6), refused: one_of(15), unanswered: one_of(8), expires: None };
        if random.once_in(4) {
            weather.expires = Some(random.below(30));
        }
        weather
    }

    pub(super) fn is_fair(&self) -> bool {
        self.throttled + self.refused + self.unanswered == 0 && self.expires.is_none()
    }
}

/// A provider behind the network.
pub(super) struct Network {
    pub inner: Arc<dyn Provider>,
    pub world: Arc<World>,
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
        Ok(Arc::new(Line { inner: self.inner.configure(config).await?, world: self.world.clone() }))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        Arc::new(Line { inner: self.inner.unconfigured(), world: self.world.clone() })
    }
}

/// An instance behind the network.
struct Line {
    inner: Arc<dyn Instance>,
    world: Arc<World>,
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
    fn pause(&self, most: u64) -> Duration {
        Duration::from_millis(1 + self.world.below(most))
    }

    async fn call<T: Send + 'static>(
        &self,
        what: &'static str,
        ask: impl FnOnce(Arc<dyn Instance>) -> BoxFuture<'static, Result<T>> + Send + 'static,
    ) -> Result<T> {
        if self.world.broken != Broken::Fence {
            fence::check().inspect_err(|_| self.world.saw("call of a run that had lost its lock"))?;
        }
        let weather = *locked(&self.world.weather);
        let happens = |n: u64| n > 0 && self.world.below(n) == 0;
        if let Some(left) = weather.expires {
            if left == 0 {
                self.world.saw("credentials expired");
                return Err(Error::new(ErrorKind::Denied, "ExpiredToken: the credentials have expired"));
            }
            locked(&self.world.weather).expires = Some(left - 1);
        }
        let (there, back) = (self.pause(900), self.pause(900));
        if happens(weather.throttled) {
            self.world.saw("throttled");
            tokio::time::sleep(there).await;
            return Err(Error::new(ErrorKind::Throttled, "Throttled: too many calls"));
        }
        if happens(weather.refused) {
            self.world.saw("refused");
            tokio::time::sleep(there).await;
            return Err(Error::new(ErrorKind::Denied, "Denied: not allowed"));
        }
        let unanswered = happens(weather.unanswered);
        if unanswered && self.world.below(2) == 0 {
            self.world.saw("lost on its way there");
            tokio::time::sleep(there).await;
            return Err(Error::new(ErrorKind::Unanswered, "there was no answer"));
        }
        self.world.saw(what);
        let (tell, told) = oneshot::channel();
        let inner = self.inner.clone();
        let call = tokio::spawn(async move {
            tokio::time::sleep(there).await;
            let answer = ask(inner).await;
            tokio::time::sleep(back).await;
            let _ = tell.send(answer);
        });
        let _under_way = UnderWay { call, is_sent: self.world.below(2) == 0 };
        let answer = told.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unanswered, "the call was given up")));
        if unanswered {
            self.world.saw("lost on its way back");
            return Err(Error::new(ErrorKind::Unanswered, "there was no answer"));
        }
        answer
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
