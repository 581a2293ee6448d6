//! The canonical format of the native syntax, as `terraform fmt` writes it.
//!
//! Formatting works on tokens and on lines. A line has up to three cells: what leads, `=` and what is assigned, and a
//! comment. Spaces within a cell follow from the tokens, indentation from the brackets that are open, and the second
//! and third cells of neighbouring lines are aligned. A heredoc belongs to the line it starts on.

use std::borrow::Cow;

use secstack_base::{Diags, FileId};
use unicode_segmentation::UnicodeSegmentation;

use crate::syntax::{self, Report};
use crate::template::unescape;
use crate::token::{Kind, Start, Token, scan};

/// Formats a file. A text with a syntax error is refused.
pub fn format(text: &str) -> Result<String, Diags> {
    let report = syntax::check_file(FileId::default(), text);
    if !report.errors.is_empty() {
        return Err(Diags(report.errors));
    }
    let mut pieces = rewrite(text, &report);
    let lines = lines(&pieces);
    indent(&mut pieces, &lines);
    space(&mut pieces, &lines);
    align(&mut pieces, &lines);
    let mut out = String::with_capacity(text.len());
    for p in &pieces {
        out.extend(std::iter::repeat_n(' ', p.spaces));
        out.push_str(&p.text);
    }
    // Space at the very end stays. A comment that nothing ends has it already.
    let space_at_end = |t: &str| t.len() - t.trim_end_matches([' ', '\t']).len();
    let held = pieces.last().filter(|p| p.kind == Kind::Comment).map_or(0, |p| space_at_end(&p.text));
    out.extend(std::iter::repeat_n(' ', space_at_end(text).saturating_sub(held)));
    Ok(out)
}

/// A token with the spaces to write before it.
struct Piece<'a> {
    kind: Kind,
    text: Cow<'a, str>,
    spaces: usize,
}

impl<'a> Piece<'a> {
    fn new(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        Self { kind, text: text.into(), spaces: 0 }
    }

    fn ends_line(&self) -> bool {
        self.kind == Kind::Newline || (self.kind == Kind::Comment && self.text.ends_with('\n'))
    }

    fn columns(&self) -> usize {
        self.spaces + self.text.graphemes(true).count()
    }
}

/// The tokens, old habits replaced: `"${x}"` for `x`, quoted types, labels without quotes.
fn rewrite<'a>(text: &'a str, report: &Report) -> Vec<Piece<'a>> {
    let tokens = scan(text, Start::Normal);
    let piece = |t: &Token| Piece::new(t.kind, &text[t.start..t.end]);
    let (mut arguments, mut labels) = (report.arguments.iter().peekable(), report.labels.iter().peekable());
    let mut out: Vec<Piece<'a>> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(t) = tokens.get(at).filter(|t| t.kind != Kind::Eof) {
        if let Some(label) = labels.next_if(|l| l.start == t.start) {
            // Comments before a label go.
            while out.last().is_some_and(|p| p.kind == Kind::Comment) {
                out.pop();
            }
            out.push(Piece::new(Kind::OQuote, "\""));
            out.push(Piece::new(Kind::QuotedLit, label_text(&text[label.clone()])));
            out.push(Piece::new(Kind::CQuote, "\""));
            at += tokens[at..].iter().take_while(|t| t.start < label.end).count();
            continue;
        }
        let Some(argument) = arguments.next_if(|a| a.value.start == t.start) else {
            out.push(piece(t));
            at += 1;
            continue;
        };
        let len = tokens[at..].iter().take_while(|t| t.start < argument.value.end).count();
        let value: Vec<Piece> = tokens[at..at + len].iter().map(piece).collect();
        out.extend(if argument.is_type { rewrite_type(value) } else { unwrap(value) });
        at += len;
    }
    out
}

/// A label as it is written between quotes.
fn label_text(label: &str) -> Cow<'_, str> {
    let inner = label.strip_prefix('"').and_then(|l| l.strip_suffix('"')).unwrap_or(label);
    if !inner.contains('\\') {
        return inner.into();
    }
    let (mut out, mut rest) = (String::new(), inner);
    while let Some(c) = rest.chars().next() {
        let (decoded, len) = unescape(rest).filter(|_| c == '\\').unwrap_or((c, c.len_utf8()));
        out.push(decoded);
        rest = &rest[len..];
    }
    let quoted = secstack_base::addr::quote(&out);
    quoted[1..quoted.len() - 1].replace("$${", "${").replace("%%{", "%{").replace("${", "$${").replace("%{", "%%{").into()
}

