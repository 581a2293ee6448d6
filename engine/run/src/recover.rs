//! Finds out what came of the effects that a run had begun when it was cut off.
//!
//! The journal says what was begun. For each effect the service is asked what became of it, and the state is brought to
//! what is there: a new object is adopted, a change is read, a deletion is seen or left to the next plan. So the next run
//! goes on with no object forgotten and none made twice. Every finding goes to the journal, so that this may be cut off
//! too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use secstack_base::schema::Schema;
use secstack_base::{Mode, ProviderConfigAddr, Str, Value};
use secstack_eval::Schemas;
use secstack_sdk::{Id, Instance, Status, Trace, fence};
use secstack_state::Store;
use secstack_state::journal::{Intent, Journal, Operation, Record};
use secstack_state::model::{InstanceState, Object, Snapshot, new_deposed_key};
use tokio::time::Instant;

use crate::effect::{Effect, Timeouts, known_part};
use crate::providers::ProviderSet;

mod blanks;

/// A call that was on its way when its run died may still be carried out. An object that is not there so long after the
/// looking began will not come any more. Nobody knows when the run died: an intent is older than its call, by as long as
/// the step waited for its turn.
const LATE: Duration = Duration::from_secs(10);

/// The pause before the second look for an object that may still come. Each later one is twice as long.
const AGAIN: Duration = Duration::from_secs(1);

/// How many effects are looked into at once.
const AT_ONCE: usize = 16;

/// An effect, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The effect that was begun.
    pub intent: Intent,
    /// What came of it.
    pub finding: Finding,
}

/// What came of an effect that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The object exists and was not in the state: now it is.
    Adopted(Str),
    /// The object was in the state already.
    Known,
    /// Nothing was created.
    NotMade,
    /// The object was read again, changed or not.
    Read,
    /// The object is gone, and so it is from the state.
    Gone,
    /// The object is still there; the next plan deletes it.
    StillThere,
    /// It cannot be told; with the reason. The effect stays open.
    Unclear(String),
}

/// What the service says of an effect.
enum Answer {
    /// The object that a creation made.
    Made(Id, Found),
    /// The object that was changed or deleted is still there.
    There(Found),
    /// There is no object.
    Nothing,
    /// It was not asked: the state has the object.
    Known,
    Unclear(String),
}

/// An object that was found.
struct Found {
    object: Object,
    failed: bool,
}

/// Looks into effects without recording anything: what [`take_up`] would find.
pub async fn look_into(snapshot: &Snapshot, open: &[Intent], providers: &ProviderSet) -> Vec<Resolved> {
    let mut scratch = snapshot.clone();
    let answers = ask_all(snapshot, open, providers, false).await;
    open.iter().zip(answers).map(|(intent, a)| Resolved { intent: intent.clone(), finding: take(&mut scratch, intent, a) }).collect()
}

/// Takes up a run that was cut off: looks into its effects, with a journal of `store`, and stores the state that comes of it.
/// The snapshot has the stored version when this returns.
///
/// # Errors
/// When the journal or the state cannot be written.
pub async fn take_up(
    store: &dyn Store,
    snapshot: &mut Snapshot,
    open: &[Intent],
    providers: &ProviderSet,
) -> secstack_state::Result<Vec<Resolved>> {
    let journal = store.journal(snapshot).await?;
    let resolved = recover(snapshot, open, providers, &journal).await?;
    let version = store.write(snapshot).await?;
    (snapshot.lineage, snapshot.serial) = (version.lineage, version.serial);
    Ok(resolved)
}

/// Looks into effects and brings the state to what is there. What was found is in the journal when this returns.
///
/// # Errors
/// When the journal cannot be written.
async fn recover(
    snapshot: &mut Snapshot,
    open: &[Intent],
    providers: &ProviderSet,
    journal: &Journal,
) -> secstack_state::Result<Vec<Resolved>> {
    fence::within(crate::apply::fence_of(journal), within_fence(snapshot, open, providers, journal)).await
}

async fn within_fence(
    snapshot: &mut Snapshot,
    open: &[Intent],
    providers: &ProviderSet,
    journal: &Journal,
) -> secstack_state::Result<Vec<Resolved>> {
    let answers = ask_all(snapshot, open, providers, true).await;
    let mut resolved = Vec::with_capacity(open.len());
    for (intent, answer) in open.iter().zip(answers) {
        let finding = take(snapshot, intent, answer);
        if matches!(finding, Finding::Adopted(_) | Finding::Read | Finding::Gone) {
            let addr = intent.addr.clone();
            if let Finding::Adopted(id) = &finding {
                // With its ID the intent stays open until the token is off.
                let (addr, deposed) = (addr.clone(), intent.deposed.clone());
                journal.append(Record::Id { addr, deposed, id: id.clone() }).await?;
            }
            let entry = snapshot.instance(&addr).cloned().unwrap_or_default();
            journal.append(Record::Done { addr, entry, provider: intent.provider.clone() }).await?;
        }
        resolved.push(Resolved { intent: intent.clone(), finding });
    }
    // Everything that was found is in the state for good: only now may the tokens go.
    settle(&mut resolved, providers).await;
    let unclear = |r: &Resolved| matches!(r.finding, Finding::Unclear(_));
    for r in resolved.iter().filter(|r| !unclear(r)) {
        let addr = r.intent.addr.clone();
        // An instance of which one effect is unclear keeps all of them.
        if !resolved.iter().any(|o| o.intent.addr == addr && unclear(o)) {
            journal.append(Record::Void { addr }).await?;
        }
    }
    if !resolved.iter().any(unclear) {
        journal.append(Record::Settled).await?;
    }
    Ok(resolved)
}

