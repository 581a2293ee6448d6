//! How tests are told of: as lines for people, or as events for programs.

use secstack_base::{Diags, ProviderAddr, Sources};
use secstack_eval::Config;
use serde_json::{Map, Value as Json, json};

use super::run::{Made, Ran, Remains};
use crate::clock;
use crate::json;
use crate::output::Out;
use crate::text;

/// What came of a run or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It was not run, since one before it went wrong.
    Skip,
    /// It is as it should be.
    Pass,
    /// An assertion does not hold.
    Fail,
    /// It could not be run to its end.
    Error,
}

impl Status {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Status::Skip => "skip",
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Error => "error",
        }
    }

    /// The word for people.
    fn shown(self) -> &'static str {
        if self == Status::Error { "fail" } else { self.word() }
    }
}

/// Tells of tests.
pub struct Report {
    out: Out,
    json: bool,
}

/// How many runs came to what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// As they should be.
    pub passed: usize,
    /// With an assertion that does not hold.
    pub failed: usize,
    /// That could not be run to their end.
    pub errored: usize,
    /// That were not run.
    pub skipped: usize,
}

impl Counts {
    /// Counts one.
    pub fn add(&mut self, status: Status) {
        *match status {
            Status::Skip => &mut self.skipped,
            Status::Pass => &mut self.passed,
            Status::Fail => &mut self.failed,
            Status::Error => &mut self.errored,
        } += 1;
    }
}

impl Report {
    /// Tells to `out`.
    pub fn new(out: &Out, json: bool) -> Self {
        let report = Self { out: out.clone(), json };
        let version = secstack_state::model::TERRAFORM_VERSION;
        report.event(
            "info",
            &format!("Terraform {version}"),
            None,
            None,
            "version",
            &[("terraform", json!(version)), ("ui", json!("1.2"))],
        );
        report
    }

    /// What there is to run.
    pub fn begin(&self, files: &[(String, Vec<String>)]) {
        let runs: usize = files.iter().map(|(_, r)| r.len()).sum();
        let all: Map<String, Json> = files.iter().map(|(f, r)| (f.clone(), json!(r))).collect();
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let message = format!("Found {} and {}", plural(files.len(), "file"), plural(runs, "run block"));
        self.event("info", &message, None, None, "test_abstract", &[("test_abstract", Json::Object(all))]);
    }

    /// A file begins.
    pub fn file(&self, path: &str) {
        self.line(&format!("{path}... in progress"));
        let payload = json!({ "path": path, "progress": "starting" });
        self.event("info", &format!("{path}... in progress"), Some(path), None, "test_file", &[("test_file", payload)]);
    }

    /// A run begins.
    pub fn run(&self, path: &str, run: &str) {
        let payload = json!({ "path": path, "run": run, "progress": "starting", "elapsed": 0 });
        self.event("info", &format!("  {run:?}... in progress"), Some(path), Some(run), "test_run", &[("test_run", payload)]);
    }

    /// A run ended.
    pub fn ran(&self, path: &str, run: &str, ran: &Ran) {
        let status = ran.status;
        let style = self.out.style();
        let colour = match status {
            Status::Pass => text::Colour::Green,
            Status::Skip => text::Colour::Dim,
            _ => text::Colour::Red,
        };
        self.line(&format!("  run {run:?}... {}", style.paint(colour, status.shown())));
        let payload = json!({ "path": path, "run": run, "progress": "complete", "status": status.word() });
        self.event("info", &format!("  {run:?}... {}", status.shown()), Some(path), Some(run), "test_run", &[("test_run", payload)]);
        if let Some(made) = &ran.made {
            self.made(path, run, made, &ran.config);
        }
        self.diags(&ran.diags, &ran.config.sources, Some(path), Some(run));
    }

    /// What a run made, in full.
    pub fn made(&self, path: &str, run: &str, made: &Made, config: &Config) {
        let (what, key, version, mut document, providers) = match made {
            Made::Plan(plan, stand_ins) => {
                let providers = stand_ins.providers();
                if !self.json {
                    return self.line(&format!("\n{}", text::plan(plan, &providers, self.out.style())));
                }
                ("plan", "test_plan", "plan_format_version", json::plan_document(plan, config, &providers), providers)
            }
            Made::State(state, stand_ins) => {
                let providers = stand_ins.providers();
                if !self.json {
                    let shown = text::state_show(state, &providers, |_, _| true, self.out.style());
                    let outputs = text::outputs(state);
                    let outputs = if outputs.is_empty() { outputs } else { format!("\nOutputs:\n\n{outputs}") };
                    return self.line(&format!("\n{shown}{outputs}"));
                }
                ("state", "test_state", "state_format_version", json::state_document(state, &providers), providers)
            }
        };
        let used = |p: &ProviderAddr| document.contains(&format!("\"{p}\""));
        let schemas: Json = serde_json::from_str(&json::provider_schemas(&providers, used)).unwrap_or_default();
        document = document.trim().to_string();
        let all: Json = serde_json::from_str(&document).unwrap_or_default();
        let mut payload = Map::new();
        payload.insert(version.into(), all["format_version"].clone());
        let (parts, from): (&[&str], &Json) = match made {
            Made::Plan(..) => (&["output_changes", "resource_changes", "resource_drift", "relevant_attributes"], &all),
            Made::State(..) => (&["root_module", "outputs"], &all["values"]),
        };
        payload.extend(parts.iter().filter_map(|p| Some(((*p).to_string(), from.get(p)?.clone()))));
        payload.insert("provider_format_version".into(), schemas["format_version"].clone());
        payload.insert("provider_schemas".into(), schemas["provider_schemas"].clone());
        self.event("info", &format!("-verbose flag enabled, printing {what}"), Some(path), Some(run), key, &[(key, payload.into())]);
    }

