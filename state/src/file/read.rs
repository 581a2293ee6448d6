//! Text to a snapshot.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use secstack_base::addr::ResourceName;
use secstack_base::{Addr, InstanceKey, Mode, ModuleAddr, ProviderAddr, ProviderConfigAddr, ResourceAddr, Str};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{CheckV4, OutputV4, paths};
use crate::check;
use crate::error::{Error, Result};
use crate::json::{self, compact};
use crate::model::{
    CheckObject, CheckResult, CheckStatus, ConfigAddr, Identity, InstanceState, Object, OutputValue, ResourceState, Snapshot, Version,
};

#[derive(Deserialize)]
struct StateV4<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    #[serde(borrow)]
    terraform_version: Option<Cow<'a, str>>,
    serial: Option<u64>,
    lineage: Option<Cow<'a, str>>,
    #[serde(borrow)]
    outputs: Option<std::collections::BTreeMap<Cow<'a, str>, OutputV4<'a>>>,
    #[serde(borrow)]
    resources: Option<Vec<ResourceV4<'a>>>,
    #[serde(borrow)]
    check_results: Option<Vec<CheckV4<'a>>>,
}

#[derive(Deserialize)]
struct ResourceV4<'a> {
    #[serde(borrow)]
    module: Option<Cow<'a, str>>,
    mode: Cow<'a, str>,
    #[serde(rename = "type")]
    ty: Cow<'a, str>,
    name: Cow<'a, str>,
    provider: Option<Cow<'a, str>>,
    #[serde(borrow)]
    instances: Option<Vec<InstanceV4<'a>>>,
}

/// One object of an instance, as stored.
#[derive(Deserialize)]
pub(crate) struct InstanceV4<'a> {
    #[serde(borrow)]
    index_key: Option<&'a RawValue>,
    status: Option<Cow<'a, str>>,
    deposed: Option<Cow<'a, str>>,
    provider: Option<Cow<'a, str>>,
    schema_version: Option<u64>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    attributes_flat: Option<&'a RawValue>,
    #[serde(borrow)]
    sensitive_attributes: Option<&'a RawValue>,
    identity_schema_version: Option<u64>,
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
    private: Option<Cow<'a, str>>,
    dependencies: Option<Vec<Cow<'a, str>>>,
    create_before_destroy: Option<bool>,
}

/// Just enough of a file to tell what it is.
#[derive(Deserialize)]
struct Sniff<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    terraform_version: Option<String>,
}

/// Reads a state file, which errors call `name`. `None` when the text is empty, as Terraform leaves a
/// file that it locked and never wrote.
pub fn read(text: &[u8], name: &str) -> Result<Option<Snapshot>> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(text).map_err(|e| not_text(text, e.valid_up_to(), name))?;
    let stored: StateV4<'_> = serde_json::from_str(text).map_err(|e| explain(text, &e, name))?;
    if stored.version.map(RawValue::get) != Some("4") {
        return Err(wrong_version(stored.version, stored.terraform_version.as_deref(), name));
    }
    let mut problems = Vec::new();
    let snapshot = convert(stored, &mut problems);
    if !problems.is_empty() {
        return Err(invalid(name, None, problems.join("\n")));
    }
    check::check(&snapshot)?;
    Ok(Some(snapshot))
}

/// The lineage and serial of a state file, without reading the rest where they stand in front as usual.
pub fn read_version(text: &str, name: &str) -> Result<Option<Version>> {
    #[derive(Deserialize)]
    struct Head {
        serial: u64,
        lineage: String,
    }
    let head = text.find(",\n  \"outputs\"").and_then(|end| serde_json::from_str::<Head>(&[&text[..end], "}"].concat()).ok());
    match head {
        Some(Head { serial, lineage }) => Ok(Some(Version { lineage: lineage.into(), serial })),
        None => Ok(read(text.as_bytes(), name)?.map(|s| s.version())),
    }
}

