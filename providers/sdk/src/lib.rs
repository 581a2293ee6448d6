//! What a provider is.
//!
//! The engine sees the erased interface of this page: values, schemas and futures. A provider
//! written in Rust declares a struct per resource type with `derive(Schema)`
//! and implements `Resource` or `DataSource` for it; the `typed` module turns those into the erased form.

pub mod check;
pub mod drift;
pub mod fence;
pub mod naming;
pub mod typed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secstack_base::schema::Draft;
pub use secstack_base::schema::ProviderSchema;
use secstack_base::{Addr, Diags, ProviderAddr, Str, Value};

use drift::{Known, Shared, Unmanaged, Weakness};

/// The vocabulary, for derived code.
#[doc(hidden)]
pub use secstack_base as base;

// Lets derived code name this crate in this crate's own tests.
extern crate self as secstack_sdk;

/// What the service calls an object. Never an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(pub Str);

impl Id {
    /// The ID in a service's answer.
    ///
    /// # Errors
    /// When the answer has none.
    pub fn of(id: Option<impl Into<Str>>) -> Result<Self> {
        id.map(|i| Id(i.into())).ok_or_else(|| Error::other("the service answered without an ID"))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of failure a service reported. The engine decides what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The object does not exist.
    NotFound,
    /// Too many calls: the same call later may succeed.
    Throttled,
    /// Something else holds the object for now: the same call later may succeed.
    Busy,
    /// The caller may not do this.
    Denied,
    /// The arguments are wrong: the same call will fail again.
    Invalid,
    /// An object of that name exists already.
    Exists,
    /// There was no answer, or none that tells: the call may have been carried out.
    Unanswered,
    /// Anything else.
    Other,
}

/// A failure of a provider's work.
#[derive(Clone, Debug)]
pub struct Error {
    /// What kind.
    pub kind: ErrorKind,
    /// What happened, in the service's words, with its code and request ID where it gave them.
    pub message: String,
}

impl Error {
    /// A failure of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A failure of no particular kind.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Other, message)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of a provider's work.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A provider: code that manages the objects of one service or family of services.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its source address.
    fn address(&self) -> ProviderAddr;

    /// The versions of the provider whose schemas this one honours, newest first, such as `5.100.0`.
    fn versions(&self) -> Vec<&'static str>;

    /// The schemas.
    fn schema(&self) -> &ProviderSchema;

    /// The same provider with the schemas of other versions, the preferred one first. This one is preferred to all of
    /// them: another is taken where the configuration or the state asks for it.
    fn editions(&self) -> Vec<Arc<dyn Provider>> {
        Vec::new()
    }

    /// Checks a configuration that may have unknown parts, without calling a service.
    fn validate_config(&self, config: &Value) -> Diags {
        let _ = config;
        Diags::new()
    }

    /// Makes the configuration ready for work: finds credentials, opens clients.
    ///
    /// # Errors
    /// When credentials are missing or wrong, or an argument is.
    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>>;

    /// An instance that can plan although the configuration is not known yet.
    fn unconfigured(&self) -> Arc<dyn Instance>;
}

/// An object to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Its ID.
    pub id: Id,
    /// What was known of it: the prior object, or the planned one right after create. `None` on import.
    pub prior: Option<Value>,
    /// Whether everything is wanted that the service can tell. An ordinary plan may be spared calls for settings that the
    /// type only has for old configurations, where the prior object has none of them.
    pub thorough: bool,
}

impl ReadRequest {
    /// Asks for everything that the service can tell.
    pub fn new(id: Id, prior: Option<Value>) -> Self {
        Self { id, prior, thorough: true }
    }
}

/// Whether an object is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Ready,
    /// It will be.
    Pending,
    /// It will never be; with the reason.
    Failed(String),
}

/// An object that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whether it is usable.
    pub status: Status,
    /// Its attributes, of the schema's type.
    pub value: Value,
}

/// What `create` gives.
#[derive(Clone, Debug)]
pub enum Created {
    /// The ID; the engine reads the rest.
    Id(Id),
    /// The whole object: nothing is left to read.
    Whole(Value),
}

/// What is known of a creation that was cut off before anybody learnt the ID of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The token that [`Instance::create`] got.
    pub token: Str,
    /// What [`Instance::natural`] gave before.
    pub natural: Option<Str>,
    /// When the creation began, in seconds since 1970 by the clock of the machine it ran on. An object that is much
    /// older is not the one.
    pub began: u64,
}

/// How long the engine waits for a status, and how often it looks.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// Time between two looks.
    pub every: Duration,
    /// The longest wait after create.
    pub create: Duration,
    /// The longest wait after update.
    pub update: Duration,
    /// The longest wait after delete. Zero: deleting only forgets, there is nothing to wait for.
    pub delete: Duration,
}

impl Wait {
    /// Twenty minutes for everything.
    pub const DEFAULT: Wait = Wait {
        every: Duration::from_secs(2),
        create: Duration::from_secs(20 * 60),
        update: Duration::from_secs(20 * 60),
        delete: Duration::from_secs(20 * 60),
    };
}

