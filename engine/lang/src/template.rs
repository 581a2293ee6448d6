//! Templates: the text between `"`, in a heredoc, or in a file given to `templatefile`.
//!
//! Trim markers and `<<-` work on *tokens*: in a heredoc or a file each line is one, so that `~}` at the
//! end of a line takes the line break and leaves the indentation of the next line.

use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, HeredocTemplate, StringTemplate, Strip};
use hcl_edit::{Decorated, Ident, Span as _};
use secstack_base::{Diagnostic, Span, Str, Value};
use unicode_segmentation::UnicodeSegmentation;

use crate::ast::TemplatePart;
use crate::lower::Lower;
use crate::{Expr, ExprKind};

type Range = std::ops::Range<usize>;

/// A template as a list: what trimming works on.
enum Token {
    Text(String),
    Interpolation(Expr),
    If(Expr, Span),
    Else,
    For { key_var: Option<Str>, value_var: Str, collection: Expr, span: Span },
    End,
}

/// A token, and whether it asks to trim the text before it and after it.
type Marked = (Token, Strip);

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Quoted,
    /// Lines are tokens, and a backslash is a backslash.
    Lines,
}

/// A quoted template with interpolations or directives.
pub(crate) fn quoted(lower: &mut Lower, t: &StringTemplate) -> ExprKind {
    let tokens = flatten(lower, t.iter(), Mode::Quoted);
    finish(tokens, true)
}

/// A heredoc, whose text lies at `range`.
pub(crate) fn heredoc(lower: &mut Lower, t: &HeredocTemplate, range: Range) -> ExprKind {
    let mut tokens = flatten(lower, t.template.iter(), Mode::Lines);
    if lower.slice(&range).starts_with("<<-") {
        remove_indent(&mut tokens);
    }
    finish(tokens, false)
}

/// A template that is a text of its own.
pub(crate) fn bare(lower: &mut Lower, t: &hcl_edit::template::Template) -> ExprKind {
    let tokens = flatten(lower, t.iter(), Mode::Lines);
    finish(tokens, true)
}

/// Resolves the escapes of the quoted text at `range`.
pub(crate) fn unescape_quoted(lower: &mut Lower, range: Range) -> String {
    let text = lower.slice(&range);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            out.push_str(&rest[1..3]);
            at += 3;
        } else if c == '\\' {
            at += match unescape(rest) {
                Some((decoded, len)) => {
                    out.push(decoded);
                    len
                }
                None => {
                    let len = escape_len(rest);
                    let from = range.start + at;
                    let span = lower.span(Some(from..from + len));
                    lower.diags.push(invalid_escape(&rest[1..], span));
                    len
                }
            };
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    out
}

/// The character that an escape at the start of `s` stands for, and the length of the escape.
pub(crate) fn unescape(s: &str) -> Option<(char, usize)> {
    let digits = match s.as_bytes().get(1)? {
        b'n' => return Some(('\n', 2)),
        b'r' => return Some(('\r', 2)),
        b't' => return Some(('\t', 2)),
        b'"' => return Some(('"', 2)),
        b'\\' => return Some(('\\', 2)),
        b'u' => 4,
        b'U' => 8,
        _ => return None,
    };
    let hex = s.get(2..2 + digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, 2 + digits))
}

/// The length of an escape that is none, as far as it looks like one.
pub(crate) fn escape_len(s: &str) -> usize {
    let digits = match s.as_bytes().get(1) {
        Some(b'u') => 4,
        Some(b'U') => 8,
        _ => 0,
    };
    let selector = s[1..].chars().next().map_or(0, char::len_utf8);
    1 + selector + s.bytes().skip(2).take(digits).take_while(u8::is_ascii_hexdigit).count()
}

/// The diagnostic for an escape that is none. `after` is the text after the backslash.
pub(crate) fn invalid_escape(after: &str, span: Span) -> Diagnostic {
    let code = after.get(1..).and_then(|d| d.get(..if after.starts_with('u') { 4 } else { 8 }));
    let surrogate = code.filter(|c| after.starts_with(['u', 'U']) && c.bytes().all(|b| b.is_ascii_hexdigit()));
    let detail = match after.chars().next() {
        _ if surrogate.is_some() => {
            let code = surrogate.unwrap_or("").trim_start_matches('0').to_lowercase();
            format!("Cannot encode character U+{code:0>4} in UTF-8.")
        }
        Some('u') => "The \\u escape sequence must be followed by four hexadecimal digits.".to_owned(),
        Some('U') => "The \\U escape sequence must be followed by eight hexadecimal digits.".to_owned(),
        Some(c) => format!("The symbol {:?} is not a valid escape sequence selector.", c.to_string()),
        None => "A backslash must be followed by an escape sequence selector character.".to_owned(),
    };
    Diagnostic::error("Invalid escape sequence", detail).at(span)
}

fn flatten<'t>(lower: &mut Lower, elements: impl Iterator<Item = &'t Element>, mode: Mode) -> Vec<Marked> {
    let mut out = Vec::new();
    flatten_into(lower, &mut elements.into_iter(), mode, &mut out);
    trim(&mut out);
    out
}

