//! Resource types as structs.
//!
//! A provider declares a struct with `derive(Schema)` and implements [`Resource`] or [`DataSource`] for it. The
//! [`Registry`] holds all of them by name, and [`Configured`] answers the erased calls of [`crate::Instance`]
//! with it: code of a resource never meets a `Value` that is unknown or marked, nor the batching of reads.

mod erase;
mod fields;
mod registry;

use std::future::Future;
use std::sync::Arc;

use secstack_base::schema::{Block, Draft, Schema};
use secstack_base::{Diags, Str, Value};

pub use erase::{AnyData, AnyResource, Typed};
pub use fields::{
    Blocks, FromValue, IntoValue, Tags, all_tags, attr, attr_or_default, blocks_of, blocks_value, id_attribute, presence, tags_attributes,
    timeouts_block, timeouts_type,
};
pub use registry::{Configured, Registry};
pub use secstack_sdk_derive::{Block, Schema};

use crate::drift::{Known, Shared, Unmanaged, Weakness};
use crate::{Error, ErrorKind, Id, Result, Status, Trace, Wait};

/// A struct whose fields are the attributes and nested blocks of a block. Derived.
pub trait BlockType: FromValue + IntoValue {
    /// The block's schema. Built anew on every call.
    fn block() -> Block;
}

/// A struct that declares a resource type or data source. Derived.
pub trait Declared: BlockType + Clone + Send + Sync + 'static {
    /// The type's name.
    const NAME: &'static str;

    /// The type's schema. Built once.
    fn schema() -> &'static Arc<Schema>;
}

/// What the types of a provider share: its clients, and what it does to objects of every type.
pub trait Context: Send + Sync + 'static {
    /// Adjusts the plan of an object of any type, before the type's own [`Resource::plan`]. `cx` is `None` when the
    /// provider's configuration is not known yet.
    fn plan(cx: Option<&Self>, schema: &Schema, draft: &mut Draft) -> Diags {
        let _ = (cx, schema, draft);
        Diags::new()
    }

    /// Adjusts an object that was found, such as by splitting its tags.
    fn found(&self, schema: &Schema, prior: Option<&Value>, object: Value) -> Value {
        let _ = (schema, prior);
        object
    }

    /// Takes away the tokens that [`Resource::create`] left on objects of types with [`Resource::LEAVES_TOKEN`].
    fn settle(&self, objects: &[(Str, Id)]) -> impl Future<Output = Result<()>> + Send {
        let _ = objects;
        std::future::ready(Ok(()))
    }
}

/// An object to read.
#[derive(Clone, Debug)]
pub struct Ask<R> {
    /// Its ID.
    pub id: Id,
    /// What was known of it: the prior object, or the planned one right after create. `None` on most imports.
    pub prior: Option<R>,
    /// Whether everything is wanted: see [`crate::ReadRequest::thorough`].
    pub thorough: bool,
}

impl<R> Ask<R> {
    /// Asks for everything about an object of which this is known.
    pub fn of(id: impl Into<secstack_base::Str>, prior: R) -> Self {
        Self { prior: Some(prior), ..Self::id(id) }
    }

    /// Asks for an object of which nothing else is known.
    pub fn id(id: impl Into<secstack_base::Str>) -> Self {
        Self { id: Id(id.into()), prior: None, thorough: true }
    }
}

/// An object that was found.
#[derive(Clone, Debug)]
pub struct Found<R> {
    /// Its ID, as it was asked for, even where the object has got another one: that stands in its attribute `id`.
    pub id: Id,
    /// Whether it is usable.
    pub status: Status,
    /// Its attributes.
    pub object: R,
}

impl<R> Found<R> {
    /// An object that is usable.
    pub fn ready(id: Id, object: R) -> Self {
        Self { id, status: Status::Ready, object }
    }
}

/// A resource type.
///
/// Fields that are computed and not known yet are `None`, empty or zero in `want`.
pub trait Resource: Declared {
    /// What its functions work with.
    type Cx: Context;

    /// How many objects one [`Resource::read`] takes.
    const BATCH: usize = 1;

    /// How long to wait for its objects.
    const WAIT: Wait = Wait::DEFAULT;

