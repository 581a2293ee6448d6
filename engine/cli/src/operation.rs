//! Planning and applying, as several commands do it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::addr::Target;
use secstack_base::{Addr, Diagnostic, Diags, Mode, Str, Value};
use secstack_eval::Config;
use secstack_plan::{Action, Options, Plan, PlanMode, Start};
use secstack_run::{Apply, ProviderSet};
use secstack_state::Snapshot;
use secstack_state::workspace::DEFAULT;

use crate::app::{App, Outcome, Told};
use crate::flags::Planning;
use crate::interrupt::Interrupts;
use crate::output::write_private;
use crate::project::Project;
use crate::session::Session;
use crate::view::{Task, View};

/// What the options of a plan ask for.
///
/// # Errors
/// When they contradict each other or name no address, which is told.
pub fn options(view: &View, asked: &Planning) -> Result<Options, Told> {
    let mut diags = Diags::new();
    let mode = match (asked.destroy, asked.refresh_only) {
        (true, true) => {
            diags.push(Diagnostic::error(
                "Incompatible plan mode options",
                "The -destroy and -refresh-only options are mutually-exclusive.",
            ));
            PlanMode::Destroy
        }
        (true, false) => PlanMode::Destroy,
        (false, true) => PlanMode::RefreshOnly,
        (false, false) => PlanMode::Normal,
    };
    if asked.refresh_only && !asked.refresh {
        let what = "It doesn't make sense to use -refresh-only at the same time as -refresh=false, because there would be nothing to do.";
        diags.push(Diagnostic::error("Incompatible refresh options", what));
    }
    let targets = asked.target.iter().filter_map(|t| target("target", t, &mut diags)).collect();
    let excludes: Vec<Target> = asked.exclude.iter().filter_map(|t| target("exclude", t, &mut diags)).collect();
    if !excludes.is_empty() && !asked.target.is_empty() {
        let what = "The -target and -exclude options are mutually-exclusive.";
        diags.push(Diagnostic::error("Incompatible options", what));
    }
    let replace: Vec<Addr> = asked.replace.iter().filter_map(|t| replaced(t, &mut diags)).collect();
    if mode == PlanMode::RefreshOnly && !replace.is_empty() {
        let what = "Forcing resource instance replacement (with -replace=...) is not allowed in refresh-only mode.";
        diags.push(Diagnostic::error("Unsupported plan mode", what));
    }
    if mode == PlanMode::Destroy && !replace.is_empty() {
        let what = "Forcing resource instance replacement (with -replace=...) is not allowed in destroy mode.";
        diags.push(Diagnostic::error("Unsupported plan mode", what));
    }
    view.check(&diags)?;
    Ok(Options { mode, refresh: asked.refresh, targets, excludes, replace, validating: false })
}

fn target(option: &str, text: &str, diags: &mut Diags) -> Option<Target> {
    match text.parse() {
        Ok(target) => Some(target),
        Err(e) => {
            diags.push(Diagnostic::error(format!("Invalid {option} {text:?}"), e.to_string()));
            None
        }
    }
}

fn replaced(text: &str, diags: &mut Diags) -> Option<Addr> {
    let summary = || format!("Invalid force-replace address {text:?}");
    match text.parse::<Addr>() {
        Ok(addr) if addr.mode() == Mode::Managed => Some(addr),
        Ok(_) => {
            diags.push(Diagnostic::error(summary(), "Only managed resources can be used with the -replace option."));
            None
        }
        Err(e) => {
            diags.push(Diagnostic::error(summary(), e.to_string()));
            None
        }
    }
}

