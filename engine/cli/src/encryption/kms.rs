//! Keys from the key management service of AWS.
//!
//! Texts are sealed and opened by synchronous code, at the moment when they are written or read. The few calls that
//! this takes in a run are made on a thread of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use secstack_aws::config::Config;
use secstack_aws::kms::data_key;
use secstack_base::schema::Schema;
use secstack_base::{Str, Type, Value};
use secstack_lang::Attribute;
use secstack_lang::encryption::Part;
use secstack_sdk::typed::{Declared, FromValue};
use secstack_state::crypt::{KeyService, KeySource};

use super::keys::{INVALID, Keys};

/// The kinds of data keys, with their bytes.
const SPECS: [(&str, usize); 2] = [("AES_256", 32), ("AES_128", 16)];

/// A key of the service.
struct Kms {
    config: Config,
    key_id: String,
    spec: &'static str,
    context: BTreeMap<String, String>,
}

/// The service that a `key_provider "aws_kms"` block names, with the length of its keys.
pub(super) fn source(part: &Part, keys: &mut Keys<'_, '_>) -> Option<(KeySource, usize)> {
    let mut required = |name: &str| match part.get(name) {
        Some(a) => match keys.text(a)? {
            text if text.is_empty() => keys.refuse(INVALID, format!("The argument {name:?} must not be empty."), a.expr.span),
            text => Some(text),
        },
        None => keys.refuse(INVALID, format!("The argument {name:?} is required."), part.span),
    };
    let (key_id, spec) = (required("kms_key_id"), required("key_spec"));
    let (key_id, spec) = (key_id?, spec?);
    let Some((spec, length)) = SPECS.into_iter().find(|(name, _)| *name == spec) else {
        let what = format!("There is no key_spec {spec:?}. Use \"AES_256\" or \"AES_128\".");
        return keys.refuse(INVALID, what, part.get("key_spec").map_or(part.span, |a| a.expr.span));
    };
    let context = match part.get("encryption_context") {
        Some(a) => keys.value(a, &Type::map(Type::String))?,
        None => Value::NULL,
    };
    let text = |(name, value): (&Str, &Value)| Some((name.to_string(), value.as_str()?.to_string()));
    let context = context.as_map().into_iter().flatten().filter_map(text).collect();
    let config = config(part, keys)?;
    Some((KeySource::Service(Arc::new(Kms { config, key_id, spec, context })), length))
}

/// How to reach the service: the arguments that a provider block has too.
fn config(part: &Part, keys: &mut Keys<'_, '_>) -> Option<Config> {
    let schema = Config::schema();
    let mut given = arguments(&part.attributes, schema, keys)?;
    for block in &part.blocks {
        let (view, _) = block.body.view(&[]);
        if let Some(inner) = view.blocks.first() {
            return keys.refuse("Unsupported block type", format!("Blocks of type {:?} are not expected here.", inner.ty), inner.ty_span);
        }
        let Some(nested) = schema.block.blocks.iter().find(|b| b.name == block.ty) else { continue };
        let inner = Schema { block: nested.block.clone(), ..Schema::default() };
        let one = arguments(&view.attributes, &inner, keys)?;
        let Some(all) = given.get_mut(&block.ty) else { continue };
        let mut blocks: Vec<Value> = all.as_slice().unwrap_or_default().to_vec();
        blocks.push(Value::object(one));
        *all = Value::tuple(blocks);
    }
    match Config::from_value(&Value::object(given)) {
        Ok(config) => Some(config),
        Err(e) => keys.refuse(INVALID, format!("The argument {} does not fit: {}", e.path, e.message), part.span),
    }
}

/// The values of arguments that a schema knows; those that were not given are null.
fn arguments(given: &[Attribute], schema: &Schema, keys: &mut Keys<'_, '_>) -> Option<BTreeMap<Str, Value>> {
    let mut all: BTreeMap<Str, Value> = schema.block.attributes.iter().map(|a| (a.name.clone(), Value::NULL)).collect();
    all.extend(schema.block.blocks.iter().map(|b| (b.name.clone(), Value::tuple([]))));
    for a in given {
        let Some(known) = schema.block.attributes.iter().find(|k| k.name == a.name) else { continue };
        all.insert(a.name.clone(), keys.value(a, &known.ty)?);
    }
    Some(all)
}

impl KeyService for Kms {
    fn generate(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (config, key, spec, context) = (self.config.clone(), self.key_id.clone(), self.spec, self.context.clone());
        wait(async move { data_key::generate(config, &key, spec, context).await })
    }

    fn decrypt(&self, encrypted: &[u8], context: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
        let (config, key, encrypted, context) = (self.config.clone(), self.key_id.clone(), encrypted.to_vec(), context.clone());
        wait(async move { data_key::decrypt(config, &key, encrypted, context).await })
    }

    fn context(&self) -> BTreeMap<String, String> {
        self.context.clone()
    }
}

/// Waits for an answer on a thread that has a runtime of its own.
fn wait<T: Send + 'static>(asked: impl Future<Output = secstack_sdk::Result<T>> + Send + 'static) -> Result<T, String> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(asked).map_err(|e| e.to_string())
    };
    std::thread::spawn(run).join().unwrap_or_else(|_| Err("the call to the key management service failed".into()))
}
