//! Paths of sensitive attributes: `[[{"type":"get_attr","value":"password"}]]`.

use std::borrow::Cow;

use secstack_base::{Data, Path, Step, Type};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{decode, write_string};

#[derive(Deserialize)]
struct StepV4<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Reads paths. One that leads into a set ends at the set, so that no more is shown than before.
pub(super) fn read(text: &str) -> Result<Vec<Path>, String> {
    if text == "[]" {
        return Ok(Vec::new());
    }
    let stored: Vec<Vec<StepV4<'_>>> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    stored.iter().map(|steps| read_path(steps)).collect()
}

fn read_path(steps: &[StepV4<'_>]) -> Result<Path, String> {
    let mut path = Path::root();
    for step in steps {
        let Some(step) = read_step(step)? else { break };
        path.0.push(step);
    }
    Ok(path)
}

fn read_step(step: &StepV4<'_>) -> Result<Option<Step>, String> {
    let ty = match &*step.kind {
        "get_attr" => Type::String,
        "index" => Type::Dynamic,
        other => return Err(format!("Unsupported path step type {other:?}")),
    };
    let value = decode(step.value.get(), &ty).map_err(|e| e.to_string())?;
    Ok(match value.data {
        Data::String(name) if ty == Type::String => Some(Step::Attr(name)),
        Data::String(key) => Some(Step::Key(key)),
        Data::Number(n) => n.to_usize().map(Step::Index),
        _ => None,
    })
}

/// Writes paths.
pub(super) fn write(out: &mut String, paths: &[Path]) {
    out.push('[');
    for (i, path) in paths.iter().enumerate() {
        out.push_str(if i > 0 { ",[" } else { "[" });
        for (i, step) in path.0.iter().enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            write_step(out, step);
        }
        out.push(']');
    }
    out.push(']');
}

fn write_step(out: &mut String, step: &Step) {
    match step {
        Step::Attr(name) => {
            out.push_str(r#"{"type":"get_attr","value":"#);
            write_string(out, name);
            out.push('}');
        }
        Step::Key(key) => {
            out.push_str(r#"{"type":"index","value":{"value":"#);
            write_string(out, key);
            out.push_str(r#","type":"string"}}"#);
        }
        Step::Index(i) => {
            out.push_str(r#"{"type":"index","value":{"value":"#);
            out.push_str(&i.to_string());
            out.push_str(r#","type":"number"}}"#);
        }
    }
}