fn rewrite_type(value: Vec<Piece>) -> Vec<Piece> {
    let of = |name: &'static str, element: &'static str| {
        let parens = [(Kind::Ident, name), (Kind::OParen, "("), (Kind::Ident, element), (Kind::CParen, ")")];
        parens.into_iter().map(|(kind, text)| Piece::new(kind, text)).collect()
    };
    match &value[..] {
        [Piece { kind: Kind::Ident, text, .. }] => match &**text {
            "list" => of("list", "any"),
            "map" => of("map", "any"),
            "set" => of("set", "any"),
            _ => value,
        },
        [Piece { kind: Kind::OQuote, .. }, Piece { kind: Kind::QuotedLit, text, .. }, Piece { kind: Kind::CQuote, .. }] => match &**text {
            "string" => vec![Piece::new(Kind::Ident, "string")],
            "list" => of("list", "string"),
            "map" => of("map", "string"),
            _ => value,
        },
        _ => value,
    }
}

/// The expression inside a template that is nothing but one interpolation.
fn unwrap(value: Vec<Piece>) -> Vec<Piece> {
    let kinds: Vec<Kind> = value.iter().map(|p| p.kind).collect();
    let [Kind::OQuote, Kind::Interp, inside @ .., Kind::SeqEnd, Kind::CQuote] = &kinds[..] else { return value };
    let mut quotes = 0;
    for kind in inside {
        match kind {
            Kind::OQuote => quotes += 1,
            Kind::CQuote => quotes -= 1,
            Kind::Interp | Kind::SeqEnd | Kind::QuotedLit if quotes <= 0 => return value,
            _ => {}
        }
    }
    if inside.is_empty() {
        return value;
    }
    let is_newline = |k: &&Kind| **k == Kind::Newline;
    let start = 2 + inside.iter().take_while(is_newline).count();
    let end = value.len() - 2 - inside.iter().rev().take_while(is_newline).count();
    let mut inner: Vec<Piece> = value.into_iter().skip(start).take(end.saturating_sub(start)).collect();
    let multi_line = inner.iter().any(|p| p.kind == Kind::Newline);
    let in_parens = matches!((inner.first().map(|p| p.kind), inner.last().map(|p| p.kind)), (Some(Kind::OParen), Some(Kind::CParen)));
    if multi_line && !in_parens {
        inner.insert(0, Piece::new(Kind::OParen, "("));
        inner.push(Piece::new(Kind::CParen, ")"));
    }
    inner
}

/// A line, as ranges of pieces. `assign` and `comment` may be empty.
struct Line {
    start: usize,
    assign: usize,
    comment: usize,
    end: usize,
}

fn lines(pieces: &[Piece]) -> Vec<Line> {
    let mut out = Vec::new();
    let mut start = 0;
    for end in 1..=pieces.len() {
        if pieces[end - 1].ends_line() || end == pieces.len() {
            out.push(line(pieces, start, end));
            start = end;
        }
    }
    out
}

fn line(pieces: &[Piece], start: usize, end: usize) -> Line {
    let has_comment = end - start > 1 && pieces[end - 1].kind == Kind::Comment;
    let comment = if has_comment { end - 1 } else { end };
    let mut assign = comment;
    // What opens a bracket for the next lines is not aligned.
    let equal = (start + 1..comment).find(|i| pieces[*i].kind == Kind::Equal);
    if let Some(equal) = equal.filter(|e| net_brackets(&pieces[*e..comment]) == 0) {
        assign = equal;
    }
    Line { start, assign, comment, end }
}

fn net_brackets(pieces: &[Piece]) -> isize {
    pieces.iter().map(|p| bracket(p.kind)).sum()
}

/// What a cell opens for the lines after it. What stands in a heredoc does not count.
fn opened(cell: &[Piece]) -> isize {
    let heredoc = cell.iter().position(|p| p.kind == Kind::OHeredoc).unwrap_or(cell.len());
    net_brackets(&cell[..heredoc])
}

fn bracket(kind: Kind) -> isize {
    match kind {
        Kind::OBrace | Kind::OBrack | Kind::OParen | Kind::Interp | Kind::Control => 1,
        Kind::CBrace | Kind::CBrack | Kind::CParen | Kind::SeqEnd => -1,
        _ => 0,
    }
}

