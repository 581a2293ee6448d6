//! The stream of events that `-json` gives: one JSON object a line, version 1.2 of Terraform's format.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use secstack_base::{Addr, Diagnostic, Severity, Sources, Str};
use secstack_plan::plan::{Plan, Summary};
use secstack_plan::{Action, Change, Reason};
use secstack_run::Event;
use secstack_run::event::StepInfo;
use secstack_state::model::{Snapshot, TERRAFORM_VERSION};

use super::plan::drift;
use super::state::{Secrets, write_outputs};
use super::write::{Object, map, written};
use super::{change, diagnostic, time, value};
use crate::clock;

/// How often a step that still runs is told of.
const PROGRESS: Duration = Duration::from_secs(10);

/// What a summary sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// What is planned.
    Plan,
    /// What was applied.
    Apply,
    /// What was destroyed.
    Destroy,
}

/// Writes events to where programs read them. Lines of several threads are not mixed.
pub struct Stream {
    out: Mutex<Box<dyn Write + Send>>,
    running: Mutex<BTreeMap<(Addr, Option<Str>), Running>>,
    /// Configuration that was generated for resources.
    generated: Mutex<BTreeMap<Addr, String>>,
}

struct Running {
    step: StepInfo,
    since: Instant,
    told: u32,
}

