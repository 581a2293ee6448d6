//! `recover`

use clap::Args;
use secstack_base::{Diagnostic, Diags};
use secstack_state::Record;

use crate::app::{App, Outcome, Told};
use crate::flags::{Ask, Lock, Look, StatePaths, Variables};
use crate::project::Project;
use crate::recovery;
use crate::session::Session;
use crate::view::View;

/// Take up a run that was cut off
///
/// Finds out what came of the operations that a run had begun when it was killed, and brings the state to what is there:
/// objects that were created are adopted, changed ones are read again, deleted ones are taken out. The next plan or apply
/// does the same by itself.
#[derive(Args)]
pub struct Recover {
    #[command(flatten)]
    pub look: Look,
    /// Show what is open and what came of it, and change nothing.
    #[arg(long = "dry-run")]
    dry_run: bool,
    /// Drop what is open without looking. What was created stays in the cloud, and nobody knows of it.
    #[arg(long, conflicts_with = "dry_run")]
    abandon: bool,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    state: StatePaths,
}

impl Recover {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let mut project = Project::open(app, &view, &self.variables, &self.state)?;
        let inputs = project.values(app, &view, self.ask.allowed()).await?;
        if self.dry_run {
            let session = Session::open(&view, &project.place, &project.workspace, &self.lock, "recover").await?;
            let mut shown = Ok(());
            if session.open_intents.is_empty() {
                nothing(&view, session.is_recovered);
            } else {
                shown = recovery::show(app, &view, &project, &session, &inputs).await;
            }
            session.close(&view).await;
            return shown.map(|()| 0);
        }
        let mut session = Session::open(&view, &project.place, &project.workspace, &self.lock, "recover").await?;
        let done = self.within(app, &view, &project, &mut session, &inputs).await;
        session.close(&view).await;
        done.map(|()| 0)
    }

    async fn within(
        &self,
        app: &App,
        view: &View,
        project: &Project,
        session: &mut Session,
        inputs: &std::collections::BTreeMap<secstack_base::Str, secstack_base::Value>,
    ) -> Result<(), Told> {
        if self.abandon {
            return abandon(view, session).await;
        }
        if session.open_intents.is_empty() {
            if session.is_recovered {
                session.write_anew(view).await?;
            }
            nothing(view, session.is_recovered);
            return Ok(());
        }
        if !session.is_locked() {
            let what = "Another run may be at work on what is open: it takes the lock to find out.";
            return Err(view.error(Diagnostic::error("Lock needed", what).help("Leave -lock=false out.")));
        }
        recovery::resolve(app, view, project, session, inputs).await?;
        view.explain("The state is up to date with what the run that was cut off had done.");
        Ok(())
    }
}

fn nothing(view: &View, was_behind: bool) {
    view.explain(match was_behind {
        true => "A run was cut off. All that it did is known, and is in the state.",
        false => "There is nothing to recover: no run was cut off.",
    });
}

async fn abandon(view: &View, session: &mut Session) -> Result<(), Told> {
    let open = std::mem::take(&mut session.open_intents);
    let fail = |e: secstack_state::Error| view.error(e.diagnostic());
    let journal = session.store.journal(&session.snapshot).await.map_err(fail)?;
    for intent in &open {
        journal.append(Record::Void { addr: intent.addr.clone() }).await.map_err(fail)?;
    }
    session.write_anew(view).await?;
    if !open.is_empty() {
        view.diags(&Diags(vec![Diagnostic::warning(
            "Operations dropped",
            format!(
                "{} operations were dropped without knowing what came of them. If objects were created, nobody knows of them.",
                open.len()
            ),
        )]));
    }
    Ok(())
}
