//! Finds the syntax errors of a text and says them in Terraform's words.
//!
//! This follows HCL's own recursive descent parser rule by rule, since its messages are a matter of which rule
//! met which token. It builds no tree: `hcl-edit` does that, for what is correct. On the way it notes what
//! `hcl-edit` has to be spared.

mod body;
mod expr;
mod template;

use std::collections::HashMap;

use secstack_base::{Diagnostic, FileId, Number, Span};

use crate::lower;
use crate::token::{Kind, Start, Token, scan};

type Range = std::ops::Range<usize>;

/// How deep blocks, brackets and templates may nest. It is the limit of `hcl-edit`.
const MAX_NESTING: usize = 64;

/// What was learned about a text.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The errors, in order.
    pub errors: Vec<Diagnostic>,
    /// Pieces that are wrong as a whole: top-level items, and arguments that are set twice.
    pub broken: Vec<Range>,
    /// The top-level items.
    pub items: Vec<Range>,
    /// Numbers that only we can read.
    pub numbers: Vec<Range>,
    /// Keys of object constructors: where, and whether an earlier key reads the same.
    pub keys: Vec<(Range, bool)>,
    /// Bytes that mean nothing and that `hcl-edit` trips over.
    pub traps: Vec<Range>,
    /// The arguments of bodies.
    pub arguments: Vec<Argument>,
    /// Labels of blocks.
    pub labels: Vec<Range>,
}

/// Where an argument of a body stands.
#[derive(Debug)]
pub(crate) struct Argument {
    /// The value.
    pub value: Range,
    /// Whether it is the type of a variable.
    pub is_type: bool,
}

/// Looks through a file.
pub(crate) fn check_file(file: FileId, text: &str) -> Report {
    let mut p = Parser::new(file, text, 0, Start::Normal);
    p.invalid_tokens();
    p.file();
    p.finish()
}

/// Looks through an expression that starts at byte `base` of the file.
pub(crate) fn check_expression(file: FileId, text: &str, base: usize) -> Report {
    let mut p = Parser::new(file, text, base, Start::Normal);
    p.invalid_tokens();
    p.newlines.push(false);
    p.expression();
    let next = p.peek();
    if next.kind != Kind::Eof && !p.recovery {
        p.error(
            "Extra characters after expression",
            "An expression was successfully parsed, but extra characters were found after it.",
            next,
        );
    }
    p.finish()
}

/// Looks through a template that starts at byte `base` of the file.
pub(crate) fn check_template(file: FileId, text: &str, base: usize) -> Report {
    let mut p = Parser::new(file, text, base, Start::Template);
    p.invalid_tokens();
    p.template(Kind::Eof);
    p.finish()
}

struct Parser<'a> {
    file: FileId,
    text: &'a str,
    base: usize,
    tokens: Vec<Token>,
    /// The next token, comments included.
    at: usize,
    /// The token read last.
    previous: Token,
    /// Whether line breaks matter, innermost bracket last.
    newlines: Vec<bool>,
    /// After a mistake: what follows is likely a consequence.
    recovery: bool,
    depth: usize,
    /// The types of the blocks we are in.
    blocks: Vec<&'a str>,
    report: Report,
}

impl<'a> Parser<'a> {
    fn new(file: FileId, text: &'a str, base: usize, start: Start) -> Self {
        Self {
            file,
            text,
            base,
            tokens: scan(text, start),
            at: 0,
            previous: Token { kind: Kind::Eof, start: 0, end: 0 },
            newlines: vec![true],
            recovery: false,
            depth: 0,
            blocks: Vec::new(),
            report: Report::default(),
        }
    }

