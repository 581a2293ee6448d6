//! Text to tokens, by the rules of HCL's own scanner: what counts as one number, where a heredoc ends, which
//! `}` closes a template. Syntax errors and formatting are told in these terms.

use hcl_edit::Ident;

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OBrace,
    CBrace,
    OBrack,
    CBrack,
    OParen,
    CParen,
    OQuote,
    CQuote,
    OHeredoc,
    CHeredoc,
    /// `${`, perhaps with `~`.
    Interp,
    /// `%{`, perhaps with `~`.
    Control,
    /// The `}` of a template sequence, perhaps with `~`.
    SeqEnd,
    /// Text in quotes.
    QuotedLit,
    /// A line of a heredoc or of a bare template.
    StringLit,
    /// A line break in quotes, which is an error.
    QuotedNewline,
    Number,
    Ident,
    Star,
    Slash,
    Plus,
    Minus,
    Percent,
    Equal,
    EqualOp,
    NotEqual,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    And,
    Or,
    Bang,
    Dot,
    Comma,
    DoubleColon,
    Ellipsis,
    FatArrow,
    Question,
    Colon,
    /// A comment; one that runs to the end of the line includes the line break.
    Comment,
    Newline,
    BitAnd,
    BitOr,
    BitNot,
    BitXor,
    Apostrophe,
    Backtick,
    Semicolon,
    Invalid,
    Eof,
}

impl Kind {
    /// Whether the token is an operator with two operands.
    pub(crate) fn is_binary(self) -> bool {
        use Kind::*;
        matches!(self, Star | Slash | Plus | Minus | Percent | EqualOp | NotEqual | Less | LessEq | Greater | GreaterEq | And | Or)
    }
}

/// What the text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// A file or an expression.
    Normal,
    /// A template without quotes around it.
    Template,
}

/// The tokens of a text, with an [`Kind::Eof`] at the end.
pub(crate) fn scan(text: &str, start: Start) -> Vec<Token> {
    let mut s = Scanner { text, at: 0, out: Vec::with_capacity(text.len() / 4), braces: 0, modes: Vec::new(), unclosed_comment: false };
    if text.starts_with('\u{feff}') {
        s.at = 3;
    }
    if start == Start::Template {
        s.modes.push(Mode::Bare);
    }
    s.run();
    s.push(Kind::Eof, text.len());
    s.out
}

