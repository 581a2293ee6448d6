//! Templates: quoted, heredoc, or a text of their own.

use secstack_base::diag::suggest;

use super::Parser;
use crate::template::{invalid_escape, unescape};
use crate::token::{Kind, Token};

/// A directive that is open, by its keyword.
#[derive(Clone, Copy, PartialEq)]
enum Open {
    If(Token),
    Else(Token),
    For(Token),
}

impl Parser<'_> {
    /// A template that ends with `end`; `open` opened it and was read.
    pub(super) fn template(&mut self, end: Kind, open: Token) {
        let mut directives = Vec::new();
        loop {
            let t = self.read();
            match t.kind {
                kind if kind == end => return self.close_template(&directives, t),
                Kind::QuotedLit => self.escapes(t),
                Kind::StringLit => {}
                Kind::Interp => self.bracketed(false, |p| p.interpolation(t, end)),
                Kind::Control => self.bracketed(false, |p| p.directive(t, &mut directives)),
                _ => {
                    if !self.recovery {
                        let at = Token { start: open.start, ..t };
                        self.error("Unterminated template string", "No closing marker was found for the string.", at);
                    }
                    self.recover(end);
                    return;
                }
            }
        }
    }

    /// Reports escapes that are none in the quoted text `t`.
    pub(super) fn escapes(&mut self, t: Token) {
        let text = self.text(t);
        let mut at = 0;
        while let Some(i) = text[at..].find('\\') {
            at += i;
            let rest = &text[at..];
            if let Some((_, len)) = unescape(rest) {
                at += len;
                continue;
            }
            let len = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            let span = self.span(t.start + at, t.start + at + len);
            self.report.errors.push(invalid_escape(&rest[1..], span));
            at += len;
        }
    }

    fn interpolation(&mut self, start: Token, end: Kind) {
        self.expression();
        let close = self.peek();
        if close.kind == Kind::SeqEnd {
            self.read();
            return;
        }
        if !self.recovery {
            let unclosed = "Unclosed template interpolation sequence";
            let extra = "Extra characters after interpolation expression";
            match close.kind {
                Kind::Eof => self.error(unclosed, "There is no closing brace for this interpolation sequence before the end of the file. This might be caused by incorrect nesting inside the given expression.", start),
                Kind::OQuote | Kind::CQuote if end == Kind::CQuote => self.error(unclosed, "There is no closing brace for this interpolation sequence before the end of the quoted template. This might be caused by incorrect nesting inside the given expression.", start),
                Kind::Colon => self.error(extra, "Template interpolation doesn't expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can escape it by starting with \"$${\" instead of just \"${\".", close),
                _ => self.error(extra, "Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, escape it by starting with \"$${\" instead of just \"${\".", close),
            }
        }
        self.recover(Kind::SeqEnd);
    }

    fn directive(&mut self, start: Token, open: &mut Vec<Open>) {
        let keyword = self.peek();
        if keyword.kind != Kind::Ident {
            if !self.recovery {
                let detail = "A template directive keyword (\"if\", \"for\", etc) is expected at the beginning of a %{ sequence.";
                self.error("Invalid template directive", detail, keyword);
            }
            self.recover(Kind::SeqEnd);
            return;
        }
        self.read();
        let word = self.text(keyword);
        let here = Token { kind: keyword.kind, start: start.start, end: keyword.end };
        match word {
            "if" => {
                open.push(Open::If(here));
                self.expression();
            }
            "for" => {
                open.push(Open::For(here));
                if !self.directive_names() {
                    self.recover(Kind::SeqEnd);
                    return;
                }
                self.expression();
            }
            "else" => match open.last().copied() {
                Some(Open::If(t)) => {
                    open.pop();
                    open.push(Open::Else(t));
                }
                _ => self.unexpected("else", here),
            },
            "endif" => match open.last() {
                Some(Open::If(_) | Open::Else(_)) => drop(open.pop()),
                _ => self.unexpected("endif", here),
            },
            "endfor" => match open.last() {
                Some(Open::For(_)) => drop(open.pop()),
                _ => self.unexpected("endfor", here),
            },
            _ => {
                if !self.recovery {
                    let known = suggest(word, ["if", "for", "else", "endif", "endfor"]);
                    let known = known.map_or(String::new(), |k| format!(" Did you mean {k:?}?"));
                    let detail = format!("{word:?} is not a valid template control keyword.{known}");
                    self.error("Invalid template control keyword", detail, keyword);
                }
                self.recover(Kind::SeqEnd);
                return;
            }
        }
        if open.len() > super::MAX_NESTING / 2 {
            self.nested_directives(here);
        }
        let close = self.peek();
        if close.kind == Kind::SeqEnd {
            self.read();
            return;
        }
        if !self.recovery {
            let detail = "Expected a closing brace to end the sequence, but found extra characters.";
            self.error(format!("Extra characters in {word} marker"), detail, close);
        }
        self.recover(Kind::SeqEnd);
    }

    fn nested_directives(&mut self, here: Token) {
        if !self.recovery {
            let too_deep = crate::lower::too_deep(self.span(here.start, here.end));
            self.report.errors.push(too_deep);
        }
        self.recovery = true;
    }

    fn directive_names(&mut self) -> bool {
        let ok = self.name_or("For directive requires variable name after 'for'.")
            && (self.peek().kind != Kind::Comma || {
                self.read();
                self.name_or("For directive requires value variable name after comma.")
            });
        if !ok {
            return false;
        }
        if !self.peek_is_word("in") {
            let next = self.peek();
            if !self.recovery {
                self.error("Invalid 'for' directive", "For directive requires 'in' keyword after names.", next);
            }
            return false;
        }
        self.read();
        true
    }

    fn name_or(&mut self, detail: &str) -> bool {
        let next = self.peek();
        if next.kind == Kind::Ident {
            self.read();
            return true;
        }
        if !self.recovery {
            self.error("Invalid 'for' directive", detail, next);
        }
        false
    }

    fn unexpected(&mut self, word: &str, here: Token) {
        if !self.recovery {
            let detail = "The control directives within this template are not balanced.".to_owned();
            self.error(format!("Unexpected {word} directive"), detail, here);
        }
        self.recovery = true;
    }

    fn close_template(&mut self, open: &[Open], end: Token) {
        let Some(last) = open.last() else { return };
        if self.recovery {
            return;
        }
        let (word, close, t) = match last {
            Open::If(t) | Open::Else(t) => ("if", "endif", t),
            Open::For(t) => ("for", "endfor", t),
        };
        let line = self.text[..t.start].bytes().filter(|b| *b == b'\n').count() + 1;
        let detail = format!("The {word} directive at line {line} is missing its corresponding {close} directive.");
        self.error("Unexpected end of template", detail, end);
    }
}
