//! `show`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secstack_base::{Diagnostic, Sources, Str};
use secstack_plan::inputs::{Given, Input, Origin};
use secstack_run::load::{self, Early, Installed, Manifest, MemoryTree};
use secstack_state::crypt::{self, Kind};
use secstack_state::model::Snapshot;

use crate::app::{App, Outcome, Told};
use crate::flags::{Look, StatePaths, Variables, switch};
use crate::session::Session;
use crate::view::View;
use crate::{json, project, text};

/// Show the current state or a saved plan
///
/// Without PATH shows the state of the selected workspace; with it, a saved plan or a file with a state.
#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    pub look: Look,
    /// Print a JSON object.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// A saved plan or a state.
    path: Option<PathBuf>,
}

impl Show {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        match &self.path {
            Some(path) => self.file(app, &view, path),
            None => {
                let (place, workspace) = project::place(app, &view, &StatePaths::default())?;
                let session = Session::look(&view, &place, &workspace).await?;
                self.state(app, session.exists.then_some(&session.snapshot));
                Ok(0)
            }
        }
    }

    fn state(&self, app: &App, state: Option<&Snapshot>) {
        let providers = app.providers();
        load::editions::choose(None, state, &providers);
        match (state, self.json) {
            (Some(state), true) => app.out.line(json::state_document(state, &providers)),
            (None, true) => app.out.line("{\"format_version\":\"1.0\"}"),
            (Some(state), false) if !state.is_empty() || !state.outputs.is_empty() => {
                app.out.text(&text::state_show(state, &providers, |_, _| true, app.out.style()));
                if !state.outputs.is_empty() {
                    app.out.text(&format!("\nOutputs:\n\n{}", text::outputs(state)));
                }
            }
            (Some(_), false) => app.out.line("The state file is empty. No resources are represented."),
            (None, false) => app.out.line("No state."),
        }
    }

    fn file(&self, app: &App, view: &View, path: &Path) -> Outcome {
        let bytes = std::fs::read(path).map_err(|e| {
            view.error(Diagnostic::error(
                "Failed to read the given file as a state or plan file",
                format!("The file {:?} cannot be read: {e}.", path.display().to_string()),
            ))
        })?;
        let kind = crypt::encrypted(&bytes);
        let is_plan = kind == Some(Kind::Plan) || bytes.starts_with(b"secstack plan");
        let ciphers = project::ciphers(app, view, &Variables::default())?;
        if !is_plan {
            let name = path.display().to_string();
            let state = ciphers.read_copy(&bytes, &name);
            return match state {
                Ok(state) => {
                    self.state(app, state.as_ref());
                    Ok(0)
                }
                Err(e) if bytes.first() == Some(&b'{') => Err(view.error(e.diagnostic())),
                Err(_) => Err(json::read_plan(path, &ciphers.plan).map_or_else(|d| view.error(*d), |_| Told)),
            };
        }
        let saved = json::read_plan(path, &ciphers.plan).map_err(|d| view.error(*d))?;
        let inputs: BTreeMap<Str, Input> =
            saved.plan.variables.iter().map(|(n, v)| (n.clone(), Input { given: Given::Value(v.clone()), origin: Origin::Plan })).collect();
        let files = app.files();
        let early = Early { inputs: &inputs, files: &files, workspace: &saved.workspace };
        let tree = MemoryTree::new(saved.files.iter().map(|(p, t)| (PathBuf::from(p), Arc::from(t.as_str()))));
        let mut installed = Installed(Manifest::parse(saved.modules.as_bytes()).unwrap_or_default());
        let loaded = load::load(&tree, &mut installed, &early, Sources::default());
        let providers = app.providers();
        load::editions::choose(Some(&loaded.config), Some(&saved.plan.prior_state), &providers);
        if self.json {
            app.out.line(json::plan_document(&saved.plan, &loaded.config, &providers));
        } else {
            app.out.line(text::plan(&saved.plan, &providers, app.out.style()));
        }
        Ok(0)
    }
}
