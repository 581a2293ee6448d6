//! A snapshot to text.
//!
//! Everything is first written without white space and then laid out in one pass: the same text
//! serves the journal, and attributes are stored that way too.

use secstack_base::{InstanceKey, Mode, ResourceAddr, Str};

use super::paths;
use crate::error::{Error, Result};
use crate::json::{self, indent, write_string};
use crate::model::{CheckResult, InstanceState, Object, OutputValue, ResourceState, Snapshot, Version};

/// The text of a state file.
pub fn write(s: &Snapshot) -> Result<String> {
    Ok(write_with(&s.terraform_version, &s.version(), &write_content(s)?))
}

/// The text of a state file with a content that [`write_content`] gave.
pub fn write_with(terraform_version: &str, version: &Version, content: &str) -> String {
    let mut out = String::with_capacity(content.len() + 200);
    out.push_str("{\"version\":4,\"terraform_version\":");
    write_string(&mut out, terraform_version);
    out.push_str(&format!(",\"serial\":{},\"lineage\":", version.serial));
    write_string(&mut out, &version.lineage);
    out.push(',');
    out.push_str(content);
    out.push('}');
    let mut text = indent(&out);
    text.push('\n');
    text
}

/// Whether the text of a state file has that content. A file that another program laid out differently has not.
pub fn holds(text: &str, content: &str) -> bool {
    let start = "\n  \"outputs\": ";
    let laid_out = indent(&["{", content, "}"].concat());
    matches!((text.find(start), laid_out.find(start)), (Some(a), Some(b)) if text[a..].trim_end() == laid_out[b..].trim_end())
}

/// What a snapshot holds besides its place in history: two with the same content need only one version.
pub fn write_content(s: &Snapshot) -> Result<String> {
    let mut out = String::from("\"outputs\":{");
    for (i, (name, output)) in s.outputs.iter().enumerate() {
        comma(&mut out, i);
        write_string(&mut out, name);
        out.push(':');
        write_output(&mut out, name, output)?;
    }
    out.push_str("},\"resources\":[");
    // Terraform orders by the text of the module address, in which m[10] comes before m[2].
    let mut resources: Vec<(String, &ResourceAddr, &ResourceState)> =
        s.resources.iter().map(|(addr, r)| (addr.module.to_string(), addr, r)).collect();
    resources.sort_by(|a, b| (&a.0, &a.1.name).cmp(&(&b.0, &b.1.name)));
    for (i, (module, addr, resource)) in resources.into_iter().enumerate() {
        comma(&mut out, i);
        write_resource(&mut out, &module, addr, resource)?;
    }
    out.push_str("],\"check_results\":");
    write_checks(&mut out, &s.checks);
    Ok(out)
}

fn comma(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

/// Writes a member that follows others.
fn member(out: &mut String, name: &str, value: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    write_string(out, value);
}

/// Writes an output.
pub(crate) fn write_output(out: &mut String, name: &str, output: &OutputValue) -> Result<()> {
    let ty = output.value.ty();
    let value = json::encode(&output.value, &ty)
        .map_err(|e| Error::Unsound(vec![format!("The value of output {name:?} cannot be stored: {e}.")]))?;
    out.push_str("{\"value\":");
    out.push_str(&value);
    out.push_str(",\"type\":");
    out.push_str(&json::type_to_json(&ty));
    out.push_str(if output.sensitive { ",\"sensitive\":true}" } else { "}" });
    Ok(())
}

fn write_resource(out: &mut String, module: &str, addr: &ResourceAddr, resource: &ResourceState) -> Result<()> {
    let mode = match addr.name.mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => return Err(Error::Unsound(vec![format!("{addr} is ephemeral and cannot be stored.")])),
    };
    out.push('{');
    if !module.is_empty() {
        out.push_str("\"module\":");
        write_string(out, module);
        out.push(',');
    }
    out.push_str("\"mode\":");
    write_string(out, mode);
    member(out, "type", &addr.name.ty);
    member(out, "name", &addr.name.name);
    // OpenTofu's form for instances of a provider configuration: on every instance instead of on the resource.
    let on_instances = resource.instances.values().any(|i| i.provider.is_some());
    if !on_instances {
        member(out, "provider", &resource.provider.to_string());
    }
    out.push_str(",\"instances\":[");
    let mut first = true;
    for (key, instance) in &resource.instances {
        let provider = on_instances.then(|| resource.provider_of(instance).to_string());
        write_objects(out, key, instance, provider.as_deref(), &mut first);
    }
    out.push_str("]}");
    Ok(())
}

