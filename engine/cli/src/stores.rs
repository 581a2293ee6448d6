//! Where the state is: what the `backend` block says, with what `init -backend-config` added.

pub mod migrate;
pub mod saved;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secstack_base::{Diagnostic, Diags, Span, Str, Value};
use secstack_eval::config::{Config, ROOT};
use secstack_plan::file::SavedBackend;
use secstack_run::load::{self, Early};
use secstack_state::Backend;
use secstack_state::crypt;
use secstack_state::store::LocalBackend;

use crate::app::App;
use crate::encryption::Ciphers;
use crate::flags::StatePaths;
use saved::Saved;

/// A place for states.
#[derive(Clone)]
pub struct Place {
    /// The type of the backend.
    pub ty: String,
    /// Its arguments.
    pub config: Value,
    /// The backend.
    pub backend: Arc<dyn Backend>,
    /// What encrypts what is written.
    pub ciphers: Ciphers,
    /// A local state that nobody has moved to this place: an empty place is no reason to create everything anew.
    pub left_behind: Option<PathBuf>,
}

/// Arguments of a backend, without those that are null.
pub type Arguments = BTreeMap<Str, Value>;

/// What a configuration says of its backend.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The type: `local` without a block.
    pub ty: String,
    /// The arguments.
    pub arguments: Arguments,
    /// Where each argument stands.
    pub spans: BTreeMap<Str, Span>,
    /// Where the type stands.
    pub span: Option<Span>,
}

/// The place that a configuration names. Without a `backend` block, that is a file beside the configuration.
pub fn place(app: &App, config: &Config, early: &Early<'_>, paths: &StatePaths, ciphers: Ciphers, diags: &mut Diags) -> Option<Place> {
    let written = written(config, early, diags)?;
    let saved = Saved::read(app);
    let arguments = match saved::merged(&written, saved.as_ref()) {
        Ok(arguments) => arguments,
        Err(d) => {
            diags.push(*d);
            return None;
        }
    };
    let mut place = open(app, &written, arguments, paths, ciphers, diags)?;
    if saved.is_none() && place.ty != "local" {
        place.left_behind = left_behind(app);
    }
    Some(place)
}

/// What a configuration says of its backend.
pub fn written(config: &Config, early: &Early<'_>, diags: &mut Diags) -> Option<Written> {
    let Some(block) = load::backend(config) else { return Some(Written { ty: "local".into(), ..Written::default() }) };
    let label = block.labels.first();
    let ty = if &*block.ty == "cloud" { "cloud" } else { label.map_or("local", |(l, _)| l) };
    let mut written = Written { ty: ty.into(), span: Some(label.map_or(block.span, |(_, s)| *s)), ..Written::default() };
    let Some(known) = known_arguments(ty) else {
        diags.push(unsupported(ty, written.span));
        return None;
    };
    let (view, found) = block.body.view(&[]);
    let before = diags.0.len();
    diags.extend(found);
    for b in view.blocks.iter() {
        let what = format!(
            "Blocks of type {:?} are not expected here. Did you mean to define the argument {0:?}? If so, use the equals sign.",
            b.ty
        );
        diags.push(Diagnostic::error("Unsupported block type", what).at(b.ty_span));
    }
    for a in view.attributes.iter() {
        if !known.contains(&&*a.name) {
            let near = secstack_base::diag::suggest(&a.name, known.iter().copied());
            let near = near.map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            let what = format!("An argument named {:?} is not expected here.{near}", a.name);
            diags.push(Diagnostic::error("Unsupported argument", what).at(a.name_span));
            continue;
        }
        let value = early.value(&config.modules, ROOT, &a.expr, diags);
        if !value.deep_marks().is_none() {
            let what = format!(
                "The arguments of a backend are kept in the working directory and in saved plans, so that {:?} must not be \
                 sensitive or ephemeral. Credentials may come from the environment or from a profile.",
                a.name
            );
            diags.push(Diagnostic::error("Unsuitable value", what).at(a.expr.span));
        } else if !value.is_wholly_known() {
            let what = format!("The argument {:?} must be known before anything is planned.", a.name);
            diags.push(Diagnostic::error("Unsuitable value", what).at(a.expr.span));
        } else if !value.is_null() {
            written.spans.insert(a.name.clone(), a.expr.span);
            written.arguments.insert(a.name.clone(), value);
        }
    }
    (!diags.0[before..].iter().any(Diagnostic::is_error)).then_some(written)
}

