//! How a run speaks: to a person, or to a program that reads the event stream.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secstack_base::{Addr, Diagnostic, Diags, Sources};
use secstack_plan::Plan;
use secstack_plan::plan::Summary;
use secstack_run::{Events, ProviderSet};
use secstack_state::model::Snapshot;

use crate::app::Told;
use crate::json::stream::{Operation, Stream};
use crate::output::Out;
use crate::text::{self, Progress};

/// Which command carries out a plan: each sums up in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `apply`, also of a plan to destroy.
    Apply,
    /// `destroy`
    Destroy,
    /// `refresh`
    Refresh,
}

/// How a run speaks. Clones speak as one.
#[derive(Clone)]
pub struct View {
    out: Out,
    kind: Kind,
    shared: Arc<Mutex<Shared>>,
    compact: bool,
    quiet: bool,
}

#[derive(Clone)]
enum Kind {
    Text,
    Json(Arc<Stream>),
}

struct Shared {
    sources: Sources,
    told: Vec<Diagnostic>,
    progress: Progress,
}

impl View {
    /// Speaks to a person, unless `json` is set.
    pub fn new(out: &Out, json: bool) -> Self {
        let kind = if json { Kind::Json(Arc::new(Stream::new(Lines(out.clone())))) } else { Kind::Text };
        let shared = Shared { sources: Sources::default(), told: Vec::new(), progress: Progress::new(0, out.style()) };
        Self { out: out.clone(), kind, shared: Arc::new(Mutex::new(shared)), compact: false, quiet: false }
    }

    /// The same, with warnings shortened.
    #[must_use]
    pub fn compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }

    /// The same, without what happens on the way.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Whether a program reads.
    pub fn is_json(&self) -> bool {
        matches!(self.kind, Kind::Json(_))
    }

    /// Where text goes.
    pub fn out(&self) -> &Out {
        &self.out
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the view the text of the files that diagnostics point into.
    pub fn know(&self, sources: &Sources) {
        self.shared().sources = sources.clone();
    }

    /// Tells a person something. Programs get it as a log line.
    pub fn say(&self, text: &str) {
        match &self.kind {
            Kind::Text => self.out.line(text),
            Kind::Json(stream) => stream.log(text.trim()),
        }
    }

    /// Tells how far an initialisation is. Programs know the message by its code.
    pub fn stage(&self, code: &str, text: &str) {
        match &self.kind {
            Kind::Text => self.out.line(text),
            Kind::Json(stream) => stream.stage(code, text.trim()),
        }
    }

    /// Tells a person something that is of no use to programs.
    pub fn explain(&self, text: &str) {
        if !self.is_json() {
            self.out.line(text);
        }
    }

    /// Tells mistakes and warnings, each once. Those that several instances have in common are told for each.
    pub fn diags(&self, diags: &Diags) {
        let mut new: Vec<Diagnostic> = Vec::new();
        let mut shared = self.shared();
        let mut told = shared.told.clone();
        for d in diags.iter() {
            match told.iter().position(|t| t == d) {
                Some(at) => drop(told.swap_remove(at)),
                None => new.push(d.clone()),
            }
        }
        shared.told.extend(new.iter().cloned());
        // Warnings first: what stops the run is to be read last.
        new.sort_by_key(Diagnostic::is_error);
        match &self.kind {
            Kind::Json(stream) => new.iter().for_each(|d| stream.diagnostic(d, &shared.sources)),
            Kind::Text if self.compact && !new.is_empty() && !new.iter().any(Diagnostic::is_error) => {
                self.out.line(compact(&new, &shared.sources))
            }
            Kind::Text => {
                for d in &consolidated(new) {
                    let text = text::diagnostic(d, &shared.sources, self.out.style());
                    if d.is_error() { self.out.error(text) } else { self.out.line(text) }
                }
            }
        }
    }

    /// Tells mistakes even if they were told before.
    pub fn diags_again(&self, diags: &Diags) {
        self.shared().told.clear();
        self.diags(diags);
    }

    /// Tells mistakes and warnings.
    ///
    /// # Errors
    /// When there is a mistake.
    pub fn check(&self, diags: &Diags) -> Result<(), Told> {
        self.diags(diags);
        if diags.has_errors() { Err(Told) } else { Ok(()) }
    }

    /// Tells a mistake.
    pub fn error(&self, d: Diagnostic) -> Told {
        self.diags(&Diags(vec![d]));
        Told
    }

    /// What passes on events. `steps` is how many are expected.
    pub fn events(&self, steps: usize) -> Events {
        self.shared().progress = Progress::new(steps, self.out.style());
        let view = self.clone();
        Events::new(move |event| {
            let mut shared = view.shared();
            // Mistakes are told at the end, in one place.
            if matches!(event, secstack_run::Event::Diagnostic(_)) {
                return;
            }
            match &view.kind {
                Kind::Json(stream) => stream.event(&event, &shared.sources),
                Kind::Text if view.quiet => {}
                Kind::Text => shared.progress.event(&event).iter().for_each(|line| view.out.line(line)),
            }
        })
    }

    /// Tells what still runs, every second, until the task is aborted.
    pub fn tick(&self) -> tokio::task::JoinHandle<()> {
        let view = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                match &view.kind {
                    Kind::Json(stream) => stream.progress(),
                    Kind::Text if view.out.is_terminal() => {
                        let style = view.out.style();
                        let status = view.shared().progress.status(style.width.saturating_sub(1));
                        view.out.status(&status.unwrap_or_default());
                    }
                    Kind::Text => {
                        let lines = view.shared().progress.still_running();
                        lines.iter().for_each(|line| view.out.line(line));
                    }
                }
            }
        })
    }

    /// Shows a plan.
    pub fn plan(&self, plan: &Plan, providers: &ProviderSet) {
        match &self.kind {
            Kind::Json(stream) => stream.plan(plan),
            Kind::Text => self.out.line(format!("\n{}", text::plan(plan, providers, self.out.style()))),
        }
    }

    /// Tells the view which resources get the configuration that was generated for them.
    pub fn generated(&self, blocks: BTreeMap<Addr, String>) {
        if let Kind::Json(stream) = &self.kind {
            stream.generated(blocks);
        }
    }

    /// Tells programs what a saved plan is about to change. People were shown it when it was made.
    pub fn saved_plan(&self, plan: &Plan) {
        if let Kind::Json(stream) = &self.kind {
            stream.saved_plan(plan);
        }
    }

    /// Tells what an apply did, and the outputs after it.
    pub fn applied(&self, task: Task, done: Summary, state: &Snapshot) {
        match &self.kind {
            Kind::Json(stream) => {
                match task {
                    Task::Apply => stream.summary(Operation::Apply, done),
                    Task::Destroy => return stream.summary(Operation::Destroy, done),
                    Task::Refresh => {}
                }
                stream.outputs(state);
            }
            Kind::Text => {
                let imported = if done.import > 0 { format!("{} imported, ", done.import) } else { String::new() };
                let Summary { add, change, remove, .. } = done;
                let text = match task {
                    Task::Apply => format!("Apply complete! Resources: {imported}{add} added, {change} changed, {remove} destroyed."),
                    Task::Destroy => format!("Destroy complete! Resources: {remove} destroyed."),
                    Task::Refresh => "Refresh complete!".into(),
                };
                self.out.line(format!("\n{}", self.out.style().paint(text::Colour::Green, &text)));
                if task != Task::Destroy && !state.outputs.is_empty() {
                    self.out.text(&format!("\nOutputs:\n\n{}", text::outputs(state)));
                }
            }
        }
    }
}