    fn finish(mut self) -> Report {
        self.report.traps = traps(self.text, &self.tokens);
        self.report
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start, self.base + end)
    }

    fn text(&self, t: Token) -> &'a str {
        self.text.get(t.start..t.end).unwrap_or("")
    }

    fn error(&mut self, summary: impl Into<std::borrow::Cow<'static, str>>, detail: impl Into<String>, at: Token) {
        let span = self.span(at.start, at.end);
        self.report.errors.push(Diagnostic::error(summary, detail).at(span));
    }

    /// Whether the innermost bracket lets line breaks pass.
    fn newlines_matter(&self) -> bool {
        self.newlines.last().copied().unwrap_or(true)
    }

    /// The next token that counts, and its place.
    fn next_token(&self) -> (Token, usize) {
        let matter = self.newlines_matter();
        for (i, t) in self.tokens.iter().enumerate().skip(self.at) {
            match t.kind {
                Kind::Comment if matter && self.text(*t).ends_with('\n') => {
                    return (Token { kind: Kind::Newline, ..*t }, i);
                }
                Kind::Comment => {}
                Kind::Newline if !matter => {}
                _ => return (*t, i),
            }
        }
        let eof = Token { kind: Kind::Eof, start: self.text.len(), end: self.text.len() };
        (eof, self.tokens.len())
    }

    fn peek(&self) -> Token {
        self.next_token().0
    }

    fn read(&mut self) -> Token {
        let (t, i) = self.next_token();
        // The end of the file is read as often as asked.
        self.at = if t.kind == Kind::Eof { i } else { i + 1 };
        self.previous = t;
        t
    }

    fn peek_is_word(&self, word: &str) -> bool {
        let t = self.peek();
        t.kind == Kind::Ident && self.text(t) == word
    }

    /// Runs `f` one level deeper. Past the limit the rest of the text is given up.
    fn nested(&mut self, f: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_NESTING {
            let t = self.peek();
            let too_deep = lower::too_deep(self.span(t.start, t.end));
            if !self.recovery {
                self.report.errors.push(too_deep);
            }
            self.recovery = true;
            self.at = self.tokens.len().saturating_sub(1);
            return;
        }
        self.depth += 1;
        f(self);
        self.depth -= 1;
    }

    /// Runs `f` with line breaks counting or not, and says whether it found an error.
    fn bracketed(&mut self, newlines: bool, f: impl FnOnce(&mut Self)) {
        self.newlines.push(newlines);
        f(self);
        self.newlines.pop();
    }

    /// Reads past the bracket `end` that closes the one we are in.
    fn recover(&mut self, end: Kind) -> Token {
        self.recovery = true;
        let start = opposite(end);
        let mut nest = 0;
        loop {
            let t = self.read();
            let kind = if end == Kind::SeqEnd && t.kind == Kind::Control { Kind::Interp } else { t.kind };
            if kind == Kind::Eof {
                return t;
            } else if kind == start {
                nest += 1;
            } else if kind == end {
                if nest == 0 {
                    return t;
                }
                nest -= 1;
            }
        }
    }

    /// Reads past the end of the line, or of the brackets that open on it.
    fn recover_after_item(&mut self) {
        self.recovery = true;
        let mut open: Vec<Kind> = Vec::new();
        loop {
            let t = self.read();
            match t.kind {
                Kind::Newline if open.is_empty() => return,
                Kind::Eof => return,
                Kind::OBrace | Kind::OBrack | Kind::OParen | Kind::OQuote | Kind::OHeredoc | Kind::Interp => open.push(t.kind),
                Kind::Control => open.push(Kind::Interp),
                Kind::CBrace | Kind::CBrack | Kind::CParen | Kind::CQuote | Kind::CHeredoc | Kind::SeqEnd => {
                    let opener = opposite(t.kind);
                    while open.last().is_some_and(|o| *o != opener) {
                        open.pop();
                    }
                    open.pop();
                }
                _ => {}
            }
        }
    }

    /// Reports the tokens that no rule takes.
    fn invalid_tokens(&mut self) {
        let mut told: HashMap<&'static str, usize> = HashMap::new();
        for i in 0..self.tokens.len() {
            let t = self.tokens[i];
            let text = self.text(t);
            if t.kind == Kind::OQuote {
                told.remove("newline");
            }
            let Some((once, limit, summary, detail)) = invalid_token(t.kind, text) else { continue };
            let count = told.entry(once).or_default();
            *count += 1;
            // Backticks come in pairs: the second of each is not told.
            let skip = t.kind == Kind::Backtick && count.is_multiple_of(2);
            if *count <= limit && !skip {
                self.error(summary, detail, t);
            }
        }
    }

    /// Notes a number, and reports one that is none.
    fn number(&mut self, t: Token) {
        let text = self.text(t);
        if text.len() > 15 || text.bytes().any(|b| matches!(b, b'e' | b'E')) {
            self.report.numbers.push(t.start..t.end);
        }
        if Number::parse(text).is_none() {
            self.error("Invalid number literal", "Failed to recognize the value of this number literal.", t);
        }
    }
}

