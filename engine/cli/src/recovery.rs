//! Takes up a run that was cut off: finds out what came of what it had begun, and says so.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, Str, Value};
use secstack_plan::{Options, Start};
use secstack_run::recover::{Finding, Resolved};
use secstack_state::Intent;
use secstack_state::journal::Operation;

use crate::app::{App, Told};
use crate::interrupt::Interrupts;
use crate::project::Project;
use crate::session::Session;
use crate::view::View;

/// Resolves what an earlier run left open, and stores the state that comes of it. Does nothing when nothing is open.
///
/// # Errors
/// When it cannot be told what came of something, which is told: going on could make objects twice.
pub async fn resolve(app: &App, view: &View, project: &Project, session: &mut Session, inputs: &BTreeMap<Str, Value>) -> Result<(), Told> {
    if session.open_intents.is_empty() {
        return Ok(());
    }
    if !session.is_locked() {
        // Whoever holds the lock may be at work on them.
        view.diags(&Diags(vec![open_warning(&session.open_intents)]));
        return Ok(());
    }
    view.explain("An earlier run was cut off. Finding out what came of what it had begun; this takes some seconds...");
    let ready = get_ready(app, view, project, session, inputs).await;
    let open = session.open_intents.clone();
    let interrupts = Interrupts::listen(view);
    let stopped =
        || view.error(Diagnostic::error("Operation stopped", "What the earlier run had begun is still open. Run the same command again."));
    let resolved = tokio::select! {
        resolved = secstack_run::take_up(&*session.store, &mut session.snapshot, &open, &project.providers) => resolved,
        () = interrupts.wait() => return Err(stopped()),
    };
    let resolved = resolved.map_err(|e| view.error(e.diagnostic()))?;
    (session.exists, session.is_recovered) = (true, false);
    tell(view, &resolved);
    let unclear = unclear(&resolved);
    if unclear.is_empty() {
        session.open_intents.clear();
        return Ok(());
    }
    view.diags(&ready);
    let what = format!(
        "A run was cut off, and it cannot be told what came of these operations:\n{}\n\nNothing new is begun, since an object could be made twice.",
        unclear.join("\n")
    );
    let help = "Remove the reason and run the command again; or look at the objects yourself, import what exists, and drop the rest with \"secstack recover -abandon\".";
    Err(view.error(Diagnostic::error("Operations without a known end", what).help(help)))
}

/// Shows what [`resolve`] would find, and changes nothing.
///
/// # Errors
/// When something is unclear, which is told.
pub async fn show(app: &App, view: &View, project: &Project, session: &Session, inputs: &BTreeMap<Str, Value>) -> Result<(), Told> {
    let ready = get_ready(app, view, project, session, inputs).await;
    let found = secstack_run::look_into(&session.snapshot, &session.open_intents, &project.providers).await;
    tell(view, &found);
    let unclear = unclear(&found);
    if unclear.is_empty() {
        return Ok(());
    }
    view.diags(&ready);
    Err(view.error(Diagnostic::error("Operations without a known end", unclear.join("\n"))))
}

/// Configures the providers, as far as the configuration and the state allow. What is wrong with it is returned.
async fn get_ready(app: &App, view: &View, project: &Project, session: &Session, inputs: &BTreeMap<Str, Value>) -> Diags {
    let start = Start {
        config: project.config.clone(),
        ambient: app.planning(&project.workspace, false),
        providers: project.providers.clone(),
        options: Options { refresh: false, ..Options::default() },
        inputs: inputs.clone(),
        given: BTreeMap::new(),
        state: session.snapshot.clone(),
    };
    let (_, diags) = secstack_run::walk(start, &project.providers, &view.events(0)).await.into_world();
    Diags(diags.into_iter().filter(Diagnostic::is_error).collect())
}

fn tell(view: &View, resolved: &[Resolved]) {
    // What was only announced and never begun is no news.
    let never_begun = |r: &&Resolved| r.intent.ahead && r.finding == Finding::NotMade;
    let (known, news): (Vec<_>, Vec<_>) = resolved.iter().filter(|r| !never_begun(r)).partition(|r| r.finding == Finding::Known);
    for r in news {
        view.explain(&format!("  {}: {}", shown(&r.intent), sentence(&r.finding)));
    }
    match known[..] {
        [] => {}
        [r] => view.explain(&format!("  {}: {}", shown(&r.intent), sentence(&r.finding))),
        _ => view.explain(&format!("  {} more operations had ended, and are in the state.", known.len())),
    }
    view.explain("");
}

fn unclear(resolved: &[Resolved]) -> Vec<String> {
    let reason = |r: &Resolved| match &r.finding {
        Finding::Unclear(why) => Some(format!("  - {}: {why}", shown(&r.intent))),
        _ => None,
    };
    resolved.iter().filter_map(reason).collect()
}

fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::Adopted(id) => format!("the object {id} exists and was taken into the state."),
        Finding::Known => "it is in the state.".into(),
        Finding::NotMade => "nothing was created.".into(),
        Finding::Read => "the object was read again.".into(),
        Finding::Gone => "the object is gone, and was taken out of the state.".into(),
        Finding::StillThere => "the object is still there.".into(),
        Finding::Unclear(_) => "it cannot be told.".into(),
    }
}

/// `create of aws_vpc.a`
fn shown(intent: &Intent) -> String {
    let operation = match intent.operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
    };
    let deposed = intent.deposed.as_ref().map(|key| format!(" (deposed object {key})")).unwrap_or_default();
    let id = intent.id.as_ref().map(|id| format!(" [id={id}]")).unwrap_or_default();
    format!("{operation} of {}{deposed}{id}", intent.addr)
}

/// What a command says that only looks.
pub fn open_warning(open: &[Intent]) -> Diagnostic {
    let list: Vec<String> = open.iter().map(|i| format!("  - {}", shown(i))).collect();
    let what = format!("A run is under way, or was cut off before it learnt what came of these operations:\n{}", list.join("\n"));
    Diagnostic::warning("Operations without a known end", what)
        .help("If no run is under way, \"secstack recover\" finds out; so does the next plan or apply.")
}
