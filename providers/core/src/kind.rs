//! Resource types, data sources and ephemeral resource types as values, and the provider that is made of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Addr, Diags, ProviderAddr, Value};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ProviderSchema, ReadRequest, Result, Status};

/// A resource type.
#[async_trait]
pub(crate) trait Kind: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> Schema;

    /// Whether its objects exist outside the state, so that they can change or vanish there.
    fn is_remote(&self) -> bool {
        false
    }

    /// Adjusts what the schema-driven plan gives.
    fn plan(&self, draft: &mut Draft) -> Diags {
        let _ = draft;
        Diags::new()
    }

    /// Checks arguments, which may be unknown, beyond what the schema says.
    fn validate(&self, config: &Value) -> Diags {
        let _ = config;
        Diags::new()
    }

    /// Makes an object. What is computed is null in `planned`.
    async fn create(&self, planned: &Value) -> Result<Value>;

    /// Looks what became of an object.
    async fn read(&self, prior: &Value) -> Result<Option<Value>> {
        Ok(Some(prior.clone()))
    }

    /// Changes an object in place.
    async fn update(&self, prior: &Value, planned: &Value) -> Result<Value> {
        let _ = prior;
        Ok(planned.clone())
    }

    /// Deletes an object.
    async fn delete(&self, prior: &Value) -> Result<()> {
        let _ = prior;
        Ok(())
    }

    /// The object that the text of an import stands for.
    async fn import(&self, text: &str) -> Result<Value> {
        let _ = text;
        Err(fail("Resource Import Not Implemented", format!("Objects of type {} cannot be imported.", self.name())))
    }
}

/// A data source. `provider` is the configuration of the provider.
#[async_trait]
pub(crate) trait DataKind: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> Schema;

    /// Checks arguments, which may be unknown, beyond what the schema says.
    fn validate(&self, config: &Value) -> Diags {
        let _ = config;
        Diags::new()
    }

    /// Fills in the attributes.
    async fn read(&self, provider: &Value, config: &Value) -> Result<Value>;

    /// Fills in the attributes for the block at `addr`.
    async fn read_at(&self, addr: &Addr, provider: &Value, config: &Value) -> Result<Value> {
        let _ = addr;
        self.read(provider, config).await
    }
}

/// An ephemeral resource type.
#[async_trait]
pub(crate) trait EphemeralKind: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Its schema.
    fn schema(&self) -> Schema;

    /// Fills in the attributes.
    async fn open(&self, config: &Value) -> Result<Value>;
}

/// A failure with a summary and a sentence about it.
pub(crate) fn fail(summary: &str, detail: impl std::fmt::Display) -> Error {
    Error::other(format!("{summary}\n{detail}"))
}

/// What the deletion of an object answers that is in the state only, although it is read: there is nothing to wait for.
pub(crate) fn in_state_only() -> Error {
    Error::new(ErrorKind::NotFound, "the object is in the state only")
}

/// A provider made of kinds.
#[derive(Clone)]
pub(crate) struct Native(Arc<Table>);

struct Table {
    address: ProviderAddr,
    versions: Vec<&'static str>,
    schema: ProviderSchema,
    resources: BTreeMap<&'static str, Box<dyn Kind>>,
    data: BTreeMap<&'static str, Box<dyn DataKind>>,
    ephemeral: BTreeMap<&'static str, Box<dyn EphemeralKind>>,
}

/// The parts of a provider.
#[derive(Default)]
pub(crate) struct Parts {
    /// The versions of the provider whose schemas are honoured, newest first.
    pub versions: Vec<&'static str>,
    /// The schema of the provider's configuration.
    pub config: Schema,
    /// The resource types.
    pub resources: Vec<Box<dyn Kind>>,
    /// The data sources.
    pub data: Vec<Box<dyn DataKind>>,
    /// The ephemeral resource types.
    pub ephemeral: Vec<Box<dyn EphemeralKind>>,
}

