//! The table of a provider's types, and the instance that answers from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Diags, Str, Value};

use super::{AnyData, AnyResource, Context, DataSource, Resource, Typed};
use crate::drift::{Known, Shared, Unmanaged, Weakness};
use crate::{Created, Error, Found, Id, Instance, ProviderSchema, ReadRequest, Result, Trace, Wait};

/// A provider's resource types and data sources, by name.
pub struct Registry<Cx> {
    resources: BTreeMap<&'static str, Box<dyn AnyResource<Cx>>>,
    data: BTreeMap<&'static str, Box<dyn AnyData<Cx>>>,
}

impl<Cx: Context> Default for Registry<Cx> {
    fn default() -> Self {
        Self::new()
    }
}

impl<Cx: Context> Registry<Cx> {
    /// A table without types.
    pub fn new() -> Self {
        Self { resources: BTreeMap::new(), data: BTreeMap::new() }
    }

    /// The same table with a resource type.
    #[must_use]
    pub fn resource<R: Resource<Cx = Cx>>(mut self) -> Self {
        self.resources.insert(R::NAME, Box::new(Typed::<R>::NEW));
        self
    }

    /// The same table with a data source.
    #[must_use]
    pub fn data<D: DataSource<Cx = Cx>>(mut self) -> Self {
        self.data.insert(D::NAME, Box::new(Typed::<D>::NEW));
        self
    }

    /// The schemas of all types, with that of the provider's own configuration.
    pub fn schema(&self, config: Schema) -> ProviderSchema {
        ProviderSchema {
            config,
            resources: self.resources.values().map(|r| (r.name().into(), r.schema().clone())).collect(),
            data: self.data.values().map(|d| (d.name().into(), d.schema().clone())).collect(),
            ephemeral: BTreeMap::new(),
        }
    }

    fn find(&self, ty: &str) -> Result<&dyn AnyResource<Cx>> {
        let found = self.resources.get(ty).map(Box::as_ref);
        found.ok_or_else(|| Error::other(format!("there is no resource type {ty:?}")))
    }

    fn find_data(&self, ty: &str) -> Result<&dyn AnyData<Cx>> {
        let found = self.data.get(ty).map(Box::as_ref);
        found.ok_or_else(|| Error::other(format!("there is no data source {ty:?}")))
    }
}

/// An instance of a provider whose types are all in a [`Registry`].
pub struct Configured<Cx> {
    /// The types.
    pub registry: Arc<Registry<Cx>>,
    /// What they work with; `None` as long as the provider's configuration is not known.
    pub cx: Option<Arc<Cx>>,
}

impl<Cx: Context> Configured<Cx> {
    fn cx(&self) -> Result<&Cx> {
        self.cx.as_deref().ok_or_else(|| Error::other("the configuration of the provider is not known yet"))
    }
}

#[async_trait]
impl<Cx: Context> Instance for Configured<Cx> {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        if data {
            return self.registry.find_data(ty).map_or_else(|_| Diags::new(), |d| d.validate(config));
        }
        self.registry.find(ty).map_or_else(|_| Diags::new(), |r| r.validate(config))
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        self.registry.find(ty).map_or_else(|_| Diags::new(), |r| r.plan(self.cx.as_deref(), draft))
    }

    fn wait(&self, ty: &str) -> Wait {
        self.registry.find(ty).map_or(Wait::DEFAULT, AnyResource::wait)
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let found = self.cx().and_then(|cx| Ok((cx, self.registry.find(ty)?)));
        match found {
            Ok((cx, r)) => r.read(cx, objects).await,
            Err(e) => objects.iter().map(|_| Err(e.clone())).collect(),
        }
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        self.registry.find(ty)?.create(self.cx()?, planned, token).await.map(Created::Id)
    }

    fn leaves_token(&self, ty: &str) -> bool {
        self.registry.find(ty).is_ok_and(AnyResource::leaves_token)
    }

    fn tells_ours(&self, ty: &str) -> bool {
        self.registry.find(ty).is_ok_and(AnyResource::tells_ours)
    }

    fn natural(&self, ty: &str, planned: &Value, token: &str) -> Option<Str> {
        self.registry.find(ty).ok()?.natural(planned, token).map(Str::from)
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        self.registry.find(ty)?.find_made(self.cx()?, trace).await
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        self.cx()?.settle(objects).await
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        self.registry.find(ty)?.finish(self.cx()?, id, planned).await
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        self.registry.find(ty)?.update(self.cx()?, id, (prior, planned)).await.map(|()| None)
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        self.registry.find(ty)?.delete(self.cx()?, id, prior).await
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        self.registry.find(ty)?.import(self.cx()?, text).await
    }

    fn weakened(&self, ty: &str, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        self.registry.find(ty).map_or_else(|_| Vec::new(), |r| r.weakened(was, now))
    }

    fn shared(&self, ty: &str, now: &Value, known: &Known) -> Vec<Shared> {
        self.registry.find(ty).map_or_else(|_| Vec::new(), |r| r.shared(now, known))
    }

    async fn unmanaged(&self, ty: &str, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        self.registry.find(ty)?.unmanaged(self.cx()?, ours, known).await
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        self.registry.find_data(ty)?.read(self.cx()?, config).await
    }
}