/// Sets the spaces before each line. Brackets opened on one line are one level, however many they are.
fn indent(pieces: &mut [Piece], lines: &[Line]) {
    let mut levels: Vec<isize> = Vec::new();
    for l in lines {
        if pieces[l.start].kind == Kind::Newline {
            pieces[l.start].spaces = 0;
            continue;
        }
        let net = opened(&pieces[l.start..l.assign]) + opened(&pieces[l.assign..l.comment]);
        let mut closed = -net;
        while closed > 0 {
            let Some(last) = levels.last_mut() else { break };
            if closed < *last {
                *last -= closed;
                break;
            }
            closed -= *last;
            levels.pop();
        }
        pieces[l.start].spaces = 2 * levels.len();
        if net > 0 {
            levels.push(net);
        }
    }
}

/// Sets the spaces between the tokens of each cell.
fn space(pieces: &mut [Piece], lines: &[Line]) {
    for l in lines {
        for (start, end) in [(l.start, l.assign), (l.assign, l.comment)] {
            for i in start + 1..end {
                let before = if i >= start + 2 { Some(&pieces[i - 2]) } else { None };
                let spaced = is_spaced(before, &pieces[i - 1], pieces[i].kind);
                pieces[i].spaces = usize::from(spaced);
            }
        }
    }
}

/// Whether a space stands between `subject` and a token of kind `after`. `before` is the one before `subject`.
fn is_spaced(before: Option<&Piece>, subject: &Piece, after: Kind) -> bool {
    use Kind::*;
    match (subject.kind, after) {
        (_, Newline) | (Ident, OParen) | (Ident, DoubleColon) | (DoubleColon, Ident) | (Dot, _) | (_, Dot) => false,
        (_, Comma | Ellipsis) => false,
        (Comma, _) => true,
        (QuotedLit | StringLit | OQuote | OHeredoc, _) | (_, QuotedLit | StringLit | CQuote | CHeredoc) => false,
        (Ident, _) if subject.text == "in" && before.is_some_and(|b| b.kind == Ident) => true,
        (Ident | Number, OBrack) => false,
        (kind, OBrack) if bracket(kind) < 0 => false,
        (Bang, _) => false,
        // A minus after what cannot end an expression is a sign.
        (Minus, _) => before.is_some_and(|b| {
            !matches!(
                b.kind,
                OParen
                    | OBrace
                    | OBrack
                    | Equal
                    | Colon
                    | Comma
                    | Question
                    | Plus
                    | Star
                    | Slash
                    | Percent
                    | Minus
                    | EqualOp
                    | NotEqual
                    | Greater
                    | GreaterEq
                    | Less
                    | LessEq
                    | And
                    | Or
                    | Bang
            )
        }),
        (OBrace, CBrace) => false,
        (OBrace, _) | (_, CBrace) => true,
        (Interp | Control, OBrace) | (CBrace, SeqEnd) => true,
        (SeqEnd, Interp | Control) => false,
        (subject, after) => bracket(subject) <= 0 && bracket(after) >= 0,
    }
}

/// Aligns the second and third cells of neighbouring lines that have them.
fn align(pieces: &mut [Piece], lines: &[Line]) {
    align_cells(pieces, lines, |l| (l.assign, l.comment));
    align_cells(pieces, lines, |l| (l.comment, l.end));
}

/// Aligns the cells that `cell` gives, from where to where in each line.
fn align_cells(pieces: &mut [Piece], lines: &[Line], cell: impl Fn(&Line) -> (usize, usize)) {
    let width = |pieces: &[Piece], l: &Line| -> usize { pieces[l.start..cell(l).0].iter().map(Piece::columns).sum() };
    for chain in lines.chunk_by(|a, b| has(&cell, a) == has(&cell, b)).filter(|c| has(&cell, &c[0])) {
        let widest = chain.iter().map(|l| width(pieces, l)).max().unwrap_or(0);
        for l in chain {
            pieces[cell(l).0].spaces = widest - width(pieces, l) + 1;
        }
    }
}

fn has(cell: &impl Fn(&Line) -> (usize, usize), l: &Line) -> bool {
    let (start, end) = cell(l);
    start < end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 writes them.
    #[test]
    fn space_at_the_very_end_stays_and_is_written_once() {
        for text in ["# tests ", "a = 1 # note   ", "a = 1   ", "a = 1\n\t \t", "   "] {
            let want = text.replace('\t', " ");
            assert_eq!(format(text).as_deref(), Ok(&*want), "{text:?}");
        }
    }
}
