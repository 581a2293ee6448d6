//! A provider that only pretends: its objects are made up, and nothing outside is touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::schema::{Block, Draft, ProviderSchema, Schema};
use secstack_base::{Data, Diagnostic, Diags, ProviderAddr, Str, Type, Value, convert};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ReadRequest, Result};

/// What is known of made-up objects.
#[derive(Clone, Debug)]
pub struct Given {
    /// Values of attributes that a service would choose: an object, or null.
    pub values: Value,
    /// They are made up while planning already.
    pub during_plan: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self { values: Value::NULL, during_plan: false }
    }
}

/// What a provider that pretends is told.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Of resources, by type.
    pub resources: BTreeMap<Str, Given>,
    /// Of data sources, by type.
    pub data: BTreeMap<Str, Given>,
    /// Of all others.
    pub others: Given,
}

/// A provider that pretends to be another.
#[derive(Clone)]
pub struct MockProvider {
    address: ProviderAddr,
    real: Arc<dyn Provider>,
    /// That of the real one, but that it needs no configuration.
    schema: Arc<ProviderSchema>,
    script: Arc<Script>,
}

impl MockProvider {
    /// Pretends at `address` to be `real`.
    pub fn new(address: ProviderAddr, real: Arc<dyn Provider>, script: Arc<Script>) -> Self {
        let schema = ProviderSchema { config: Schema::default(), ..real.schema().clone() };
        Self { address, real, schema: Arc::new(schema), script }
    }

    fn given(&self, ty: &str, data: bool) -> &Given {
        let of = if data { &self.script.data } else { &self.script.resources };
        of.get(ty).unwrap_or(&self.script.others)
    }

    fn fill(&self, ty: &str, data: bool, value: &Value) -> Result<Value, String> {
        let schemas = if data { &self.schema.data } else { &self.schema.resources };
        match schemas.get(ty) {
            Some(schema) => fill(&schema.block, value, Some(&self.given(ty, data).values)),
            None => Ok(value.clone()),
        }
    }
}

/// Gives attributes that a service would choose a value.
fn fill(block: &Block, value: &Value, given: Option<&Value>) -> Result<Value, String> {
    if value.is_null() || value.is_unknown() {
        return Ok(value.clone());
    }
    let mut out = value.clone();
    for a in &block.attributes {
        let empty = out.get(&a.name).is_none_or(|v| v.is_null() || v.is_unknown());
        if !empty || !a.presence.is_computed() {
            continue;
        }
        let chosen = match given.and_then(|d| d.get(&a.name)) {
            Some(v) => convert::convert(v, &a.ty).map_err(|e| {
                format!("The value that is given for the attribute {:?} does not fit the type of the attribute: {e}.", a.name)
            })?,
            None => invent(&a.ty),
        };
        out = out.with(&a.name, chosen);
    }
    for b in &block.blocks {
        let Some(v) = out.get(&b.name) else { continue };
        let given = given.and_then(|d| d.get(&b.name));
        let filled = match &v.data {
            Data::Unknown(ty, _) => convert::convert(&Value::tuple([]), ty).unwrap_or_else(|_| Value::null(ty.clone())),
            Data::Object(_) => fill(&b.block, v, given)?,
            _ => {
                let mut failed = None;
                let all = v.map_parts(|_, part| {
                    fill(&b.block, part, given).unwrap_or_else(|e| {
                        failed = Some(e);
                        part.clone()
                    })
                });
                failed.map_or(Ok(all), Err)?
            }
        };
        out = out.with(&b.name, filled);
    }
    Ok(out)
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

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Invalid, format!("Failed to compute attribute\n{why}"))
}

#[async_trait]
impl Provider for MockProvider {
    fn address(&self) -> ProviderAddr {
        self.address.clone()
    }
    fn versions(&self) -> Vec<&'static str> {
        self.real.versions()
    }
    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }
    fn editions(&self) -> Vec<Arc<dyn Provider>> {
        let pretend = |real| Arc::new(Self { real, ..self.clone() }) as Arc<dyn Provider>;
        self.real.editions().into_iter().map(pretend).collect()
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
    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        let mut diags = Diags::new();
        if self.given(ty, false).during_plan {
            match self.fill(ty, false, &draft.planned) {
                Ok(planned) => draft.planned = planned,
                Err(why) => diags.push(Diagnostic::error("Failed to compute attribute", why)),
            }
        }
        diags
    }
    fn is_remote(&self, _: &str) -> bool {
        false
    }
    async fn read(&self, _: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        objects.iter().map(|_| Ok(None)).collect()
    }
    async fn create(&self, ty: &str, planned: &Value, _: &str) -> Result<Created> {
        self.fill(ty, false, planned).map(Created::Whole).map_err(refused)
    }
    async fn update(&self, ty: &str, _: &Id, _: &Value, planned: &Value) -> Result<Option<Value>> {
        self.fill(ty, false, planned).map(Some).map_err(refused)
    }
    async fn delete(&self, _: &str, _: &Id, _: &Value) -> Result<()> {
        Ok(())
    }
    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        self.fill(ty, true, config).map_err(refused)
    }
}
