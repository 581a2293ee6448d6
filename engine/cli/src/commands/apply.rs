//! `apply` and `destroy`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secstack_base::{Diagnostic, Diags, Marks, Str, Value};
use secstack_eval::config::{Config, ROOT};
use secstack_lang::Module;
use secstack_plan::PlanMode;
use secstack_plan::file::SavedPlan;
use secstack_plan::inputs::{self, Origin};
use secstack_run::load::{self, Early, Installed, Manifest, MemoryTree};

use crate::app::{App, Outcome, Told};
use crate::catalog;
use crate::encryption::{self, Ciphers, RemoteCiphers};
use crate::flags::{Ask, Lock, Look, Planning, StatePaths, Variables, Warnings, switch};
use crate::operation::{self, Applying};
use crate::project::{self, Project};
use crate::session::Session;
use crate::view::{Task, View};
use crate::{json, recovery, stores, vars};

/// What `apply` and `destroy` share.
#[derive(Args)]
pub struct Shared {
    #[command(flatten)]
    pub look: Look,
    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    pub variables: Variables,
    /// Do not ask for approval of the plan.
    #[arg(long = "auto-approve", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    pub auto_approve: bool,
    /// Print events as JSON, one object a line.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    pub json: bool,
    #[command(flatten)]
    pub ask: Ask,
    #[command(flatten)]
    pub lock: Lock,
    #[command(flatten)]
    pub state: StatePaths,
    #[command(flatten)]
    pub warnings: Warnings,
}

/// Create or update infrastructure
///
/// Makes a plan, asks for approval and carries it out. With PLAN, a file that "secstack plan -out" made, carries that out
/// without asking.
#[derive(Args)]
pub struct ApplyCommand {
    #[command(flatten)]
    pub shared: Shared,
    /// A saved plan.
    plan: Option<PathBuf>,
}

/// Destroy previously-created infrastructure
///
/// The same as "secstack apply -destroy".
#[derive(Args)]
pub struct Destroy {
    #[command(flatten)]
    pub shared: Shared,
    /// Old name of -auto-approve.
    #[arg(long, hide = true)]
    force: bool,
}

impl ApplyCommand {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, self.shared.json).compact(self.shared.warnings.compact_warnings);
        match &self.plan {
            Some(path) => self.shared.apply_saved(app, &view, path).await,
            None => self.shared.plan_and_apply(app, &view, Task::Apply).await,
        }
    }
}

impl Destroy {
    /// Runs the command.
    pub async fn run(&mut self, app: &App) -> Outcome {
        self.shared.planning.destroy = true;
        let view = View::new(&app.out, self.shared.json).compact(self.shared.warnings.compact_warnings);
        self.shared.auto_approve |= self.force;
        self.shared.plan_and_apply(app, &view, Task::Destroy).await
    }
}

impl Shared {
    pub(super) async fn plan_and_apply(&self, app: &App, view: &View, task: Task) -> Outcome {
        let approved = self.auto_approve || task == Task::Refresh;
        let options = operation::options(view, &self.planning)?;
        if view.is_json() && !approved {
            let what = "There is no one to ask for approval when -json is set. You can either apply a saved plan file, or enable the -auto-approve option.";
            return Err(view.error(Diagnostic::error("Plan file or auto-approve required", what)));
        }
        let mut project = Project::open(app, view, &self.variables, &self.state)?;
        let inputs = project.values(app, view, self.ask.allowed()).await?;
        let mut session = Session::open(view, &project.place, &project.workspace, &self.lock, "OperationTypeApply").await?;
        let ran = match recovery::resolve(app, view, &project, &mut session, &inputs).await {
            Ok(()) => self.within(app, view, &project, &session, inputs, options, task).await,
            Err(told) => Err(told),
        };
        session.close(view).await;
        ran
    }