/// The diagnostics with the first of several warnings that have a place and the same summary standing for all of them.
fn consolidated(diags: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
    for d in diags {
        let is_alike = |k: &Diagnostic| !k.is_error() && k.span.is_some() && k.summary == d.summary;
        match kept.iter_mut().find(|(k, _)| !d.is_error() && d.span.is_some() && is_alike(k)) {
            Some((_, more)) => *more += 1,
            None => kept.push((d, 0)),
        }
    }
    let told = |(d, more): (Diagnostic, usize)| {
        let note = match more {
            0 => return d,
            1 => "(and one more similar warning elsewhere)".to_string(),
            _ => format!("(and {more} more similar warnings elsewhere)"),
        };
        let detail = if d.detail.is_empty() { note } else { format!("{}\n\n{note}", d.detail) };
        Diagnostic { detail, ..d }
    };
    kept.into_iter().map(told).collect()
}

/// Warnings as a list of their summaries.
fn compact(warnings: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::from("Warnings:\n");
    for w in warnings {
        out.push_str(&format!("\n- {}", w.summary));
        if let Some((span, path)) = w.span.and_then(|s| Some((s, sources.path(s)?))) {
            out.push_str(&format!("\n  on {} line {}", path.display(), sources.position(span.file, span.start).line));
        }
    }
    out.push_str("\n\nTo see the full warning notes, run without -compact-warnings.\n");
    out
}

/// The stream's way to the output.
struct Lines(Out);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.raw(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secstack_base::Span;

    use super::*;

    #[test]
    fn one_warning_stands_for_those_like_it() {
        let span = Span { file: secstack_base::FileId(0), start: 0, end: 0 };
        let warning = |summary: &'static str| Diagnostic::warning(summary, "x").at(span);
        let all = vec![
            warning("a"),
            Diagnostic::warning("a", "y"),
            warning("b"),
            warning("a"),
            Diagnostic::error("a", "").at(span),
            warning("a"),
        ];
        let told: Vec<String> = consolidated(all).into_iter().map(|d| d.detail).collect();
        assert_eq!(told, ["x\n\n(and 2 more similar warnings elsewhere)", "y", "x", ""]);
    }
}