/// Takes the tokens off the objects that are in the state, all of a provider configuration at once.
async fn settle(resolved: &mut [Resolved], providers: &ProviderSet) {
    let mut tokens: BTreeMap<ProviderConfigAddr, Vec<(Str, Id)>> = BTreeMap::new();
    for r in resolved.iter().filter(|r| r.intent.token_left) {
        let id = match (&r.finding, &r.intent.id) {
            (Finding::Adopted(id), _) | (Finding::Known, Some(id)) => id.clone(),
            _ => continue,
        };
        tokens.entry(r.intent.provider.clone()).or_default().push((r.intent.addr.ty().into(), Id(id)));
    }
    for (provider, objects) in tokens {
        let Some(instance) = providers.instance(&provider) else { continue };
        if let Err(e) = instance.settle(&objects).await {
            let why = format!("The object is in the state, and a tag of its creation could not be removed: {}", e.message);
            let of_it = |r: &&mut Resolved| r.intent.provider == provider && matches!(r.finding, Finding::Adopted(_) | Finding::Known);
            resolved.iter_mut().filter(of_it).for_each(|r| r.finding = Finding::Unclear(why.clone()));
        }
    }
}

async fn ask_all(snapshot: &Snapshot, open: &[Intent], providers: &ProviderSet, may_change: bool) -> Vec<Answer> {
    let until = Instant::now() + LATE;
    let asked =
        open.iter().map(|intent| async move { ask(snapshot, intent, providers, may_change, until).await.unwrap_or_else(Answer::Unclear) });
    futures::stream::iter(asked.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await
}

async fn ask(snapshot: &Snapshot, intent: &Intent, providers: &ProviderSet, may_change: bool, until: Instant) -> Result<Answer, String> {
    let ty = intent.addr.ty();
    let Some(instance) = providers.instance(&intent.provider) else {
        return Err(format!(
            "The provider configuration {} cannot be had from the configuration as it is now. Restore it until this is resolved.",
            intent.provider
        ));
    };
    let Some(schema) = providers.resource(&intent.provider.provider, Mode::Managed, ty) else {
        return Err(format!("The provider knows no type {ty:?}."));
    };
    let asking = Asking { intent, instance, schema, may_change, until };
    match intent.operation {
        Operation::Create => asking.what_was_created(snapshot).await,
        Operation::Update | Operation::Delete => asking.what_is_left(snapshot).await,
    }
}

/// A question to the service.
struct Asking<'a> {
    intent: &'a Intent,
    instance: Arc<dyn Instance>,
    schema: Arc<Schema>,
    /// Whether an object that is not complete may be completed.
    may_change: bool,
    /// How long an object that is not there may still come.
    until: Instant,
}

