//! Where the state is: what the `backend` block says.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secstack_base::{Diagnostic, Diags, Span, Str, Value};
use secstack_eval::config::{Config, ROOT};
use secstack_run::load::{self, Early};
use secstack_state::Backend;
use secstack_state::store::LocalBackend;

use crate::app::App;
use crate::flags::StatePaths;

/// A place for states.
#[derive(Clone)]
pub struct Place {
    /// The type of the backend.
    pub ty: String,
    /// Its arguments.
    pub config: Value,
    /// The backend.
    pub backend: Arc<dyn Backend>,
}

/// The place that a configuration names. Without a `backend` block, that is a file beside the configuration.
pub fn place(app: &App, config: &Config, early: &Early<'_>, paths: &StatePaths, diags: &mut Diags) -> Option<Place> {
    let block = load::backend(config);
    let ty = block.map_or("local", |b| if &*b.ty == "cloud" { "cloud" } else { b.labels.first().map_or("local", |(l, _)| l) });
    let span = block.map(|b| b.labels.first().map_or(b.span, |(_, s)| *s));
    if ty != "local" {
        diags.push(unsupported(ty, span));
        return None;
    }
    let mut given = saved_config(app);
    if let Some(block) = block {
        let (view, found) = block.body.view(&[]);
        diags.extend(found);
        for a in view.attributes.iter() {
            if !["path", "workspace_dir"].contains(&&*a.name) {
                let what =
                    format!("An argument named {:?} is not expected here. The backend \"local\" takes path and workspace_dir.", a.name);
                diags.push(Diagnostic::error("Unsupported argument", what).at(a.name_span));
            } else if let Some(text) = early.text(&config.modules, ROOT, &a.expr, &a.name, diags) {
                given.insert(a.name.to_string(), text.to_string());
            }
        }
    }
    if diags.has_errors() {
        return None;
    }
    Some(local(app, &given, paths))
}

/// The place that a saved plan names.
pub fn place_of_plan(app: &App, ty: &str, config: &Value, paths: &StatePaths) -> Result<Place, Diagnostic> {
    if ty != "local" {
        return Err(unsupported(ty, None));
    }
    let text = |name: &str| Some((name.to_string(), config.get_str(name)?.to_string()));
    let given = ["path", "workspace_dir"].into_iter().filter_map(text).collect();
    Ok(local(app, &given, paths))
}

fn unsupported(ty: &str, span: Option<Span>) -> Diagnostic {
    let what = match ty {
        "cloud" => "This version keeps states in local files. HCP Terraform is not among the places it knows.".to_string(),
        _ => format!("There is no backend type {ty:?} in this version: it keeps states in local files."),
    };
    Diagnostic::error("Unsupported backend type", what).at_opt(span).help("Use the backend \"local\", or leave the backend block out.")
}

fn local(app: &App, given: &BTreeMap<String, String>, paths: &StatePaths) -> Place {
    let mut backend = LocalBackend::new(&app.root);
    let set = |name: &str, to: &mut PathBuf| {
        if let Some(text) = given.get(name) {
            *to = text.into();
        }
    };
    set("path", &mut backend.path);
    set("workspace_dir", &mut backend.workspace_dir);
    backend.state.clone_from(&paths.state);
    backend.state_out.clone_from(&paths.state_out);
    backend.backup.clone_from(&paths.backup);
    let config = Value::object(given.iter().map(|(k, v)| (Str::from(k.as_str()), Value::string(v))));
    Place { ty: "local".into(), config, backend: Arc::new(backend) }
}

/// The arguments that `init -backend-config` gave, from where Terraform keeps them.
fn saved_config(app: &App) -> BTreeMap<String, String> {
    let read = || {
        let text = std::fs::read(app.root.join(&app.data_dir).join("terraform.tfstate")).ok()?;
        let saved: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let backend = saved.get("backend")?;
        if backend.get("type")?.as_str()? != "local" {
            return None;
        }
        let config = backend.get("config")?.as_object()?;
        Some(config.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_string()))).collect())
    };
    read().unwrap_or_default()
}

/// Keeps arguments that `init -backend-config` gives, where Terraform keeps them.
///
/// # Errors
/// When they cannot be written.
pub fn save_config(app: &App, given: &BTreeMap<String, String>) -> Result<(), Diagnostic> {
    let dir = app.root.join(&app.data_dir);
    let config: serde_json::Map<String, serde_json::Value> = given.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
    let text = serde_json::json!({
        "version": 3,
        "terraform_version": secstack_state::model::TERRAFORM_VERSION,
        "backend": { "type": "local", "config": config, "hash": 0 },
    });
    let written = std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(dir.join("terraform.tfstate"), format!("{text:#}\n")));
    written.map_err(|e| {
        Diagnostic::error(
            "Failed to save the backend configuration",
            format!("The file terraform.tfstate in {} cannot be written: {e}.", app.data_dir.display()),
        )
    })
}
