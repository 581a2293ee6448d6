//! `plan`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use secstack_base::{Addr, Str, Value};
use secstack_plan::file::{SavedBackend, SavedPlan};
use secstack_plan::{Options, Plan};
use secstack_run::load::{Manifest, is_configuration};

use crate::app::{App, Outcome, Told};
use crate::flags::{Ask, Lock, Look, Planning, StatePaths, Variables, Warnings, switch};
use crate::generate::Target;
use crate::project::Project;
use crate::session::Session;
use crate::view::View;
use crate::{json, operation, recovery};

/// Show changes required by the current configuration
///
/// Compares the configuration with the objects that exist and shows what an apply would do. Nothing is changed.
#[derive(Args)]
pub struct PlanCommand {
    #[command(flatten)]
    pub look: Look,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    variables: Variables,
    /// Save the plan to this file, for "secstack apply FILE".
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Exit with 0 if there is nothing to change, 1 on an error, 2 if there is.
    #[arg(long = "detailed-exitcode", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    detailed_exitcode: bool,
    /// Print events as JSON, one object a line.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// Write configuration for objects that import blocks name and nobody declares to this file, which must not exist yet.
    #[arg(long = "generate-config-out", value_name = "PATH")]
    generate_config_out: Option<PathBuf>,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    state: StatePaths,
    #[command(flatten)]
    warnings: Warnings,
}

impl PlanCommand {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, self.json).compact(self.warnings.compact_warnings);
        let options = operation::options(&view, &self.planning)?;
        let target = self.generate_config_out.as_deref().map(|path| Target::new(app, path, options.mode));
        let target = target.transpose().map_err(|d| view.error(d))?;
        let mut project = Project::open(app, &view, &self.variables, &self.state)?;
        let inputs = project.values(app, &view, self.ask.allowed()).await?;
        let mut session = Session::open_to_plan(&view, &project.place, &project.workspace, &self.lock).await?;
        let planned = self.within(app, &view, &mut project, &mut session, &inputs, options, target.as_ref()).await;
        session.close(&view).await;
        let (plan, generated) = planned?;
        view.generated(generated.clone().unwrap_or_default());
        view.plan(&plan, &project.providers);
        view.diags(&plan.diags);
        let changes = plan.applyable;
        if let Some(target) = target.filter(|_| generated.is_some()) {
            view.explain(&target.told());
        }
        match &self.out {
            Some(path) => {
                save(app, &view, &project, plan, path)?;
                if changes {
                    view.explain(&format!("\nSaved the plan to: {}\n\nTo perform exactly these actions, run the following command to apply:\n    secstack apply {:?}\n", path.display(), path.display().to_string()));
                }
            }
            None if changes && !app.in_automation => view.explain(
                "\nNote: You didn't use the -out option to save this plan, so \"secstack apply\" makes a plan of its own, which may differ if something changes meanwhile.\n",
            ),
            None => {}
        }
        Ok(if self.detailed_exitcode && changes { 2 } else { 0 })
    }

    /// Makes the plan, after configuration was generated where that is asked for.
    #[allow(clippy::too_many_arguments, reason = "the two halves of one function")]
    async fn within(
        &self,
        app: &App,
        view: &View,
        project: &mut Project,
        session: &mut Session,
        inputs: &BTreeMap<Str, Value>,
        options: Options,
        target: Option<&Target>,
    ) -> Result<(Plan, Option<BTreeMap<Addr, String>>), Told> {
        recovery::resolve(app, view, project, session, inputs).await?;
        let generated = match target {
            Some(target) => target.fill(app, view, project, session, inputs, &options).await?,
            None => None,
        };
        Ok((operation::plan(app, view, project, session, inputs, options).await?, generated))
    }
}

fn save(app: &App, view: &View, project: &Project, mut plan: Plan, path: &Path) -> Result<(), Told> {
    let version = plan.previous_state.version();
    // One that has its default is not given again.
    plan.ephemeral_variables.retain(|n| project.inputs.contains_key(n));
    let files = project.config.sources.iter().filter(|(_, s)| s.path.file_name().is_some_and(|n| is_configuration(&n.to_string_lossy())));
    let manifest = app.root.join(Manifest::path(&app.data_dir));
    let saved = SavedPlan {
        files: files.map(|(_, s)| (s.path.display().to_string(), s.text.to_string())).collect(),
        modules: std::fs::read_to_string(manifest).unwrap_or_default(),
        workspace: project.workspace.clone(),
        backend: SavedBackend { ty: project.place.ty.clone(), config: project.place.config.clone() },
        root: app.root.display().to_string(),
        lineage: if version.serial == 0 { "".into() } else { version.lineage },
        serial: version.serial,
        version: env!("CARGO_PKG_VERSION").into(),
        plan,
    };
    json::write_plan(path, &saved, &project.place.ciphers.plan).map_err(|d| view.error(*d))
}
