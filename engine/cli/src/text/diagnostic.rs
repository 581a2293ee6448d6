//! Mistakes and warnings, with the text they are about.

use miette::{Diagnostic as _, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as MietteSeverity};
use secstack_base::{Diagnostic, Severity, Sources, Span};

use super::style::Style;

/// A diagnostic in the form that miette draws.
#[derive(Debug)]
struct Drawn {
    summary: String,
    severity: MietteSeverity,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<NamedSource<String>>,
}

impl std::fmt::Display for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.summary)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn severity(&self) -> Option<MietteSeverity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn std::fmt::Display>)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|s| s as &dyn miette::SourceCode)
    }
}

/// The diagnostic as text, with the lines of configuration it is about.
pub fn diagnostic(d: &Diagnostic, sources: &Sources, style: Style) -> String {
    let word = if d.severity == Severity::Error { "Error" } else { "Warning" };
    let about = d.address.as_ref().map(|a| format!("\n  with {a}")).unwrap_or_default();
    let main = d.span.filter(|s| sources.get(s.file).is_some());
    // Without a place of its own it is shown by the places that are involved, those of the first file.
    let anchor = main.or_else(|| d.labels.iter().map(|(s, _)| *s).find(|s| sources.get(s.file).is_some()));
    let source = anchor.and_then(|s| sources.get(s.file));
    let same_file = |s: &Span| anchor.is_some_and(|m| m.file == s.file);
    let mut all: Vec<(Span, String)> = main.map(|s| (s, "here".to_string())).into_iter().collect();
    all.extend(d.labels.iter().filter(|(s, _)| same_file(s)).cloned());
    let seen = d.values.iter().flatten().filter(|v| same_file(&v.span));
    all.extend(seen.map(|v| (v.span, format!("{} {}", v.reference, shortened(&v.statement)))));
    // Where parts of a place are explained, nothing needs to point at the whole.
    let is_within = |a: Span, b: Span| a.start >= b.start && a.end <= b.end;
    let is_whole = |i: usize, s: Span| all.iter().enumerate().any(|(j, (part, _))| j != i && is_within(*part, s) && (*part != s || j > i));
    let parts = all.iter().enumerate().filter(|(i, (s, _))| !is_whole(*i, *s));
    let labels = parts.map(|(_, (s, text))| LabeledSpan::new(Some(text.clone()), s.start as usize, s.end.saturating_sub(s.start) as usize));
    let labels: Vec<LabeledSpan> = labels.collect();
    let drawn = Drawn {
        summary: format!("{word}: {}{about}", d.summary),
        severity: if d.severity == Severity::Error { MietteSeverity::Error } else { MietteSeverity::Warning },
        help: d.help.clone(),
        labels,
        source: source.map(|s| NamedSource::new(s.path.display().to_string(), s.text.to_string())),
    };
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(style.width.max(60)).with_context_lines(1).with_links(false);
    let mut out = String::new();
    if handler.render_report(&mut out, &drawn).is_err() {
        out = format!("{}\n", drawn.summary);
    }
    debug_assert!(drawn.code().is_none());
    if !d.detail.is_empty() {
        for paragraph in d.detail.split('\n') {
            if paragraph.starts_with(' ') || paragraph.is_empty() {
                out.push_str(paragraph);
                out.push('\n');
            } else {
                out.push_str(&wrap(paragraph, style.width.clamp(60, 100)));
            }
        }
    }
    out
}

/// A statement of a length that has room beside a line of code.
fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// Breaks a paragraph at spaces.
fn wrap(text: &str, width: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let n = word.chars().count();
        if column > 0 && column + 1 + n > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += n;
    }
    out.push('\n');
    out
}
