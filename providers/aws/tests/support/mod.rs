//! Plays the engine's part for one object at a time, against an emulated AWS.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secstack_aws::AwsProvider;
use secstack_base::schema::{Attribute, Draft, NestedBlock, Schema};
use secstack_base::{Data, Type, Value};
use secstack_sdk::{Created, Id, Instance, Provider, ReadRequest, Status};
use serde_json::{Value as Json, json};

/// An emulated AWS of one's own, and a provider configured for it.
pub struct Cloud {
    server: Child,
    provider: AwsProvider,
    instance: Arc<dyn Instance>,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // SIGTERM, so that a server can stop those it has started. One that is gone already is as good as stopped.
        let _ = Command::new("kill").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}

/// Types whose tags moto forgets.
const UNTAGGED: &[&str] = &["aws_vpc_dhcp_options"];

/// An object as it was last seen.
#[derive(Clone, Debug)]
pub struct Object {
    pub ty: &'static str,
    pub id: Id,
    pub config: Value,
    pub value: Value,
}

impl Object {
    /// The text of an attribute.
    pub fn text(&self, name: &str) -> String {
        self.value.get_str(name).unwrap_or_else(|| panic!("{} has no {name}", self.ty)).to_string()
    }
}

impl Cloud {
    /// Starts moto.
    pub async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let candidates = [std::env::var("SECSTACK_MOTO").ok(), Some("moto_server".into()), Some("moto_server.py".into())];
        let start = |command: String| {
            let quiet = || Stdio::null();
            Command::new(command).args(["-p", &port.to_string()]).stdout(quiet()).stderr(quiet()).spawn().ok()
        };
        let server = candidates.into_iter().flatten().find_map(start);
        let server = server.expect("the AWS tests need moto: pip install 'moto[server]', or name its moto_server in SECSTACK_MOTO");
        Self::connect(server, port).await
    }

    /// Starts moto behind the harness's proxy, which knows of EKS what moto does not.
    #[allow(dead_code, reason = "not every test needs it")]
    pub async fn start_with_eks() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let harness = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/harness/moto.py");
        let mut command = Command::new("python3");
        command.args([harness, "serve", "--port", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().expect("the AWS tests need python3");
        Self::connect(server, port).await
    }

    async fn connect(server: Child, port: u16) -> Self {
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let url = format!("http://127.0.0.1:{port}");
        let provider = AwsProvider::new();
        let services = ["ec2", "eks", "iam", "kms", "logs", "s3", "sts"];
        let endpoints: serde_json::Map<_, _> = services.iter().map(|s| (s.to_string(), json!(url))).collect();
        let arguments = json!({
            "access_key": "test", "secret_key": "test", "region": "us-east-1", "skip_metadata_api_check": "true",
            "endpoints": [endpoints], "default_tags": [{"tags": {"team": "net"}}],
        });
        let config = object(&provider.schema().config.block.ty(), &arguments);
        let instance = provider.configure(&config).await.unwrap();
        Self { server, provider, instance }
    }

    fn schema(&self, ty: &str) -> &Schema {
        self.provider.schema().resources.get(ty).unwrap_or_else(|| panic!("there is no type {ty}"))
    }

    fn plan(&self, ty: &str, prior: Option<&Value>, config: &Value) -> Draft {
        let schema = self.schema(ty);
        let planned = |a: &Attribute| {
            let written = config.get(&a.name).filter(|v| !v.is_null()).cloned();
            let kept = prior.and_then(|p| p.get(&a.name)).filter(|v| a.presence.is_computed() || is_empty(v)).cloned();
            let computed = || if a.presence.is_computed() { Value::unknown(a.ty.clone()) } else { Value::null(a.ty.clone()) };
            written.or_else(|| a.default.clone()).or(kept).unwrap_or_else(computed)
        };
        let attributes = schema.block.attributes.iter().map(|a| (a.name.clone(), planned(a)));
        let planned = |b: &NestedBlock| {
            let written = config.get(&b.name).cloned().unwrap();
            if !b.computed || !is_empty(&written) {
                return written;
            }
            prior.and_then(|p| p.get(&b.name)).cloned().unwrap_or_else(|| Value::unknown(b.ty()))
        };
        let blocks = schema.block.blocks.iter().map(|b| (b.name.clone(), planned(b)));
        let planned = Value::object(attributes.chain(blocks));
        let mut draft = Draft { prior: prior.cloned(), config: config.clone(), planned, replace: vec![] };
        assert!(!self.instance.plan(ty, &mut draft).has_errors());
        draft
    }

    /// Creates an object and checks that it became what was planned.
    pub async fn create(&self, ty: &'static str, arguments: Json) -> Object {
        let config = object(&self.schema(ty).block.ty(), &arguments);
        let planned = self.plan(ty, None, &config).planned;
        let created = self.instance.create(ty, &planned, "token").await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        let Created::Id(id) = created else { panic!("{ty} gave no ID") };
        self.instance.finish(ty, &id, &planned).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        let value = self.read(ty, &id, Some(&planned)).await.unwrap_or_else(|| panic!("{ty} {id} was created and is missing"));
        let object = Object { ty, id, config, value };
        self.check(&object, &planned);
        self.check_settled(&object).await;
        object
    }

    /// Changes an object in place and checks that it became what was planned.
    pub async fn update(&self, object: &Object, arguments: Json) -> Object {
        let ty = object.ty;
        let config = self::object(&self.schema(ty).block.ty(), &arguments);
        let draft = self.plan(ty, Some(&object.value), &config);
        assert!(draft.replace.is_empty(), "{ty} would be replaced: {:?}", draft.replace);
        let done = self.instance.update(ty, &object.id, &object.value, &draft.planned).await;
        done.unwrap_or_else(|e| panic!("{ty}: {e}"));
        let value = self.read(ty, &object.id, Some(&draft.planned)).await.unwrap_or_else(|| panic!("{ty} is gone"));
        let id = Id(value.get_str("id").unwrap().into());
        let changed = Object { ty, id, config, value };
        self.check(&changed, &draft.planned);
        self.check_settled(&changed).await;
        changed
    }

    /// Reads the object once more, when the prior object is complete, and plans it again: nothing may differ.
    async fn check_settled(&self, object: &Object) {
        let again = self.read(object.ty, &object.id, Some(&object.value)).await.unwrap();
        assert_eq!(to_json(&again), to_json(&object.value), "{} changes by being read", object.ty);
        let planned = self.plan(object.ty, Some(&again), &object.config).planned;
        for (name, value) in planned.as_map().unwrap() {
            if UNTAGGED.contains(&object.ty) && name.starts_with("tags") {
                continue;
            }
            let there = again.get(name).unwrap();
            let same = self.schema(object.ty).block.attribute(name).and_then(|a| a.same);
            let equal = same.is_some_and(|same| same(there, value)) || there.same_unmarked(value);
            let block = self.schema(object.ty).block.nested(name).is_some() && agrees(value, there);
            assert!(
                equal || block || is_empty(there) && is_empty(value),
                "{}.{name} is planned to change from {} to {}",
                object.ty,
                to_json(there),
                to_json(value)
            );
        }
    }

    fn check(&self, object: &Object, planned: &Value) {
        assert_eq!(object.value.ty(), self.schema(object.ty).block.ty(), "the type of {}", object.ty);
        for (name, promise) in planned.as_map().unwrap() {
            if UNTAGGED.contains(&object.ty) && name.starts_with("tags") {
                continue;
            }
            let is = object.value.get(name).unwrap();
            let kept = to_json(promise) == to_json(is) || is_empty(promise) && is_empty(is);
            assert!(
                kept || !promise.is_wholly_known() || promise.parts().count() > 0 && is.parts().count() == promise.parts().count(),
                "{}.{name} was planned to be {} and is {}",
                object.ty,
                to_json(promise),
                to_json(is)
            );
        }
    }

    /// Reads an object, as soon as it is usable.
    pub async fn read(&self, ty: &str, id: &Id, prior: Option<&Value>) -> Option<Value> {
        for _ in 0..100 {
            let request = ReadRequest { id: id.clone(), prior: prior.cloned() };
            let found = self.instance.read(ty, &[request]).await.remove(0).unwrap_or_else(|e| panic!("{ty}: {e}"))?;
            match found.status {
                Status::Ready => return Some(found.value),
                Status::Failed(why) => panic!("{ty} {id} failed: {why}"),
                Status::Pending => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("{ty} {id} does not become ready");
    }

    /// Imports an object and checks that it is the one that is known, as far as its arguments tell.
    pub async fn import(&self, object: &Object, text: &str) {
        let request = self.instance.import(object.ty, text).await.unwrap_or_else(|e| panic!("{}: {e}", object.ty));
        assert_eq!(request.id, object.id, "the ID of {text}");
        let value = self.read(object.ty, &request.id, request.prior.as_ref()).await;
        let value = value.unwrap_or_else(|| panic!("{text} is not there"));
        assert_eq!(value.get_str("id"), object.value.get_str("id"));
    }

    /// Deletes an object and checks that it is gone.
    pub async fn delete(&self, object: Object) {
        let Object { ty, id, value, .. } = &object;
        self.instance.delete(ty, id, value).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        if self.instance.wait(ty).delete > Duration::ZERO {
            assert!(self.read(ty, id, Some(value)).await.is_none(), "{ty} {id} is still there");
        }
    }

    /// Reads a data source.
    pub async fn data(&self, ty: &str, arguments: Json) -> Value {
        let schema = self.provider.schema().data.get(ty).unwrap_or_else(|| panic!("there is no data source {ty}"));
        let config = object(&schema.block.ty(), &arguments);
        let read = self.instance.read_data(ty, &config).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        assert_eq!(read.ty(), schema.block.ty(), "the type of {ty}");
        read
    }
}

fn is_empty(v: &Value) -> bool {
    v.is_null()
        || v.as_str() == Some("")
        || v.as_bool() == Some(false)
        || v.as_number().is_some_and(|n| n.is_zero())
        || !v.is_unknown() && matches!(v.data, Data::List(..) | Data::Set(..) | Data::Map(..)) && v.parts().next().is_none()
}

/// Whether blocks are as they were written. What was not written may be anything: the engine's plan sees to that.
fn agrees(written: &Value, is: &Value) -> bool {
    match (written.as_slice(), is.as_slice()) {
        (Some(w), Some(i)) if w.len() != i.len() => is_empty(written),
        (Some(w), Some(i)) => w.iter().all(|w| i.iter().any(|i| agrees(w, i))),
        _ if is_empty(written) => true,
        _ => match written.as_map() {
            Some(attributes) => attributes.iter().all(|(k, v)| is.get(k).is_some_and(|i| agrees(v, i))),
            None => written.same_unmarked(is),
        },
    }
}

/// A value of a type; what the text does not have is null, or no blocks.
pub fn object(ty: &Type, j: &Json) -> Value {
    let items = |t: &Type| j.as_array().into_iter().flatten().map(|j| object(t, j)).collect::<Vec<_>>();
    match (ty, j) {
        (Type::Object(o), Json::Object(_)) => Value::object(o.attrs.iter().map(|(k, t)| (k.clone(), object(t, &j[&**k])))),
        (Type::List(t), Json::Array(_)) => Value::list((**t).clone(), items(t)),
        (Type::Set(t), Json::Array(_)) => Value::set((**t).clone(), items(t)),
        (Type::Map(t), Json::Object(m)) => Value::map((**t).clone(), m.iter().map(|(k, v)| (k.as_str(), object(t, v)))),
        (_, Json::Bool(b)) => (*b).into(),
        (_, Json::String(s)) => Value::string(s),
        (_, Json::Number(n)) => n.as_i64().unwrap().into(),
        _ => Value::null(ty.clone()),
    }
}

/// A value as JSON; unknown parts are `"?"`.
pub fn to_json(v: &Value) -> Json {
    match &v.data {
        Data::Null(_) => Json::Null,
        Data::Unknown(..) => json!("?"),
        Data::Bool(b) => json!(b),
        Data::Number(n) => serde_json::from_str(&n.to_string()).unwrap(),
        Data::String(s) => json!(&**s),
        Data::List(_, vs) | Data::Set(_, vs) | Data::Tuple(vs) => vs.iter().map(to_json).collect(),
        Data::Map(_, m) | Data::Object(m) => Json::Object(m.iter().map(|(k, v)| (k.to_string(), to_json(v))).collect()),
    }
}
