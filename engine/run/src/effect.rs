//! One effect on one object: create, update or delete, with its journal entries, retries and waiting.
//!
//! The order is what makes a killed run recoverable: the intent is durable before the call, the ID as soon
//! as it is known. Waiting is reading: the same call that refreshes an object tells when it is ready.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use secstack_base::{Addr, ProviderConfigAddr, Str, Type, Value};
use secstack_sdk::{Created, Error, ErrorKind, Id, Instance, ReadRequest, Status, Wait, fence};
use secstack_state::journal::{Intent, Journal, Operation, Record};
use secstack_state::model::Object;
use tokio::time::Instant;

use crate::apply::Written;
use crate::clock;
use crate::wait::{Lookout, Pauses};

/// What an effect is done to, and with.
#[derive(Clone)]
pub struct Effect {
    /// The provider instance.
    pub instance: Arc<dyn Instance>,
    /// The instance in the configuration.
    pub addr: Addr,
    /// The deposed object that is meant.
    pub deposed: Option<Str>,
    /// The provider configuration, for the journal.
    pub provider: ProviderConfigAddr,
    /// Where intents go.
    pub journal: Option<Journal>,
    /// Limits given by a `timeouts` block.
    pub timeouts: Timeouts,
    /// Who else waits for objects.
    pub lookout: Arc<Lookout>,
}

/// Limits given by a `timeouts` block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeouts {
    /// For create.
    pub create: Option<Duration>,
    /// For update.
    pub update: Option<Duration>,
    /// For delete.
    pub delete: Option<Duration>,
}

/// Why an effect failed, and what is there nevertheless.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What happened.
    pub message: String,
    /// The object that exists although the effect failed.
    pub partial: Option<Value>,
    /// It cannot be told now whether there is an object: the intent stays open, and nothing may be recorded that closes it.
    pub is_open: bool,
    /// The journal may not have the ID of the object: the token of its creation is all that leads to it.
    pub unrecorded: bool,
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::new(e.message, None)
    }
}

impl Failure {
    fn new(message: String, partial: Option<Value>) -> Self {
        Self { message, partial, is_open: false, unrecorded: false }
    }

    fn journal(e: &secstack_state::Error) -> Self {
        Self::new(format!("The journal of this run cannot be written: {e}"), None)
    }
}

type Outcome<T> = Result<T, Failure>;

impl Effect {
    fn ty(&self) -> &str {
        self.addr.ty()
    }

    async fn intend(&self, intent: Intent) -> Outcome<()> {
        let (Some(journal), true) = (&self.journal, self.instance.is_remote(self.ty())) else { return Ok(()) };
        journal.append(Record::Intent(intent)).await.map_err(|e| Failure::journal(&e))
    }

    fn intent(&self, operation: Operation, id: Option<Str>) -> Intent {
        Intent {
            addr: self.addr.clone(),
            deposed: self.deposed.clone(),
            operation,
            token: "".into(),
            provider: self.provider.clone(),
            id,
            began: clock::unix_now().as_secs(),
            natural: None,
            planned: None,
            token_left: false,
            ahead: false,
        }
    }

    /// A token for a creation: no two are the same. Names that providers make up tell the time that stands in it.
    pub(crate) fn token() -> String {
        uuid::Uuid::now_v7().to_string()
    }

    /// The intent to create an object.
    pub(crate) fn creation(&self, token: &str, natural: Option<Str>, noted: Option<Arc<Object>>) -> Intent {
        let token_left = self.instance.leaves_token(self.ty());
        Intent { token: token.into(), natural, planned: noted, token_left, ..self.intent(Operation::Create, None) }
    }