/// Inside what the scanner is. No mode at all is the normal one.
#[derive(Clone, Copy)]
enum Mode<'a> {
    Quoted,
    Heredoc {
        marker: &'a str,
        line_start: bool,
    },
    Bare,
    /// In `${` or `%{`; ends at the `}` where as many braces are open as at its start.
    Sequence {
        braces: usize,
    },
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    out: Vec<Token>,
    braces: usize,
    modes: Vec<Mode<'a>>,
    /// There is no `*/` from here on.
    unclosed_comment: bool,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        while self.at < self.text.len() {
            match self.modes.last().copied() {
                None | Some(Mode::Sequence { .. }) => self.normal(),
                Some(Mode::Quoted) => self.quoted(),
                Some(Mode::Heredoc { marker, line_start }) => self.heredoc(marker, line_start),
                Some(Mode::Bare) => self.lines(),
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.out.push(Token { kind, start: self.at, end });
        self.at = end;
    }

    fn take(&mut self, kind: Kind, len: usize) {
        self.push(kind, self.at + len);
    }

    fn normal(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let next = bytes.get(1).copied().unwrap_or(0);
        match bytes[0] {
            b' ' | b'\t' => self.at += 1,
            b'\n' => self.take(Kind::Newline, 1),
            b'\r' if next == b'\n' => self.take(Kind::Newline, 2),
            b'#' => self.line_comment(),
            b'/' if next == b'/' => self.line_comment(),
            b'/' if next == b'*' && !self.unclosed_comment => match rest[2..].find("*/") {
                Some(i) => self.take(Kind::Comment, i + 4),
                None => self.unclosed_comment = true,
            },
            b'0'..=b'9' => self.take(Kind::Number, number_len(bytes)),
            b'"' => {
                self.take(Kind::OQuote, 1);
                self.modes.push(Mode::Quoted);
            }
            b'<' if next == b'<' && heredoc_start(rest).is_some() => {
                let (marker, len) = heredoc_start(rest).unwrap_or(("", 2));
                self.take(Kind::OHeredoc, len);
                self.modes.push(Mode::Heredoc { marker, line_start: true });
            }
            b'{' => {
                self.take(Kind::OBrace, 1);
                self.braces += 1;
            }
            b'}' => self.close_brace(1),
            b'~' if next == b'}' => self.close_brace(2),
            _ => self.symbol_or_name(rest),
        }
    }

    fn symbol_or_name(&mut self, rest: &str) {
        if let Some((text, kind)) = SYMBOLS.iter().find(|(s, _)| rest.starts_with(s)) {
            return self.take(*kind, text.len());
        }
        let name = ident_len(rest);
        if name > 0 {
            return self.take(Kind::Ident, name);
        }
        self.take(Kind::Invalid, rest.chars().next().map_or(1, char::len_utf8));
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        self.take(Kind::Comment, rest.find('\n').map_or(rest.len(), |i| i + 1));
    }

    fn closes_sequence(&self) -> bool {
        matches!(self.modes.last(), Some(Mode::Sequence { braces }) if *braces == self.braces)
    }

    fn close_brace(&mut self, len: usize) {
        if self.closes_sequence() {
            self.modes.pop();
            return self.take(Kind::SeqEnd, len);
        }
        self.braces = self.braces.saturating_sub(1);
        // A `~}` that closes a mere brace is left to the parser to refuse.
        self.take(if len == 1 { Kind::CBrace } else { Kind::SeqEnd }, len);
    }

    /// Starts a template sequence if there is one here.
    fn sequence(&mut self) -> bool {
        let rest = self.rest();
        let kind = match rest.get(..2) {
            Some("${") => Kind::Interp,
            Some("%{") => Kind::Control,
            _ => return false,
        };
        let len = if rest.as_bytes().get(2) == Some(&b'~') { 3 } else { 2 };
        self.take(kind, len);
        self.modes.push(Mode::Sequence { braces: self.braces });
        true
    }

    fn quoted(&mut self) {
        if self.sequence() {
            return;
        }
        let rest = self.rest();
        match rest.as_bytes()[0] {
            b'"' => {
                self.modes.pop();
                self.take(Kind::CQuote, 1);
            }
            b'\n' => self.take(Kind::QuotedNewline, 1),
            b'\r' if rest.starts_with("\r\n") => self.take(Kind::QuotedNewline, 2),
            b'$' | b'%' if rest.len() == 1 => self.take(Kind::Invalid, 1),
            b'\\' if rest.len() == 1 || rest[1..].starts_with(['\n', '\r']) => self.take(Kind::Invalid, 1),
            _ => self.take(Kind::QuotedLit, quoted_len(rest)),
        }
    }

    fn heredoc(&mut self, marker: &'a str, line_start: bool) {
        let rest = self.rest();
        if line_start {
            let line = rest.split_inclusive('\n').next().unwrap_or("");
            // Without a line break after it, the marker does not count.
            if line.ends_with('\n') && line.trim() == marker {
                self.modes.pop();
                let line_break = if line.ends_with("\r\n") { 2 } else { 1 };
                self.take(Kind::CHeredoc, line.len() - line_break);
                return self.take(Kind::Newline, line_break);
            }
        }
        let starts_line = !self.sequence() && {
            let len = line_len(rest);
            let cut_off = len == rest.len() && rest.ends_with(['$', '%']);
            match len - usize::from(cut_off) {
                0 => self.take(Kind::Invalid, 1),
                len => self.take(Kind::StringLit, len),
            }
            rest[..len].ends_with('\n')
        };
        // The sequence that may just have begun lies on top of this mode.
        for mode in self.modes.iter_mut().rev().take(2) {
            if let Mode::Heredoc { line_start, .. } = mode {
                *line_start = starts_line;
                break;
            }
        }
    }

    fn lines(&mut self) {
        if !self.sequence() {
            let len = line_len(self.rest());
            self.take(Kind::StringLit, len);
        }
    }
}

/// Symbols, longer ones first.
const SYMBOLS: &[(&str, Kind)] = &[
    ("...", Kind::Ellipsis),
    ("==", Kind::EqualOp),
    ("!=", Kind::NotEqual),
    ("<=", Kind::LessEq),
    (">=", Kind::GreaterEq),
    ("&&", Kind::And),
    ("||", Kind::Or),
    ("=>", Kind::FatArrow),
    ("::", Kind::DoubleColon),
    ("[", Kind::OBrack),
    ("]", Kind::CBrack),
    ("(", Kind::OParen),
    (")", Kind::CParen),
    ("*", Kind::Star),
    ("/", Kind::Slash),
    ("+", Kind::Plus),
    ("-", Kind::Minus),
    ("%", Kind::Percent),
    ("=", Kind::Equal),
    ("<", Kind::Less),
    (">", Kind::Greater),
    ("!", Kind::Bang),
    (".", Kind::Dot),
    (",", Kind::Comma),
    ("?", Kind::Question),
    (":", Kind::Colon),
    ("&", Kind::BitAnd),
    ("|", Kind::BitOr),
    ("~", Kind::BitNot),
    ("^", Kind::BitXor),
    ("'", Kind::Apostrophe),
    ("`", Kind::Backtick),
    (";", Kind::Semicolon),
];

