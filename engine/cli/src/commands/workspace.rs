//! `workspace`

use clap::{Args, Subcommand};
use secstack_base::{Diagnostic, Diags};
use secstack_state::store::Force;
use secstack_state::workspace;

use crate::app::{App, Outcome, Told};
use crate::flags::{Lock, StatePaths, switch};
use crate::project;
use crate::session::Session;
use crate::stores::Place;
use crate::view::View;

/// Workspace management
///
/// A workspace is one of several states of the same configuration.
#[derive(Args)]
pub struct Workspace {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// List workspaces
    List,
    /// Show the name of the current workspace
    Show,
    /// Create a new workspace and select it
    New {
        /// Its name.
        name: String,
        /// Copy this state into it.
        #[arg(long, value_name = "PATH")]
        state: Option<std::path::PathBuf>,
        #[command(flatten)]
        lock: Lock,
    },
    /// Select a workspace
    Select {
        /// Its name.
        name: String,
        /// Create it if there is none of that name.
        #[arg(long = "or-create", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        or_create: bool,
    },
    /// Delete a workspace
    Delete {
        /// Its name.
        name: String,
        /// Delete it even if its state lists objects, which then nobody manages.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        force: bool,
        #[command(flatten)]
        lock: Lock,
    },
}

impl Workspace {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        if let Sub::Show = self.command {
            app.out.line(app.workspace().map_err(|d| view.error(d))?);
            return Ok(0);
        }
        let (place, selected) = project::place(app, &view, &StatePaths::default())?;
        let names = place.backend.workspaces().await.map_err(|e| view.error(e.diagnostic()))?;
        match &self.command {
            Sub::Show => {}
            Sub::List => {
                let mut text: String = names.iter().map(|n| format!("{} {n}\n", if *n == selected { "*" } else { " " })).collect();
                if !names.contains(&selected) {
                    text.push_str(&format!("* {selected}\n"));
                }
                app.out.line(text);
            }
            Sub::New { name, state, lock } => {
                overridden(&view)?;
                workspace::check(name).map_err(|e| view.error(e.diagnostic()))?;
                if names.contains(name) {
                    return Err(view.error(Diagnostic::error("Workspace exists already", format!("Workspace {name:?} already exists."))));
                }
                place.backend.open(name).await.map_err(|e| view.error(e.diagnostic()))?;
                if let Some(path) = state {
                    copy(&view, &place, name, path, lock).await?;
                }
                self.select(app, &view, name)?;
                app.out.line(format!("Created and switched to workspace {name:?}!\n\nYou're now on a new, empty workspace. Workspaces isolate their state,\nso if you run \"secstack plan\" secstack will not see any existing state\nfor this configuration."));
            }
            Sub::Select { name, or_create } => {
                overridden(&view)?;
                workspace::check(name).map_err(|e| view.error(e.diagnostic()))?;
                if *name == selected {
                    return Ok(0);
                }
                if !names.contains(name) {
                    if !or_create {
                        let what = format!(
                            "Workspace {name:?} doesn't exist.\n\nYou can create this workspace with the \"new\" subcommand or include the \"-or-create\" flag with the \"select\" subcommand."
                        );
                        return Err(view.error(Diagnostic::error("No such workspace", what)));
                    }
                    place.backend.open(name).await.map_err(|e| view.error(e.diagnostic()))?;
                }
                self.select(app, &view, name)?;
                app.out
                    .line(format!("{} workspace {name:?}.", if names.contains(name) { "Switched to" } else { "Created and switched to" }));
            }
            Sub::Delete { name, force, lock } => delete(&view, &place, &names, &selected, name, *force, lock).await?,
        }
        Ok(0)
    }

    fn select(&self, app: &App, view: &View, name: &str) -> Result<(), Told> {
        workspace::select(&app.root.join(&app.data_dir), name).map_err(|e| view.error(e.diagnostic()))
    }
}

fn overridden(view: &View) -> Result<(), Told> {
    match App::forced_workspace() {
        Some(_) => Err(view.error(Diagnostic::error("Workspace is overridden", "The selected workspace is currently overridden using the TF_WORKSPACE environment variable. To select a new workspace, either update this environment variable or unset it."))),
        None => Ok(()),
    }
}

async fn copy(view: &View, place: &Place, name: &str, path: &std::path::Path, lock: &Lock) -> Result<(), Told> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|e| view.error(Diagnostic::error("Failed to read the state", format!("The file {shown:?} cannot be read: {e}."))))?;
    let Some(snapshot) = place.ciphers.read_copy(&bytes, &shown).map_err(|e| view.error(e.diagnostic()))? else { return Ok(()) };
    let session = Session::open(view, place, name, lock, "workspace-new").await?;
    let pushed = session.store.push(&snapshot, Force::No).await.map_err(|e| view.error(e.diagnostic()));
    session.close(view).await;
    pushed
}

async fn delete(view: &View, place: &Place, names: &[String], selected: &str, name: &str, force: bool, lock: &Lock) -> Result<(), Told> {
    let refuse = |summary: &'static str, what: String| Err(view.error(Diagnostic::error(summary, what)));
    if !names.iter().any(|n| n == name) {
        return refuse("No such workspace", format!("Workspace {name:?} doesn't exist."));
    }
    if name == selected {
        return refuse(
            "Workspace is selected",
            format!(
                "Workspace {name:?} is your active workspace.\n\nYou cannot delete the currently active workspace. Please switch to another workspace and try again."
            ),
        );
    }
    let session = Session::open(view, place, name, lock, "workspace-delete").await?;
    let tracked: Vec<String> = session.snapshot.instances().map(|(a, ..)| format!("  - {a}")).take(10).collect();
    let empty = session.snapshot.is_empty();
    session.close(view).await;
    if !empty && !force {
        return refuse(
            "Workspace is not empty",
            format!(
                "Workspace {name:?} is currently tracking the following resource instances:\n{}\n\nDeleting this workspace would cause secstack to lose track of any associated remote objects, which would then require you to delete them manually outside of secstack. You should destroy these objects with secstack before deleting the workspace.\n\nIf you want to delete this workspace anyway, and have secstack forget about these managed objects, use the -force option to disable this safety check.",
                tracked.join("\n")
            ),
        );
    }
    place.backend.delete(name).await.map_err(|e| view.error(e.diagnostic()))?;
    view.out().line(format!("Deleted workspace {name:?}!"));
    if !empty {
        view.diags(&Diags(vec![Diagnostic::warning("Workspace was not empty", format!("{name:?} was non-empty. The resources managed by the deleted workspace may still exist, but are no longer manageable by secstack since the state has been deleted."))]));
    }
    Ok(())
}
