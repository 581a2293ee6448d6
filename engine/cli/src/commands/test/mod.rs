//! `test`

pub mod files;
mod junit;
mod mock;
mod reference;
mod report;
mod run;
mod scope;
mod stand_in;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::Args;
use secstack_base::{Diagnostic, Diags};
use secstack_run::load::requirements;

use crate::app::{App, Outcome, Told};
use crate::flags::{Look, Variables, switch};
use crate::interrupt::Interrupts;
use crate::view::View;
use crate::{clock, project, vars};
use files::File;
use junit::{Case, Suite};
use report::{Counts, Report, Status};
use run::{Ran, Runner};

/// Execute integration tests for Terraform modules
///
/// Runs the files *.tftest.hcl of the current directory and of "tests". Each run plans or applies the configuration with a
/// state of its own, and asserts what must hold. What was made is removed in the end.
#[derive(Args)]
pub struct Test {
    #[command(flatten)]
    pub look: Look,
    /// Run only this file. May be repeated.
    #[arg(long, value_name = "FILE")]
    filter: Vec<PathBuf>,
    /// Print events as JSON, one object a line.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// Write the results to this file, in the XML of JUnit.
    #[arg(long = "junit-xml", value_name = "PATH")]
    junit_xml: Option<PathBuf>,
    /// Where tests are, besides the current directory.
    #[arg(long = "test-directory", value_name = "PATH", default_value = "tests")]
    test_directory: PathBuf,
    /// Show the plan or the state of each run.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    verbose: bool,
    /// Not supported.
    #[arg(long = "cloud-run", value_name = "SOURCE", hide = true)]
    cloud_run: Option<String>,
    /// Accepted: one run is carried out at a time.
    #[arg(long, value_name = "N", hide = true)]
    parallelism: Option<usize>,
    #[command(flatten)]
    variables: Variables,
}

impl Test {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let report = Report::new(&app.out, self.json);
        let mut collected = vars::collect(&app.root, &self.variables);
        // Files of variables beside the tests hold for the tests there.
        let dirs = [Path::new(""), &self.test_directory];
        let beside = vars::collect_from(&app.root, &dirs, &self.variables, collected.sources.clone());
        collected.sources = beside.sources.clone();
        let loaded = project::read(app, &collected, "default", &mut project::installed(app));
        let mut config = loaded.config;
        let mut diags = loaded.diags;
        diags.extend(collected.diags.iter().cloned());
        let is_new = |d: &&Diagnostic| d.span.is_some_and(|s| config.sources.path(s).is_some_and(|p| p.starts_with(&self.test_directory)));
        diags.extend(Diags(beside.diags.iter().filter(is_new).cloned().collect()));
        if self.cloud_run.is_some() {
            let what = "Tests run here. There is no service that runs them elsewhere.";
            diags.push(Diagnostic::error("Unsupported option -cloud-run", what));
        }
        diags.extend(requirements::provider_versions(&config, &app.providers()));
        let files = files::read(app, &self.test_directory, &self.filter, &mut config.sources, &mut diags);
        report.diags(&diags, &config.sources, None, None);
        if diags.has_errors() {
            return Err(Told);
        }
        report.begin(&files.iter().map(|f| (f.path.clone(), f.test.runs.iter().map(|r| r.name.to_string()).collect())).collect::<Vec<_>>());
        let interrupts = Interrupts::listen(&View::new(&app.out, false).quiet());
        let config = Arc::new(config);
        let (mut counts, mut worst, mut suites) = (Counts::default(), Status::Pass, Vec::new());
        for file in &files {
            let mut runner = Runner {
                app,
                root: config.clone(),
                given: if file.is_in(&self.test_directory) { &beside } else { &collected },
                runs: Default::default(),
                left: Vec::new(),
                stand_ins: Default::default(),
                verbose: self.verbose,
                stop: interrupts.stop.clone(),
            };
            let (status, suite) = play(&mut runner, file, &report, &mut counts).await;
            worst = worst.max(status);
            suites.push(suite);
        }
        report.end(counts, worst);
        if let Some(path) = &self.junit_xml
            && let Err(e) = std::fs::write(app.root.join(path), junit::document(&suites))
        {
            let what = format!("The file {} cannot be written: {e}.", path.display());
            report.diags(&Diags(vec![Diagnostic::error("Failed to write the results", what)]), &config.sources, None, None);
            return Err(Told);
        }
        Ok(u8::from(worst > Status::Pass))
    }
}

/// Plays the runs of a file. After one that could not be run to its end, or an interrupt, the others are skipped.
async fn play(runner: &mut Runner<'_>, file: &File, report: &Report, counts: &mut Counts) -> (Status, Suite) {
    report.file(&file.path);
    let mut worst = Status::Pass;
    let mut suite = Suite { path: file.path.clone(), cases: Vec::new() };
    for run in &file.test.runs {
        let (began, clock) = (clock::now(), Instant::now());
        let is_skipped = worst == Status::Error || runner.stop.load(Ordering::SeqCst);
        let ran = match is_skipped {
            true => Ran { status: Status::Skip, diags: Diags::new(), config: runner.root.clone(), made: None },
            false => {
                report.run(&file.path, &run.name);
                runner.run(&file.test, run).await
            }
        };
        report.ran(&file.path, &run.name, &ran);
        counts.add(ran.status);
        worst = worst.max(ran.status);
        suite.cases.push(Case {
            name: run.name.to_string(),
            status: ran.status,
            assertions: run.asserts.len(),
            began,
            seconds: clock.elapsed().as_secs_f64(),
            diags: ran.diags,
            sources: ran.config.sources.clone(),
        });
    }
    report.teardown(&file.path);
    runner.left.iter().rev().for_each(|(_, left)| report.removing(&file.path, &left.run));
    for remains in runner.tear_down().await {
        report.remains(&file.path, &remains, &runner.root.sources);
        worst = Status::Error;
    }
    if runner.stop.load(Ordering::SeqCst) {
        worst = Status::Error;
    }
    report.filed(&file.path, worst);
    (worst, suite)
}
