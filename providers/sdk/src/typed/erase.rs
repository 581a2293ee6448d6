//! From typed code to the erased interface: conversions, batching, and what the schema says about a found object.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use secstack_base::convert::ConvertError;
use secstack_base::schema::{Draft, Presence, Schema};
use secstack_base::{Data, Diags, Value};

use super::{Ask, Context, DataSource, FromValue, Resource};
use crate::drift::{Known, Shared, Unmanaged, Weakness};
use crate::{Error, ErrorKind, Found, Id, ReadRequest, Result, Trace, Wait};

/// How many reads of one type are under way at once, when the type's reads take few objects.
const READS_AT_ONCE: usize = 16;

/// A resource type without its Rust type.
pub trait AnyResource<Cx>: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Its schema.
    fn schema(&self) -> &'static Arc<Schema>;
    /// How long to wait for its objects.
    fn wait(&self) -> Wait;
    /// See [`Resource::plan`] and [`Context::plan`].
    fn plan(&self, cx: Option<&Cx>, draft: &mut Draft) -> Diags;
    /// See [`Resource::validate`].
    fn validate(&self, config: &Value) -> Diags;
    /// See [`crate::Instance::read`].
    fn read<'a>(&'a self, cx: &'a Cx, objects: &'a [ReadRequest]) -> BoxFuture<'a, Vec<Result<Option<Found>>>>;
    /// See [`Resource::create`].
    fn create<'a>(&'a self, cx: &'a Cx, planned: &'a Value, token: &'a str) -> BoxFuture<'a, Result<Id>>;
    /// See [`Resource::LEAVES_TOKEN`].
    fn leaves_token(&self) -> bool;
    /// See [`crate::Instance::tells_ours`].
    fn tells_ours(&self) -> bool;
    /// See [`Resource::natural`].
    fn natural(&self, planned: &Value, token: &str) -> Option<String>;
    /// See [`Resource::find_made`].
    fn find_made<'a>(&'a self, cx: &'a Cx, trace: &'a Trace) -> BoxFuture<'a, Result<Option<Id>>>;
    /// See [`Resource::finish`].
    fn finish<'a>(&'a self, cx: &'a Cx, id: &'a Id, planned: &'a Value) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::update`].
    fn update<'a>(&'a self, cx: &'a Cx, id: &'a Id, change: (&'a Value, &'a Value)) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::delete`].
    fn delete<'a>(&'a self, cx: &'a Cx, id: &'a Id, prior: &'a Value) -> BoxFuture<'a, Result<()>>;
    /// See [`Resource::weakened`].
    fn weakened(&self, was: &Value, now: Option<&Value>) -> Vec<Weakness>;
    /// See [`Resource::shared`].
    fn shared(&self, now: &Value, known: &Known) -> Vec<Shared>;
    /// See [`Resource::unmanaged`].
    fn unmanaged<'a>(&'a self, cx: &'a Cx, ours: &'a [Id], known: &'a Known) -> BoxFuture<'a, Result<Vec<Unmanaged>>>;
    /// See [`Resource::parse_import`].
    fn import<'a>(&'a self, cx: &'a Cx, text: &'a str) -> BoxFuture<'a, Result<ReadRequest>>;
}

/// A data source without its Rust type.
pub trait AnyData<Cx>: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// Its schema.
    fn schema(&self) -> &'static Arc<Schema>;
    /// See [`DataSource::validate`].
    fn validate(&self, config: &Value) -> Diags;
    /// See [`DataSource::read`].
    fn read<'a>(&'a self, cx: &'a Cx, config: &'a Value) -> BoxFuture<'a, Result<Value>>;
}

/// A declaration as a value, so that declarations fit in a table.
pub struct Typed<R>(PhantomData<fn() -> R>);

impl<R> Typed<R> {
    /// The only value.
    pub const NEW: Self = Typed(PhantomData);
}

fn typed<R: FromValue>(v: &Value) -> Result<R> {
    R::from_value(v).map_err(mistyped)
}

fn mistyped(e: ConvertError) -> Error {
    Error::new(ErrorKind::Invalid, format!("the value of {} does not fit: {}", e.path, e.message))
}

impl<R: Resource> AnyResource<R::Cx> for Typed<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn schema(&self) -> &'static Arc<Schema> {
        R::schema()
    }

    fn wait(&self) -> Wait {
        R::WAIT
    }

    fn plan(&self, cx: Option<&R::Cx>, draft: &mut Draft) -> Diags {
        let mut diags = R::Cx::plan(cx, R::schema(), draft);
        diags.extend(R::plan(draft));
        diags
    }

    fn validate(&self, config: &Value) -> Diags {
        R::validate(config)
    }

    fn read<'a>(&'a self, cx: &'a R::Cx, objects: &'a [ReadRequest]) -> BoxFuture<'a, Vec<Result<Option<Found>>>> {
        Box::pin(async move {
            let mut batches: Vec<BoxFuture<'a, _>> = Vec::new();
            for batch in objects.chunks(R::BATCH.max(1)) {
                batches.push(Box::pin(read_batch::<R>(cx, batch)));
            }
            let answers: Vec<_> = futures::stream::iter(batches).buffered(READS_AT_ONCE).collect().await;
            answers.into_iter().flatten().collect()
        })
    }

    fn create<'a>(&'a self, cx: &'a R::Cx, planned: &'a Value, token: &'a str) -> BoxFuture<'a, Result<Id>> {
        Box::pin(async move { R::create(cx, &typed(planned)?, token).await })
    }

    fn leaves_token(&self) -> bool {
        R::LEAVES_TOKEN
    }

    fn tells_ours(&self) -> bool {
        R::LEAVES_TOKEN || R::DATED
    }

    fn natural(&self, planned: &Value, token: &str) -> Option<String> {
        R::natural(&typed(planned).ok()?, token)
    }

    fn find_made<'a>(&'a self, cx: &'a R::Cx, trace: &'a Trace) -> BoxFuture<'a, Result<Option<Id>>> {
        Box::pin(R::find_made(cx, trace))
    }

    fn finish<'a>(&'a self, cx: &'a R::Cx, id: &'a Id, planned: &'a Value) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { R::finish(cx, id, &typed(planned)?).await })
    }

    fn update<'a>(&'a self, cx: &'a R::Cx, id: &'a Id, change: (&'a Value, &'a Value)) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { R::update(cx, id, &typed(change.0)?, &typed(change.1)?).await })
    }

    fn delete<'a>(&'a self, cx: &'a R::Cx, id: &'a Id, prior: &'a Value) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match R::delete(cx, id, &typed(prior)?).await {
                Err(e) if e.kind == ErrorKind::NotFound => Ok(()),
                other => other,
            }
        })
    }

    fn weakened(&self, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        match (typed::<R>(was), now.map(typed::<R>).transpose()) {
            (Ok(was), Ok(now)) => R::weakened(&was, now.as_ref()),
            _ => Vec::new(),
        }
    }

    fn shared(&self, now: &Value, known: &Known) -> Vec<Shared> {
        let id = Id(now.get_str("id").unwrap_or_default().into());
        typed::<R>(now).map(|now| R::shared(&id, &now, known)).unwrap_or_default()
    }

    fn unmanaged<'a>(&'a self, cx: &'a R::Cx, ours: &'a [Id], known: &'a Known) -> BoxFuture<'a, Result<Vec<Unmanaged>>> {
        Box::pin(R::unmanaged(cx, ours, known))
    }

    fn import<'a>(&'a self, cx: &'a R::Cx, text: &'a str) -> BoxFuture<'a, Result<ReadRequest>> {
        Box::pin(async move {
            let ask = R::parse_import(cx, text).await?;
            Ok(ReadRequest::new(ask.id, ask.prior.map(R::into_value)))
        })
    }
}

async fn read_batch<R: Resource>(cx: &R::Cx, batch: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
    let mut seen = BTreeSet::new();
    let mut asks = Vec::with_capacity(batch.len());
    for request in batch.iter().filter(|r| seen.insert(&r.id)) {
        match request.prior.as_ref().map(typed::<R>).transpose() {
            Ok(prior) => asks.push(Ask { id: request.id.clone(), prior, thorough: request.thorough }),
            Err(e) => return batch.iter().map(|_| Err(e.clone())).collect(),
        }
    }
    let mut found: BTreeMap<Id, super::Found<R>> = match R::read(cx, &asks).await {
        Ok(found) => found.into_iter().map(|f| (f.id.clone(), f)).collect(),
        Err(e) if e.kind == ErrorKind::NotFound && asks.len() == 1 => BTreeMap::new(),
        Err(e) => return batch.iter().map(|_| Err(e.clone())).collect(),
    };
    let mut answer = |r: &ReadRequest| {
        let f = if seen.len() == batch.len() { found.remove(&r.id) } else { found.get(&r.id).cloned() }?;
        let mut object = f.object.into_value();
        // A type that declares `id` itself may have found another one.
        if object.get_str("id").is_none_or(str::is_empty) {
            object = object.with("id", Value::string(&r.id.0));
        }
        let object = settle(R::schema(), r.prior.as_ref(), object);
        Some(Found { status: f.status, value: cx.found(R::schema(), r.prior.as_ref(), object) })
    };
    batch.iter().map(|r| Ok(answer(r))).collect()
}

/// Takes from the prior object what the service does not tell, and what it only tells in other words. In nested blocks of
/// the older provider framework nothing is null.
fn settle(schema: &Schema, prior: Option<&Value>, mut object: Value) -> Value {
    for a in &schema.block.attributes {
        let (Some(new), old) = (object.get(&a.name), prior.and_then(|p| p.get(&a.name))) else { continue };
        let old = old.filter(|v| v.is_wholly_known());
        let kept = match old {
            Some(old) if a.local && !(old.is_null() && a.presence == Presence::Computed) => Some(old.clone()),
            None if a.local && a.unset_by_import => Some(Value::null(a.ty.clone())),
            None if a.local => a.default.clone(),
            Some(old) if !a.told && !old.is_null() && !new.is_null() && a.same.is_some_and(|same| same(old, new)) => Some(old.clone()),
            _ => None,
        };
        if let Some(kept) = kept {
            object = object.with(&a.name, kept);
        }
    }
    for b in &schema.block.blocks {
        // Timeouts concern the engine, not the service.
        if &*b.name == "timeouts" {
            if let Some(old) = prior.and_then(|p| p.get("timeouts")) {
                object = object.with("timeouts", old.clone());
            }
        } else if let Some(blocks) = object.get(&b.name).filter(|_| schema.legacy) {
            object = object.with(&b.name, blocks.map_parts(|_, block| filled(block)));
        }
    }
    object
}

/// The value of a block with zeros in place of nulls, as that framework reads it back from its own storage.
fn filled(block: &Value) -> Value {
    match &block.data {
        Data::Object(_) | Data::List(..) | Data::Set(..) => block.map_parts(|_, part| filled(part)),
        Data::Null(ty) => Value::zero(ty).unwrap_or_else(|| block.clone()),
        _ => block.clone(),
    }
}

impl<D: DataSource> AnyData<D::Cx> for Typed<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn schema(&self) -> &'static Arc<Schema> {
        D::schema()
    }

    fn validate(&self, config: &Value) -> Diags {
        D::validate(config)
    }

    fn read<'a>(&'a self, cx: &'a D::Cx, config: &'a Value) -> BoxFuture<'a, Result<Value>> {
        Box::pin(async move {
            let read = D::read(cx, typed(config)?).await?.into_value();
            Ok(unasked(D::schema(), settle(D::schema(), Some(config), read)))
        })
    }
}

/// A data source without the empty texts in its arguments, which the older provider framework takes for none.
fn unasked(schema: &Schema, object: Value) -> Value {
    let given = schema.block.attributes.iter().filter(|a| schema.legacy && !a.presence.is_computed());
    given.fold(object, |object, a| match object.get_str(&a.name) {
        Some("") => object.with(&a.name, Value::null(a.ty.clone())),
        _ => object,
    })
}
