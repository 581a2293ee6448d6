//! What was changed outside, told to people and to programs.

mod markdown;
mod sarif;
mod text;

use std::path::{Path, PathBuf};

use secstack_eval::{Config, Schemas};
use secstack_run::ProviderSet;
use secstack_run::drift::{Drift, Finding, Kind};

use crate::json;
use crate::text::{Style, difference};

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON of our own.
    Json,
    /// Markdown as GitHub shows it.
    Markdown,
    /// SARIF 2.1.0.
    Sarif,
}

/// A drift, and what is needed to tell of it.
pub struct Report<'a> {
    /// The drift.
    pub drift: &'a Drift,
    /// The configuration that was compared.
    pub config: &'a Config,
    /// The providers.
    pub providers: &'a ProviderSet,
    /// The directory of the root module.
    pub root: &'a Path,
}

impl Report<'_> {
    /// The report for a person at a terminal or in a log.
    pub fn text(&self, style: Style) -> String {
        text::report(self, style)
    }

    /// The report as a document, which ends with a line break.
    pub fn document(&self, form: Form) -> String {
        match form {
            Form::Json => json::drift(self.drift, self.providers, |f| self.place(f)),
            Form::Markdown => markdown::report(self),
            Form::Sarif => sarif::report(self),
        }
    }

    /// The file and the line of the block of an object. The file is relative to the root module.
    fn place(&self, f: &Finding) -> Option<(String, usize)> {
        let span = f.span?;
        let path = self.config.sources.path(span)?;
        Some((path.display().to_string(), self.config.sources.position(span.file, span.start).line))
    }

    /// What of an object was changed, one attribute a line or block.
    fn difference(&self, f: &Finding, style: Style) -> Option<String> {
        let change = f.change.as_ref().filter(|_| f.kind == Kind::Changed)?;
        let schema = self.providers.resource(&change.provider.provider, change.addr.mode(), change.addr.ty());
        Some(difference(change, schema.as_deref().map(|s| &s.block), style))
    }

    /// The directory of the root module as seen from the top of the repository, as far as that is known.
    fn base(&self) -> PathBuf {
        let here = std::env::current_dir().and_then(|d| d.join(self.root).canonicalize()).unwrap_or_default();
        let top = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from).and_then(|d| d.canonicalize().ok());
        top.and_then(|top| here.strip_prefix(top).map(Path::to_path_buf).ok()).unwrap_or_default()
    }
}

/// `2 changed, 1 gone`, or that there is nothing.
fn counts(d: &Drift) -> String {
    let kinds = [Kind::Changed, Kind::Gone, Kind::Unmanaged];
    let words: Vec<String> = kinds.iter().filter(|k| d.count(**k) > 0).map(|k| format!("{} {}", d.count(*k), k.word())).collect();
    words.join(", ")
}

/// What a finding is, without its weaknesses.
fn heading(f: &Finding) -> String {
    match (&f.unmanaged, f.kind) {
        (Some(u), _) => format!("{} in {} is not managed", u.text, f.addr),
        (None, Kind::Gone) => format!("{}{} is gone", f.addr, f.id.as_ref().map(|id| format!(" ({id})")).unwrap_or_default()),
        (None, _) => format!("{} has changed", f.addr),
    }
}

/// What is left out of the findings, in sentences.
fn left_out(d: &Drift) -> Vec<String> {
    let mut out = Vec::new();
    if d.computed > 0 {
        let s =
            if d.computed == 1 { "attribute that only the provider sets differs" } else { "attributes that only the provider sets differ" };
        out.push(format!("{} {s}; -computed counts them.", d.computed));
    }
    if d.ignored > 0 {
        let s = if d.ignored == 1 { "object differs" } else { "objects differ" };
        out.push(format!("{} {s} in arguments under ignore_changes.", d.ignored));
    }
    out
}
