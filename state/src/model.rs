//! A snapshot in memory: resources, their instances, and what is stored of each object.
//!
//! Attributes stay JSON text until somebody asks for them with a type, since most of a large state is
//! never looked at, and since a type of a provider we do not know must survive untouched.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use secstack_base::addr::{ModulePath, ParseError, ResourceName, Target};
use secstack_base::{Addr, InstanceKey, Marks, Path, ProviderConfigAddr, ResourceAddr, Step, Str, Type, Value};

use crate::json::{self, DecodeError, EncodeError};

/// The version of Terraform whose format and behaviour we honour, written into every snapshot.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// One stored version of the state.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version of the program that wrote it.
    pub terraform_version: Str,
    /// Its place in the history. 0 when it was never written.
    pub serial: u64,
    /// The history it belongs to.
    pub lineage: Str,
    /// The outputs of the root module.
    pub outputs: BTreeMap<Str, OutputValue>,
    /// The resources, in order of address.
    pub resources: BTreeMap<ResourceAddr, ResourceState>,
    /// The results of conditions and checks in the last run.
    pub checks: Vec<CheckResult>,
}

/// Which history a snapshot belongs to and its place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The history.
    pub lineage: Str,
    /// The place in it.
    pub serial: u64,
}

/// An output of the root module.
#[derive(Clone, Debug)]
pub struct OutputValue {
    /// The value, without marks.
    pub value: Value,
    /// Whether it must not be shown.
    pub sensitive: bool,
}

/// A resource of which at least one instance is stored, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceState {
    /// The provider configuration that last worked on it.
    pub provider: ProviderConfigAddr,
    /// The instances.
    pub instances: BTreeMap<InstanceKey, InstanceState>,
}

/// The objects of one instance.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InstanceState {
    /// The object the instance stands for.
    pub current: Option<Arc<Object>>,
    /// Old halves of create-first replacements, by their key of eight hexadecimal digits.
    pub deposed: BTreeMap<Str, Arc<Object>>,
    /// The provider configuration, where it is an instance of one with `for_each` and so differs from the resource's.
    pub provider: Option<Arc<ProviderConfigAddr>>,
}

impl ResourceState {
    /// The provider configuration of one of its instances.
    pub fn provider_of<'a>(&'a self, instance: &'a InstanceState) -> &'a ProviderConfigAddr {
        instance.provider.as_deref().unwrap_or(&self.provider)
    }
}

impl InstanceState {
    /// An instance with a current object only.
    pub fn current(object: impl Into<Arc<Object>>) -> Self {
        Self { current: Some(object.into()), ..Self::default() }
    }

    /// Whether it has no object at all.
    pub fn is_empty(&self) -> bool {
        self.current.is_none() && self.deposed.is_empty()
    }
}

/// What is stored of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The version of the schema that `attributes` follow.
    pub schema_version: u64,
    /// The JSON text of the attributes, without white space.
    pub attributes: Arc<str>,
    /// Which attributes, or parts of them, are sensitive.
    pub sensitive: Vec<Path>,
    /// What the provider keeps for itself, as base64.
    pub private: Option<Str>,
    /// The object is to be replaced.
    pub tainted: bool,
    /// The resources that it was built upon.
    pub dependencies: Arc<[ConfigAddr]>,
    /// Its replacement is to be created before it is destroyed.
    pub create_before_destroy: bool,
    /// What Terraform from 1.12 on stores besides; kept as it is.
    pub identity: Option<Arc<Identity>>,
}

/// The identity that newer versions of Terraform store beside the attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The version of its schema.
    pub schema_version: u64,
    /// Its JSON text.
    pub json: Option<Arc<str>>,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            schema_version: 0,
            attributes: "{}".into(),
            sensitive: Vec::new(),
            private: None,
            tainted: false,
            dependencies: Arc::from([]),
            create_before_destroy: false,
            identity: None,
        }
    }
}

/// A resource by module and name, whatever the instances: what a dependency names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigAddr {
    /// The module.
    pub module: ModulePath,
    /// The block.
    pub name: ResourceName,
}