/// Writes all objects of an instance as an array, without its key.
pub(crate) fn write_entry(out: &mut String, entry: &InstanceState) {
    out.push('[');
    write_objects(out, &InstanceKey::None, entry, None, &mut true);
    out.push(']');
}

fn write_objects(out: &mut String, key: &InstanceKey, instance: &InstanceState, provider: Option<&str>, first: &mut bool) {
    let current = instance.current.iter().map(|object| (None, object));
    let deposed = instance.deposed.iter().map(|(key, object)| (Some(key), object));
    for (deposed, object) in current.chain(deposed) {
        comma(out, usize::from(!*first));
        *first = false;
        write_object(out, key, deposed, provider, object);
    }
}

fn write_object(out: &mut String, key: &InstanceKey, deposed: Option<&Str>, provider: Option<&str>, object: &Object) {
    out.push('{');
    match key {
        InstanceKey::None => {}
        InstanceKey::Int(n) => out.push_str(&format!("\"index_key\":{n},")),
        InstanceKey::Str(s) => {
            out.push_str("\"index_key\":");
            write_string(out, s);
            out.push(',');
        }
    }
    if object.tainted {
        out.push_str("\"status\":\"tainted\",");
    }
    if let Some(key) = deposed {
        out.push_str("\"deposed\":");
        write_string(out, key);
        out.push(',');
    }
    if let Some(provider) = provider {
        out.push_str("\"provider\":");
        write_string(out, provider);
        out.push(',');
    }
    out.push_str("\"schema_version\":");
    out.push_str(&object.schema_version.to_string());
    out.push_str(",\"attributes\":");
    out.push_str(&object.attributes);
    out.push_str(",\"sensitive_attributes\":");
    paths::write(out, &object.sensitive);
    if let Some(identity) = &object.identity {
        out.push_str(&format!(",\"identity_schema_version\":{}", identity.schema_version));
        if let Some(json) = &identity.json {
            out.push_str(",\"identity\":");
            out.push_str(json);
        }
    }
    if let Some(private) = &object.private {
        member(out, "private", private);
    }
    if !object.dependencies.is_empty() {
        out.push_str(",\"dependencies\":[");
        for (i, dependency) in object.dependencies.iter().enumerate() {
            comma(out, i);
            write_string(out, &dependency.to_string());
        }
        out.push(']');
    }
    out.push_str(if object.create_before_destroy { ",\"create_before_destroy\":true}" } else { "}" });
}

/// Writes the results of checks.
pub(crate) fn write_checks(out: &mut String, checks: &[CheckResult]) {
    if checks.is_empty() {
        out.push_str("null");
        return;
    }
    out.push('[');
    for (i, check) in checks.iter().enumerate() {
        comma(out, i);
        out.push_str("{\"object_kind\":");
        write_string(out, &check.kind);
        member(out, "config_addr", &check.config_addr);
        member(out, "status", check.status.as_str());
        out.push_str(",\"objects\":");
        if check.objects.is_empty() {
            out.push_str("null}");
            continue;
        }
        out.push('[');
        for (i, object) in check.objects.iter().enumerate() {
            comma(out, i);
            out.push_str("{\"object_addr\":");
            write_string(out, &object.addr);
            member(out, "status", object.status.as_str());
            write_failures(out, &object.failures);
        }
        out.push_str("]}");
    }
    out.push(']');
}

fn write_failures(out: &mut String, failures: &[Str]) {
    if !failures.is_empty() {
        out.push_str(",\"failure_messages\":[");
        for (i, message) in failures.iter().enumerate() {
            comma(out, i);
            write_string(out, message);
        }
        out.push(']');
    }
    out.push('}');
}
