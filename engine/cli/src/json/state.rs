//! The documents of the state: `show -json` without a plan, and `output -json`.

use std::collections::BTreeMap;

use secstack_base::{Addr, InstanceKey, ModuleAddr, ProviderConfigAddr, Str, Value};
use secstack_eval::Schemas;
use secstack_plan::diff::mark_sensitive;
use secstack_run::ProviderSet;
use secstack_state::json::type_to_json;
use secstack_state::model::{Object as Stored, OutputValue, Snapshot};

use super::change::mode;
use super::modules::{self, Tree};
use super::write::{Object, indent, map, written};
use super::{checks, value};

/// The document of a state, format version 1.0.
pub fn state_document(state: &Snapshot, providers: &ProviderSet) -> String {
    let mut out = String::new();
    write(&mut out, state, providers);
    out
}

/// Writes the document of a state.
pub fn write(out: &mut String, state: &Snapshot, providers: &ProviderSet) {
    let mut o = Object::new(out);
    o.text("format_version", "1.0");
    if !state.is_empty() || !state.outputs.is_empty() {
        o.text_opt("terraform_version", Some(&state.terraform_version));
        let mut values = Object::new(o.member("values"));
        if !state.outputs.is_empty() {
            map(values.member("outputs"), &state.outputs, |out, output| {
                let mut o = Object::new(out);
                o.bool("sensitive", output.sensitive);
                value::known(o.member("value"), &output.value);
                o.raw("type", &type_to_json(&output.value.ty())).end();
            });
        }
        write_modules(values.member("root_module"), state, providers);
        values.end();
        if !state.checks.is_empty() {
            checks::write(o.member("checks"), &state.checks);
        }
    }
    o.end();
}

fn write_modules(out: &mut String, state: &Snapshot, providers: &ProviderSet) {
    let mut tree: Tree<String> = Tree::default();
    for (addr, provider, instance) in state.instances() {
        let at = tree.at(addr.module());
        if let Some(object) = &instance.current {
            at.push(written(|out| write_object(out, &Entry { addr: &addr, provider, object, deposed: None }, providers)));
        }
        for (key, object) in &instance.deposed {
            at.push(written(|out| write_object(out, &Entry { addr: &addr, provider, object, deposed: Some(key) }, providers)));
        }
    }
    modules::write(out, &ModuleAddr::root(), &tree, &|out, text: &String| out.push_str(text));
}

struct Entry<'a> {
    addr: &'a Addr,
    provider: &'a ProviderConfigAddr,
    object: &'a Stored,
    deposed: Option<&'a Str>,
}

fn write_object(out: &mut String, e: &Entry<'_>, providers: &ProviderSet) {
    let mut o = Object::new(out);
    head(&mut o, e.addr, e.provider);
    o.number("schema_version", e.object.schema_version);
    let value = decode(e, providers);
    if !value.is_null() {
        value::known(o.member("values"), &value);
    }
    value::sensitive(o.member("sensitive_values"), &value);
    let dependencies: Vec<String> = e.object.dependencies.iter().map(ToString::to_string).collect();
    o.texts_opt("depends_on", &dependencies).bool_if("tainted", e.object.tainted);
    o.text_opt("deposed_key", e.deposed.map(|k| &**k)).end();
}

/// The value by its schema, or by the shape of the JSON when there is no provider that knows it.
fn decode(e: &Entry<'_>, providers: &ProviderSet) -> Value {
    let schema = providers.resource(&e.provider.provider, e.addr.mode(), e.addr.ty());
    let by_schema = schema.and_then(|s| Some(mark_sensitive(&s.block, &e.object.decode(&s.block.ty()).ok()?)));
    by_schema.or_else(|| e.object.decode_implied().ok()).unwrap_or(Value::NULL)
}

/// Writes what every description of an object begins with.
pub fn head(o: &mut Object<'_>, addr: &Addr, provider: &ProviderConfigAddr) {
    o.text("address", &addr.to_string()).text("mode", mode(addr.mode())).text("type", addr.ty());
    o.text("name", &addr.resource.name.name);
    if addr.key != InstanceKey::None {
        value::key(o.member("index"), &addr.key);
    }
    o.text("provider_name", &provider.provider.to_string());
}

/// All outputs of the root module, laid out.
pub fn outputs(state: &Snapshot) -> String {
    indent(&written(|out| write_outputs(out, &state.outputs, Secrets::Shown)))
}

/// The value of one output.
pub fn output_value(output: &OutputValue) -> String {
    written(|out| value::known(out, &output.value))
}

/// What becomes of sensitive values.
#[derive(Clone, Copy, PartialEq)]
pub enum Secrets {
    /// They are written like others.
    Shown,
    /// They are left out.
    Hidden,
}

/// Writes outputs with their types.
pub fn write_outputs(out: &mut String, outputs: &BTreeMap<Str, OutputValue>, secrets: Secrets) {
    map(out, outputs, |out, output| {
        let mut o = Object::new(out);
        o.bool("sensitive", output.sensitive).raw("type", &type_to_json(&output.value.ty()));
        if !output.sensitive || secrets == Secrets::Shown {
            value::known(o.member("value"), &output.value);
        }
        o.end();
    });
}
