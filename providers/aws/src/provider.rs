//! The provider as the engine sees it.

use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Draft, ProviderSchema, Schema};
use secstack_base::{Diags, ProviderAddr, Value};
use secstack_sdk::typed::{Configured, Declared, FromValue, Registry};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ReadRequest, Result, Status, Wait};

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
        Arc::new(AwsInstance(Configured { registry: self.registry.clone(), cx }))
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
struct AwsInstance(Configured<Aws>);

impl AwsInstance {
    fn forget(&self) {
        if let Some(cx) = &self.0.cx {
            cx.forget();
        }
    }
}

#[async_trait]
impl Instance for AwsInstance {
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        self.0.validate(ty, data, config)
    }

    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        self.0.plan(ty, draft)
    }

    fn wait(&self, ty: &str) -> Wait {
        self.0.wait(ty)
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let answers = self.0.read(ty, objects).await;
        // What is not there yet will be asked for again.
        let settled = |a: &Result<Option<Found>>| matches!(a, Ok(Some(f)) if f.status == Status::Ready);
        if !answers.iter().all(settled) {
            self.forget();
        }
        answers
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        let made = self.0.create(ty, planned, token).await;
        self.forget();
        made
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let done = self.0.finish(ty, id, planned).await;
        self.forget();
        done
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        let done = self.0.update(ty, id, prior, planned).await;
        self.forget();
        done
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        let done = self.0.delete(ty, id, prior).await;
        self.forget();
        done
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        self.0.import(ty, text).await
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        self.0.read_data(ty, config).await
    }
}