    #[allow(clippy::too_many_arguments, reason = "the two halves of one function")]
    async fn within(
        &self,
        app: &App,
        view: &View,
        project: &Project,
        session: &Session,
        inputs: BTreeMap<Str, Value>,
        options: secstack_plan::Options,
        task: Task,
    ) -> Outcome {
        let mode = options.mode;
        let plan = operation::plan(app, view, project, session, &inputs, options).await?;
        // The stream of a refresh tells of no plan.
        if task != Task::Refresh || !view.is_json() {
            view.plan(&plan, &project.providers);
        }
        view.diags(&plan.diags);
        if !plan.applyable {
            if session.is_recovered || project.place.ciphers.state.is_migrating() {
                session.write(view, &session.snapshot).await?;
            }
            view.applied(task, Default::default(), &session.snapshot);
            return Ok(0);
        }
        if !self.auto_approve && task != Task::Refresh {
            if !self.ask.allowed() {
                let what =
                    "The plan needs approval, and -input=false says that nobody is to be asked. Apply a saved plan, or use -auto-approve.";
                return Err(view.error(Diagnostic::error("Approval needed", what)));
            }
            if !operation::approve(view, &project.workspace, mode).await? {
                view.explain(if mode == PlanMode::Destroy { "Destroy cancelled." } else { "Apply cancelled." });
                return Err(Told);
            }
        }
        let applying = Applying {
            config: project.config.clone(),
            providers: project.providers.clone(),
            plan,
            inputs,
            workspace: &project.workspace,
            session,
            parallelism: self.planning.parallelism,
            task,
        };
        operation::apply(app, view, applying).await
    }

    async fn apply_saved(&self, app: &App, view: &View, path: &Path) -> Outcome {
        if self.planning.destroy
            || self.planning.refresh_only
            || !self.planning.target.is_empty()
            || !self.planning.exclude.is_empty()
            || !self.planning.replace.is_empty()
        {
            let what = "A saved plan says what is done: it cannot be changed by options of planning.";
            return Err(view.error(Diagnostic::error("Options do not fit a saved plan", what)));
        }
        let here = project::ciphers(app, view, &self.variables)?;
        let saved = json::read_plan(path, &here.plan).map_err(|d| view.error(*d))?;
        let given = vars::collect(&app.root, &self.variables);
        let (config, ciphers) = configuration(app, view, &saved, &given)?;
        let place = stores::place_of_plan(app, &saved.backend, &self.state, ciphers).map_err(|d| view.error(d))?;
        let session = Session::open(view, &place, &saved.workspace, &self.lock, "OperationTypeApply").await?;
        let opened = Opened { saved, config, given };
        let ran = self.saved_within(app, view, &session, opened, &place.ciphers.remote).await;
        session.close(view).await;
        ran
    }

    async fn saved_within(&self, app: &App, view: &View, session: &Session, opened: Opened, remote: &RemoteCiphers) -> Outcome {
        let Opened { saved, config, given } = opened;
        if !session.open_intents.is_empty() {
            let d = recovery::open_warning(&session.open_intents);
            let what = format!("{}\nThe saved plan knows nothing of them.", d.detail);
            let help = "Run \"secstack recover\" to find out what came of them, then plan again.";
            return Err(view.error(Diagnostic::error("Operations without a known end", what).help(help)));
        }
        fresh(view, session, &saved)?;
        let files = app.files();
        let inputs = values(view, &config.module(ROOT).module, &saved, &given, &files)?;
        view.saved_plan(&saved.plan);
        let applying = Applying {
            config,
            providers: catalog::reading(remote),
            plan: saved.plan,
            inputs,
            workspace: &saved.workspace,
            session,
            parallelism: self.planning.parallelism,
            task: Task::Apply,
        };
        operation::apply(app, view, applying).await
    }
}

/// A saved plan with what it was made from, and the variables that are given now.
struct Opened {
    saved: SavedPlan,
    config: Arc<Config>,
    given: vars::Collected,
}