/// Makes a plan from a project and a state, and tells what is wrong. The plan itself is not shown.
///
/// # Errors
/// When there are mistakes, which are told.
pub async fn plan(
    app: &App,
    view: &View,
    project: &Project,
    session: &Session,
    inputs: &BTreeMap<Str, Value>,
    options: Options,
) -> Result<Plan, Told> {
    if project.is_empty && options.mode != PlanMode::Destroy {
        let what = "The directory contains no Terraform configuration files. Planning without a configuration would mark everything for destruction, which is normally not what is desired. If you would like to destroy everything, use the -destroy option.";
        let help = "Create a file whose name ends in .tf, or name the directory of the configuration with -chdir.";
        return Err(view.error(Diagnostic::error("No configuration files", what).help(help)));
    }
    if let (Some(path), false, DEFAULT) = (&project.place.left_behind, session.exists, &*project.workspace) {
        return Err(view.error(left_behind(path)));
    }
    let found = project.validate(app).await;
    if found.has_errors() {
        view.diags(&found);
        return Err(Told);
    }
    let start = Start {
        config: project.config.clone(),
        ambient: app.planning(&project.workspace, false),
        providers: project.providers.clone(),
        options,
        inputs: inputs.clone(),
        given: secstack_plan::inputs::as_given(project.root(), &project.inputs, &app.files()),
        state: session.snapshot.clone(),
    };
    let interrupts = Interrupts::listen(view);
    let events = view.events(0);
    let mut plan = tokio::select! {
        plan = secstack_run::plan(start, &project.providers, &events) => plan,
        () = interrupts.wait() => return Err(view.error(Diagnostic::error("Operation stopped", "Planning was interrupted. Nothing was changed."))),
    };
    let found = Diags(found.into_iter().filter(|w| !plan.diags.iter().any(|d| d.summary == w.summary && d.span == w.span)).collect());
    plan.diags.extend(found);
    if plan.diags.has_errors() {
        view.diags(&plan.diags);
        return Err(Told);
    }
    Ok(plan)
}

/// The place for the state is empty, since nobody has moved the state there.
fn left_behind(path: &Path) -> Diagnostic {
    let what = format!(
        "The configuration names a place for the state that holds none, and there is a state in the file {}. With an empty state all objects would be created once more.",
        path.display()
    );
    let help = "To move the state, run \"secstack init -migrate-state\". To start with an empty one, run \"secstack init -reconfigure\".";
    Diagnostic::error("State was not moved", what).help(help)
}

/// What an apply needs.
pub struct Applying<'a> {
    /// The configuration that was planned.
    pub config: Arc<Config>,
    /// The providers.
    pub providers: Arc<ProviderSet>,
    /// The plan.
    pub plan: Plan,
    /// The values of all root variables.
    pub inputs: BTreeMap<Str, Value>,
    /// The workspace.
    pub workspace: &'a str,
    /// The state.
    pub session: &'a Session,
    /// How many steps run at once.
    pub parallelism: usize,
    /// The command that does it.
    pub task: Task,
}

/// Carries out a plan, stores the state, and tells what was done.
///
/// # Errors
/// When not all of it was done, which is told.
pub async fn apply(app: &App, view: &View, a: Applying<'_>) -> Outcome {
    let base = a.plan.prior_state.clone();
    let journal = a.session.store.journal(&base).await.map_err(|e| view.error(e.diagnostic()))?;
    let interrupts = Interrupts::listen(view);
    let steps = a
        .plan
        .changes
        .iter()
        .map(|c| if c.action.is_replace() { 2 } else { usize::from(!matches!(c.action, Action::NoOp | Action::Forget)) })
        .sum();
    let timestamp = a.plan.timestamp.clone();
    let apply = Apply {
        config: a.config,
        ambient: app.applying(a.workspace, &timestamp),
        providers: a.providers,
        plan: a.plan,
        inputs: a.inputs,
        journal: Some(journal),
        parallelism: a.parallelism,
        stop: interrupts.stop.clone(),
        root: root(app),
        events: view.events(steps),
    };
    let ticking = view.tick();
    let watching = watch_lock(view, a.session, &interrupts);
    let applied = apply.run().await;
    ticking.abort();
    watching.abort();
    app.out.status("");
    let written = a.session.store.write(&applied.snapshot).await;
    view.diags(&applied.diags);
    if let Err(e) = written {
        view.diags(&Diags(vec![e.diagnostic(), not_stored(app, a.session, &applied.snapshot)]));
        return Err(Told);
    }
    if applied.diags.has_errors() {
        return Err(Told);
    }
    view.applied(a.task, applied.done, &applied.snapshot);
    Ok(0)
}

