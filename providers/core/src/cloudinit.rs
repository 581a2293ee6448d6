//! `hashicorp/cloudinit`: files for cloud-init, in one MIME message.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secstack_base::schema::{Attribute, Draft, Schema};
use secstack_base::{Diagnostic, Diags, ProviderAddr, Type, Value, gzip};
use secstack_sdk::Result;

use crate::framework::{is_true, mark_unknown, text, with_all};
use crate::kind::{DataKind, Kind, Native, Parts, fail};
use crate::schema::{Describe, block, chosen, computed, nested, optional, required};

/// The provider.
pub(crate) fn provider() -> Native {
    let parts = Parts {
        versions: vec!["2.3.7", "2.3.6", "2.3.5"],
        resources: vec![Box::new(Resource)],
        data: vec![Box::new(Data)],
        ..Parts::default()
    };
    Native::new(ProviderAddr::hashicorp("cloudinit"), parts)
}

const NAME: &str = "cloudinit_config";
const PLAIN: &str = "text/plain";
const BOUNDARY: &str = "MIMEBOUNDARY";

struct Data;

#[async_trait]
impl DataKind for Data {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> Schema {
        config_schema(|a, _| a)
    }

    fn validate(&self, config: &Value) -> Diags {
        check(config)
    }

    async fn read(&self, _provider: &Value, config: &Value) -> Result<Value> {
        render(config)
    }
}

struct Resource;

#[async_trait]
impl Kind for Resource {
    fn name(&self) -> &'static str {
        NAME
    }

    fn schema(&self) -> Schema {
        let mut schema = config_schema(|a, default| {
            let a = if a.presence.is_configurable() { a.forces_new() } else { a };
            Attribute { default, ..a }
        });
        schema.block.deprecated = Some("This resource is deprecated, please use the cloudinit_config data source instead.".into());
        schema
    }

    fn plan(&self, draft: &mut Draft) -> Diags {
        mark_unknown(draft, &self.schema().block, &["rendered", "id"]);
        Diags::new()
    }

    fn validate(&self, config: &Value) -> Diags {
        check(config)
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        render(planned)
    }

    async fn update(&self, _prior: &Value, planned: &Value) -> Result<Value> {
        render(planned)
    }
}

/// The schema, with each attribute as `adjust` makes it from the attribute and its default.
fn config_schema(adjust: fn(Attribute, Option<Value>) -> Attribute) -> Schema {
    let with = |a: Attribute, default: Value| adjust(a, Some(default));
    let without = |a: Attribute| adjust(a, None);
    let part = block(
        "A file.",
        [
            with(chosen("content_type", Type::String, "The MIME type. `text/plain` unless set."), PLAIN.into()),
            without(required("content", Type::String, "The content.")),
            without(optional("filename", Type::String, "The name of the file.")),
            without(optional("merge_type", Type::String, "How cloud-init merges the file with others.")),
        ],
        [],
    );
    let attributes = [
        with(chosen("gzip", Type::Bool, "Whether to compress. True unless set."), true.into()),
        with(chosen("base64_encode", Type::Bool, "Whether to encode in base64. True unless set."), true.into()),
        with(chosen("boundary", Type::String, "What separates the files. `MIMEBOUNDARY` unless set."), BOUNDARY.into()),
        without(computed("rendered", Type::String, "The message.")),
        without(computed("id", Type::String, "The CRC-32 checksum of the message.")),
    ];
    Schema { block: block("Files for cloud-init, in one MIME message.", attributes, [nested("part", None, part)]), ..Schema::default() }
}

fn check(config: &Value) -> Diags {
    let mut diags = Diags::new();
    let off = |name: &str| config.get(name).and_then(Value::as_bool) == Some(false);
    let unknown = |name: &str| config.get(name).is_some_and(Value::is_unknown);
    if off("base64_encode") && !off("gzip") && !unknown("gzip") {
        let what = "Expected base64_encode to be set to true when gzip is true.";
        diags.push(Diagnostic::error("Invalid Attribute Configuration", what));
    }
    let parts = config.get("part").and_then(Value::as_slice);
    if parts.is_some_and(<[Value]>::is_empty) {
        let what = "part must have a configuration value as the provider has marked it as required";
        diags.push(Diagnostic::error("Invalid Block", what));
    }
    let empty = |v: Option<&Value>| v.and_then(Value::as_str) == Some("");
    let types = parts.unwrap_or_default().iter().map(|p| ("content_type", p.get("content_type")));
    for (name, _) in types.chain([("boundary", config.get("boundary"))]).filter(|(_, v)| empty(*v)) {
        let what = format!("Attribute {name} string length must be at least 1, got: 0");
        diags.push(Diagnostic::error("Invalid Attribute Value Length", what));
    }
    diags
}

