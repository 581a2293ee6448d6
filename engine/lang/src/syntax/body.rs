//! Bodies, arguments and blocks.

use std::collections::HashMap;

use super::{Argument, Parser, Range};
use crate::token::{Kind, Start, Token, ident_len, scan};

/// Types of top-level blocks: where reading may start over.
const BLOCKS: &[&str] = &[
    "resource",
    "data",
    "variable",
    "output",
    "locals",
    "module",
    "provider",
    "terraform",
    "moved",
    "removed",
    "import",
    "check",
    "ephemeral",
    "run",
    "variables",
];

const REQUIRED: &str = "Argument or block definition required";
const REQUIRED_DETAIL: &str = "An argument or block definition is required here.";
const EQUALS_DETAIL: &str =
    "An argument or block definition is required here. To set an argument, use the equals sign \"=\" to introduce the argument value.";
const UNCLOSED_DETAIL: &str = "There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.";

/// How often reading starts over: each time the rest of the text is scanned again.
const MAX_RESTARTS: usize = 50;

/// What an item turned out to be.
enum Item {
    /// An argument, by the token of its name.
    Argument(Token),
    Block,
    Nothing,
}

impl Parser<'_> {
    /// The whole file. Unlike HCL, a mistake hides nothing but the item it is in.
    pub(super) fn file(&mut self) {
        let (mut set, mut restarts) = (HashMap::new(), 0);
        loop {
            let next = self.peek();
            let (start, errors) = (next.start, self.report.errors.len());
            match next.kind {
                Kind::Eof => return,
                Kind::Newline => {
                    self.read();
                    continue;
                }
                Kind::Ident => self.item_in(&mut set),
                _ => {
                    self.stray(next, Kind::Eof);
                    self.recover_after_item();
                }
            }
            let mut end = self.previous.end.max(start);
            let failed = self.report.errors.len() > errors;
            let broken = failed && self.errors_are_local(errors);
            if failed
                && restarts < MAX_RESTARTS
                && let Some(at) = self.next_item_line(start)
                && at < end
            {
                self.restart(at, errors);
                restarts += 1;
                end = at;
            }
            self.report.items.push(start..end);
            if broken {
                self.report.broken.push(start..end);
            }
            self.recovery = false;
        }
    }

    /// After a mistake, a bracket or quote that was never closed may have swallowed what follows. The line where
    /// the next top-level block seems to start, after the item at `start`.
    fn next_item_line(&self, start: usize) -> Option<usize> {
        let mut at = start;
        for line in self.text.get(start..)?.split_inclusive('\n') {
            let word = &line[..ident_len(line)];
            let after = line[word.len()..].trim_start();
            if at > start && BLOCKS.contains(&word) && after.starts_with(['"', '{']) {
                return Some(at);
            }
            at += line.len();
        }
        None
    }

    /// Starts over at the line at `at`, which lies behind us. Of the errors that lie after it, the first since
    /// `since` is the one that made us start over.
    fn restart(&mut self, at: usize, since: usize) {
        let before = self.span(at, at);
        let mut index = 0..;
        self.report.errors.retain(|e| index.next() == Some(since) || e.span.is_none_or(|s| s.start < before.start));
        self.report.arguments.retain(|a| a.value.start < at);
        self.report.labels.retain(|l| l.start < at);
        self.report.keys.retain(|(k, _)| k.start < at);
        self.report.numbers.retain(|n| n.start < at);
        self.report.broken.retain(|b| b.start < at);
        self.tokens = scan(&self.text[at..], Start::Normal);
        for t in &mut self.tokens {
            t.start += at;
            t.end += at;
        }
        self.at = 0;
        self.newlines = vec![true];
        self.depth = 0;
        self.invalid_tokens();
    }

    /// Whether the item of the errors from `first` on cannot be kept. An argument that is set twice is taken out alone.
    fn errors_are_local(&self, first: usize) -> bool {
        self.report.errors.iter().skip(first).any(|e| e.summary != "Attribute redefined")
    }

    fn item_in(&mut self, set: &mut HashMap<String, Token>) {
        let start = self.peek().start;
        let Item::Argument(name) = self.item() else { return };
        let text = self.text(name);
        let Some(first) = set.get(text).copied() else {
            set.insert(text.to_owned(), name);
            return;
        };
        let line = self.text[..first.start].bytes().filter(|b| *b == b'\n').count() + 1;
        let detail = format!("The argument {text:?} was already set at line {line}. Each argument may be set only once.");
        self.error("Attribute redefined", detail, name);
        let span = self.span(first.start, first.end);
        if let Some(e) = self.report.errors.last_mut() {
            e.labels.push((span, "first set here".into()));
        }
        self.report.broken.push(start..self.line_end());
    }

    /// The end of the item just read, without the line break that closes it.
    fn line_end(&self) -> usize {
        if self.previous.kind == Kind::Newline { self.previous.end - 1 } else { self.previous.end }
    }

    fn stray(&mut self, t: Token, end: Kind) {
        if self.recovery {
            return;
        }
        match t.kind {
            Kind::OQuote => self.error("Invalid argument name", "Argument names must not be quoted.", t),
            Kind::Eof if end == Kind::CBrace => {}
            _ => self.error(REQUIRED, REQUIRED_DETAIL, t),
        }
    }

    /// The content of a block whose opening brace was just read.
    fn body(&mut self) {
        let open = self.previous;
        let mut set = HashMap::new();
        loop {
            let next = self.peek();
            match next.kind {
                Kind::CBrace => {
                    self.read();
                    return;
                }
                Kind::Newline => {
                    self.read();
                }
                Kind::Ident => self.item_in(&mut set),
                Kind::Eof => {
                    if !self.recovery {
                        self.error("Unclosed configuration block", UNCLOSED_DETAIL, open);
                    }
                    self.recovery = true;
                    return;
                }
                _ => {
                    self.read();
                    self.stray(next, Kind::CBrace);
                    self.recover(Kind::CBrace);
                    return;
                }
            }
        }
    }

    fn item(&mut self) -> Item {
        let name = self.read();
        match self.peek().kind {
            Kind::Equal => {
                self.argument(name, false);
                Item::Argument(name)
            }
            Kind::OQuote | Kind::OBrace | Kind::Ident => {
                self.blocks.push(self.text(name));
                self.nested(Self::block);
                self.blocks.pop();
                Item::Block
            }
            _ => {
                self.recover_after_item();
                self.error(REQUIRED, EQUALS_DETAIL, name);
                Item::Nothing
            }
        }
    }

    fn argument(&mut self, name: Token, single_line: bool) {
        self.read();
        let start = self.peek().start;
        let failed = self.fails(Self::expression);
        let is_type = self.blocks == ["variable"] && self.text(name) == "type";
        let value = self.range_from(start);
        self.report.arguments.push(Argument { value, is_type });
        if self.recovery && failed {
            return self.recover_after_item();
        }
        if single_line {
            return;
        }
        let end = self.peek();
        if matches!(end.kind, Kind::Newline | Kind::Eof) {
            self.read();
            return;
        }
        if !self.recovery {
            let detail = "An argument definition must end with a newline.";
            if end.kind == Kind::Comma {
                let detail = format!("Argument definitions must be separated by newlines, not commas. {detail}");
                self.error("Unexpected comma after argument", detail, end);
            } else {
                self.error("Missing newline after argument", detail, end);
            }
        }
        self.recover_after_item();
    }

    /// Runs `f` and says whether it found an error.
    pub(super) fn fails(&mut self, f: impl FnOnce(&mut Self)) -> bool {
        let before = self.report.errors.len();
        f(self);
        self.report.errors.len() > before
    }

    fn block(&mut self) {
        loop {
            let t = self.peek();
            match t.kind {
                Kind::OBrace => {
                    self.read();
                    break;
                }
                Kind::OQuote | Kind::Ident => {
                    if t.kind == Kind::Ident {
                        self.read();
                    } else {
                        self.label();
                    }
                    let label = self.range_from(t.start);
                    self.report.labels.push(label);
                }
                kind => {
                    let detail = match kind {
                        Kind::Equal => {
                            "The equals sign \"=\" indicates an argument definition, and must not be used when defining a block."
                        }
                        Kind::Newline => {
                            "A block definition must have block content delimited by \"{\" and \"}\", starting on the same line as the block header."
                        }
                        _ => "Either a quoted string block label or an opening brace (\"{\") is expected here.",
                    };
                    if !self.recovery || matches!(kind, Kind::Equal | Kind::Newline) {
                        self.error("Invalid block definition", detail, t);
                    }
                    return self.recover_after_item();
                }
            }
        }
        match self.peek().kind {
            Kind::Newline | Kind::Eof | Kind::CBrace => self.body(),
            _ => self.single_line_body(),
        }
        let end = self.peek();
        if matches!(end.kind, Kind::Newline | Kind::Eof) {
            self.read();
            return;
        }
        if !self.recovery {
            self.error("Missing newline after block definition", "A block definition must end with a newline.", end);
        }
        self.recover_after_item();
    }

    fn single_line_body(&mut self) {
        let before = self.report.errors.len();
        let open = self.previous;
        self.single_argument();
        // What is wrong with the end of the block is told first.
        let inner = self.report.errors.split_off(before);
        self.single_line_end(open);
        self.report.errors.extend(inner);
    }

    fn single_line_end(&mut self, open: Token) {
        let next = self.peek();
        let single = "Invalid single-argument block definition";
        match next.kind {
            Kind::CBrace => {
                self.read();
                return;
            }
            Kind::Comma => self.error(
                single,
                "Single-line block syntax can include only one argument definition. To define multiple arguments, use the multi-line block syntax with one argument definition per line.",
                next,
            ),
            Kind::Newline => self.error(
                single,
                "An argument definition on the same line as its containing block creates a single-line block definition, which must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
                next,
            ),
            _ if self.recovery => {}
            Kind::Eof => self.error("Unclosed configuration block", UNCLOSED_DETAIL, open),
            _ => self.error(
                single,
                "A single-line block definition must end with a closing brace immediately after its single argument definition.",
                next,
            ),
        }
        self.recover(Kind::CBrace);
    }

    fn single_argument(&mut self) {
        let name = self.read();
        if name.kind != Kind::Ident {
            self.recover_after_item();
            return self.error(REQUIRED, REQUIRED_DETAIL, name);
        }
        let next = self.peek();
        match next.kind {
            Kind::Equal => self.argument(name, true),
            Kind::OQuote | Kind::OBrace | Kind::Ident => {
                self.recover_after_item();
                let detail = format!(
                    "A single-line block definition can contain only a single argument. If you meant to define argument {:?}, use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block.",
                    self.text(name)
                );
                self.error("Argument definition required", detail, Token { start: name.start, ..next });
            }
            _ => {
                self.recover_after_item();
                self.error(REQUIRED, EQUALS_DETAIL, name);
            }
        }
    }

    /// A quoted block label: no template.
    fn label(&mut self) {
        self.read();
        loop {
            let t = self.read();
            match t.kind {
                Kind::CQuote => return,
                Kind::QuotedLit => self.escapes(t),
                Kind::Interp | Kind::Control => {
                    let which = if t.kind == Kind::Interp { "$" } else { "%" };
                    let detail = format!(
                        "Template sequences are not allowed in this string. To include a literal {which:?}, double it (as \"{which}{which}\") to escape it."
                    );
                    self.error("Invalid string literal", detail, t);
                    self.recover(Kind::SeqEnd);
                }
                Kind::Eof => {
                    let detail = "Unable to find the closing quote mark before the end of the file.";
                    self.error("Unterminated string literal", detail, t);
                    self.recovery = true;
                    return;
                }
                _ => {
                    self.error("Invalid string literal", "This item is not valid in a string literal.", t);
                    self.recover(Kind::CQuote);
                    return;
                }
            }
        }
    }

    pub(super) fn range_from(&self, start: usize) -> Range {
        start..self.previous.end.max(start)
    }
}
