//! A provider whose cloud is a table in memory, for tests.
//!
//! It has a handful of types that between them show every rule of a schema: arguments that force a replacement,
//! attributes that the provider chooses, secrets, blocks in lists and in sets. [`Cloud`] holds the objects, the
//! faults that a test asks for, and the calls that were made. IDs are given in order: `net-1`, `net-2`.

mod cloud;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;
use secstack_base::{ProviderAddr, Str, Value};
use secstack_sdk::drift::{Known, Severity, Shared, Unmanaged, Weakness};
use secstack_sdk::{Created, Error, ErrorKind, Found, Id, Instance, Provider, ProviderSchema, ReadRequest, Result, Status, Trace, Wait};

pub use cloud::{Cloud, Stored};
pub use schema::{id_prefix, type_of_id};

/// The region of a provider that names none.
pub const HOME: &str = "home";

/// The providers of this crate, working on a cloud.
pub fn providers(cloud: &Cloud) -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(Fake::new(cloud.clone()))]
}

/// The provider `hashicorp/fake`.
pub struct Fake {
    cloud: Cloud,
    schema: ProviderSchema,
}

impl Fake {
    /// A provider of objects in `cloud`.
    pub fn new(cloud: Cloud) -> Self {
        Self { cloud, schema: schema::provider() }
    }
}

#[async_trait]
impl Provider for Fake {
    fn address(&self) -> ProviderAddr {
        ProviderAddr::hashicorp("fake")
    }

    fn versions(&self) -> Vec<&'static str> {
        vec!["1.0.0"]
    }

    fn schema(&self) -> &ProviderSchema {
        &self.schema
    }

    async fn configure(&self, config: &Value) -> Result<Arc<dyn Instance>> {
        let region = config.get_str("region").unwrap_or(HOME).to_string();
        if region == "nowhere" {
            return Err(Error::new(ErrorKind::Invalid, "there is no region \"nowhere\""));
        }
        Ok(Arc::new(Region { cloud: self.cloud.clone(), region }))
    }

    fn unconfigured(&self) -> Arc<dyn Instance> {
        Arc::new(Region { cloud: self.cloud.clone(), region: HOME.into() })
    }
}

/// A region of the cloud. Objects of one are not found in another.
struct Region {
    cloud: Cloud,
    region: String,
}

#[async_trait]
impl Instance for Region {
    fn wait(&self, _: &str) -> Wait {
        Wait::DEFAULT
    }

    async fn read(&self, ty: &str, objects: &[ReadRequest]) -> Vec<Result<Option<Found>>> {
        let read = |o: &ReadRequest| {
            if let Some(lacking) = o.prior.as_ref().and_then(|prior| schema::lacking(ty, prior)) {
                return Err(Error::new(ErrorKind::Invalid, format!("the {ty} {} to read has no {lacking:?}", o.id)));
            }
            self.cloud.read(&self.region, ty, &o.id.0)
        };
        objects.iter().map(read).collect()
    }

    fn leaves_token(&self, _: &str) -> bool {
        true
    }

    async fn find_made(&self, ty: &str, trace: &Trace) -> Result<Option<Id>> {
        Ok(self.cloud.find_made(&self.region, ty, &trace.token)?.map(Id))
    }

    async fn settle(&self, objects: &[(Str, Id)]) -> Result<()> {
        self.cloud.settle(&self.region, &objects.iter().map(|(_, id)| &*id.0).collect::<Vec<_>>())
    }

    async fn create(&self, ty: &str, planned: &Value, token: &str) -> Result<Created> {
        self.cloud.create(&self.region, ty, planned, token).map(|id| Created::Id(Id(id)))
    }

    async fn finish(&self, ty: &str, id: &Id, _: &Value) -> Result<()> {
        self.cloud.fault("finish", ty, &id.0)
    }

    async fn update(&self, ty: &str, id: &Id, prior: &Value, planned: &Value) -> Result<Option<Value>> {
        self.cloud.update(&self.region, ty, &id.0, prior, planned).map(|()| None)
    }

    async fn delete(&self, ty: &str, id: &Id, _: &Value) -> Result<()> {
        self.cloud.delete(&self.region, ty, &id.0)
    }

    async fn import(&self, ty: &str, text: &str) -> Result<ReadRequest> {
        if type_of_id(text) == Some(ty) {
            return Ok(ReadRequest::new(Id(text.into()), None));
        }
        Err(Error::new(ErrorKind::Invalid, format!("{text:?} is not the ID of a {ty}")))
    }

    /// A rule that lets anybody in is grave; a smaller machine is not.
    fn weakened(&self, ty: &str, was: &Value, now: Option<&Value>) -> Vec<Weakness> {
        let open = |v: &Value| v.get("rule").into_iter().flat_map(Value::parts).any(|r| r.get_str("from") == Some("anybody"));
        let weak = ty == "fake_vm" && now.is_some_and(|now| open(now) && !open(was));
        Weakness::when(weak, Severity::High, "rule", "anybody may come in now").into_iter().collect()
    }

    /// A net shows its tags `vms`, which the machines in it make.
    fn shared(&self, ty: &str, now: &Value, known: &Known) -> Vec<Shared> {
        let used = ty == "fake_net" && now.get_str("id").is_some_and(|id| known.has("fake_vm", "net", id));
        used.then(|| Shared::silent("tags")).into_iter().collect()
    }

    /// Machines stand in nets.
    async fn unmanaged(&self, ty: &str, ours: &[Id], known: &Known) -> Result<Vec<Unmanaged>> {
        if ty != "fake_net" {
            return Ok(Vec::new());
        }
        self.cloud.fault("list", "fake_vm", "")?;
        let objects = self.cloud.objects();
        let inside = objects.iter().filter_map(|(id, o)| {
            let owner = ours.iter().find(|net| o.value.get_str("net") == Some(&net.0))?;
            (!known.mentions(id)).then(|| Unmanaged {
                owner: owner.clone(),
                ty: o.ty.clone(),
                id: id.clone(),
                text: id.to_string(),
                weakens: None,
            })
        });
        Ok(inside.collect())
    }

    async fn read_data(&self, ty: &str, config: &Value) -> Result<Value> {
        self.cloud.read_data(ty, config)
    }

    async fn open(&self, ty: &str, config: &Value) -> Result<Value> {
        let name = config.get_str("name").unwrap_or_default();
        self.cloud.fault("open", ty, name)?;
        Ok(config.with("value", Value::string(&format!("opened {name}"))))
    }
}

/// Whether an object is usable, as what is left to wait for tells.
fn status(pending: u32) -> Status {
    if pending == 0 { Status::Ready } else { Status::Pending }
}
