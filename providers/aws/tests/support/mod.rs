//! Plays the engine's part for one object at a time, against an emulated AWS.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secstack_aws::AwsProvider;
use secstack_base::schema::{Attribute, Draft, ForcesNew, NestedBlock, Schema};
use secstack_base::{Data, Str, Type, Value};
use secstack_sdk::{Created, Id, Instance, Provider, ReadRequest, Status, Trace};
use serde_json::{Value as Json, json};

#[path = "../../../../tests/harness/serve.rs"]
mod serve;

use serve::Server;

/// An emulated AWS of one's own, and a provider configured for it.
pub struct Cloud {
    _server: Server,
    provider: AwsProvider,
    instance: Arc<dyn Instance>,
}

/// What changes in an update although it is planned to stay, as in Terraform.
const STALE: [(&str, &str); 1] = [("aws_kms_alias", "target_key_arn")];

/// Types whose objects get another ID when they are changed, which Terraform does not say before.
const RENAMED: [&str; 2] = ["aws_route_table_association", "aws_vpc_dhcp_options_association"];

/// Types whose tags moto forgets.
const UNTAGGED: &[&str] = &["aws_vpc_dhcp_options"];

/// Types whose objects are there before, so that creating them again does no harm.
const REPEATED: &[&str] = &["aws_default_network_acl", "aws_default_route_table", "aws_default_security_group"];

/// Types whose objects tell when they were created. Aliases of keys do, too, but not those of moto.
const DATED: &[&str] = &[
    "aws_cloudwatch_log_group",
    "aws_eks_access_entry",
    "aws_eks_addon",
    "aws_eks_cluster",
    "aws_eks_node_group",
    "aws_iam_openid_connect_provider",
    "aws_iam_policy",
    "aws_iam_role",
    "aws_s3_bucket",
];

