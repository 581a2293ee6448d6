//! `test`

mod file;
mod mock;
mod report;
mod run;
mod scope;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use secstack_base::{Diagnostic, Diags, Sources};
use secstack_run::load::{is_ignored, requirements};

use crate::app::{App, Outcome, Told};
use crate::flags::{Look, Variables, switch};
use crate::{project, vars};
use file::TestFile;
use report::{Counts, Report, Status};
use run::Runner;

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
    /// Where tests are, besides the current directory.
    #[arg(long = "test-directory", value_name = "PATH", default_value = "tests")]
    test_directory: PathBuf,
    /// Accepted.
    #[arg(long, hide = true)]
    verbose: bool,
    #[command(flatten)]
    variables: Variables,
}

impl Test {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let report = Report::new(&app.out, self.json);
        let collected = vars::collect(&app.root, &self.variables);
        let loaded = project::read(app, &collected, "default", &mut project::installed(app));
        let mut config = loaded.config;
        let mut diags = loaded.diags;
        diags.extend(collected.diags.iter().cloned());
        diags.extend(requirements::provider_versions(&config, &app.providers()));
        let files = self.files(app, &mut config.sources, &mut diags);
        if diags.has_errors() {
            report.diags(&diags, &config.sources, None, None);
            return Err(Told);
        }
        report.begin(&files.iter().map(|f| (f.path.clone(), f.runs.iter().map(|r| r.name.to_string()).collect())).collect::<Vec<_>>());
        let config = Arc::new(config);
        let (mut counts, mut worst) = (Counts::default(), Status::Pass);
        for file in &files {
            let mut runner = Runner { app, root: config.clone(), given: &collected, runs: Default::default(), left: Vec::new() };
            worst = worst.max(play(&mut runner, file, &report, &mut counts).await);
        }
        report.end(counts, worst);
        Ok(u8::from(worst > Status::Pass))
    }

    /// Reads the files of tests, in order of path.
    fn files(&self, app: &App, sources: &mut Sources, diags: &mut Diags) -> Vec<TestFile> {
        let mut paths = found(&app.root, Path::new(""));
        paths.extend(found(&app.root, &self.test_directory));
        for wanted in self.filter.iter().filter(|f| !paths.contains(f)) {
            let what = format!("The filter {:?} names no file of tests.", wanted.display().to_string());
            diags.push(Diagnostic::error("Unknown test file", what));
        }
        paths.retain(|p| self.filter.is_empty() || self.filter.contains(p));
        let mut files = Vec::new();
        for path in paths {
            let shown = path.display().to_string();
            match std::fs::read_to_string(app.root.join(&path)) {
                Ok(text) => {
                    let id = sources.add(&path, text.as_str());
                    files.push(file::read(id, &shown, &text, diags));
                }
                Err(e) => diags.push(Diagnostic::error("Failed to read file", format!("The file {shown:?} cannot be read: {e}."))),
            }
        }
        files
    }
}

/// The files of tests in a directory.
fn found(root: &Path, dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten();
    let names = entries.filter(|e| !e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned());
    let is_test = |n: &String| (n.ends_with(".tftest.hcl") || n.ends_with(".tftest.json")) && !is_ignored(n);
    let mut found: Vec<PathBuf> = names.filter(is_test).map(|n| dir.join(n)).collect();
    found.sort();
    found
}

/// Plays the runs of a file. After one that could not be run to its end, the others are skipped.
async fn play(runner: &mut Runner<'_>, file: &TestFile, report: &Report, counts: &mut Counts) -> Status {
    report.file(&file.path);
    let mut worst = Status::Pass;
    for run in &file.runs {
        report.run(&file.path, &run.name);
        let (status, diags, config) = match worst {
            Status::Error => (Status::Skip, Diags::new(), runner.root.clone()),
            _ => runner.run(file, run).await,
        };
        report.ran(&file.path, &run.name, status, &diags, &config.sources);
        counts.add(status);
        worst = worst.max(status);
    }
    report.teardown(&file.path);
    let diags = runner.tear_down().await;
    report.diags(&diags, &runner.root.sources, Some(&file.path), None);
    if diags.has_errors() {
        worst = Status::Error;
    }
    report.filed(&file.path, worst);
    worst
}