/// Ends a run like an interrupt when it loses its lock: nothing new is begun.
fn watch_lock(view: &View, session: &Session, interrupts: &Interrupts) -> tokio::task::JoinHandle<()> {
    let (view, store, stop) = (view.clone(), session.store.clone(), interrupts.stop.clone());
    tokio::spawn(async move {
        let lost = store.lost().await;
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        view.diags(&Diags(vec![lost.diagnostic()]));
    })
}

/// Keeps what the run knows where it can still be kept, and says how it is taken up again.
fn not_stored(app: &App, session: &Session, snapshot: &Snapshot) -> Diagnostic {
    const KEPT: &str = "errored.tfstate";
    const SUMMARY: &str = "Failed to save state";
    let in_journal =
        "What was done is recorded in the journal beside the state, from which the next run goes on. Do not delete the journal.";
    if session.store.is_local() {
        return Diagnostic::error(SUMMARY, format!("The state could not be stored at the end of this run. {in_journal}"));
    }
    // The stored state, if it is still the one that this run started from, has the serial before that.
    let successor = Snapshot { serial: snapshot.serial + 1, ..snapshot.clone() };
    let path = app.root.join(KEPT);
    let written = session
        .store
        .encode(&successor)
        .map_err(|e| e.to_string())
        .and_then(|bytes| write_private(&path, &bytes).map_err(|e| e.to_string()));
    if let Err(e) = written {
        let what = format!("The state could not be stored at the end of this run, and not in {} either: {e}. {in_journal}", path.display());
        return Diagnostic::error(SUMMARY, what);
    }
    let what = format!(
        "The state could not be stored at the end of this run. It was written to the file {} instead. {in_journal}",
        path.display()
    );
    let help = "When the state can be written again, push it:\n\n  secstack state push -lock-timeout=1m errored.tfstate\n\nA lock that this run could not give back runs out by itself. If the push is refused, another run has written the state since: plan again, and import what only the file knows. Without the file, the next run takes up the journal.";
    Diagnostic::error(SUMMARY, what).help(help)
}

fn root(app: &App) -> PathBuf {
    app.root.clone()
}

/// Asks for approval of a plan. True when it is given.
///
/// # Errors
/// When there is nobody to answer, or an interrupt is the answer, which is told.
pub async fn approve(view: &View, workspace: &str, mode: PlanMode) -> Result<bool, Told> {
    let place = if workspace == "default" { String::new() } else { format!(" in workspace {workspace:?}") };
    let (question, explained) = match mode {
        PlanMode::Destroy => (
            format!("Do you really want to destroy all resources{place}?"),
            "secstack will destroy all your managed infrastructure, as shown above.\n  There is no undo. Only 'yes' will be accepted to confirm.",
        ),
        PlanMode::RefreshOnly => (
            format!("Would you like to update the state{place} to reflect these detected changes?"),
            "secstack will write these changes to the state without modifying any real infrastructure.\n  There is no undo. Only 'yes' will be accepted to confirm.",
        ),
        PlanMode::Normal => (
            format!("Do you want to perform these actions{place}?"),
            "secstack will perform the actions described above.\n  Only 'yes' will be accepted to approve.",
        ),
    };
    let interrupts = Interrupts::listen(view);
    let out = view.out().clone();
    // What waits for a line of input cannot be told to stop: it is left behind.
    let asking = tokio::task::spawn_blocking(move || out.ask(&format!("\n{question}\n  {explained}\n\n  Enter a value: ")));
    let answer = tokio::select! {
        answer = asking => answer.ok().flatten(),
        () = interrupts.wait() => {
            return Err(view.error(Diagnostic::error("Approval needed", "The question was interrupted. Nothing was changed.")));
        }
    };
    view.explain("");
    let unanswered = || {
        let what = "The plan needs approval, and the input ended before there was an answer.";
        view.error(Diagnostic::error("Approval needed", what).help("Answer \"yes\", apply a saved plan, or use -auto-approve."))
    };
    Ok(answer.ok_or_else(unanswered)? == "yes")
}