fn convert(stored: StateV4<'_>, problems: &mut Vec<String>) -> Snapshot {
    let mut snapshot = Snapshot {
        terraform_version: stored.terraform_version.unwrap_or_default().into(),
        serial: stored.serial.unwrap_or_default(),
        lineage: stored.lineage.unwrap_or_default().into(),
        outputs: Default::default(),
        resources: Default::default(),
        checks: stored.check_results.unwrap_or_default().into_iter().map(check_result).collect(),
    };
    for (name, output) in stored.outputs.unwrap_or_default() {
        match output.convert() {
            Ok(output) => drop(snapshot.outputs.insert(name.into(), output)),
            Err(e) => problems.push(format!("The state file has an invalid value for output {name:?}: {e}.")),
        }
    }
    let mut names = Names::default();
    for resource in stored.resources.unwrap_or_default() {
        if let Err(e) = add_resource(&mut snapshot, resource, &mut names) {
            problems.push(e);
        }
    }
    snapshot
}

fn add_resource(snapshot: &mut Snapshot, stored: ResourceV4<'_>, names: &mut Names) -> Result<(), String> {
    let mode = match &*stored.mode {
        "managed" => Mode::Managed,
        "data" => Mode::Data,
        other => {
            return Err(format!(
                "State contains a resource with mode {other:?} ({:?} {:?}) which is not supported.",
                stored.ty, stored.name
            ));
        }
    };
    let module = names.module(stored.module.as_deref().unwrap_or_default())?;
    let name = ResourceName { mode, ty: names.text(&stored.ty), name: stored.name.into() };
    let addr = ResourceAddr { module, name };
    let instances = stored.instances.unwrap_or_default();
    let provider = match (stored.provider.as_deref(), instances.first().and_then(|i| i.provider.as_deref())) {
        (Some(p), _) if !p.is_empty() => names.provider(p)?,
        (_, Some(p)) => ProviderConfigAddr { key: InstanceKey::None, ..names.provider(p)? },
        _ => return Err(format!("Resource {addr} is missing a provider address.")),
    };
    let resource = snapshot.resources.entry(addr.clone()).or_insert_with(|| ResourceState { provider, instances: Default::default() });
    for stored in instances {
        let key = stored.key().ok_or_else(|| format!("Resource {addr} has an instance with an invalid instance key."))?;
        let entry = resource.instances.entry(key.clone()).or_default();
        stored.add_to(entry, &addr.instance(key), names)?;
    }
    Ok(())
}

/// The objects of one instance, as [`super::write_entry`] wrote them.
pub(crate) fn entry_from(stored: Vec<InstanceV4<'_>>, addr: &Addr, names: &mut Names) -> Result<InstanceState, String> {
    let mut entry = InstanceState::default();
    for object in stored {
        object.add_to(&mut entry, addr, names)?;
    }
    Ok(entry)
}