    /// Creates an object and returns its ID, as soon as there is one. What else the object needs belongs in
    /// [`Resource::finish`]: a failure there leaves an object that is known. `token` makes a repeated call harmless
    /// where the service supports that.
    fn create(cx: &Self::Cx, want: &Self, token: &str) -> impl Future<Output = Result<Id>> + Send;

    /// Whether [`Resource::create`] leaves its token on the object, for [`Context::settle`] to take away.
    const LEAVES_TOKEN: bool = false;

    /// Whether [`Resource::find_made`] knows when an object was made, and takes none that is older than the creation.
    const DATED: bool = false;

    /// What the object that `want` asks for is found by without the ID that the service gives it: a name or a composite
    /// ID, in the form that [`Resource::parse_import`] takes. Pure.
    fn natural(want: &Self, token: &str) -> Option<String> {
        let _ = (want, token);
        None
    }

    /// Finds the object of a creation that was cut off: by its natural name, unless the type knows better.
    fn find_made(cx: &Self::Cx, trace: &Trace) -> impl Future<Output = Result<Option<Id>>> + Send {
        async move {
            let Some(natural) = &trace.natural else {
                return Err(Error::other(format!("an object of the type {} cannot be found without its ID", Self::NAME)));
            };
            let found = match Self::parse_import(cx, natural).await {
                Ok(ask) => Self::read(cx, &[ask]).await,
                Err(e) => Err(e),
            };
            match found {
                Ok(found) => Ok(found.into_iter().next().map(|f| f.id)),
                Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(e),
            }
        }
    }

    /// Does what a new object needs besides its creation. Harmless when repeated.
    fn finish(cx: &Self::Cx, id: &Id, want: &Self) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, id, want);
        std::future::ready(Ok(()))
    }

    /// Reads objects, at most [`Resource::BATCH`]. The answer comes in any order; what is missing does not exist.
    fn read(cx: &Self::Cx, asks: &[Ask<Self>]) -> impl Future<Output = Result<Vec<Found<Self>>>> + Send;

    /// Changes an object in place.
    fn update(cx: &Self::Cx, id: &Id, prior: &Self, want: &Self) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, id, prior, want);
        std::future::ready(Err(Error::other(format!("{} cannot be changed in place", Self::NAME))))
    }

    /// Deletes an object. An error of the kind `NotFound` counts as success.
    fn delete(cx: &Self::Cx, id: &Id, prior: &Self) -> impl Future<Output = Result<()>> + Send;

    /// Turns the text that a person gives to import an object into what [`Resource::read`] takes.
    fn parse_import(cx: &Self::Cx, text: &str) -> impl Future<Output = Result<Ask<Self>>> + Send {
        let _ = cx;
        std::future::ready(Ok(Ask::id(text)))
    }

    /// What a change made outside means for security. `now` is `None` when the object is gone. Pure.
    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let _ = (was, now);
        Vec::new()
    }

    /// The attributes that show what other objects of the state make of this one, whose ID is given. Pure.
    fn shared(id: &Id, now: &Self, known: &Known) -> Vec<Shared> {
        let _ = (id, now, known);
        Vec::new()
    }

    /// Looks for objects that nobody manages in the scope of objects of ours.
    fn unmanaged(cx: &Self::Cx, ours: &[Id], known: &Known) -> impl Future<Output = Result<Vec<Unmanaged>>> + Send {
        let _ = (cx, ours, known);
        std::future::ready(Ok(Vec::new()))
    }

    /// Adjusts what the schema-driven plan gives. Pure.
    fn plan(draft: &mut Draft) -> Diags {
        let _ = draft;
        Diags::new()
    }

    /// Checks arguments, which may be unknown, beyond what the schema says. Pure.
    fn validate(config: &Value) -> Diags {
        let _ = config;
        Diags::new()
    }
}

/// A data source.
pub trait DataSource: Declared {
    /// What its functions work with.
    type Cx: Context;

    /// Fills in the attributes.
    fn read(cx: &Self::Cx, want: Self) -> impl Future<Output = Result<Self>> + Send;

    /// Checks arguments, which may be unknown, beyond what the schema says. Pure.
    fn validate(config: &Value) -> Diags {
        let _ = config;
        Diags::new()
    }
}
