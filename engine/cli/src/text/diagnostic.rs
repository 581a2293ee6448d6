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
    let label =
        |span: Span, text: Option<String>| LabeledSpan::new(text, span.start as usize, (span.end.saturating_sub(span.start)) as usize);
    let main = d.span.filter(|s| sources.get(s.file).is_some());
    // Without a place of its own it is shown by the places that are involved, those of the first file.
    let anchor = main.or_else(|| d.labels.iter().map(|(s, _)| *s).find(|s| sources.get(s.file).is_some()));
    let source = anchor.and_then(|s| sources.get(s.file));
    let same_file = |s: &Span| anchor.is_some_and(|m| m.file == s.file);
    let mut explained = d.labels.clone();
    for seen in d.values.iter().flatten() {
        if !explained.iter().any(|(s, _)| *s == seen.span) && Some(seen.span) != main {
            explained.push((seen.span, format!("{} {}", seen.reference, seen.statement)));
        }
    }
    // Where parts of it are explained, nothing needs to point at the whole.
    let is_explained = main.is_some_and(|m| explained.iter().any(|(s, _)| same_file(s) && s.start >= m.start && s.end <= m.end));
    let mut labels: Vec<LabeledSpan> = main.filter(|_| !is_explained).map(|s| label(s, Some("here".into()))).into_iter().collect();
    labels.extend(explained.iter().filter(|(s, _)| same_file(s)).map(|(s, text)| label(*s, Some(text.clone()))));
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