/// The result of the conditions of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// `resource`, `output`, `check` or `var`.
    pub kind: Str,
    /// The block.
    pub config_addr: Str,
    /// The worst status of its objects.
    pub status: CheckStatus,
    /// The results of its instances. Empty when the run did not get to expand the block.
    pub objects: Vec<CheckObject>,
}

/// The result of the conditions of one instance of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckObject {
    /// The instance.
    pub addr: Str,
    /// What came of its conditions.
    pub status: CheckStatus,
    /// The messages of those that failed.
    pub failures: Vec<Str>,
}

/// What came of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It could not be evaluated.
    Error,
    /// It is not known yet.
    Unknown,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshot {
    /// An empty state with a lineage of its own.
    pub fn new() -> Self {
        Self {
            terraform_version: TERRAFORM_VERSION.into(),
            serial: 0,
            lineage: uuid::Uuid::new_v4().to_string().into(),
            outputs: BTreeMap::new(),
            resources: BTreeMap::new(),
            checks: Vec::new(),
        }
    }

    /// The lineage and the serial.
    pub fn version(&self) -> Version {
        Version { lineage: self.lineage.clone(), serial: self.serial }
    }

    /// The current object of an instance.
    pub fn get(&self, addr: &Addr) -> Option<&Object> {
        self.instance(addr)?.current.as_deref()
    }

    /// The current object of an instance, to be shared.
    pub fn get_shared(&self, addr: &Addr) -> Option<&Arc<Object>> {
        self.instance(addr)?.current.as_ref()
    }

    /// The objects of an instance.
    pub fn instance(&self, addr: &Addr) -> Option<&InstanceState> {
        self.resources.get(&addr.resource)?.instances.get(&addr.key)
    }

    /// All instances with their provider configuration, in order of address.
    pub fn instances(&self) -> impl Iterator<Item = (Addr, &ProviderConfigAddr, &InstanceState)> {
        self.resources
            .iter()
            .flat_map(|(resource, r)| r.instances.iter().map(move |(key, i)| (resource.instance(key.clone()), r.provider_of(i), i)))
    }

    /// The provider configuration that last worked on an instance.
    pub fn provider(&self, addr: &Addr) -> Option<&ProviderConfigAddr> {
        let resource = self.resources.get(&addr.resource)?;
        resource.instances.get(&addr.key).map(|i| resource.provider_of(i))
    }

    /// Stores the current object of an instance.
    pub fn set_current(&mut self, addr: &Addr, provider: &ProviderConfigAddr, object: impl Into<Arc<Object>>) {
        self.instance_mut(addr, provider).current = Some(object.into());
    }

    /// Drops the current object of an instance, and the instance and resource if nothing is left of them.
    pub fn remove_current(&mut self, addr: &Addr) -> Option<Arc<Object>> {
        self.change(addr, |i| i.current.take())
    }

    /// Stores a deposed object of an instance.
    pub fn set_deposed(&mut self, addr: &Addr, provider: &ProviderConfigAddr, key: &str, object: impl Into<Arc<Object>>) {
        self.instance_mut(addr, provider).deposed.insert(key.into(), object.into());
    }

    /// Drops a deposed object of an instance, and the instance and resource if nothing is left of them.
    pub fn remove_deposed(&mut self, addr: &Addr, key: &str) -> Option<Arc<Object>> {
        self.change(addr, |i| i.deposed.remove(key))
    }

    /// Makes the current object of an instance a deposed one and returns its new key.
    pub fn depose(&mut self, addr: &Addr) -> Option<Str> {
        let instance = self.resources.get_mut(&addr.resource)?.instances.get_mut(&addr.key)?;
        let object = instance.current.take()?;
        let key = new_deposed_key(instance);
        instance.deposed.insert(key.clone(), object);
        Some(key)
    }

    /// Replaces all that is stored of an instance. Nothing, when `entry` is empty.
    pub fn set_instance(&mut self, addr: &Addr, provider: &ProviderConfigAddr, entry: InstanceState) {
        if entry.is_empty() {
            self.change(addr, |i| *i = InstanceState::default());
        } else {
            let stored = self.instance_mut(addr, provider);
            let provider = stored.provider.take();
            *stored = InstanceState { provider, ..entry };
        }
    }

    /// Whether no resource is stored.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    fn instance_mut(&mut self, addr: &Addr, provider: &ProviderConfigAddr) -> &mut InstanceState {
        let without_key = || ProviderConfigAddr { key: InstanceKey::None, ..provider.clone() };
        let new = || ResourceState { provider: without_key(), instances: BTreeMap::new() };
        let resource = self.resources.entry(addr.resource.clone()).or_insert_with(new);
        if resource.provider != *provider {
            resource.provider = without_key();
        }
        let instance = resource.instances.entry(addr.key.clone()).or_default();
        instance.provider = (provider.key != InstanceKey::None).then(|| Arc::new(provider.clone()));
        instance
    }

    fn change<T: Default>(&mut self, addr: &Addr, f: impl FnOnce(&mut InstanceState) -> T) -> T {
        let Some(resource) = self.resources.get_mut(&addr.resource) else { return T::default() };
        let Some(instance) = resource.instances.get_mut(&addr.key) else { return T::default() };
        let out = f(instance);
        if instance.is_empty() {
            resource.instances.remove(&addr.key);
            if resource.instances.is_empty() {
                self.resources.remove(&addr.resource);
            }
        }
        out
    }
}

