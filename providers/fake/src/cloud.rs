//! The objects of the cloud, the faults that a test asks for, and the calls that were made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secstack_base::{Str, Value};
use secstack_sdk::{Error, ErrorKind, Found, Result};

use crate::{HOME, schema, status};

/// An object in the cloud.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its type.
    pub ty: Str,
    /// The region it is in.
    pub region: String,
    /// Its attributes.
    pub value: Value,
    /// The token of its creation, as long as nobody took it off.
    pub token: Option<Str>,
    /// How often it is still found unready.
    pending: u32,
}

/// A cloud. Clones are the same cloud.
#[derive(Clone, Default)]
pub struct Cloud(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    objects: BTreeMap<Str, Stored>,
    /// The last number given to an ID of each type.
    numbers: BTreeMap<Str, u64>,
    lookups: BTreeMap<String, String>,
    faults: Vec<Fault>,
    /// How often a new object of a type is found unready.
    slow: BTreeMap<String, u32>,
    calls: Vec<String>,
}

/// What goes wrong: an operation on a type, or on one object of it.
struct Fault {
    operation: String,
    ty: String,
    object: Option<String>,
    times: u64,
    kind: ErrorKind,
    word: String,
}

impl Cloud {
    /// An empty cloud.
    pub fn new() -> Self {
        Self::default()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an object there, with what the cloud fills in. Numbers of later objects go on after its ID.
    pub fn seed(&self, region: &str, ty: &str, id: &str, asked: &Value) -> Value {
        let mut inside = self.inside();
        let number: u64 = id.rsplit_once('-').and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
        let last = inside.numbers.entry(ty.into()).or_default();
        *last = number.max(*last);
        let value = schema::filled(region, ty, id, asked);
        inside.objects.insert(id.into(), Stored { ty: ty.into(), region: region.into(), value: value.clone(), token: None, pending: 0 });
        value
    }

    /// Takes an object away, behind everybody's back.
    pub fn lose(&self, id: &str) -> bool {
        self.inside().objects.remove(id).is_some()
    }

    /// The objects by ID.
    pub fn objects(&self) -> BTreeMap<Str, Stored> {
        self.inside().objects.clone()
    }

    /// The calls that changed something or read a data source, failed ones included, in order; and forgets them.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.inside().calls)
    }

    /// Forgets all faults: from now on everything works.
    pub fn heal(&self) {
        self.inside().faults.clear();
    }

    /// Takes a line of a script that is not about an object:
    ///
    /// - `fail create fake_vm once Throttled`, `fail delete fake_net net-1 always Denied`, `fail read fake_vm 3 Busy`;
    /// - `slow fake_vm 2`: new objects are found unready twice;
    /// - `lookup name=value`: what a data source finds;
    /// - `gone net-1`: the object is not there.
    ///
    /// # Errors
    /// When the line is not of these forms.
    pub fn script(&self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.parse::<u32>().map_err(|_| format!("{word:?} is not a number of times: {line}"));
        match words.as_slice() {
            ["fail", operation, ty, object @ .., times, kind] if object.len() < 2 => {
                let times = match *times {
                    "once" => 1,
                    "always" => u64::MAX,
                    n => u64::from(number(n)?),
                };
                let fault = Fault {
                    operation: (*operation).into(),
                    ty: (*ty).into(),
                    object: object.first().map(|o| (*o).into()),
                    times,
                    kind: kind_of(kind).ok_or_else(|| format!("{kind:?} is no kind of failure: {line}"))?,
                    word: (*kind).into(),
                };
                self.inside().faults.push(fault);
            }
            ["slow", ty, times] => {
                let times = number(times)?;
                self.inside().slow.insert((*ty).into(), times);
            }
            ["gone", id] => {
                self.lose(id);
            }
            ["lookup", ..] => {
                let rest = line.trim_start().trim_start_matches("lookup").trim();
                let (name, value) = rest.split_once('=').ok_or_else(|| format!("expected name=value: {line}"))?;
                self.inside().lookups.insert(name.trim().into(), value.trim().into());
            }
            _ => return Err(format!("the cloud does not understand: {line}")),
        }
        Ok(())
    }

    /// Fails if a fault says so. `object` is the ID, or the name of what is not there yet.
    pub(crate) fn fault(&self, operation: &str, ty: &str, object: &str) -> Result<()> {
        let mut inside = self.inside();
        let found = inside
            .faults
            .iter_mut()
            .find(|f| f.times > 0 && f.operation == operation && f.ty == ty && f.object.as_ref().is_none_or(|o| o == object));
        let Some(fault) = found else { return Ok(()) };
        if fault.times != u64::MAX {
            fault.times -= 1;
        }
        let (kind, word) = (fault.kind, fault.word.clone());
        if operation != "read" {
            let object = if object.is_empty() { String::new() } else { format!(" {object}") };
            inside.calls.push(format!("{operation} {ty}{object}: {word}"));
        }
        Err(Error::new(kind, format!("{word}: the cloud refused to {operation} a {ty}")))
    }