/// HCL takes `1.5.5` for one number, and refuses it later. A number does not end with a dot.
fn number_len(bytes: &[u8]) -> usize {
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let (mut at, mut end) = (1, 1);
    loop {
        match bytes.get(at) {
            Some(b'0'..=b'9') => at += 1,
            Some(b'.') => {
                at += 1;
                continue;
            }
            Some(b'e' | b'E') if digit(at + 1) => at += 2,
            Some(b'e' | b'E') if matches!(bytes.get(at + 1), Some(b'+' | b'-')) && digit(at + 2) => at += 3,
            _ => return end,
        }
        end = at;
    }
}

/// The length of the identifier at the start of `s`, or zero.
pub(crate) fn ident_len(s: &str) -> usize {
    let is_start = |c: char| c == '_' || c.is_ascii_alphabetic() || (!c.is_ascii() && Ident::try_new(c.to_string()).is_ok());
    let is_rest = |c: char| c == '_' || c == '-' || c.is_ascii_alphanumeric() || (!c.is_ascii() && Ident::try_new(format!("a{c}")).is_ok());
    match s.chars().next() {
        Some(c) if is_start(c) => s.find(|c| !is_rest(c)).unwrap_or(s.len()),
        _ => 0,
    }
}

/// Whether `s` is an identifier.
pub(crate) fn is_ident(s: &str) -> bool {
    !s.is_empty() && ident_len(s) == s.len()
}

/// The marker of a heredoc that begins at the start of `s`, and the length of its first line.
fn heredoc_start(s: &str) -> Option<(&str, usize)> {
    let after = s.strip_prefix("<<")?;
    let name = after.strip_prefix('-').unwrap_or(after);
    let (marker, rest) = name.split_at(ident_len(name));
    let line_break = if rest.starts_with("\r\n") { 2 } else { 1 };
    (!marker.is_empty() && (rest.starts_with('\n') || line_break == 2)).then(|| (marker, s.len() - rest.len() + line_break))
}

/// The length of the text up to a quote, a line break or a template sequence.
fn quoted_len(s: &str) -> usize {
    let mut chars = s.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' | '\n' => return i,
            '\r' if s[i..].starts_with("\r\n") => return i,
            '\\' if s.len() == i + 1 || s[i + 1..].starts_with(['\n', '\r']) => return i,
            '\\' => {
                chars.next();
            }
            '$' | '%' if s[i + 1..].starts_with(c) && s[i + 2..].starts_with('{') => {
                chars.next();
                chars.next();
            }
            '$' | '%' if s[i + 1..].starts_with('{') => return i,
            // Cut off at the end of the file, it is not text either.
            '$' | '%' if s.len() == i + 1 => return i,
            _ => {}
        }
    }
    s.len()
}

/// The length of the text up to a template sequence or past the end of the line.
fn line_len(s: &str) -> usize {
    let mut chars = s.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\n' => return i + 1,
            '$' | '%' if s[i + 1..].starts_with(c) && s[i + 2..].starts_with('{') => {
                chars.next();
                chars.next();
            }
            '$' | '%' if s[i + 1..].starts_with('{') => return i,
            _ => {}
        }
    }
    s.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_hcl() {
        check("a = 1.5.5", "Ident a|Equal =|Number 1.5.5");
        check("x.0.0", "Ident x|Dot .|Number 0.0");
        check("1...", "Number 1|Ellipsis ...");
        check("1e5e x-y", "Number 1e5|Ident e|Ident x-y");
        check("\"a$${b${c}\"", "OQuote \"|QuotedLit a$${b|Interp ${|Ident c|SeqEnd }|CQuote \"");
        check("\"${{a=1}~}\"", "OQuote \"|Interp ${|OBrace {|Ident a|Equal =|Number 1|CBrace }|SeqEnd ~}|CQuote \"");
        check(
            "<<-E\n a\n ${b}\n E\n",
            "OHeredoc <<-E\n|StringLit  a\n|StringLit  |Interp ${|Ident b|SeqEnd }|StringLit \n|CHeredoc  E|Newline \n",
        );
        check("a # b\nc", "Ident a|Comment # b\n|Ident c");
        check("\u{feff}é /* x", "Ident é|Slash /|Star *|Ident x");
    }

    fn check(text: &str, want: &str) {
        let got = scan(text, Start::Normal)
            .iter()
            .filter(|t| t.kind != Kind::Eof)
            .map(|t| format!("{:?} {}", t.kind, &text[t.start..t.end]))
            .collect::<Vec<_>>();
        assert_eq!(got.join("|"), want);
    }
}