/// The place that arguments name.
pub fn open(app: &App, written: &Written, arguments: Arguments, paths: &StatePaths, ciphers: Ciphers, diags: &mut Diags) -> Option<Place> {
    match written.ty.as_str() {
        "local" => Some(local(app, arguments, paths, ciphers)),
        #[cfg(feature = "s3")]
        "s3" => {
            if let Some(flag) = paths.used() {
                let what = format!("The option {flag} is for states in local files, and this configuration keeps its state in S3.");
                diags.push(Diagnostic::error("Unsupported option", what));
                return None;
            }
            let config = Value::object(arguments);
            match secstack_state::store::S3Backend::new(&config) {
                Ok(mut backend) => {
                    backend.cipher.clone_from(&ciphers.state);
                    Some(Place { ty: "s3".into(), config, backend: Arc::new(backend), ciphers, left_behind: None })
                }
                Err(problems) => {
                    for p in problems {
                        let span = p.argument.as_ref().and_then(|a| written.spans.get(a.as_str()).copied()).or(written.span);
                        diags.push(Diagnostic::error("Invalid backend configuration", p.text).at_opt(span));
                    }
                    None
                }
            }
        }
        ty => {
            diags.push(unsupported(ty, written.span));
            None
        }
    }
}

/// The place that a saved plan names.
pub fn place_of_plan(app: &App, backend: &SavedBackend, paths: &StatePaths, ciphers: Ciphers) -> Result<Place, Diagnostic> {
    let (ty, config) = (&*backend.ty, &backend.config);
    let arguments = config.as_map().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut diags = Diags::new();
    let written = Written { ty: ty.into(), ..Written::default() };
    match open(app, &written, arguments, paths, ciphers, &mut diags) {
        Some(place) => Ok(place),
        None => Err(diags.into_iter().next().unwrap_or_else(|| unsupported(ty, None))),
    }
}

/// The arguments that a type of backend takes, if there is such a type here.
pub fn known_arguments(ty: &str) -> Option<&'static [&'static str]> {
    match ty {
        "local" => Some(&["path", "workspace_dir"]),
        #[cfg(feature = "s3")]
        "s3" => Some(secstack_state::store::S3Backend::ARGUMENTS),
        _ => None,
    }
}

fn unsupported(ty: &str, span: Option<Span>) -> Diagnostic {
    let places = if cfg!(feature = "s3") { "in local files and in S3" } else { "in local files" };
    let what = match ty {
        "cloud" => format!("This version keeps states {places}. HCP Terraform is not among the places it knows."),
        _ => format!("There is no backend type {ty:?} in this version: it keeps states {places}."),
    };
    Diagnostic::error("Unsupported backend type", what).at_opt(span).help("Use the backend \"local\", or leave the backend block out.")
}

fn local(app: &App, arguments: Arguments, paths: &StatePaths, ciphers: Ciphers) -> Place {
    let mut backend = LocalBackend::new(&app.root);
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    if let Some(path) = text("path") {
        backend.path = path.into();
    }
    if let Some(dir) = text("workspace_dir") {
        backend.workspace_dir = dir.into();
    }
    backend.state.clone_from(&paths.state);
    backend.state_out.clone_from(&paths.state_out);
    backend.backup.clone_from(&paths.backup);
    backend.cipher.clone_from(&ciphers.state);
    Place { ty: "local".into(), config: Value::object(arguments), backend: Arc::new(backend), ciphers, left_behind: None }
}

/// The place that a configuration without a backend names.
pub fn beside(app: &App, ciphers: Ciphers) -> Place {
    local(app, Arguments::new(), &StatePaths::default(), ciphers)
}

/// A state in the file that a configuration without a backend uses.
pub fn left_behind(app: &App) -> Option<PathBuf> {
    let path = app.root.join("terraform.tfstate");
    let stored = std::fs::read(&path).ok()?;
    // Who has encrypted a state had something to put into it.
    let holds = || secstack_state::file::read(&stored, "").ok().flatten().is_some_and(|s| !s.is_empty());
    (crypt::encrypted(&stored).is_some() || holds()).then_some(path)
}
