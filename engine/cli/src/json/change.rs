//! Changes: of objects and of outputs.

use secstack_base::{Mode, Value};
use secstack_plan::diff::mark_sensitive;
use secstack_plan::{Change, OutputChange};
use secstack_run::ProviderSet;

use super::value;
use super::write::{Object, array, write_string, written};

/// The word for a kind of block.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    }
}

/// Whether the change is only about keeping the state tidy: a data source leaves it without a trace.
pub fn is_hidden(c: &Change) -> bool {
    c.addr.mode() == Mode::Data && c.action == secstack_plan::Action::Delete
}

/// A value with the marks that the schema of its type gives.
pub fn marked(c: &Change, value: &Value, providers: &ProviderSet) -> Value {
    use secstack_eval::Schemas;
    match providers.resource(&c.provider.provider, c.addr.mode(), c.addr.ty()) {
        Some(schema) => mark_sensitive(&schema.block, value),
        None => value.clone(),
    }
}

/// Writes the change of an object, as in `resource_changes` and `resource_drift`.
pub fn resource(out: &mut String, c: &Change, providers: &ProviderSet) {
    let mut o = Object::new(out);
    o.text("address", &c.addr.to_string());
    if let Some(previous) = c.previous.as_ref().filter(|p| **p != c.addr) {
        o.text("previous_address", &previous.to_string());
    }
    o.text_opt("module_address", Some(&c.addr.module().to_string()));
    o.text("mode", mode(c.addr.mode())).text("type", c.addr.ty()).text("name", &c.addr.resource.name.name);
    if c.addr.key != secstack_base::InstanceKey::None {
        value::key(o.member("index"), &c.addr.key);
    }
    o.text("provider_name", &c.provider.provider.to_string()).text_opt("deposed", c.deposed.as_deref());
    let (before, after) = (marked(c, &c.before, providers), marked(c, &c.after, providers));
    let mut inner = Object::new(o.member("change"));
    array(inner.member("actions"), c.action.words(), |out, w| write_string(out, w));
    value::known(inner.member("before"), &before);
    write_after(&mut inner, &after, "{}");
    value::sensitive(inner.member("before_sensitive"), &before);
    value::sensitive(inner.member("after_sensitive"), &after);
    if !c.replace_paths.is_empty() {
        array(inner.member("replace_paths"), &c.replace_paths, value::path);
    }
    if let Some(id) = &c.importing {
        inner.raw("importing", &written(|out| Object::new(out).text_opt("id", Some(id)).end()));
    }
    inner.end();
    o.text_opt("action_reason", c.reason.map(|r| r.word()));
    o.end();
}

/// Writes the change of an output.
pub fn output(out: &mut String, c: &OutputChange) {
    let mut o = Object::new(out);
    array(o.member("actions"), c.action.words(), |out, w| write_string(out, w));
    value::known(o.member("before"), &c.before);
    write_after(&mut o, &c.after, "false");
    // The plan knows only whether the output is sensitive now or was before, not which.
    o.bool("before_sensitive", c.sensitive).bool("after_sensitive", c.sensitive);
    o.end();
}

fn write_after(o: &mut Object<'_>, after: &Value, nothing_unknown: &str) {
    if !after.is_unknown() {
        value::known(o.member("after"), after);
    }
    if after.is_wholly_known() {
        o.raw("after_unknown", nothing_unknown);
    } else {
        value::unknown(o.member("after_unknown"), after);
    }
}