impl InstanceV4<'_> {
    fn key(&self) -> Option<InstanceKey> {
        let Some(raw) = self.index_key else { return Some(InstanceKey::None) };
        match raw.get() {
            text if text.starts_with('"') => serde_json::from_str::<String>(text).ok().map(|s| InstanceKey::Str(s.into())),
            // Numbers of other programs may come as 1.0 or 1e1.
            text => secstack_base::Number::parse(text)?.to_i64()?.try_into().ok().map(InstanceKey::Int),
        }
    }

    fn add_to(self, entry: &mut InstanceState, addr: &Addr, names: &mut Names) -> Result<(), String> {
        if let Some(p) = self.provider.as_deref() {
            let provider = names.provider(p)?;
            entry.provider = (provider.key != InstanceKey::None).then(|| Arc::new(provider));
        }
        let deposed: Option<Str> = self.deposed.as_deref().filter(|k| !k.is_empty()).map(Str::from);
        let object = Arc::new(self.object(addr, names)?);
        match deposed {
            Some(key) if key.chars().count() != 8 => {
                Err(format!("Instance {addr} has an object with deposed key {key:?}, which is not correctly formatted."))
            }
            Some(key) => match entry.deposed.insert(key.clone(), object) {
                Some(_) => Err(format!("Instance {addr} deposed object {key:?} appears multiple times in the state file.")),
                None => Ok(()),
            },
            None => match entry.current.replace(object) {
                Some(_) => Err(format!("Instance {addr} appears multiple times in the state file.")),
                None => Ok(()),
            },
        }
    }

    fn object(self, addr: &Addr, names: &mut Names) -> Result<Object, String> {
        let tainted = match self.status.as_deref().unwrap_or_default() {
            "" => false,
            "tainted" => true,
            other => return Err(format!("Instance {addr} has invalid status {other:?}.")),
        };
        if self.attributes.is_none() && self.attributes_flat.is_some() {
            return Err(format!(
                "Instance {addr} has the flat attributes of Terraform 0.11. Run \"terraform apply -refresh-only\" once with Terraform 1 to upgrade it."
            ));
        }
        let sensitive = self.sensitive_attributes.map_or(Ok(Vec::new()), |raw| paths::read(raw.get()));
        let dependencies: Result<Vec<ConfigAddr>, String> =
            self.dependencies.unwrap_or_default().iter().map(|d| names.dependency(d)).collect();
        let identity = |schema_version| Identity { schema_version, json: self.identity.map(|raw| compact(raw.get()).into()) };
        Ok(Object {
            schema_version: self.schema_version.unwrap_or_default(),
            attributes: self.attributes.map_or_else(|| "{}".into(), |raw| compact(raw.get()).into()),
            sensitive: sensitive.map_err(|e| format!("Instance {addr} has invalid sensitive attributes: {e}."))?,
            private: self.private.filter(|p| !p.is_empty()).map(Str::from),
            tainted,
            dependencies: dependencies.map_err(|e| format!("Instance {addr} has an invalid dependency. {e}"))?.into(),
            create_before_destroy: self.create_before_destroy.unwrap_or_default(),
            identity: self.identity_schema_version.map(identity).map(Arc::new),
        })
    }
}

impl OutputV4<'_> {
    /// The output, or why it is none.
    pub(crate) fn convert(&self) -> Result<OutputValue, json::DecodeError> {
        let ty = json::type_from_json(self.ty.get())?;
        Ok(OutputValue { value: json::decode(self.value.get(), &ty)?, sensitive: self.sensitive.unwrap_or_default() })
    }
}

/// The results of the checks of one block.
pub(crate) fn check_result(stored: CheckV4<'_>) -> CheckResult {
    let object = |o: super::CheckObjectV4<'_>| CheckObject {
        addr: o.object_addr.into(),
        status: CheckStatus::from_word(&o.status),
        failures: o.failure_messages.unwrap_or_default().into_iter().map(Str::from).collect(),
    };
    CheckResult {
        kind: stored.object_kind.into(),
        config_addr: stored.config_addr.into(),
        status: CheckStatus::from_word(&stored.status),
        objects: stored.objects.unwrap_or_default().into_iter().map(object).collect(),
    }
}

/// Names that were parsed before: most come again and again.
#[derive(Default)]
pub(crate) struct Names {
    modules: HashMap<String, ModuleAddr>,
    providers: HashMap<String, ProviderConfigAddr>,
    dependencies: HashMap<String, ConfigAddr>,
    texts: HashMap<String, Str>,
}

impl Names {
    fn module(&mut self, text: &str) -> Result<ModuleAddr, String> {
        known(&mut self.modules, text, |t| t.parse().map_err(|e: secstack_base::addr::ParseError| e.0))
    }

    /// A provider configuration.
    pub(crate) fn provider(&mut self, text: &str) -> Result<ProviderConfigAddr, String> {
        known(&mut self.providers, text, |t| t.parse().or_else(|e: secstack_base::addr::ParseError| legacy_provider(t).ok_or(e.0)))
    }

    fn dependency(&mut self, text: &str) -> Result<ConfigAddr, String> {
        known(&mut self.dependencies, text, |t| t.parse().map_err(|e: secstack_base::addr::ParseError| e.0))
    }

