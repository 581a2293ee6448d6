//! What went wrong, where, and what to do about it.
//!
//! A diagnostic is plain data. Only the command line turns it into text.

use std::borrow::Cow;

use crate::Span;

/// Whether a diagnostic stops the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The operation cannot go on, or its result cannot be used.
    Error,
    /// Worth knowing; the operation goes on.
    Warning,
}

/// One mistake, or one thing worth knowing.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Two to five words, the same for the same mistake, with no names of the user.
    pub summary: Cow<'static, str>,
    /// Whole sentences with names: what was found, what was expected.
    pub detail: String,
    /// The smallest piece of text that is wrong.
    pub span: Option<Span>,
    /// Other places involved, with what they have to do with it.
    pub labels: Vec<(Span, String)>,
    /// What to do, as an order.
    pub help: Option<String>,
    /// The resource instance or block that the diagnostic is about.
    pub address: Option<String>,
    /// What references came to in the expression that is wrong. `None` where there is no expression.
    pub values: Option<Vec<Seen>>,
}

/// What a reference came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The place of the reference.
    pub span: Span,
    /// The reference, such as `var.a`.
    pub reference: String,
    /// What it came to, such as `is "x"`.
    pub statement: String,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(summary: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            span: None,
            labels: Vec::new(),
            help: None,
            address: None,
            values: None,
        }
    }

    /// A warning without a place.
    pub fn warning(summary: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary, detail) }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// The same, at a place if there is one.
    #[must_use]
    pub fn at_opt(mut self, span: Option<Span>) -> Self {
        self.span = span.or(self.span);
        self
    }

    /// The same, with another place involved.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    /// The same, with an order that helps.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The same with what references came to in the expression that is wrong.
    #[must_use]
    pub fn seeing(self, values: Vec<Seen>) -> Self {
        Self { values: Some(values), ..self }
    }

    /// The same, about a block or an instance.
    #[must_use]
    pub fn about(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Whether this is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Diagnostics collected while work goes on after a mistake.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diags(pub Vec<Diagnostic>);

impl Diags {
    /// No diagnostics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, d: Diagnostic) {
        self.0.push(d);
    }

    /// Adds all of `more`.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(more);
    }

    /// Whether any is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The diagnostics in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl IntoIterator for Diags {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The name among `known` that `given` most likely misspells, if one is close enough to suggest.
///
/// Terraform's rule: the first with an edit distance below three.
pub fn suggest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().find(|k| strsim::levenshtein(given, k) < 3)
}

/// The same for names in no order: the closest, where two letters that changed places count as one mistake.
pub fn suggest_closest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let close = known.into_iter().filter(|k| strsim::levenshtein(given, k) < 3);
    close.min_by_key(|k| strsim::damerau_levenshtein(given, k))
}