impl Native {
    /// A provider.
    pub fn new(address: ProviderAddr, parts: Parts) -> Self {
        let schema = ProviderSchema {
            config: parts.config,
            resources: parts.resources.iter().map(|k| (k.name().into(), Arc::new(k.schema()))).collect(),
            data: parts.data.iter().map(|k| (k.name().into(), Arc::new(k.schema()))).collect(),
            ephemeral: parts.ephemeral.iter().map(|k| (k.name().into(), Arc::new(k.schema()))).collect(),
        };
        Self(Arc::new(Table {
            address,
            versions: parts.versions,
            schema,
            resources: parts.resources.into_iter().map(|k| (k.name(), k)).collect(),
            data: parts.data.into_iter().map(|k| (k.name(), k)).collect(),
            ephemeral: parts.ephemeral.into_iter().map(|k| (k.name(), k)).collect(),
        }))
    }
}

#[async_trait]
impl Provider for Native {
    fn address(&self) -> ProviderAddr {
        self.0.address.clone()
    }

    fn versions(&self) -> Vec<&'static str> {
        self.0.versions.clone()
    }

    fn schema(&self) -> &ProviderSchema {
        &self.0.schema
    }

    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>> {
        Ok(Arc::new(Configured { table: self.0.clone(), config: config.clone() }))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        Arc::new(Configured { table: self.0.clone(), config: self.0.schema.config.block.empty_value() })
    }
}

struct Configured {
    table: Arc<Table>,
    config: Value,
}

impl Configured {
    fn find(&self, ty: &str) -> Result<&dyn Kind> {
        let found = self.table.resources.get(ty).map(Box::as_ref);
        found.ok_or_else(|| Error::other(format!("there is no resource type {ty:?}")))
    }
}

#[async_trait]
impl Instance for Configured {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        if data {
            return self.table.data.get(ty).map(|k| k.validate(config)).unwrap_or_default();
        }
        self.table.resources.get(ty).map(|k| k.validate(config)).unwrap_or_default()
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        self.table.resources.get(ty).map(|k| k.plan(draft)).unwrap_or_default()
    }

    fn is_remote(&self, ty: &str) -> bool {
        self.table.resources.get(ty).is_some_and(|k| k.is_remote())
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let mut answers = Vec::with_capacity(objects.len());
        for request in objects {
            answers.push(match (self.find(ty), &request.prior) {
                (Err(e), _) => Err(e),
                (_, None) => Ok(None),
                (Ok(kind), Some(prior)) => {
                    let found = kind.read(prior).await;
                    found.map(|v| v.map(|value| Found { status: Status::Ready, value }))
                }
            });
        }
        answers
    }

    async fn create(&self, ty: &str, planned: &Value, _token: &str) -> Result<Created> {
        self.find(ty)?.create(planned).await.map(Created::Whole)
    }

    async fn update(&self, ty: &str, _id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        self.find(ty)?.update(prior, planned).await.map(Some)
    }

    async fn delete(&self, ty: &str, _id: &Id, prior: &Value) -> Result<()> {
        self.find(ty)?.delete(prior).await
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        let object = self.find(ty)?.import(text).await?;
        let id = Id(object.get_str("id").unwrap_or(text).into());
        Ok(ReadRequest::new(id, Some(object)))
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let Some(kind) = self.table.data.get(ty) else {
            return Err(Error::other(format!("there is no data source {ty:?}")));
        };
        kind.read(&self.config, config).await
    }

    async fn read_data_at(&self, addr: &Addr, config: &Value) -> Result<Value> {
        match self.table.data.get(addr.ty()) {
            Some(kind) => kind.read_at(addr, &self.config, config).await,
            None => self.read_data(addr.ty(), config).await,
        }
    }

    async fn open(&self, ty: &str, config: &Value) -> Result<Value> {
        let Some(kind) = self.table.ephemeral.get(ty) else {
            return Err(Error::new(ErrorKind::Invalid, format!("there is no ephemeral resource type {ty:?}")));
        };
        kind.open(config).await
    }
}