    /// Creates an object and waits until it is ready. `written` is the intent, on its way to the journal if there is one.
    ///
    /// # Errors
    /// With the object in [`Failure::partial`] when it exists all the same.
    pub(crate) async fn create(&self, planned: &Value, written: Option<Written>) -> Outcome<Value> {
        let planned = known_part(planned);
        let wait = self.instance.wait(self.ty());
        let limit = self.timeouts.create.unwrap_or(wait.create);
        let intent = match written {
            Some(written) => {
                written.begun.store(true, Ordering::SeqCst);
                written.durable.await.map_err(|e| Failure::journal(&e))?;
                written.intent
            }
            None => {
                let token = Self::token();
                self.creation(&token, self.instance.natural(self.ty(), &planned, &token), None)
            }
        };
        let token = intent.token.clone();
        let until = Instant::now() + limit;
        let made = retry(until, || self.instance.create(self.ty(), &planned, &token)).await;
        let id = match made {
            Ok(Created::Whole(value)) => return Ok(value),
            Ok(Created::Id(id)) => id,
            Err(e) if e.kind == ErrorKind::Unanswered => self.made_after_all(&intent, e).await?,
            Err(e) => {
                self.void().await;
                return Err(e.into());
            }
        };
        // The ID is on its way to the journal while the object is waited for.
        let noted = self
            .journal
            .as_ref()
            .map(|journal| journal.append(Record::Id { addr: self.addr.clone(), deposed: self.deposed.clone(), id: id.0.clone() }));
        let completed = self.complete(&id, &planned, until, &wait).await;
        match noted {
            Some(noted) => match (noted.await, completed) {
                (Ok(()), completed) => completed,
                (Err(e), Ok(value)) => Err(Failure { partial: Some(value), unrecorded: true, ..Failure::journal(&e) }),
                (Err(_), Err(failed)) => Err(Failure { unrecorded: true, ..failed }),
            },
            None => completed,
        }
    }