impl Stream {
    /// A stream that writes to `out`, begun with the version.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        let stream = Self { out: Mutex::new(Box::new(out)), running: Mutex::default(), generated: Mutex::default() };
        let version = format!("\"{TERRAFORM_VERSION}\"");
        stream.line(
            "info",
            &format!("Terraform {TERRAFORM_VERSION}"),
            &[("terraform", &version), ("type", "\"version\""), ("ui", "\"1.2\"")],
        );
        stream
    }

    /// Tells of something that happened in a run.
    pub fn event(&self, event: &Event, sources: &Sources) {
        match event {
            Event::RefreshStart { addr, id } => {
                self.hook("refresh_start", &format!("{addr}: Refreshing state...{}", bracketed(id)), |o| {
                    write_resource(o.member("resource"), addr);
                    write_id(o, id);
                });
            }
            Event::RefreshComplete { addr, id } => {
                self.hook("refresh_complete", &format!("{addr}: Refresh complete{}", bracketed(id)), |o| {
                    write_resource(o.member("resource"), addr);
                    write_id(o, id);
                });
            }
            Event::StepStart(step) => {
                let running = Running { step: step.clone(), since: Instant::now(), told: 0 };
                self.running().insert((step.addr.clone(), step.deposed.clone()), running);
                let message = format!("{}: {}...{}", step.addr, words(step.action).doing, bracketed(&step.id));
                self.step("apply_start", &message, step, None);
            }
            Event::StepComplete { step, elapsed } => {
                self.running().remove(&(step.addr.clone(), step.deposed.clone()));
                // A deleted object has no ID any more.
                let id = step.id.clone().filter(|_| step.action != Action::Delete);
                let message =
                    format!("{}: {} complete after {}{}", step.addr, words(step.action).noun, time::elapsed(*elapsed), bracketed(&id));
                self.step("apply_complete", &message, &StepInfo { id, ..step.clone() }, Some(*elapsed));
            }
            Event::StepErrored { step, elapsed } => {
                self.running().remove(&(step.addr.clone(), step.deposed.clone()));
                if step.action == Action::Read {
                    // Only the diagnostic tells of a data source that cannot be read.
                    return;
                }
                let message = format!("{}: {} errored after {}", step.addr, words(step.action).noun, time::elapsed(*elapsed));
                self.step("apply_errored", &message, &StepInfo { id: None, ..step.clone() }, Some(*elapsed));
            }
            Event::ProvisionStart { addr, provisioner } => {
                self.provision("provision_start", &format!("{addr}: Provisioning with '{provisioner}'..."), addr, provisioner, None);
            }
            Event::ProvisionProgress { addr, provisioner, output } => {
                self.provision("provision_progress", &format!("{addr}: ({provisioner}): {output}"), addr, provisioner, Some(output));
            }
            Event::ProvisionComplete { addr, provisioner, ok } => {
                let (kind, word) = if *ok { ("provision_complete", "complete") } else { ("provision_errored", "errored") };
                self.provision(kind, &format!("{addr}: ({provisioner}) Provisioning {word}"), addr, provisioner, None);
            }
            Event::Diagnostic(d) => self.diagnostic(d, sources),
            Event::Note(text) => self.log(text),
        }
    }

    /// Tells of steps that run for long. To be called about every second.
    pub fn progress(&self) {
        let mut due = Vec::new();
        for r in self.running().values_mut() {
            let elapsed = r.since.elapsed();
            if elapsed >= PROGRESS * (r.told + 1) {
                r.told += 1;
                due.push((r.step.clone(), PROGRESS * r.told));
            }
        }
        for (step, elapsed) in due {
            let message =
                format!("{}: Still {}... [{} elapsed]", step.addr, words(step.action).doing.to_lowercase(), time::elapsed(elapsed));
            self.step("apply_progress", &message, &StepInfo { id: None, ..step }, Some(elapsed));
        }
    }

    /// Tells of a mistake or a warning.
    pub fn diagnostic(&self, d: &Diagnostic, sources: &Sources) {
        let (level, word) = if d.severity == Severity::Error { ("error", "Error") } else { ("warn", "Warning") };
        self.line(
            level,
            &format!("{word}: {}", d.summary),
            &[("diagnostic", &diagnostic::diagnostic(d, sources)), ("type", "\"diagnostic\"")],
        );
    }

    /// Says something.
    pub fn log(&self, text: &str) {
        self.line("info", text, &[("type", "\"log\"")]);
    }

    /// Tells how far an initialisation is.
    pub fn stage(&self, code: &str, text: &str) {
        self.line("info", text, &[("message_code", &format!("\"{code}\"")), ("type", "\"init_output\"")]);
    }

    /// Takes the configuration that was generated, to be told with the changes.
    pub fn generated(&self, blocks: BTreeMap<Addr, String>) {
        *self.generated.lock().unwrap_or_else(PoisonError::into_inner) = blocks;
    }

    /// Tells the changes of a saved plan that is about to be applied.
    pub fn saved_plan(&self, plan: &Plan) {
        for c in plan.changes.iter().filter(|c| c.action != Action::NoOp && !change::is_hidden(c)) {
            self.planned(c);
        }
    }

    /// Tells what a plan holds: drift, changes, their sum, and outputs.
    pub fn plan(&self, plan: &Plan) {
        for c in drift(plan) {
            let planned = Planned::of(c, None);
            self.line(
                "info",
                &format!("{}: Drift detected ({})", c.addr, planned.word),
                &[("change", &planned.json), ("type", "\"resource_drift\"")],
            );
        }
        for c in plan.changes.iter().filter(|c| !change::is_hidden(c)) {
            if c.action != Action::NoOp || c.importing.is_some() || c.previous.as_ref().is_some_and(|p| *p != c.addr) {
                self.planned(c);
            }
        }
        let hidden = plan.changes.iter().filter(|c| change::is_hidden(c)).count();
        let all = plan.summary();
        self.summary(Operation::Plan, Summary { remove: all.remove - hidden, ..all });
        if plan.outputs.is_empty() {
            return;
        }
        let outputs = written(|out| {
            map(out, &plan.outputs, |out, o| {
                let action = if o.action == Action::NoOp { "noop" } else { o.action.words()[0] };
                Object::new(out).bool("sensitive", o.sensitive).text("action", action).end();
            });
        });
        self.line("info", &format!("Outputs: {}", plan.outputs.len()), &[("outputs", &outputs), ("type", "\"outputs\"")]);
    }

    /// Sums up what is planned or was done.
    pub fn summary(&self, operation: Operation, s: Summary) {
        let Summary { import, add, change, remove, .. } = s;
        let imported = |text: &str| if import > 0 { format!("{import} {text}, ") } else { String::new() };
        let (word, message) = match operation {
            Operation::Plan => ("plan", format!("Plan: {}{add} to add, {change} to change, {remove} to destroy.", imported("to import"))),
            Operation::Apply => {
                ("apply", format!("Apply complete! Resources: {}{add} added, {change} changed, {remove} destroyed.", imported("imported")))
            }
            Operation::Destroy => ("destroy", format!("Destroy complete! Resources: {remove} destroyed.")),
        };
        let changes = written(|out| {
            let mut o = Object::new(out);
            o.number("add", add).number("change", change).number("import", import).number("remove", remove);
            o.text("operation", word).end();
        });
        self.line("info", &message, &[("changes", &changes), ("type", "\"change_summary\"")]);
    }

    /// Tells the outputs after an apply. Sensitive values are left out.
    pub fn outputs(&self, state: &Snapshot) {
        let outputs = written(|out| write_outputs(out, &state.outputs, Secrets::Hidden));
        self.line("info", &format!("Outputs: {}", state.outputs.len()), &[("outputs", &outputs), ("type", "\"outputs\"")]);
    }

    fn planned(&self, c: &Change) {
        let generated = self.generated.lock().unwrap_or_else(PoisonError::into_inner).get(&c.addr).cloned();
        let planned = Planned::of(c, generated.as_deref());
        self.line("info", &format!("{}: Plan to {}", c.addr, planned.word), &[("change", &planned.json), ("type", "\"planned_change\"")]);
    }

    fn step(&self, kind: &str, message: &str, step: &StepInfo, elapsed: Option<Duration>) {
        self.hook(kind, message, |o| {
            write_resource(o.member("resource"), &step.addr);
            o.text("action", words(step.action).action);
            write_id(o, &step.id);
            if let Some(elapsed) = elapsed {
                o.number("elapsed_seconds", time::rounded(elapsed));
            }
        });
    }

    fn provision(&self, kind: &str, message: &str, addr: &Addr, provisioner: &str, output: Option<&str>) {
        self.hook(kind, message, |o| {
            write_resource(o.member("resource"), addr);
            o.text("provisioner", provisioner);
            if let Some(output) = output {
                o.text("output", output);
            }
        });
    }

    fn hook(&self, kind: &str, message: &str, f: impl FnOnce(&mut Object<'_>)) {
        let hook = written(|out| {
            let mut o = Object::new(out);
            f(&mut o);
            o.end();
        });
        self.line("info", message, &[("hook", &hook), ("type", &format!("\"{kind}\""))]);
    }

    /// Writes a line. Members come in order of name.
    fn line(&self, level: &str, message: &str, members: &[(&str, &str)]) {
        let mut line = String::new();
        let mut o = Object::new(&mut line);
        o.text("@level", level).text("@message", message).text("@module", "terraform.ui");
        o.text("@timestamp", &clock::precisely());
        for (name, json) in members {
            o.raw(name, json);
        }
        o.end();
        line.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody reads any more: there is no one to tell.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Addr, Option<Str>), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an action is spoken of.
struct Words {
    action: &'static str,
    doing: &'static str,
    noun: &'static str,
}

fn words(action: Action) -> Words {
    let (action, doing, noun) = match action {
        Action::Create => ("create", "Creating", "Creation"),
        Action::Update => ("update", "Modifying", "Modifications"),
        Action::Delete => ("delete", "Destroying", "Destruction"),
        Action::Read => ("read", "Refreshing", "Refresh"),
        Action::DeleteThenCreate | Action::CreateThenDelete => ("replace", "Replacing", "Replacement"),
        Action::Forget => ("remove", "Removing", "Removal"),
        Action::NoOp => ("noop", "Applying", "Apply"),
    };
    Words { action, doing, noun }
}

/// A change as the stream tells it.
struct Planned {
    word: &'static str,
    json: String,
}

impl Planned {
    fn of(c: &Change, generated: Option<&str>) -> Self {
        let previous = c.previous.as_ref().filter(|p| **p != c.addr);
        let word = match c.action {
            Action::NoOp if previous.is_some() => "move",
            Action::NoOp if c.importing.is_some() => "import",
            action => words(action).action,
        };
        let json = written(|out| {
            let mut o = Object::new(out);
            write_resource(o.member("resource"), &c.addr);
            if let Some(previous) = previous {
                write_resource(o.member("previous_resource"), previous);
            }
            o.text("action", word).text_opt("reason", c.reason.map(reason));
            if let Some(id) = &c.importing {
                Object::new(o.member("importing")).text_opt("id", Some(id)).end();
            }
            o.text_opt("generated_config", generated);
            o.end();
        });
        Self { word, json }
    }
}

fn reason(r: Reason) -> &'static str {
    match r {
        Reason::ReplaceBecauseTainted => "tainted",
        Reason::ReplaceByRequest => "requested",
        Reason::ReplaceByTriggers => "replace_triggered_by",
        Reason::ReplaceBecauseCannotUpdate => "cannot_update",
        other => other.word(),
    }
}

fn bracketed(id: &Option<Str>) -> String {
    id.as_ref().map(|id| format!(" [id={id}]")).unwrap_or_default()
}

fn write_id(o: &mut Object<'_>, id: &Option<Str>) {
    if let Some(id) = id {
        o.text("id_key", "id").text("id_value", id);
    }
}

fn write_resource(out: &mut String, addr: &Addr) {
    let mut o = Object::new(out);
    o.text("addr", &addr.to_string()).text("module", &addr.module().to_string());
    o.text("resource", &format!("{}{}", addr.resource.name, addr.key));
    o.text("implied_provider", secstack_eval::Config::implied_provider(addr.ty()));
    o.text("resource_type", addr.ty()).text("resource_name", &addr.resource.name.name);
    value::key(o.member("resource_key"), &addr.key);
    o.end();
}
