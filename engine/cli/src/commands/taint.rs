//! `taint` and `untaint`

use clap::Args;
use secstack_base::{Addr, Diagnostic, Diags, Mode};
use secstack_state::Snapshot;

use crate::app::{App, Outcome};
use crate::flags::{Lock, StatePaths, switch};
use crate::project;
use crate::session::Session;
use crate::view::View;

/// Mark a resource instance as not fully functional
///
/// The next apply replaces it. "secstack apply -replace=ADDRESS" does that in one step, and shows the plan first.
#[derive(Args)]
pub struct Taint {
    #[command(flatten)]
    which: Which,
}

/// Remove the 'tainted' state from a resource instance
#[derive(Args)]
pub struct Untaint {
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
struct Which {
    /// The instance.
    address: String,
    /// Succeed if there is no such instance.
    #[arg(long = "allow-missing", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    allow_missing: bool,
    /// Accepted.
    #[arg(long = "ignore-remote-version", hide = true)]
    ignore_remote_version: bool,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    paths: StatePaths,
}

impl Taint {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        self.which.set(app, true).await
    }
}

impl Untaint {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        self.which.set(app, false).await
    }
}

impl Which {
    async fn set(&self, app: &App, tainted: bool) -> Outcome {
        let view = View::new(&app.out, false);
        let addr: Addr = self.address.parse().map_err(|e: secstack_base::addr::ParseError| {
            view.error(Diagnostic::error(format!("Invalid address {:?}", self.address), e.to_string()))
        })?;
        if addr.mode() != Mode::Managed {
            let what = "Only resources from the \"managed\" mode can be tainted: a data source is read anew in every run.";
            return Err(view.error(Diagnostic::error("Invalid address", what)));
        }
        let (place, workspace) = project::place(app, &view, &self.paths)?;
        let session = Session::open(&view, &place, &workspace, &self.lock, if tainted { "taint" } else { "untaint" }).await?;
        let ran = self.set_within(&view, &session, &addr, tainted).await;
        session.close(&view).await;
        ran
    }

    async fn set_within(&self, view: &View, session: &Session, addr: &Addr, tainted: bool) -> Outcome {
        let word = if tainted { "tainted" } else { "untainted" };
        let Some(object) = session.snapshot.get(addr) else {
            let what = if session.snapshot.is_empty() {
                "The state currently contains no resource instances whatsoever. This may occur if the configuration has never been applied or if it has recently been destroyed.".to_string()
            } else {
                format!(
                    "There is no resource instance in the state with the address {addr}. If the resource configuration has just been added, you must run \"secstack apply\" once to create the corresponding instance(s) before they can be {word}."
                )
            };
            if self.allow_missing {
                view.diags(&Diags(vec![Diagnostic::warning(
                    "No such resource instance",
                    format!("{addr} was not found, but this is not an error because -allow-missing was set."),
                )]));
                return Ok(0);
            }
            return Err(view.error(Diagnostic::error("No such resource instance", what)));
        };
        if !tainted && !object.tainted {
            let what = format!("Resource instance {addr} is currently not tainted, so it cannot be untainted.");
            return Err(view.error(Diagnostic::error("Resource instance not tainted", what)));
        }
        let mut snapshot: Snapshot = session.snapshot.clone();
        let object = object.with_tainted(tainted);
        if let Some(provider) = session.snapshot.provider(addr) {
            snapshot.set_current(addr, provider, object);
        }
        session.write(view, &snapshot).await?;
        view.out().line(match tainted {
            true => format!("Resource instance {addr} has been marked as tainted."),
            false => format!("Resource instance {addr} has been successfully untainted."),
        });
        Ok(0)
    }
}
