//! The provider as the engine sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Draft, ProviderSchema, Schema};
use secstack_base::{Diags, ProviderAddr, Str, Value};
use secstack_sdk::drift::{Known, Shared, Unmanaged, Weakness};
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
    fn change(&self) {
        if let Some(cx) = &self.types.cx {
            cx.change();
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
        // What is not there yet will be asked for again. What a first look does not find is gone.
        let changed = self.types.cx.as_ref().is_some_and(|cx| !cx.is_fresh());
        let settled = |a: &Result<Option<Found>>| match a {
            Ok(Some(f)) => f.status == Status::Ready,
            Ok(None) => !changed,
            Err(_) => false,
        };
        if let Some(cx) = self.types.cx.as_ref().filter(|_| !answers.iter().all(settled)) {
            cx.forget();
        }
        answers
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        let made = self.types.create(ty, planned, token).await;
        self.change();
        made
    }

    fn natural(&self, ty: &str, planned: &Value, token: &str) -> Option<Str> {
        self.types.natural(ty, planned, token)
    }

    fn leaves_token(&self, ty: &str) -> bool {
        self.types.leaves_token(ty)
    }

    fn tells_ours(&self, ty: &str) -> bool {
        self.types.tells_ours(ty)
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        // A call that was under way may have been carried out since somebody last looked.
        self.change();
        self.types.find_made(ty, trace).await
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        let done = self.types.settle(objects).await;
        self.change();
        done
    }

    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let done = self.types.finish(ty, id, planned).await;
        self.change();
        done
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        let done = self.types.update(ty, id, prior, planned).await;
        self.change();
        done
    }

    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()> {
        let done = self.types.delete(ty, id, prior).await;
        self.change();
        done
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        self.types.import(ty, text).await
    }

    fn weakened(&self, ty: &str, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        self.types.weakened(ty, was, now)
    }

    fn shared(&self, ty: &str, now: &Value, known: &Known) -> Vec<Shared> {
        self.types.shared(ty, now, known)
    }

    async fn unmanaged(&self, ty: &str, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        self.types.unmanaged(ty, ours, known).await
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let mut found = self.types.read_data(ty, config).await?;
        // What was not said is null, not empty.
        let block = self.data.get(ty).map(|s| &s.block);
        let attributes = block.iter().flat_map(|b| &b.attributes).filter(|a| !a.presence.is_computed()).map(|a| &a.name);
        let blocks = block.iter().flat_map(|b| &b.blocks).map(|b| &b.name);
        let empty = |v: &&Value| v.is_null() || v.ty().is_collection() && v.parts().next().is_none();
        for name in attributes.chain(blocks) {
            if let Some(none) = config.get(name).filter(empty).and(found.get(name).filter(empty)) {
                found = found.with(name, Value::null(none.ty()));
            }
        }
        Ok(found)
    }
}