/// A key for one more deposed object of the instance: eight hexadecimal digits.
pub fn new_deposed_key(instance: &InstanceState) -> Str {
    loop {
        let (bits, ..) = uuid::Uuid::new_v4().as_fields();
        let key: Str = format!("{bits:08x}").into();
        if !instance.deposed.contains_key(&key) {
            return key;
        }
    }
}

impl Object {
    /// What is stored of `value`, an object of type `ty`. Marks become `sensitive`, unknown parts null.
    /// The other fields have their defaults: `Object { private, ..Object::encode(version, &value, &ty)? }`.
    pub fn encode(schema_version: u64, value: &Value, ty: &Type) -> Result<Object, EncodeError> {
        let attributes = json::encode(value, ty)?.into();
        Ok(Object { schema_version, attributes, sensitive: sensitive_paths(value), ..Object::default() })
    }

    /// The value, when the schema gives the type `ty`: absent attributes are null, and what is
    /// listed as sensitive carries the mark.
    pub fn decode(&self, ty: &Type) -> Result<Value, DecodeError> {
        let plain = json::decode(&self.attributes, ty)?;
        Ok(self.sensitive.iter().fold(plain, |v, path| mark_at(&v, &path.0)))
    }

    /// The value by the shape of the JSON alone, when nobody knows the type.
    pub fn decode_implied(&self) -> Result<Value, DecodeError> {
        let plain = json::decode_implied(&self.attributes)?;
        Ok(self.sensitive.iter().fold(plain, |v, path| mark_at(&v, &path.0)))
    }

    /// The same object, tainted or not.
    #[must_use]
    pub fn with_tainted(&self, tainted: bool) -> Object {
        Object { tainted, ..self.clone() }
    }
}

/// The outermost sensitive parts and all within them that are marked too, in Terraform's order.
fn sensitive_paths(value: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    if value.deep_marks().has(Marks::SENSITIVE) {
        collect_sensitive(value, &Path::root(), &mut found);
        found.sort_by_cached_key(Path::to_string);
    }
    found
}

fn collect_sensitive(value: &Value, path: &Path, found: &mut Vec<Path>) {
    if value.is_sensitive() {
        found.push(path.clone());
    }
    // Elements of a set carry no marks, and `map_parts` is the one way to see steps and parts together.
    let _ = value.map_parts(|step, part| {
        collect_sensitive(part, &path.then(step), found);
        part.clone()
    });
}

fn mark_at(value: &Value, steps: &[Step]) -> Value {
    let Some((first, rest)) = steps.split_first() else { return value.clone().mark(Marks::SENSITIVE) };
    value.map_parts(|step, part| {
        let same = match (&step, first) {
            (Step::Attr(a) | Step::Key(a), Step::Attr(b) | Step::Key(b)) => a == b,
            (a, b) => a == b,
        };
        if same { mark_at(part, rest) } else { part.clone() }
    })
}

impl fmt::Display for ConfigAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.module.0.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{}", self.module, self.name)
    }
}

