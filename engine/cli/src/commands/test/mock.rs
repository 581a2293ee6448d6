//! A provider that only pretends: its objects are made up, and nothing outside is touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Block, Draft, ProviderSchema, Schema};
use secstack_base::{Diags, ProviderAddr, Str, Type, Value, convert};
use secstack_sdk::{Created, Found, Id, Instance, Provider, ReadRequest, Result};

/// Values of attributes by type.
pub type Defaults = BTreeMap<Str, Value>;

/// A provider that pretends to be another.
#[derive(Clone)]
pub struct MockProvider {
    real: Arc<dyn Provider>,
    resources: Arc<Defaults>,
    data: Arc<Defaults>,
}

impl MockProvider {
    /// Pretends to be `real`, with these values where a service would choose one.
    pub fn new(real: Arc<dyn Provider>, resources: Defaults, data: Defaults) -> Self {
        Self { real, resources: Arc::new(resources), data: Arc::new(data) }
    }

    fn schema_of(&self, ty: &str, data: bool) -> Option<&Arc<Schema>> {
        let schema = self.real.schema();
        if data { schema.data.get(ty) } else { schema.resources.get(ty) }
    }

    fn fill(&self, ty: &str, data: bool, value: &Value) -> Value {
        let defaults = if data { &self.data } else { &self.resources };
        match self.schema_of(ty, data) {
            Some(schema) => fill(&schema.block, value, defaults.get(ty)),
            None => value.clone(),
        }
    }
}

/// Gives attributes that a service would choose a value.
fn fill(block: &Block, value: &Value, defaults: Option<&Value>) -> Value {
    if value.is_null() {
        return value.clone();
    }
    let mut out = value.clone();
    for a in &block.attributes {
        let empty = out.get(&a.name).is_none_or(|v| v.is_null() || v.is_unknown());
        if !empty || !a.presence.is_computed() {
            continue;
        }
        let given = defaults.and_then(|d| d.get(&a.name)).and_then(|v| convert::convert(v, &a.ty).ok());
        out = out.with(&a.name, given.unwrap_or_else(|| invent(&a.ty)));
    }
    for b in &block.blocks {
        if let Some(v) = out.get(&b.name).filter(|v| v.is_unknown()) {
            let ty = v.ty();
            out = out.with(&b.name, convert::convert(&Value::tuple([]), &ty).unwrap_or_else(|_| Value::null(ty)));
        }
    }
    out
}

/// A value of a type: eight random letters where text is wanted, as Terraform does.
fn invent(ty: &Type) -> Value {
    match ty {
        Type::String => {
            let mut bytes = [0_u8; 8];
            let _ = getrandom::fill(&mut bytes);
            let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
            Value::string(&bytes.iter().map(|b| char::from(letters[usize::from(*b) % letters.len()])).collect::<String>())
        }
        Type::Number => Value::from(0),
        Type::Bool => Value::from(false),
        Type::List(e) => Value::list((**e).clone(), []),
        Type::Set(e) => Value::set((**e).clone(), []),
        Type::Map(e) => Value::map::<Str>((**e).clone(), []),
        Type::Object(o) => Value::object(o.attrs.iter().map(|(n, t)| (n.clone(), invent(t)))),
        Type::Tuple(types) => Value::tuple(types.iter().map(invent)),
        Type::Dynamic => Value::NULL,
    }
}

#[async_trait]
impl Provider for MockProvider {
    fn address(&self) -> ProviderAddr {
        self.real.address()
    }
    fn versions(&self) -> Vec<&'static str> {
        self.real.versions()
    }
    fn schema(&self) -> &ProviderSchema {
        self.real.schema()
    }
    async fn configure(&self, _: &Value) -> Result<Arc<dyn Instance>> {
        Ok(self.unconfigured())
    }
    fn unconfigured(&self) -> Arc<dyn Instance> {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl Instance for MockProvider {
    fn plan(&self, _: &str, _: &mut Draft) -> Diags {
        Diags::new()
    }
    fn is_remote(&self, _: &str) -> bool {
        false
    }
    async fn read(&self, _: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        objects.iter().map(|_| Ok(None)).collect()
    }
    async fn create(&self, ty: &str, planned: &Value, _: &str) -> Result<Created> {
        Ok(Created::Whole(self.fill(ty, false, planned)))
    }
    async fn update(&self, ty: &str, _: &Id, _: &Value, planned: &Value) -> Result<Option<Value>> {
        Ok(Some(self.fill(ty, false, planned)))
    }
    async fn delete(&self, _: &str, _: &Id, _: &Value) -> Result<()> {
        Ok(())
    }
    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        Ok(self.fill(ty, true, config))
    }
}
