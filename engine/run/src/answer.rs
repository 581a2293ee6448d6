//! Answers what planning asks for.
//!
//! Objects to refresh are grouped by provider instance and type, so that one call can answer for many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use secstack_base::{Addr, ProviderConfigAddr, Str, Value};
use secstack_plan::{Action, Answer, Request, Want};
use secstack_sdk::{ErrorKind, Id, Instance, ReadRequest};

use crate::event::{Event, Events, StepInfo};
use crate::providers::ProviderSet;

/// A piece of work that answers one or more requests.
pub enum Work {
    /// A single request.
    One(Request),
    /// Objects of one type of one provider instance, to be read again.
    Refresh(ProviderConfigAddr, Str, Vec<Refresh>),
}

/// An object to read again.
pub struct Refresh {
    ticket: usize,
    addr: Addr,
    prior: Arc<Value>,
    thorough: bool,
}

/// Groups requests into pieces of work.
pub fn group(requests: Vec<Request>) -> Vec<Work> {
    let mut refreshes: BTreeMap<(ProviderConfigAddr, Str), Vec<Refresh>> = BTreeMap::new();
    let mut work = Vec::new();
    for request in requests {
        match request.want {
            Want::Refresh { addr, prior, thorough, .. } => {
                let key = (request.provider, addr.resource.name.ty.clone());
                refreshes.entry(key).or_default().push(Refresh { ticket: request.ticket, addr, prior, thorough });
            }
            _ => work.push(Work::One(request)),
        }
    }
    work.extend(refreshes.into_iter().map(|((p, ty), list)| Work::Refresh(p, ty, list)));
    work
}

/// Does a piece of work.
pub async fn answer(work: Work, providers: &ProviderSet, events: &Events) -> Vec<Answer> {
    match work {
        Work::One(request) => {
            let result = one(&request, providers, events).await;
            vec![Answer { ticket: request.ticket, result }]
        }
        Work::Refresh(provider, ty, list) => refresh(&provider, &ty, list, providers, events).await,
    }
}

async fn one(request: &Request, providers: &ProviderSet, events: &Events) -> Result<Option<Value>, String> {
    if let Want::Configure(value) = &request.want {
        providers.configure(&request.provider, value.as_ref()).await?;
        return Ok(value.clone());
    }
    let Some(instance) = providers.instance(&request.provider) else {
        return Err(format!("Provider not configured\nThe provider configuration {} is not ready.", request.provider));
    };
    match &request.want {
        Want::Import { addr, id } => {
            let found = import(&*instance, addr, id).await;
            if let Ok(Some(value)) = &found {
                let id = value.get_str("id").map(Str::from);
                events.send(Event::RefreshStart { addr: addr.clone(), id: id.clone() });
                events.send(Event::RefreshComplete { addr: addr.clone(), id });
            }
            found
        }
        Want::Read { addr, config } => read(&*instance, addr, config, events).await.map(Some),
        Want::Open { addr, config } => instance.open(addr.ty(), config).await.map(Some).map_err(|e| e.message),
        Want::Configure(_) | Want::Refresh { .. } => Ok(None),
    }
}

/// Reads a data source.
async fn read(instance: &dyn Instance, addr: &Addr, config: &Value, events: &Events) -> Result<Value, String> {
    let mut step = StepInfo { addr: addr.clone(), action: Action::Read, deposed: None, id: None };
    let since = Instant::now();
    events.send(Event::StepStart(step.clone()));
    match instance.read_data_at(addr, config).await {
        Ok(value) => {
            step.id = value.get_str("id").map(Str::from);
            events.send(Event::StepComplete { step, elapsed: since.elapsed() });
            Ok(value)
        }
        Err(e) => {
            events.send(Event::StepErrored { step, elapsed: since.elapsed() });
            Err(e.message)
        }
    }
}

/// Reads the object that the text of an import names.
///
/// # Errors
/// In words, when the text is not an ID or the service fails.
pub async fn import(instance: &dyn Instance, addr: &Addr, id: &str) -> Result<Option<Value>, String> {
    let request = instance.import(addr.ty(), id).await.map_err(|e| e.message)?;
    if !instance.is_remote(addr.ty()) {
        return Ok(request.prior);
    }
    let found = instance.read(addr.ty(), &[request]).await.into_iter().next();
    match found {
        Some(Ok(found)) => Ok(found.map(|f| f.value)),
        Some(Err(e)) if e.kind == ErrorKind::NotFound => Ok(None),
        Some(Err(e)) => Err(e.message),
        None => Err("The provider gave no answer.".into()),
    }
}

async fn refresh(provider: &ProviderConfigAddr, ty: &str, list: Vec<Refresh>, providers: &ProviderSet, events: &Events) -> Vec<Answer> {
    let Some(instance) = providers.instance(provider) else {
        let text = format!("Provider not configured\nThe provider configuration {provider} is not ready.");
        return list.into_iter().map(|r| Answer { ticket: r.ticket, result: Err(text.clone()) }).collect();
    };
    let id_of = |r: &Refresh| r.prior.get_str("id").map(Str::from);
    if !instance.is_remote(ty) {
        let known = |r: Refresh| {
            events.send(Event::RefreshStart { addr: r.addr.clone(), id: id_of(&r) });
            events.send(Event::RefreshComplete { addr: r.addr.clone(), id: id_of(&r) });
            Answer { ticket: r.ticket, result: Ok(Some((*r.prior).clone())) }
        };
        return list.into_iter().map(known).collect();
    }
    let requests: Vec<ReadRequest> = list
        .iter()
        .map(|r| ReadRequest { id: Id(id_of(r).unwrap_or_default()), prior: Some((*r.prior).clone()), thorough: r.thorough })
        .collect();
    for r in &list {
        events.send(Event::RefreshStart { addr: r.addr.clone(), id: id_of(r) });
    }
    let found = instance.read(ty, &requests).await;
    let mut found = found.into_iter();
    list.into_iter()
        .map(|r| {
            let result = match found.next() {
                Some(Ok(found)) => Ok(found.map(|f| f.value)),
                Some(Err(e)) if e.kind == ErrorKind::NotFound => Ok(None),
                Some(Err(e)) => Err(format!("Cannot read {}\n{}", r.addr, e.message)),
                None => Err(format!("Cannot read {}\nThe provider gave no answer.", r.addr)),
            };
            events.send(Event::RefreshComplete { addr: r.addr.clone(), id: id_of(&r) });
            Answer { ticket: r.ticket, result }
        })
        .collect()
}
