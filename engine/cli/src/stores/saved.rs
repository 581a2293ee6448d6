//! What `init` noted of the backend, in the file where Terraform notes it: `.terraform/terraform.tfstate`.
//!
//! Terraform takes the whole backend from there. Here it is needed for arguments that stand in no file, which
//! `-backend-config` gave, and it tells when the configuration names another place than before. Nobody has to run
//! `init`: without the file the configuration counts as it stands.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Str, Value};
use secstack_state::json;

use super::{Arguments, Written};
use crate::app::App;
use crate::output::write_private;

/// A noted backend.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// The type.
    pub ty: String,
    /// The arguments.
    pub arguments: Arguments,
    /// Stands for the block that they came from, besides `-backend-config`.
    hash: u64,
}

impl Saved {
    /// Reads it. `None` when no backend was noted.
    pub fn read(app: &App) -> Option<Self> {
        let text = std::fs::read(app.root.join(&app.data_dir).join("terraform.tfstate")).ok()?;
        let file: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let backend = file.get("backend")?;
        let config = backend.get("config").and_then(|c| c.as_object());
        let decoded = config.into_iter().flatten().filter(|(_, v)| !v.is_null());
        let decoded = decoded.filter_map(|(k, v)| Some((Str::from(k.as_str()), json::decode_implied(&v.to_string()).ok()?)));
        Some(Self {
            ty: backend.get("type")?.as_str()?.into(),
            arguments: decoded.collect(),
            hash: backend.get("hash").and_then(serde_json::Value::as_u64).unwrap_or_default(),
        })
    }

    /// Notes a backend.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(app: &App, written: &Written, arguments: &Arguments) -> Result<(), Diagnostic> {
        let dir = app.root.join(&app.data_dir);
        let mut config: BTreeMap<&str, serde_json::Value> =
            super::known_arguments(&written.ty).into_iter().flatten().map(|name| (*name, serde_json::Value::Null)).collect();
        config.extend(arguments.iter().map(|(k, v)| (&**k, to_json(v))));
        let text = serde_json::json!({
            "version": 3,
            "terraform_version": secstack_state::model::TERRAFORM_VERSION,
            "backend": { "type": written.ty, "config": config, "hash": hash(written) },
        });
        let stored =
            std::fs::create_dir_all(&dir).and_then(|()| write_private(&dir.join("terraform.tfstate"), format!("{text:#}\n").as_bytes()));
        stored.map_err(|e| {
            Diagnostic::error(
                "Failed to save the backend configuration",
                format!("The file terraform.tfstate in {} cannot be written: {e}.", app.data_dir.display()),
            )
        })
    }

    /// Forgets the backend, since the configuration has none any more.
    pub fn forget(app: &App) {
        let _ = std::fs::remove_file(app.root.join(&app.data_dir).join("terraform.tfstate"));
    }

    /// Whether it names the same place as these arguments.
    pub fn is_place_of(&self, ty: &str, arguments: &Arguments) -> bool {
        let same = |name: &&str| text_of(self.arguments.get(*name)) == text_of(arguments.get(*name));
        self.ty == ty && placing(ty).iter().all(same)
    }
}

/// The arguments that count: those of the configuration, completed by those that were noted.
///
/// # Errors
/// When the configuration names another place than the one that was noted.
pub fn merged(written: &Written, saved: Option<&Saved>) -> Result<Arguments, Box<Diagnostic>> {
    let Some(saved) = saved else { return Ok(written.arguments.clone()) };
    if saved.ty == written.ty && saved.hash == hash(written) {
        return Ok(saved.arguments.clone());
    }
    let changed = |name: &&&str| {
        let (new, old) = (text_of(written.arguments.get(**name)), text_of(saved.arguments.get(**name)));
        new.is_some() && new != old
    };
    let moved = placing(&written.ty).iter().filter(changed).map(|n| format!("{n:?}")).collect::<Vec<_>>();
    if saved.ty != written.ty || !moved.is_empty() {
        let how = match saved.ty == written.ty {
            true => format!("The argument {} of the backend {:?} has", moved.join(", "), written.ty),
            false => format!("The state was kept in the backend {:?}, and the configuration names {:?}: it has", saved.ty, written.ty),
        };
        let what = format!("{how} changed since \"init\" was run in this directory. The state may have to be moved.");
        let help = "To move the state, run \"secstack init -migrate-state\". To use the new configuration as it is and leave the state where it was, run \"secstack init -reconfigure\".";
        return Err(Box::new(Diagnostic::error("Backend configuration changed", what).at_opt(written.span).help(help)));
    }
    let mut arguments = saved.arguments.clone();
    arguments.extend(written.arguments.clone());
    Ok(arguments)
}

/// The arguments that say where a state is; others say how to get there.
fn placing(ty: &str) -> &'static [&'static str] {
    match ty {
        "s3" => &["bucket", "key", "workspace_key_prefix", "endpoint", "endpoints"],
        "local" => &["path", "workspace_dir"],
        _ => &[],
    }
}

fn text_of(value: Option<&Value>) -> Option<String> {
    let value = value?;
    Some(value.as_str().map_or_else(|| to_json(value).to_string(), str::to_string))
}

fn to_json(value: &Value) -> serde_json::Value {
    let text = json::encode(value, &value.ty()).ok();
    text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or(serde_json::Value::Null)
}

/// Stands for a block: FNV-1a of its arguments. Terraform has a hash of its own here and compares values when it differs.
fn hash(written: &Written) -> u64 {
    let text: String = written.arguments.iter().map(|(k, v)| format!("{k}={}\n", to_json(v))).collect();
    let all = format!("{}\n{text}", written.ty);
    u64::from(all.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noted_arguments_complete_the_block_until_the_place_changes() {
        check("bucket=b key=k", None, Ok("bucket=b key=k"));
        check("key=k", Some("bucket=b key=k region=r"), Ok("bucket=b key=k region=r"));
        check("key=k encrypt=true", Some("bucket=b key=k"), Ok("bucket=b encrypt=true key=k"));
        check("key=new", Some("bucket=b key=k"), Err("The argument \"key\" of the backend \"s3\" has changed"));
    }

    #[track_caller]
    fn check(block: &str, noted: Option<&str>, want: Result<&str, &str>) {
        let arguments = |text: &str| -> Arguments {
            text.split(' ').filter_map(|a| a.split_once('=')).map(|(k, v)| (Str::from(k), Value::string(v))).collect()
        };
        let written = Written { ty: "s3".into(), arguments: arguments(block), ..Written::default() };
        let saved = noted.map(|text| Saved { ty: "s3".into(), arguments: arguments(text), hash: 0 });
        let merged = merged(&written, saved.as_ref());
        let shown = |a: Arguments| a.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap())).collect::<Vec<_>>().join(" ");
        match (merged, want) {
            (Ok(got), Ok(want)) => assert_eq!(shown(got), want),
            (Err(d), Err(want)) => assert!(d.detail.contains(want), "{}", d.detail),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }
}