fn flatten_into(lower: &mut Lower, elements: &mut dyn Iterator<Item = &Element>, mode: Mode, out: &mut Vec<Marked>) {
    for element in elements {
        match element {
            Element::Literal(text) => {
                let range = text.span().unwrap_or(0..0);
                if mode == Mode::Quoted {
                    out.push((Token::Text(unescape_quoted(lower, range)), Strip::None));
                    continue;
                }
                for line in lower.slice(&range).split_inclusive('\n') {
                    let line = line.replace("$${", "${").replace("%%{", "%{");
                    out.push((Token::Text(line), Strip::None));
                }
            }
            Element::Interpolation(i) => out.push((Token::Interpolation(lower.expr(&i.expr)), i.strip)),
            Element::Directive(d) => directive(lower, d, element, mode, out),
        }
    }
}

fn directive(lower: &mut Lower, d: &Directive, element: &Element, mode: Mode, out: &mut Vec<Marked>) {
    let span = lower.span(element.span());
    let name = |i: &Decorated<Ident>| Str::from(i.as_str());
    match d {
        Directive::If(d) => {
            let condition = expr(lower, &d.if_expr.cond_expr);
            out.push((Token::If(condition, span), d.if_expr.strip));
            flatten_into(lower, &mut d.if_expr.template.iter(), mode, out);
            if let Some(otherwise) = &d.else_expr {
                out.push((Token::Else, otherwise.strip));
                flatten_into(lower, &mut otherwise.template.iter(), mode, out);
            }
            out.push((Token::End, d.endif_expr.strip));
        }
        Directive::For(d) => {
            let f = &d.for_expr;
            let token = Token::For {
                key_var: f.key_var.as_ref().map(name),
                value_var: name(&f.value_var),
                collection: expr(lower, &f.collection_expr),
                span,
            };
            out.push((token, f.strip));
            flatten_into(lower, &mut f.template.iter(), mode, out);
            out.push((Token::End, d.endfor_expr.strip));
        }
    }
}

fn expr(lower: &mut Lower, e: &Expression) -> Expr {
    lower.expr(e)
}

fn trim(tokens: &mut [Marked]) {
    for i in 0..tokens.len() {
        let strip = tokens[i].1;
        if strip.strip_start()
            && let Some((Token::Text(before), _)) = i.checked_sub(1).and_then(|i| tokens.get_mut(i))
        {
            before.truncate(before.trim_end().len());
        }
        if strip.strip_end()
            && let Some((Token::Text(after), _)) = tokens.get_mut(i + 1)
        {
            after.drain(..after.len() - after.trim_start().len());
        }
    }
}

/// Takes the indentation that all lines share from each of them, as `<<-` asks for.
fn remove_indent(tokens: &mut [Marked]) {
    let mut least = usize::MAX;
    let mut starts = Vec::new();
    let mut line_start = true;
    for (i, (token, _)) in tokens.iter().enumerate() {
        let text = if let Token::Text(text) = token { Some(text) } else { None };
        if std::mem::take(&mut line_start) {
            let indent = text.map_or("", |t| &t[..t.len() - t.trim_start().len()]);
            let blank = text.is_some_and(|t| t.len() == indent.len() && t.ends_with('\n'));
            if !blank {
                least = least.min(indent.graphemes(true).count());
                starts.push(i);
            }
        }
        line_start = text.is_some_and(|t| t.ends_with('\n'));
    }
    for i in starts {
        if let Token::Text(text) = &mut tokens[i].0 {
            let cut = text.grapheme_indices(true).nth(least).map_or(text.len(), |(at, _)| at);
            text.drain(..cut);
        }
    }
}

fn finish(mut tokens: Vec<Marked>, may_wrap: bool) -> ExprKind {
    if may_wrap
        && matches!(tokens[..], [(Token::Interpolation(_), _)])
        && let Some((Token::Interpolation(e), _)) = tokens.pop()
    {
        return ExprKind::Wrap(Box::new(e));
    }
    let mut tokens = tokens.into_iter().map(|(t, _)| t);
    let (mut parts, _) = tree(&mut tokens);
    match parts.pop() {
        None => ExprKind::Literal(Value::string("")),
        Some(TemplatePart::Text(only)) if parts.is_empty() => ExprKind::Literal(Value::string(&only)),
        Some(last) => {
            parts.push(last);
            ExprKind::Template(parts)
        }
    }
}

/// The parts up to the end of the directive they are in, and whether that end is an `else`.
fn tree(tokens: &mut dyn Iterator<Item = Token>) -> (Vec<TemplatePart>, bool) {
    let mut parts = Vec::new();
    let mut text = String::new();
    while let Some(token) = tokens.next() {
        let part = match token {
            Token::Text(t) => {
                text.push_str(&t);
                continue;
            }
            Token::Interpolation(e) => TemplatePart::Interpolation(e),
            Token::If(condition, span) => {
                let (then, has_else) = tree(tokens);
                let otherwise = if has_else { tree(tokens).0 } else { Vec::new() };
                TemplatePart::If { condition, then, otherwise, span }
            }
            Token::For { key_var, value_var, collection, span } => {
                TemplatePart::For { key_var, value_var, collection, body: tree(tokens).0, span }
            }
            Token::Else | Token::End => {
                push_text(&mut parts, &text);
                return (parts, matches!(token, Token::Else));
            }
        };
        push_text(&mut parts, &text);
        text.clear();
        parts.push(part);
    }
    push_text(&mut parts, &text);
    (parts, false)
}

fn push_text(parts: &mut Vec<TemplatePart>, text: &str) {
    if !text.is_empty() {
        parts.push(TemplatePart::Text(text.into()));
    }
}