    /// The object of a creation that was not answered: it may have been made all the same. Where that cannot be told now,
    /// the intent stays open.
    async fn made_after_all(&self, intent: &Intent, unanswered: Error) -> Outcome<Id> {
        match crate::recover::find_made(&*self.instance, intent).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                self.void().await;
                Err(unanswered.into())
            }
            Err(e) => {
                let what = "It is not known whether the object was created; the next run finds out.";
                Err(Failure {
                    message: format!("{}\n\n{what} Asking for it failed: {}", unanswered.message, e.message),
                    partial: None,
                    is_open: true,
                    unrecorded: false,
                })
            }
        }
    }

    /// Completes a new object and waits until it is ready.
    async fn complete(&self, id: &Id, planned: &Value, until: Instant, wait: &Wait) -> Outcome<Value> {
        let partial = || Some(planned.with("id", Value::string(&id.0)));
        if let Err(e) = retry(until, || self.instance.finish(self.ty(), id, planned)).await {
            let found = self.look(id, planned).await.ok().flatten().map(|f| f.value);
            return Err(Failure::new(e.message, found.or_else(partial)));
        }
        self.until_ready(id, planned, until, wait, true).await.map_err(|f| Failure { partial: f.partial.or_else(partial), ..f })
    }

    async fn void(&self) {
        if let (Some(journal), true) = (&self.journal, self.instance.is_remote(self.ty())) {
            // Best effort: an intent that stays open is looked up by the next run.
            let _ = journal.append(Record::Void { addr: self.addr.clone() }).await;
        }
    }

    /// Changes an object in place and waits until it is ready.
    ///
    /// # Errors
    /// With the object as it is now in [`Failure::partial`], where it could be read.
    pub async fn update(&self, prior: &Value, planned: &Value) -> Outcome<Value> {
        let planned = known_part(planned);
        let wait = self.instance.wait(self.ty());
        let until = Instant::now() + self.timeouts.update.unwrap_or(wait.update);
        let id = id_of(prior);
        self.intend(self.intent(Operation::Update, Some(id.0.clone()))).await?;
        match retry(until, || self.instance.update(self.ty(), &id, prior, &planned)).await {
            Ok(Some(value)) => Ok(value),
            Ok(None) if !self.instance.is_remote(self.ty()) => Ok(planned),
            Ok(None) => {
                let id = planned.get_str("id").map_or(id, |i| Id(i.into()));
                self.until_ready(&id, &planned, until, &wait, false).await
            }
            Err(e) => {
                let partial = self.look(&id, prior).await.ok().flatten().map(|f| f.value);
                Err(Failure::new(e.message, partial))
            }
        }
    }

    /// Deletes an object and waits until it is gone.
    ///
    /// # Errors
    /// When it is still there.
    pub async fn delete(&self, prior: &Value) -> Outcome<()> {
        let wait = self.instance.wait(self.ty());
        let until = Instant::now() + self.timeouts.delete.unwrap_or(wait.delete);
        let id = id_of(prior);
        self.intend(self.intent(Operation::Delete, Some(id.0.clone()))).await?;
        let deleted = retry(until, || self.instance.delete(self.ty(), &id, prior)).await;
        match deleted {
            Ok(()) => {}
            Err(e) if e.kind == ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e.into()),
        }
        // Without a time to wait, deleting an object only lets go of it.
        if !self.instance.is_remote(self.ty()) || wait.delete.is_zero() {
            return Ok(());
        }
        let mut pauses = Pauses::new(&wait);
        let mut seen = self.look(&id, prior).await;
        loop {
            match seen {
                Ok(None) => return Ok(()),
                Ok(Some(found)) => {
                    if let Status::Failed(reason) = found.status {
                        return Err(Failure::new(reason, None));
                    }
                }
                Err(e) if is_passing(e.kind) => {}
                Err(e) => return Err(e.into()),
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("The object {id} is still there after the time allowed for its deletion."), None));
            }
            seen = self.look_after(pauses.take(), &id, prior).await;
        }
    }

    /// Reads an object until it is neither coming nor going. `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or goes on coming and going for longer than the type allows.
    pub(crate) async fn at_rest(&self, id: &Id, prior: &Value) -> secstack_sdk::Result<Option<secstack_sdk::Found>> {
        let wait = self.instance.wait(self.ty());
        let until = Instant::now() + wait.create.max(wait.delete);
        let mut pauses = Pauses::new(&wait);
        loop {
            let found = retry(until, || self.look(id, prior)).await?;
            if found.as_ref().is_none_or(|f| f.status != Status::Pending) {
                return Ok(found);
            }
            if Instant::now() > until {
                return Err(Error::other(format!("the object {id} is neither ready nor gone after the time allowed")));
            }
            tokio::time::sleep(pauses.take()).await;
        }
    }

    pub(crate) async fn look(&self, id: &Id, prior: &Value) -> secstack_sdk::Result<Option<secstack_sdk::Found>> {
        let request = ReadRequest::new(id.clone(), Some(prior.clone()));
        match self.instance.read(self.ty(), &[request]).await.into_iter().next() {
            Some(Err(e)) if e.kind == ErrorKind::NotFound => Ok(None),
            Some(found) => found,
            None => Err(Error::other("the provider gave no answer")),
        }
    }

    /// Looks once more after a pause, together with others of the type.
    async fn look_after(&self, pause: Duration, id: &Id, prior: &Value) -> secstack_sdk::Result<Option<secstack_sdk::Found>> {
        let kind = (self.provider.clone(), Str::from(self.ty()));
        let request = ReadRequest::new(id.clone(), Some(prior.clone()));
        match self.lookout.look_after(pause, &*self.instance, &kind, request).await {
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            found => found,
        }
    }

    async fn until_ready(&self, id: &Id, planned: &Value, until: Instant, wait: &Wait, new: bool) -> Outcome<Value> {
        let mut pauses = Pauses::new(wait);
        let mut last = None;
        let mut seen = self.look(id, planned).await;
        loop {
            match seen {
                Ok(Some(found)) => match found.status {
                    Status::Ready => return Ok(found.value),
                    Status::Pending => last = Some(found.value),
                    Status::Failed(reason) => return Err(Failure::new(reason, Some(found.value))),
                },
                Ok(None) if new => {}
                Ok(None) => {
                    return Err(Failure::new(format!("The object {id} is gone after its change."), None));
                }
                Err(e) if is_passing(e.kind) => {}
                Err(e) => return Err(Failure::new(e.message, last)),
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("The object {id} is not ready after the time allowed."), last));
            }
            seen = self.look_after(pauses.take(), id, planned).await;
        }
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Throttled | ErrorKind::Busy)
}

/// Repeats a call while it is throttled or the object is busy.
async fn retry<T, F: Future<Output = secstack_sdk::Result<T>>>(until: Instant, mut call: impl FnMut() -> F) -> secstack_sdk::Result<T> {
    let mut pause = Duration::from_millis(200);
    loop {
        // Another run may have taken over meanwhile.
        fence::check()?;
        match call().await {
            Err(e) if is_passing(e.kind) && Instant::now() + pause < until => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            result => return result,
        }
    }
}

fn id_of(object: &Value) -> Id {
    Id(object.get_str("id").unwrap_or_default().into())
}

/// The value with null in place of what is unknown: what a provider's code gets.
pub fn known_part(value: &Value) -> Value {
    if value.is_wholly_known() {
        return value.clone();
    }
    if value.is_unknown() {
        let ty = value.ty();
        return Value::null(if ty == Type::Dynamic { Type::Dynamic } else { ty });
    }
    value.map_parts(|_, v| known_part(v))
}