/// What `hcl-edit` takes for something else: the carriage returns of line breaks, which it wants to be spaces after
/// `for`, and lines of a heredoc that start with the marker but do not end it.
fn traps(text: &str, tokens: &[Token]) -> Vec<Range> {
    let mut out = Vec::new();
    let mut markers = Vec::new();
    let mut line_start = false;
    for t in tokens {
        let token = text.get(t.start..t.end).unwrap_or("");
        match t.kind {
            Kind::Newline if token.len() == 2 => out.push(t.start..t.start + 1),
            Kind::OHeredoc => markers.push(token.trim_start_matches(['<', '-']).trim_end()),
            Kind::CHeredoc => drop(markers.pop()),
            Kind::StringLit if line_start => {
                let indent = token.len() - token.trim_start().len();
                if let Some(marker) = markers.last().filter(|m| token[indent..].starts_with(**m)) {
                    out.push(t.start + indent..t.start + indent + marker.len());
                }
            }
            _ => {}
        }
        line_start = t.kind == Kind::OHeredoc || (t.kind == Kind::StringLit && token.ends_with('\n'));
    }
    out
}

fn opposite(kind: Kind) -> Kind {
    match kind {
        Kind::CBrace => Kind::OBrace,
        Kind::CBrack => Kind::OBrack,
        Kind::CParen => Kind::OParen,
        Kind::CQuote => Kind::OQuote,
        Kind::CHeredoc => Kind::OHeredoc,
        Kind::SeqEnd => Kind::Interp,
        Kind::OQuote => Kind::CQuote,
        Kind::OHeredoc => Kind::CHeredoc,
        Kind::OBrace => Kind::CBrace,
        Kind::OBrack => Kind::CBrack,
        other => other,
    }
}

type Invalid = (&'static str, usize, &'static str, &'static str);

/// What to say of a token that no rule takes: a key under which it is counted, how often it is told, the words.
fn invalid_token(kind: Kind, text: &str) -> Option<Invalid> {
    let operator = "Unsupported operator";
    let character = "Invalid character";
    Some(match kind {
        Kind::BitAnd => ("bits", 4, operator, "Bitwise operators are not supported. Did you mean boolean AND (\"&&\")?"),
        Kind::BitOr => ("bits", 4, operator, "Bitwise operators are not supported. Did you mean boolean OR (\"||\")?"),
        Kind::BitNot => ("bits", 4, operator, "Bitwise operators are not supported. Did you mean boolean NOT (\"!\")?"),
        Kind::BitXor => ("bits", 4, operator, "Bitwise operators are not supported."),
        Kind::QuotedNewline => (
            "newline",
            1,
            "Invalid multi-line string",
            "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax.",
        ),
        Kind::Backtick => (
            "`",
            3,
            character,
            "The \"`\" character is not valid. To create a multi-line string, use the \"heredoc\" syntax, like \"<<EOT\".",
        ),
        Kind::Apostrophe => ("'", 1, character, "Single quotes are not valid. Use double quotes (\") to enclose strings."),
        Kind::Semicolon => (
            ";",
            1,
            character,
            "The \";\" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values.",
        ),
        Kind::Invalid if matches!(text, "\u{201c}" | "\u{201d}") => (
            "curly",
            usize::MAX,
            character,
            "\"Curly quotes\" are not valid here. These can sometimes be inadvertently introduced when sharing code via documents or discussion forums. It might help to replace the character with a \"straight quote\".",
        ),
        Kind::Invalid => ("other", usize::MAX, character, "This character is not used within the language."),
        _ => return None,
    })
}