impl FromStr for ConfigAddr {
    type Err = ParseError;
    /// Keys of module instances are accepted, since older versions wrote them, and dropped.
    fn from_str(s: &str) -> Result<Self, ParseError> {
        match s.parse()? {
            Target::Resource(r) => Ok(Self { module: r.module.path(), name: r.name }),
            Target::Instance(_) | Target::Module(_) => {
                Err(ParseError(format!("Invalid address {s:?}: a resource without instance key is expected.")))
            }
        }
    }
}

impl CheckStatus {
    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckStatus::Pass => "pass",
            CheckStatus::Fail => "fail",
            CheckStatus::Error => "error",
            CheckStatus::Unknown => "unknown",
        }
    }

    /// The status of a word in a file. Words of later versions are taken as unknown.
    pub fn from_word(word: &str) -> Self {
        match word {
            "pass" => CheckStatus::Pass,
            "fail" => CheckStatus::Fail,
            "error" => CheckStatus::Error,
            _ => CheckStatus::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(text: &str) -> ProviderConfigAddr {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_left_of_an_instance_without_objects() {
        let (mut s, addr) = (Snapshot::new(), "module.m[0].a.b[\"k\"]".parse::<Addr>().unwrap());
        let p = provider("provider[\"x/y/z\"]");
        s.set_current(&addr, &p, Object::default());
        let key = s.depose(&addr).unwrap();
        assert_eq!(key.len(), 8);
        assert!(s.get(&addr).is_none() && s.depose(&addr).is_none());
        s.set_current(&addr, &p, Object { tainted: true, ..Object::default() });
        assert!(s.get(&addr).unwrap().tainted);
        assert_eq!(s.instances().count(), 1);
        assert!(s.remove_current(&addr).is_some() && s.remove_current(&addr).is_none());
        assert!(!s.is_empty());
        assert!(s.remove_deposed(&addr, &key).is_some());
        assert!(s.is_empty());
    }

    #[test]
    fn an_instance_may_have_an_instance_of_the_provider_configuration() {
        let mut s = Snapshot::new();
        let (a, b): (Addr, Addr) = ("a.b[0]".parse().unwrap(), "a.b[1]".parse().unwrap());
        let eu = provider("provider[\"x/y/z\"].by_region[\"eu\"]");
        let us = provider("provider[\"x/y/z\"].by_region[\"us\"]");
        s.set_current(&a, &eu, Object::default());
        s.set_instance(&b, &us, InstanceState::current(Object::default()));
        assert_eq!((s.provider(&a), s.provider(&b)), (Some(&eu), Some(&us)));
        assert!(crate::check::check(&s).is_ok());
    }

    #[test]
    fn marks_go_to_paths_and_come_back() {
        let secret = |v: Value| v.mark(Marks::SENSITIVE);
        let value = Value::object([
            ("a", secret(Value::from("x"))),
            ("b", Value::map(Type::String, [("k", secret(Value::from("y"))), ("l", Value::from("z"))])),
            ("c", Value::list(Type::String, [Value::from("1"), secret(Value::from("2"))])),
            ("d", Value::set(Type::String, [secret(Value::from("3"))])),
        ]);
        let object = Object::encode(1, &value, &value.ty()).unwrap();
        let paths: Vec<String> = object.sensitive.iter().map(ToString::to_string).collect();
        assert_eq!(paths, [".a", ".b[\"k\"]", ".c[1]", ".d"]);
        assert!(object.decode(&value.ty()).unwrap().same(&value));
        // A path that leads nowhere marks nothing.
        let gone = Object { sensitive: vec![Path::attr("gone"), Path::attr("a").then(Step::Index(3))], ..object };
        assert!(gone.decode(&value.ty()).unwrap().deep_marks().is_none());
    }

    #[test]
    fn dependencies_lose_the_keys_of_modules() {
        for (text, want) in
            [("a.b", Some("a.b")), ("module.m[0].data.a.b", Some("module.m.data.a.b")), ("a.b[0]", None), ("module.m", None)]
        {
            assert_eq!(text.parse::<ConfigAddr>().ok().map(|a| a.to_string()).as_deref(), want);
        }
    }
}