    /// What a run made is removed again.
    pub fn removing(&self, path: &str, run: &str) {
        let payload = json!({ "path": path, "run": run, "progress": "teardown", "elapsed": 0 });
        self.event("info", &format!("  {run:?}... tearing down"), Some(path), Some(run), "test_run", &[("test_run", payload)]);
    }

    /// What a run made could not be removed.
    pub fn remains(&self, path: &str, remains: &Remains, sources: &Sources) {
        let Remains { run, diags, objects } = remains;
        if self.json {
            if !objects.is_empty() {
                let failed: Vec<Json> = objects.iter().map(|o| json!({ "instance": o })).collect();
                let message =
                    format!("secstack left some resources in state after executing {path}/{run}, they need to be cleaned up manually.");
                let payload = json!({ "failed_resources": failed });
                self.event("error", &message, Some(path), Some(run), "test_cleanup", &[("test_cleanup", payload)]);
            }
            return self.diags(diags, sources, Some(path), Some(run));
        }
        if diags.has_errors() {
            self.out.error(format!("secstack encountered an error destroying resources created while executing {path}/{run}."));
            self.diags(diags, sources, Some(path), Some(run));
        }
        if !objects.is_empty() {
            let list: String = objects.iter().map(|o| format!("\n  - {o}")).collect();
            self.out.error(format!(
                "\nsecstack left the following resources in state after executing {path}/{run}, and they need to be cleaned up manually:{list}"
            ));
        }
    }

    /// What files made is removed again.
    pub fn teardown(&self, path: &str) {
        self.line(&format!("{path}... tearing down"));
        let payload = json!({ "path": path, "progress": "teardown" });
        self.event("info", &format!("{path}... tearing down"), Some(path), None, "test_file", &[("test_file", payload)]);
    }

    /// A file ended.
    pub fn filed(&self, path: &str, status: Status) {
        self.line(&format!("{path}... {}", status.shown()));
        let payload = json!({ "path": path, "progress": "complete", "status": status.word() });
        self.event("info", &format!("{path}... {}", status.shown()), Some(path), None, "test_file", &[("test_file", payload)]);
    }

    /// All files ended.
    pub fn end(&self, counts: Counts, status: Status) {
        let Counts { passed, failed, errored, skipped } = counts;
        let bad = failed + errored;
        let word = if status > Status::Pass { "Failure!" } else { "Success!" };
        let more = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        let message = if passed + bad + skipped == 0 {
            format!("{word} 0 passed, 0 failed.")
        } else {
            format!("{word} {passed} passed, {bad} failed{more}.")
        };
        self.line(&format!("\n{message}"));
        let payload = json!({ "status": status.word(), "passed": passed, "failed": failed, "errored": errored, "skipped": skipped });
        self.event("info", &message, None, None, "test_summary", &[("test_summary", payload)]);
    }

    /// Mistakes and warnings.
    pub fn diags(&self, diags: &Diags, sources: &Sources, file: Option<&str>, run: Option<&str>) {
        for d in diags.iter() {
            if self.json {
                let (level, word) = if d.is_error() { ("error", "Error") } else { ("warn", "Warning") };
                let payload = serde_json::from_str(&json::diagnostic(d, sources)).unwrap_or(Json::Null);
                self.event(level, &format!("{word}: {}", d.summary), file, run, "diagnostic", &[("diagnostic", payload)]);
            } else {
                let text = text::diagnostic(d, sources, self.out.style());
                if d.is_error() { self.out.error(text) } else { self.out.line(text) }
            }
        }
    }

    fn line(&self, text: &str) {
        if !self.json {
            self.out.line(text);
        }
    }

    fn event(&self, level: &str, message: &str, file: Option<&str>, run: Option<&str>, ty: &str, payload: &[(&str, Json)]) {
        if !self.json {
            return;
        }
        let mut event = Map::new();
        event.insert("@level".into(), json!(level));
        event.insert("@message".into(), json!(message));
        event.insert("@module".into(), json!("terraform.ui"));
        event.extend(file.map(|f| ("@testfile".to_string(), json!(f))));
        event.extend(run.map(|r| ("@testrun".to_string(), json!(r))));
        event.insert("@timestamp".into(), json!(clock::precisely()));
        event.extend(payload.iter().map(|(k, v)| ((*k).to_string(), v.clone())));
        event.insert("type".into(), json!(ty));
        self.out.line(Json::Object(event).to_string());
    }
}