/// A token that no other creation has.
fn token() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("0b2f6b0e-8f5e-4c53-9d0a-{:04x}{:08x}", std::process::id() & 0xffff, COUNT.fetch_add(1, Ordering::Relaxed))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A value of a type with something in every attribute, but in no block.
fn sample(ty: &Type) -> Value {
    let Type::Object(o) = ty else { return Value::null(ty.clone()) };
    let part = |t: &Type| match t {
        Type::String => "x".into(),
        Type::Number => 1.into(),
        Type::Bool => true.into(),
        Type::List(t) => Value::list((**t).clone(), []),
        Type::Set(t) => Value::set((**t).clone(), []),
        other => Value::null(other.clone()),
    };
    Value::object(o.attrs.iter().map(|(k, t)| (k.clone(), part(t))))
}

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
    /// Starts one.
    pub async fn start() -> Self {
        let server = Server::start();
        let url = format!("http://127.0.0.1:{}", server.port);
        let provider = AwsProvider::new();
        let services = ["ec2", "eks", "iam", "kms", "logs", "s3", "sts"];
        let endpoints: serde_json::Map<_, _> = services.iter().map(|s| (s.to_string(), json!(url))).collect();
        let arguments = json!({
            "access_key": "test", "secret_key": "test", "region": "us-east-1", "skip_metadata_api_check": "true",
            "endpoints": [endpoints], "default_tags": [{"tags": {"team": "net"}}],
        });
        let config = object(&provider.schema().config.block.ty(), &arguments);
        let instance = provider.configure(&config).await.unwrap();
        Self { _server: server, provider, instance }
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
        let token = token();
        let natural = self.instance.natural(ty, &planned, &token);
        let trace = Trace { token: token.as_str().into(), natural, began: now() };
        let created = self.instance.create(ty, &planned, &token).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        let Created::Id(id) = created else { panic!("{ty} gave no ID") };
        self.check_found_again(ty, &id, &planned, &trace).await;
        self.instance.finish(ty, &id, &planned).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
        let value = self.read(ty, &id, Some(&planned)).await.unwrap_or_else(|| panic!("{ty} {id} was created and is missing"));
        let object = Object { ty, id, config, value };
        self.check(&object, &planned);
        self.check_settled(&object).await;
        object
    }

    /// Checks that the object of a creation is found by its trace and by no other, and that no mark is left on it.
    async fn check_found_again(&self, ty: &str, id: &Id, planned: &Value, trace: &Trace) {
        if UNTAGGED.contains(&ty) {
            return;
        }
        let find = |t: Trace| async move { self.instance.find_made(ty, &t).await.unwrap_or_else(|e| panic!("{ty}: {e}")) };
        let found = find(trace.clone()).await;
        if REPEATED.contains(&ty) {
            assert_eq!(found, None, "{ty} is created again");
            return;
        }
        let found = found.unwrap_or_else(|| panic!("{ty} {id} is not found by {trace:?}"));
        // What the service has no ID for may be called otherwise when it is found: then it must read alike.
        let value = self.read(ty, &found, Some(planned)).await.unwrap_or_else(|| panic!("{ty} {found} is not there"));
        if found != *id {
            assert_eq!(ty, "aws_iam_role_policy_attachment", "{found} is not {id}");
        }
        assert!(!to_json(&value).to_string().contains("secstack:intent"), "{ty} shows the tag of its creation");
        let later = Trace { began: now() + 3600, ..trace.clone() };
        let foreign = Trace { token: "foreign".into(), ..trace.clone() };
        if self.instance.leaves_token(ty) {
            assert_eq!(find(foreign).await, None, "{ty} is found by a foreign token");
            let objects: [(Str, Id); 1] = [(ty.into(), id.clone())];
            self.instance.settle(&objects).await.unwrap_or_else(|e| panic!("{ty}: {e}"));
            self.instance.settle(&objects).await.unwrap_or_else(|e| panic!("{ty} again: {e}"));
            assert_eq!(find(trace.clone()).await, None, "{ty} still has its tag");
        } else if DATED.contains(&ty) {
            let made_up = trace.natural.as_deref().is_some_and(|n| secstack_sdk::naming::is_unique_for(n, &trace.token));
            assert_eq!(find(later).await.is_some(), made_up, "{ty} that is older than its creation");
        }
        if !self.instance.leaves_token(ty) {
            let gone = trace.natural.as_deref().map(|n| Str::from(format!("x{n}")));
            assert_eq!(find(Trace { natural: gone.clone(), ..trace.clone() }).await, None, "{ty} is found as {gone:?}");
        }
    }

    /// How every type answers for a creation that was cut off: whether it leaves its token, what it is found by when all
    /// arguments are given, and what it says when there is no name.
    #[allow(dead_code, reason = "not every test needs it")]
    pub async fn answers(&self) -> Vec<(Str, bool, Option<Str>, Result<Option<Id>, String>)> {
        let mut answers = vec![];
        for (ty, schema) in &self.provider.schema().resources {
            let natural = self.instance.natural(ty, &sample(&schema.block.ty()), "t");
            let trace = Trace { token: "t".into(), natural: None, began: now() };
            let found = self.instance.find_made(ty, &trace).await.map_err(|e| e.message);
            answers.push((ty.clone(), self.instance.leaves_token(ty), natural, found));
        }
        answers
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
            let told = self.schema(object.ty).block.attribute(name).is_some_and(|a| a.told && a.same.is_some_and(|same| same(promise, is)));
            let kind = |id: &Value| id.as_str().and_then(|id| id.split_once('-')).map(|(kind, _)| kind.to_string());
            let renamed = **name == *"id" && RENAMED.contains(&object.ty) && kind(promise) == kind(is);
            if told || renamed || STALE.contains(&(object.ty, &**name)) {
                continue;
            }
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
            let request = ReadRequest::new(id.clone(), prior.cloned());
            let found = self.instance.read(ty, &[request]).await.remove(0).unwrap_or_else(|e| panic!("{ty}: {e}"))?;
            match found.status {
                Status::Ready => return Some(found.value),
                Status::Failed(why) => panic!("{ty} {id} failed: {why}"),
                Status::Pending => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        panic!("{ty} {id} does not become ready");
    }

    /// Imports an object and checks that it is the one that is known, and that what it was made of would not replace it.
    pub async fn import(&self, object: &Object, text: &str) {
        let request = self.instance.import(object.ty, text).await.unwrap_or_else(|e| panic!("{}: {e}", object.ty));
        assert_eq!(request.id, object.id, "the ID of {text}");
        let value = self.read(object.ty, &request.id, request.prior.as_ref()).await;
        let value = value.unwrap_or_else(|| panic!("{text} is not there"));
        assert_eq!(value.get_str("id"), object.value.get_str("id"));
        let draft = self.plan(object.ty, Some(&value), &object.config);
        let forces = |a: &&Attribute| {
            let (old, new) = (value.get(&a.name).unwrap(), draft.planned.get(&a.name).unwrap());
            let is_same = old.same_unmarked(new) || is_empty(old) && is_empty(new) || a.same.is_some_and(|same| same(old, new));
            !is_same
                && match a.forces_new {
                    ForcesNew::Never => false,
                    ForcesNew::Always => true,
                    ForcesNew::If(f) => f(old, new),
                }
        };
        let forced: Vec<&Str> = self.schema(object.ty).block.attributes.iter().filter(forces).map(|a| &a.name).collect();
        assert!(forced.is_empty() && draft.replace.is_empty(), "{} would be replaced after its import: {forced:?}", object.ty);
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