impl Default for Wait {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A configured provider.
///
/// Values given here are wholly known and unmarked, but for [`Instance::plan`] and [`Instance::validate`].
#[async_trait]
pub trait Instance: Send + Sync {
    /// Checks the arguments of a resource (`data` false) or data source beyond what its schema says.
    fn validate(&self, ty: &str, data: bool, config: &Value) -> Diags {
        let _ = (ty, data, config);
        Diags::new()
    }

    /// Adjusts what the schema-driven plan gives. Pure: no service is called.
    ///
    /// Called for every create and update, and once more with no prior object when a replacement comes of it.
    fn plan(&self, ty: &str, draft: &mut Draft) -> Diags {
        let _ = (ty, draft);
        Diags::new()
    }

    /// How long to wait for objects of a type.
    fn wait(&self, ty: &str) -> Wait {
        let _ = ty;
        Wait::default()
    }

    /// Whether objects of a type exist outside the state. Those that do not are never read, and nothing is waited for.
    fn is_remote(&self, ty: &str) -> bool {
        let _ = ty;
        true
    }

    /// Reads objects of one type. The answer has one entry for each request, in order; `None` means that
    /// the object does not exist.
    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>>;

    /// Creates an object. `token` makes a repeated call harmless where the service supports that, and is left on the
    /// object where [`Instance::leaves_token`] says so.
    ///
    /// # Errors
    /// When nothing was created.
    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created>;

    /// What the object that [`Instance::create`] would make is found by without the ID that the service gives it: a name
    /// or a composite ID, in the form that [`Instance::import`] takes. `planned` holds no secrets. Pure.
    fn natural(&self, ty: &str, planned: &Value, token: &str) -> Option<Str> {
        let _ = (ty, planned, token);
        None
    }

    /// Whether `create` leaves the token on objects of a type, for [`Instance::settle`] to take away.
    fn leaves_token(&self, ty: &str) -> bool {
        let _ = ty;
        false
    }

    /// Whether [`Instance::find_made`] tells the object of a creation from any other of its type, one that was there before
    /// or that somebody else made: by its token, or by when it was made. Only such creations may be announced before they
    /// are begun.
    fn tells_ours(&self, ty: &str) -> bool {
        self.leaves_token(ty)
    }

    /// Finds the object that a creation made which was cut off. `None` when there is none, or when creating it again
    /// does no harm.
    ///
    /// # Errors
    /// When it cannot be told whether there is one.
    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        let _ = (ty, trace);
        Ok(None)
    }

    /// Takes the tokens away that `create` left on objects, each given with its type, once all of them are in the
    /// state. Harmless when repeated.
    ///
    /// # Errors
    /// When a token is still there.
    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        let _ = objects;
        Ok(())
    }

    /// Does what a new object needs besides its creation, once its ID is journaled: a failure leaves an object that
    /// is known and tainted. Harmless when repeated. `planned` is what [`Instance::create`] got.
    ///
    /// # Errors
    /// When the object exists but is not what was planned.
    async fn finish(&self, ty: &str, id: &Id, planned: &Value) -> Result<()> {
        let _ = (ty, id, planned);
        Ok(())
    }

    /// Changes an object in place. `None` leaves it to the engine to read the result.
    ///
    /// # Errors
    /// When not all of the change was made.
    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>>;

    /// Deletes an object. Success when it does not exist.
    ///
    /// # Errors
    /// When it still exists.
    async fn delete(&self, ty: &str, id: &Id, prior: &Value) -> Result<()>;

    /// Turns the text a person gives to import an object into what [`Instance::read`] takes.
    ///
    /// # Errors
    /// When the text is not of the form that the type takes.
    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        let _ = ty;
        Ok(ReadRequest::new(Id(text.into()), None))
    }

    /// What a change made outside means for security. `now` is `None` when the object is gone. Pure.
    fn weakened(&self, ty: &str, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        let _ = (ty, was, now);
        Vec::new()
    }

    /// The attributes of an object that show what other objects of the state make of it. Pure.
    fn shared(&self, ty: &str, now: &Value, known: &Known) -> Vec<Shared> {
        let _ = (ty, now, known);
        Vec::new()
    }

    /// Looks for objects that nobody manages in the scope of objects of ours, all of one type.
    ///
    /// # Errors
    /// When it cannot be told what is there.
    async fn unmanaged(&self, ty: &str, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        let _ = (ty, ours, known);
        Ok(Vec::new())
    }

    /// Reads a data source.
    ///
    /// # Errors
    /// When nothing, or too much, answers to the arguments.
    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value>;

    /// Reads a data source for the block at `addr`, for the few that depend on it.
    ///
    /// # Errors
    /// As [`Instance::read_data`].
    async fn read_data_at(&self, addr: &Addr, config: &Value) -> Result<Value> {
        self.read_data(addr.ty(), config).await
    }

    /// Opens an ephemeral resource.
    ///
    /// # Errors
    /// When it cannot be opened.
    async fn open(&self, ty: &str, config: &Value) -> Result<Value> {
        let _ = config;
        Err(Error::other(format!("there is no ephemeral resource type {ty:?}")))
    }

    /// Ends the use of an ephemeral resource.
    ///
    /// # Errors
    /// When it cannot be closed.
    async fn close(&self, ty: &str, opened: &Value) -> Result<()> {
        let _ = (ty, opened);
        Ok(())
    }
}
