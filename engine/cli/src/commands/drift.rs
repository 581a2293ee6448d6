//! `drift`

use std::path::{Path, PathBuf};

use clap::Args;
use secstack_base::{Diagnostic, Diags};
use secstack_plan::PlanMode;
use secstack_run::drift::{Drift, Scope, find};

use crate::app::{App, Outcome, Told};
use crate::drift;
use crate::flags::{Ask, Lock, Look, Planning, StatePaths, Variables, Warnings, switch};
use crate::operation;
use crate::output::Out;
use crate::project::Project;
use crate::session::Session;
use crate::view::View;

/// Compare the state with reality
///
/// Finds what was changed outside since the last apply: attributes that differ, objects that are gone, and objects that
/// nobody manages in the scope of ours, such as a subnet in a VPC or a rule in a security group. What matters to security
/// comes first. Neither the state nor any object is changed: "secstack plan" shows what an apply would put right,
/// "secstack apply -refresh-only" takes the changes over.
///
/// Exits with 0 if there is no drift, 2 if there is, 1 on an error.
#[derive(Args)]
pub struct DriftCommand {
    #[command(flatten)]
    pub look: Look,
    /// Look only at this module, resource or instance. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,
    /// Look at everything but this module, resource or instance. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    exclude: Vec<String>,
    /// Count attributes that only the provider sets as well.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    computed: bool,
    /// Look for objects that nobody manages in the scope of ours.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    unmanaged: bool,
    /// Print only findings that matter to security, and exit with 2 only for these.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    security: bool,
    /// Print the findings as JSON; with a path, write them there, beside the text.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Print the findings as Markdown; with a path, append them there, as to the summary of a job.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    markdown: Option<PathBuf>,
    /// Print the findings as SARIF 2.1.0, for code scanning; with a path, write them there.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    sarif: Option<PathBuf>,
    #[command(flatten)]
    variables: Variables,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    state: StatePaths,
    #[command(flatten)]
    warnings: Warnings,
}

impl DriftCommand {
    fn documents(&self) -> [(&Option<PathBuf>, drift::Form); 3] {
        [(&self.json, drift::Form::Json), (&self.markdown, drift::Form::Markdown), (&self.sarif, drift::Form::Sarif)]
    }

    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let printed = self.documents().iter().filter(|(path, _)| is_printed(path)).count();
        let out = if printed > 0 { app.out.aside() } else { app.out.clone() };
        let view = View::new(&out, false).compact(self.warnings.compact_warnings).quiet();
        if printed > 1 {
            let what = "Only one document can be printed. Give the others a path: -sarif=drift.sarif.";
            return Err(view.error(Diagnostic::error("Incompatible options", what)));
        }
        let asked = Planning {
            destroy: false,
            refresh_only: true,
            refresh: true,
            replace: Vec::new(),
            target: self.target.clone(),
            exclude: self.exclude.clone(),
            parallelism: 10,
        };
        let options = operation::options(&view, &asked)?;
        let scope = Scope {
            targets: options.targets.clone(),
            excludes: options.excludes.clone(),
            computed: self.computed,
            unmanaged: self.unmanaged,
        };
        debug_assert_eq!(options.mode, PlanMode::RefreshOnly);
        let mut project = Project::open(app, &view, &self.variables, &self.state)?;
        let inputs = project.values(app, &view, self.ask.allowed()).await?;
        let session = Session::look(&view, &project.place, &project.workspace).await?;
        if !session.exists {
            let what = format!("The workspace {:?} has no state, so there is nothing to compare.", project.workspace);
            return Err(view.error(Diagnostic::error("No state", what).help("Run \"secstack apply\" first.")));
        }
        let mut plan = operation::plan(app, &view, &project, &session, &inputs, options).await?;
        // That is about what an apply would leave out.
        plan.diags.0.retain(|d| d.summary != secstack_plan::finish::TARGETING);
        view.diags(&plan.diags);
        let mut found = find(&plan, &project.config, &project.providers, &scope).await;
        view.diags(&Diags(found.warnings.clone()));
        if self.security {
            found.findings.retain(|f| !f.weaknesses.is_empty());
        }
        self.tell(app, &view, &out, &project, &found)?;
        Ok(if found.findings.is_empty() { 0 } else { 2 })
    }

    fn tell(&self, app: &App, view: &View, out: &Out, project: &Project, found: &Drift) -> Result<(), Told> {
        let report = drift::Report { drift: found, config: &project.config, providers: &project.providers, root: &app.root };
        let mut printed = false;
        for (path, form) in self.documents() {
            let Some(path) = path else { continue };
            let text = report.document(form);
            if path.as_os_str() == "-" {
                app.out.text(&text);
                printed = true;
                continue;
            }
            write(path, &text, form).map_err(|e| {
                view.error(Diagnostic::error("Failed to write the report", format!("{} cannot be written: {e}.", path.display())))
            })?;
        }
        if !printed {
            out.text(&report.text(out.style()));
        }
        Ok(())
    }
}

fn is_printed(path: &Option<PathBuf>) -> bool {
    path.as_ref().is_some_and(|p| p.as_os_str() == "-")
}

fn write(path: &Path, text: &str, form: drift::Form) -> std::io::Result<()> {
    use std::io::Write;
    if form != drift::Form::Markdown {
        return std::fs::write(path, text);
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}
