//! The provider as the engine sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Draft, ProviderSchema, Schema};
use secstack_base::{Diags, ProviderAddr, Str, Value};
use secstack_sdk::typed::{Configured, Declared, FromValue, Registry};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ReadRequest, Result, Status, Trace, Wait};

use crate::client::Aws;
use crate::config::Config;

/// Manages the objects of Amazon Web Services.
pub struct AwsProvider {
    registry: Arc<Registry<Aws>>,
    schema: ProviderSchema,
}

impl Default for AwsProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl AwsProvider {
    /// The provider with all its types.
    pub fn new() -> Self {
        let registry = crate::registry();
        let config = Schema { version: 0, block: Config::schema().block.clone(), ..Schema::default() };
        Self { schema: registry.schema(config), registry: Arc::new(registry) }
    }

    fn instance(&self, cx: Option<Arc<Aws>>) -> Arc<dyn Instance> {
        let types = Configured { registry: self.registry.clone(), cx };
        Arc::new(AwsInstance { types, data: self.schema.data.clone() })
    }
}

#[async_trait]
impl Provider for AwsProvider {
    fn address(&self) -> ProviderAddr {
        ProviderAddr::hashicorp("aws")
    }

    fn versions(&self) -> Vec<&'static str> {
        vec!["5.100.0"]
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>> {
        let wrong = |e: secstack_base::convert::ConvertError| {
            Error::new(ErrorKind::Invalid, format!("the argument {} of the provider does not fit: {}", e.path, e.message))
        };
        let cx = Aws::open(Config::from_value(config).map_err(wrong)?).await?;
        Ok(self.instance(Some(Arc::new(cx))))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        self.instance(None)
    }
}

/// The types in their context, with a memo of reads that no change outlives.
struct AwsInstance {
    types: Configured<Aws>,
    data: BTreeMap<Str, Arc<Schema>>,
}

impl AwsInstance {
    fn forget(&self) {
        if let Some(cx) = &self.types.cx {
            cx.forget();
        }
    }
}

#[async_trait]
impl Instance for AwsInstance {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        self.types.validate(ty, data, config)
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        self.types.plan(ty, draft)
    }

    fn wait(&self, ty: &str) -> Wait {
        self.types.wait(ty)
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let answers = self.types.read(ty, objects).await;
        // What is not there yet will be asked for again.
        let settled = |a: &Result<Option<Found>>| matches!(a, Ok(Some(f)) if f.status == Status::Ready);
        if !answers.iter().all(settled) {
            self.forget();
        }
        answers
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        let made = self.types.create(ty, planned, token).await;
        self.forget();
        made
    }

    fn natural(&self, ty: &str, planned: &Value, token: &str) -> Option<Str> {
        self.types.natural(ty, planned, token)
    }

    fn leaves_token(&self, ty: &str) -> bool {
        self.types.leaves_token(ty)
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        // A call that was under way may have been carried out since somebody last looked.
        self.forget();
        self.types.find_made(ty, trace).await
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        let done = self.types.settle(objects).await;
        self.forget();
        done
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let done = self.types.finish(ty, id, planned).await;
        self.forget();
        done
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        let done = self.types.update(ty, id, prior, planned).await;
        self.forget();
        done
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        let done = self.types.delete(ty, id, prior).await;
        self.forget();
        done
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        self.types.import(ty, text).await
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let mut found = self.types.read_data(ty, config).await?;
        // What was not said is null, not empty.
        for a in self.data.get(ty).iter().flat_map(|s| &s.block.attributes).filter(|a| !a.presence.is_computed()) {
            let given = config.get(&a.name).filter(|v| v.is_null());
            let empty = found.get(&a.name).is_some_and(|v| !v.is_null() && v.ty().is_collection() && v.parts().next().is_none());
            if let Some(null) = given.filter(|_| empty) {
                found = found.with(&a.name, null.clone());
            }
        }
        Ok(found)
    }
}
