//! What happens, line by line, and what is running on a terminal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use secstack_plan::Action;
use secstack_run::Event;
use secstack_run::event::StepInfo;

use super::style::{Colour, Style};

/// Turns events into lines. On a terminal it also gives a status line to be drawn below them and drawn over.
pub struct Progress {
    style: Style,
    total: usize,
    done: usize,
    failed: usize,
    running: BTreeMap<String, (Instant, &'static str, Instant)>,
    began: Instant,
}

fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Create => ("Creating", "Creation"),
        Action::Update => ("Modifying", "Modifications"),
        Action::Delete => ("Destroying", "Destruction"),
        Action::Read => ("Reading", "Read"),
        _ => ("Working", "Work"),
    }
}

impl Progress {
    /// Progress of a run with that many steps.
    pub fn new(total: usize, style: Style) -> Self {
        Self { style, total, done: 0, failed: 0, running: BTreeMap::new(), began: Instant::now() }
    }

    /// The lines that an event is worth.
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        let bold = |text: &str| self.style.paint(Colour::Bold, text);
        match event {
            Event::RefreshStart { addr, id } => {
                let id = id.as_ref().map(|i| format!(" [id={i}]")).unwrap_or_default();
                vec![bold(&format!("{addr}: Refreshing state...{id}"))]
            }
            Event::StepStart(step) => {
                let now = Instant::now();
                self.running.insert(name(step), (now, words(step.action).0, now));
                let id = step.id.as_ref().filter(|_| step.action != Action::Create).map(|i| format!(" [id={i}]")).unwrap_or_default();
                vec![bold(&format!("{}: {}...{id}", name(step), words(step.action).0))]
            }
            Event::StepComplete { step, elapsed } => {
                self.running.remove(&name(step));
                self.done += 1;
                let id = step.id.as_ref().filter(|_| step.action != Action::Delete).map(|i| format!(" [id={i}]")).unwrap_or_default();
                vec![bold(&format!("{}: {} complete after {}{id}", name(step), words(step.action).1, seconds(*elapsed)))]
            }
            Event::StepErrored { step, elapsed } => {
                self.running.remove(&name(step));
                self.failed += 1;
                let text = format!("{}: {} failed after {}", name(step), words(step.action).1, seconds(*elapsed));
                vec![self.style.paint(Colour::Red, &text)]
            }
            Event::ProvisionStart { addr, provisioner } => vec![bold(&format!("{addr}: Provisioning with '{provisioner}'..."))],
            Event::ProvisionProgress { addr, provisioner, output } => vec![format!("{addr} ({provisioner}): {output}")],
            Event::Note(text) => vec![text.clone()],
            Event::RefreshComplete { .. } | Event::ProvisionComplete { .. } | Event::Diagnostic(_) => Vec::new(),
        }
    }

    /// Lines for steps that have been running for ten seconds more: what a pipe gets in place of a status line.
    pub fn still_running(&mut self) -> Vec<String> {
        let now = Instant::now();
        let mut lines = Vec::new();
        for (name, (start, word, told)) in &mut self.running {
            if now.duration_since(*told) >= Duration::from_secs(10) {
                *told = now;
                lines.push(self.style.paint(
                    Colour::Bold,
                    &format!("{name}: Still {}... [{} elapsed]", word.to_lowercase(), seconds(now.duration_since(*start))),
                ));
            }
        }
        lines
    }

    /// One line that says how far the run is, for a terminal.
    pub fn status(&self, width: usize) -> Option<String> {
        if self.total == 0 {
            return None;
        }
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let mut text =
            format!("{}/{} done{failed}, {} running, {}", self.done, self.total, self.running.len(), seconds(self.began.elapsed()));
        let mut oldest: Vec<_> = self.running.iter().map(|(n, (s, w, _))| (s, n, w)).collect();
        oldest.sort();
        for (start, name, word) in oldest {
            let more = format!(" | {name} {} {}", word.to_lowercase(), seconds(start.elapsed()));
            if text.chars().count() + more.chars().count() > width {
                break;
            }
            text.push_str(&more);
        }
        Some(text.chars().take(width).collect())
    }
}

fn name(step: &StepInfo) -> String {
    match &step.deposed {
        Some(key) => format!("{} (deposed object {key})", step.addr),
        None => step.addr.to_string(),
    }
}

/// A duration as Terraform writes it: `3s`, `1m2s`.
fn seconds(d: Duration) -> String {
    let s = d.as_secs();
    if s >= 3600 {
        format!("{}h{}m{}s", s / 3600, s / 60 % 60, s % 60)
    } else if s >= 60 {
        format!("{}m{}s", s / 60, s % 60)
    } else {
        format!("{s}s")
    }
}