impl Asking<'_> {
    async fn what_was_created(&self, snapshot: &Snapshot) -> Result<Answer, String> {
        let planned = self.intent.planned.as_ref().and_then(|o| o.decode(&self.schema.block.ty()).ok());
        let planned = planned.unwrap_or_else(|| self.schema.block.empty_value());
        let id = match &self.intent.id {
            Some(id) if is_in(snapshot, self.intent, id) => return Ok(Answer::Known),
            Some(id) => Id(id.clone()),
            None => match self.find_made().await? {
                Some(id) => id,
                None => return Ok(Answer::Nothing),
            },
        };
        let (prior, has_blanks) = blanks::fill(&self.schema.block, &planned.with("id", Value::string(&id.0)));
        let mut found = self.effect().at_rest(&id, &prior).await.map_err(|e| e.message)?;
        // Where not all is known that the object was to be, the next plan finds what is missing.
        if self.may_change && found.is_some() && !self.intent.ahead && !has_blanks {
            // The run may have been cut off between the creation and what a new object needs besides.
            self.instance.finish(self.intent.addr.ty(), &id, &known_part(&planned)).await.map_err(|e| e.message)?;
            found = self.effect().at_rest(&id, &prior).await.map_err(|e| e.message)?;
        }
        let Some(found) = found else { return Ok(Answer::Nothing) };
        let failed = matches!(found.status, Status::Failed(_));
        let noted = self.intent.planned.as_deref().cloned().unwrap_or_default();
        let value = blanks::take_back(&self.schema.block, &planned, &found.value);
        Ok(Answer::Made(id, Found { object: self.encode(&value, &noted)?, failed }))
    }

    /// Looks for the object until it is there, or too late to come.
    async fn find_made(&self) -> Result<Option<Id>, String> {
        find_by(&*self.instance, self.intent, self.until).await.map_err(|e| e.message)
    }

    async fn what_is_left(&self, snapshot: &Snapshot) -> Result<Answer, String> {
        let Some(stored) = stored(snapshot, self.intent) else { return Ok(Answer::Known) };
        let prior = stored.decode(&self.schema.block.ty()).map_err(|e| e.to_string())?.unmark_deep(secstack_base::Marks::ALL);
        let id = self.intent.id.as_deref().or(prior.get_str("id")).unwrap_or_default();
        let found = self.effect().at_rest(&Id(id.into()), &prior).await.map_err(|e| e.message)?;
        let Some(found) = found else { return Ok(Answer::Nothing) };
        let failed = matches!(found.status, Status::Failed(_));
        Ok(Answer::There(Found { object: self.encode(&found.value, stored)?, failed }))
    }

    /// The object as the state holds it, with what the state said besides.
    fn encode(&self, value: &Value, stored: &Object) -> Result<Object, String> {
        let object = Object::encode(self.schema.version, value, &self.schema.block.ty()).map_err(|e| e.to_string())?;
        Ok(Object { schema_version: self.schema.version, attributes: object.attributes, ..stored.clone() })
    }

    fn effect(&self) -> Effect {
        Effect {
            instance: self.instance.clone(),
            addr: self.intent.addr.clone(),
            deposed: self.intent.deposed.clone(),
            provider: self.intent.provider.clone(),
            journal: None,
            timeouts: Timeouts::default(),
            lookout: Arc::default(),
        }
    }
}

/// Looks for the object of a creation that was not answered until it is there, or too late to come.
pub(crate) async fn find_made(instance: &dyn Instance, intent: &Intent) -> secstack_sdk::Result<Option<Id>> {
    find_by(instance, intent, Instant::now() + LATE).await
}

async fn find_by(instance: &dyn Instance, intent: &Intent, until: Instant) -> secstack_sdk::Result<Option<Id>> {
    let trace = Trace { token: intent.token.clone(), natural: intent.natural.clone(), began: intent.began };
    let mut pause = AGAIN;
    loop {
        let is_last = Instant::now() >= until;
        if let Some(id) = instance.find_made(intent.addr.ty(), &trace).await? {
            return Ok(Some(id));
        }
        if is_last {
            return Ok(None);
        }
        tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
        pause *= 2;
    }
}

/// The object that an effect is about, as the state has it.
fn stored<'a>(snapshot: &'a Snapshot, intent: &Intent) -> Option<&'a Arc<Object>> {
    let instance = snapshot.instance(&intent.addr)?;
    match &intent.deposed {
        None => instance.current.as_ref(),
        Some(key) => instance.deposed.get(key),
    }
}

fn is_in(snapshot: &Snapshot, intent: &Intent, id: &str) -> bool {
    let has_id = |o: &Arc<Object>| o.decode_implied().is_ok_and(|v| v.get_str("id") == Some(id));
    snapshot.instance(&intent.addr).is_some_and(|i: &InstanceState| i.current.iter().chain(i.deposed.values()).any(has_id))
}

/// Brings the state to what the service says.
fn take(snapshot: &mut Snapshot, intent: &Intent, answer: Answer) -> Finding {
    match (answer, intent.operation) {
        (Answer::Unclear(why), _) => Finding::Unclear(why),
        (Answer::Known, Operation::Delete) => Finding::Gone,
        (Answer::Known, _) => Finding::Known,
        (Answer::Made(id, found), _) => {
            let tainted = found.object.tainted || found.failed;
            let object = found.object.with_tainted(tainted);
            match stored(snapshot, intent) {
                // There is another object already: this one is too many, and the next plan deletes it.
                Some(_) => {
                    let key = new_deposed_key(snapshot.instance(&intent.addr).unwrap_or(&InstanceState::default()));
                    snapshot.set_deposed(&intent.addr, &intent.provider, &key, object);
                }
                None => snapshot.set_current(&intent.addr, &intent.provider, object),
            }
            Finding::Adopted(id.0)
        }
        (Answer::There(found), operation) => {
            put(snapshot, intent, found.object);
            if operation == Operation::Delete { Finding::StillThere } else { Finding::Read }
        }
        (Answer::Nothing, Operation::Create) => Finding::NotMade,
        (Answer::Nothing, _) => {
            match &intent.deposed {
                None => snapshot.remove_current(&intent.addr),
                Some(key) => snapshot.remove_deposed(&intent.addr, key),
            };
            Finding::Gone
        }
    }
}

fn put(snapshot: &mut Snapshot, intent: &Intent, object: Object) {
    match &intent.deposed {
        None => snapshot.set_current(&intent.addr, &intent.provider, object),
        Some(key) => snapshot.set_deposed(&intent.addr, &intent.provider, key, object),
    }
}