/// The configuration that was planned, and what it says of encryption: the directory may have changed since.
fn configuration(app: &App, view: &View, saved: &SavedPlan, given: &vars::Collected) -> Result<(Arc<Config>, Ciphers), Told> {
    let files = app.files();
    let planned = saved.plan.variables.iter().map(|(n, v)| {
        let value = inputs::Given::Value(v.clone());
        (n.clone(), inputs::Input { given: value, origin: Origin::Plan })
    });
    // Ephemeral variables are given again.
    let mut early_inputs = given.inputs.clone();
    early_inputs.extend(planned);
    let early = Early { inputs: &early_inputs, files: &files, workspace: &saved.workspace };
    let tree = MemoryTree::new(saved.files.iter().map(|(p, t)| (PathBuf::from(p), Arc::from(t.as_str()))));
    let mut installed = Installed(Manifest::parse(saved.modules.as_bytes()).unwrap_or_default());
    let loaded = load::load(&tree, &mut installed, &early, given.sources.clone());
    view.know(&loaded.config.sources);
    view.check(&loaded.diags)?;
    view.check(&given.diags)?;
    let mut diags = Diags::new();
    let ciphers = encryption::ciphers(&loaded.config, given, &early, &mut diags);
    view.check(&diags)?;
    Ok((Arc::new(loaded.config), ciphers))
}

/// Whether the state is still the one that the plan starts from.
fn fresh(view: &View, session: &Session, saved: &SavedPlan) -> Result<(), Told> {
    let now = session.snapshot.version();
    let (exists, planned) = (session.exists, saved.serial > 0);
    if exists && planned && now.lineage != saved.lineage && !saved.lineage.is_empty() {
        let what = "The given plan file can not be applied because it was created from a different state lineage.";
        return Err(view.error(Diagnostic::error("Saved plan does not match the given state", what)));
    }
    if exists != planned || (exists && now.serial != saved.serial) {
        let what = format!(
            "The given plan file can no longer be applied because the state was changed by another operation after the plan was created: it was at serial {} then and is at serial {} now.",
            saved.serial,
            if exists { now.serial } else { 0 }
        );
        return Err(view.error(Diagnostic::error("Saved plan is stale", what).help("Plan again, and apply the new plan.")));
    }
    Ok(())
}

/// The values of variables for a saved plan: those it has, and ephemeral ones, which are given again.
fn values(
    view: &View,
    module: &Module,
    saved: &SavedPlan,
    given: &vars::Collected,
    files: &crate::app::AppFiles,
) -> Result<BTreeMap<Str, Value>, Told> {
    let mut diags = Diags::new();
    let mut all = given.inputs.clone();
    // What was planned is what counts; the environment may say something else by now.
    for (name, value) in &saved.plan.variables {
        let input = inputs::Input { given: inputs::Given::Value(value.clone()), origin: Origin::Plan };
        all.insert(name.clone(), input);
    }
    for (name, input) in &given.inputs {
        let Some(variable) = module.variables.get(name).filter(|v| !v.ephemeral) else { continue };
        if input.origin == Origin::Environment {
            continue;
        }
        let one = Module { variables: [(name.clone(), variable.clone())].into(), ..Module::default() };
        let mut value =
            |input: &inputs::Input| inputs::resolve(&one, &[(name.clone(), input.clone())].into(), files, &mut diags).remove(name);
        let found = value(input);
        let planned = all.get(name).filter(|i| i.origin == Origin::Plan).and_then(&mut value);
        let (Some(found), Some(planned)) = (found, planned) else { continue };
        if !found.unmark_deep(Marks::ALL).same(&planned.unmark_deep(Marks::ALL)) {
            let what = format!(
                "The variable {name} cannot be set using the -var and -var-file options when applying a saved plan file, because a saved plan includes the variable values that were set when it was created. \
                 The value given now differs from the one in the plan. To declare an ephemeral variable which is not saved in the plan file, use ephemeral = true."
            );
            diags.push(Diagnostic::error("Can't change variable when applying a saved plan", what));
        }
    }
    for name in &saved.plan.ephemeral_variables {
        if !given.inputs.contains_key(name) {
            let span = module.variables.get(name).map(|v| v.span);
            let what = format!(
                "The ephemeral input variable {name:?} was set during the plan phase, and so must also be set during the apply phase."
            );
            diags.push(Diagnostic::error("No value for required variable", what).at_opt(span));
        }
    }
    if diags.has_errors() {
        return Err(view.check(&diags).err().unwrap_or(Told));
    }
    let values = inputs::resolve(module, &all, files, &mut diags);
    view.check(&diags)?;
    Ok(values)
}