    fn text(&mut self, text: &str) -> Str {
        self.texts.entry(text.into()).or_insert_with(|| text.into()).clone()
    }
}

fn known<T: Clone>(map: &mut HashMap<String, T>, text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, String> {
    if let Some(found) = map.get(text) {
        return Ok(found.clone());
    }
    let parsed = parse(text)?;
    map.insert(text.into(), parsed.clone());
    Ok(parsed)
}

/// `module.a.provider.aws.alias`, from before providers had source addresses.
fn legacy_provider(text: &str) -> Option<ProviderConfigAddr> {
    let (module, rest) = match text.rfind(".provider.") {
        Some(at) => (text[..at].parse::<ModuleAddr>().ok()?, &text[at + 1..]),
        None => (ModuleAddr::root(), text),
    };
    let mut parts = rest.strip_prefix("provider.")?.split('.');
    let name = parts.next().filter(|n| !n.is_empty())?;
    let alias = parts.next().map(Str::from);
    let provider = ProviderAddr { namespace: "-".into(), ..ProviderAddr::hashicorp(name) };
    parts.next().is_none().then(|| ProviderConfigAddr { module: module.path(), alias, ..ProviderConfigAddr::root(provider) })
}

fn invalid(name: &str, line: Option<usize>, problem: String) -> Error {
    let help = restore_help(name);
    Error::Format { file: name.into(), line, summary: "Invalid state file", problem, help }
}

fn restore_help(name: &str) -> String {
    format!("Restore the last good copy of the state: \"{name}.backup\" if it is there, or an earlier version from your store.")
}

fn not_text(text: &[u8], at: usize, name: &str) -> Error {
    let line = 1 + text[..at].iter().filter(|b| **b == b'\n').count();
    invalid(name, Some(line), "This is not a state file: it is not UTF-8 text.".into())
}

fn explain(text: &str, e: &serde_json::Error, name: &str) -> Error {
    let said = e.to_string();
    let reason = said.split(" at line ").next().unwrap_or_default();
    let line = Some(e.line()).filter(|l| *l > 0);
    match e.classify() {
        Category::Eof => Error::Format {
            file: name.into(),
            line,
            summary: "Truncated state file",
            problem: "The state file ends in the middle. It was cut off while it was written or copied.".into(),
            help: restore_help(name),
        },
        Category::Data => match serde_json::from_str::<Sniff<'_>>(text) {
            Ok(s) if s.version.map(RawValue::get) != Some("4") => wrong_version(s.version, s.terraform_version.as_deref(), name),
            _ => invalid(name, line, format!("The state file is not what Terraform writes: {reason}.")),
        },
        Category::Syntax | Category::Io => invalid(name, line, format!("The state file could not be parsed as JSON: {reason}.")),
    }
}

fn wrong_version(version: Option<&RawValue>, creator: Option<&str>, name: &str) -> Error {
    let by = creator.map_or("This state file may have been created by a newer version of Terraform.".into(), |v| {
        format!("This state file was created by Terraform {v}.")
    });
    let (problem, help) = match version.map(RawValue::get) {
        None => (
            "The state file does not have a \"version\" attribute, which is required to identify the format version.".into(),
            "Check that this is a state file and no other JSON document.".into(),
        ),
        Some(v @ ("1" | "2" | "3")) => (
            format!("The state file uses format version {v}, which Terraform 0.11 and earlier wrote. {by}"),
            "Run \"terraform apply -refresh-only\" once with Terraform 1 to upgrade the file.".into(),
        ),
        Some(v) => match v.parse::<u64>() {
            Ok(v) => (
                format!("The state file uses format version {v}, which is not supported. {by}"),
                "Use a version of secstack that knows this format.".into(),
            ),
            Err(_) => (format!("The version in the state file is {v}. A positive whole number is required."), restore_help(name)),
        },
    };
    Error::Format { file: name.into(), line: None, summary: "Unsupported state file format", problem, help }
}