fn render(config: &Value) -> Result<Value> {
    let or = |object: &Value, name: &str, default: Value| match object.get(name) {
        Some(v) if !v.is_null() && v.as_str() != Some("") => v.clone(),
        _ => default,
    };
    let filled = ["gzip", "base64_encode"].into_iter().fold(config.clone(), |c, name| c.with(name, or(config, name, true.into())));
    let filled = filled.with("boundary", or(config, "boundary", BOUNDARY.into()));
    let parts = config.get("part").cloned().unwrap_or(Value::NULL);
    let parts = parts.map_parts(|_, p| p.with("content_type", or(p, "content_type", PLAIN.into())));
    let pieces = message(text(&filled, "boundary"), parts.as_slice().unwrap_or_default())?;
    let bytes = if is_true(&filled, "gzip") {
        let mut writer = gzip::Writer::new();
        pieces.iter().for_each(|p| writer.write(p.as_bytes()));
        writer.finish()
    } else {
        pieces.concat().into_bytes()
    };
    let rendered = if is_true(&filled, "base64_encode") {
        BASE64_STANDARD.encode(bytes)
    } else {
        String::from_utf8(bytes)
            .map_err(|_| fail("Invalid Attribute Configuration", "Expected base64_encode to be set to true when gzip is true."))?
    };
    let id = crc32fast::hash(rendered.as_bytes()).to_string();
    Ok(with_all(&filled, [("part", parts), ("rendered", rendered.into()), ("id", id.into())]))
}

/// The message, in the pieces that Terraform's provider writes: compression depends on them when they are long.
fn message(boundary: &str, parts: &[Value]) -> Result<Vec<String>> {
    check_boundary(boundary).map_err(|e| fail("Unable to render cloudinit config to MIME multi-part file", e))?;
    let mut pieces = vec![format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\n"), "MIME-Version: 1.0\r\n\r\n".into()];
    for (i, part) in parts.iter().enumerate() {
        let mut header = format!("{}--{boundary}\r\n", if i > 0 { "\r\n" } else { "" });
        let mut line = |name: &str, value: &str| header.push_str(&format!("{name}: {value}\r\n"));
        let filename = text(part, "filename");
        if !filename.is_empty() {
            line("Content-Disposition", &format!("attachment; filename=\"{filename}\""));
        }
        line("Content-Transfer-Encoding", "7bit");
        line("Content-Type", text(part, "content_type"));
        line("Mime-Version", "1.0");
        let merge = text(part, "merge_type");
        if !merge.is_empty() {
            line("X-Merge-Type", merge);
        }
        header.push_str("\r\n");
        pieces.extend([header, text(part, "content").into()]);
    }
    pieces.push(format!("\r\n--{boundary}--\r\n"));
    Ok(pieces)
}

fn check_boundary(boundary: &str) -> Result<(), &'static str> {
    if !(1..=70).contains(&boundary.len()) {
        return Err("mime: invalid boundary length");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(c);
    let ok = boundary.chars().all(allowed) && !boundary.ends_with(' ');
    if ok { Ok(()) } else { Err("mime: invalid boundary character") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(set: &[(&str, &str)]) -> Value {
        let empty = Data.schema().block.blocks[0].block.empty_value();
        with_all(&empty, set.iter().map(|(k, v)| (*k, Value::from(*v))))
    }

    fn config(parts: &[Value], set: &[(&str, Value)]) -> Value {
        let ty = Data.schema().block.blocks[0].block.ty();
        let parts = Value::list(ty, parts.iter().cloned());
        with_all(&Data.schema().block.empty_value(), set.iter().cloned().chain([("part", parts)]))
    }

    /// Both as Terraform's provider renders them.
    #[tokio::test]
    async fn messages() {
        let script = "#!/bin/sh\necho hi";
        let first = part(&[("content", script), ("content_type", "text/x-shellscript"), ("filename", "a.sh"), ("merge_type", "list()")]);
        let plain = [("gzip", Value::from(false)), ("base64_encode", false.into())];
        let read = Data.read(&Value::NULL, &config(&[first, part(&[("content", "b\n")])], &plain)).await.unwrap();
        assert_eq!(
            read.get_str("rendered").unwrap(),
            "Content-Type: multipart/mixed; boundary=\"MIMEBOUNDARY\"\nMIME-Version: 1.0\r\n\r\n--MIMEBOUNDARY\r\nContent-Disposition: attachment; filename=\"a.sh\"\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: text/x-shellscript\r\nMime-Version: 1.0\r\nX-Merge-Type: list()\r\n\r\n#!/bin/sh\necho hi\r\n--MIMEBOUNDARY\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: text/plain\r\nMime-Version: 1.0\r\n\r\nb\n\r\n--MIMEBOUNDARY--\r\n"
        );
        assert_eq!(read.get_str("id"), Some("3924131650"));
        let read = Data.read(&Value::NULL, &config(&[part(&[("content", script)])], &[])).await.unwrap();
        assert_eq!(
            read.get_str("rendered").unwrap(),
            "H4sIAAAAAAAA/2SNTQuCQBBA7wv7HzY7T1unwOjQh4cOFkQFHVedckBnZR1B/33UIaSODx7v7TwLssBlaDA2dVcJNS6IranHYmUy33HhwrCO0kOabE/X435zvkfqTXDD0JLn2Cxmc620AhhLWn3bwXH7wAAJ574gfsZmmZGMhM9csBfbVI5Yq5Rq/OtPJzYjtm2pMC+9Kel3CaDVKwAA///ntCjh0QAAAA=="
        );
        assert_eq!(read.get_str("id"), Some("3095907957"));
        assert_eq!(read.get("part").unwrap().as_slice().unwrap()[0].get_str("content_type"), Some("text/plain"));
    }

    #[test]
    fn checks() {
        let one = [part(&[("content", "x")])];
        assert!(!check(&config(&one, &[])).has_errors());
        assert!(check(&config(&[], &[])).has_errors());
        assert!(check(&config(&one, &[("base64_encode", false.into())])).has_errors());
        assert!(check(&config(&one, &[("boundary", "".into())])).has_errors());
        assert!(render(&config(&one, &[("boundary", "a;b".into())])).is_err());
    }
}