    fn called(&self, region: &str, call: String) {
        let place = if region == HOME { String::new() } else { format!(" in {region}") };
        self.inside().calls.push(format!("{call}{place}"));
    }

    pub(crate) fn read(&self, region: &str, ty: &str, id: &str) -> Result<Option<Found>> {
        self.fault("read", ty, id)?;
        let mut inside = self.inside();
        let Some(stored) = inside.objects.get_mut(id).filter(|o| *o.ty == *ty && o.region == region) else { return Ok(None) };
        let found = Found { status: status(stored.pending), value: stored.value.clone() };
        stored.pending = stored.pending.saturating_sub(1);
        Ok(Some(found))
    }

    pub(crate) fn create(&self, region: &str, ty: &str, asked: &Value, token: &str) -> Result<Str> {
        self.fault("create", ty, "")?;
        let id: Str = {
            let mut inside = self.inside();
            let number = inside.numbers.entry(ty.into()).or_default();
            *number += 1;
            format!("{}-{number}", schema::id_prefix(ty).unwrap_or(ty)).into()
        };
        let pending = self.inside().slow.get(ty).copied().unwrap_or(0);
        let value = schema::filled(region, ty, &id, asked);
        self.inside()
            .objects
            .insert(id.clone(), Stored { ty: ty.into(), region: region.into(), value, token: Some(token.into()), pending });
        self.called(region, format!("create {ty} {id}"));
        Ok(id)
    }

    pub(crate) fn find_made(&self, region: &str, ty: &str, token: &str) -> Result<Option<Str>> {
        self.fault("find", ty, "")?;
        let inside = self.inside();
        let made = inside.objects.iter().find(|(_, o)| *o.ty == *ty && o.region == region && o.token.as_deref() == Some(token));
        Ok(made.map(|(id, _)| id.clone()))
    }

    pub(crate) fn settle(&self, region: &str, ids: &[&str]) -> Result<()> {
        self.fault("settle", "", "")?;
        let mut inside = self.inside();
        for id in ids {
            if let Some(stored) = inside.objects.get_mut(*id).filter(|o| o.region == region) {
                stored.token = None;
            }
        }
        Ok(())
    }

    pub(crate) fn update(&self, region: &str, ty: &str, id: &str, prior: &Value, planned: &Value) -> Result<()> {
        self.fault("update", ty, id)?;
        let changed: Vec<String> = match (prior.as_map(), planned.as_map()) {
            (Some(old), Some(new)) => {
                new.iter().filter(|(k, v)| !old.get(*k).is_some_and(|o| o.same(v))).map(|(k, _)| k.to_string()).collect()
            }
            _ => Vec::new(),
        };
        let mut inside = self.inside();
        let Some(stored) = inside.objects.get_mut(id).filter(|o| o.region == region) else {
            return Err(Error::new(ErrorKind::NotFound, format!("NotFound: there is no object {id}")));
        };
        stored.value = schema::filled(region, ty, id, planned);
        drop(inside);
        self.called(region, format!("update {ty} {id} {}", changed.join(" ")));
        Ok(())
    }

    pub(crate) fn delete(&self, region: &str, ty: &str, id: &str) -> Result<()> {
        self.fault("delete", ty, id)?;
        let there = self.inside().objects.get(id).is_some_and(|o| o.region == region);
        let users: Vec<Str> = if ty == "fake_net" { self.users(id) } else { Vec::new() };
        let used = users.iter().map(|u| format!(" used by {u}")).collect::<String>();
        self.called(region, format!("delete {ty} {id}{used}"));
        if !there {
            return Err(Error::new(ErrorKind::NotFound, format!("NotFound: there is no object {id}")));
        }
        self.lose(id);
        Ok(())
    }

    /// The objects that stand in the net of that ID: a test wants to know that it did not go before them.
    fn users(&self, id: &str) -> Vec<Str> {
        let inside = self.inside();
        inside.objects.iter().filter(|(_, o)| o.value.get_str("net") == Some(id)).map(|(i, _)| i.clone()).collect()
    }

    pub(crate) fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        let name = config.get_str("name").unwrap_or_default();
        self.fault("read_data", ty, name)?;
        self.inside().calls.push(format!("read {ty} {name}"));
        let Some(value) = self.inside().lookups.get(name).cloned() else {
            return Err(Error::new(ErrorKind::NotFound, format!("NotFound: there is nothing called {name:?}")));
        };
        Ok(config.with("id", Value::from(format!("lookup-{name}"))).with("value", Value::from(value)))
    }
}

fn kind_of(word: &str) -> Option<ErrorKind> {
    Some(match word {
        "NotFound" => ErrorKind::NotFound,
        "Throttled" => ErrorKind::Throttled,
        "Busy" => ErrorKind::Busy,
        "Denied" => ErrorKind::Denied,
        "Invalid" => ErrorKind::Invalid,
        "Exists" => ErrorKind::Exists,
        "Other" => ErrorKind::Other,
        _ => return None,
    })
}
