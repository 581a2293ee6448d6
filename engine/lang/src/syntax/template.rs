//! Templates: quoted, heredoc, or a text of their own.

use secstack_base::diag::suggest;

use super::Parser;
use crate::template::{escape_len, invalid_escape, unescape};
use crate::token::{Kind, Token};

/// A directive, from `%{` to `}`.
struct Directive {
    word: &'static str,
    at: Token,
}

/// The directives there are.
const WORDS: [&str; 5] = ["if", "for", "else", "endif", "endfor"];

impl Parser<'_> {
    /// A template that ends with `end`, and whose opening was read.
    pub(super) fn template(&mut self, end: Kind) {
        let mut directives = Vec::new();
        let first = self.peek();
        loop {
            let t = self.read();
            match t.kind {
                kind if kind == end => return self.check_balance(&directives, t),
                Kind::QuotedLit => self.escapes(t),
                Kind::StringLit => {}
                Kind::Interp => self.bracketed(false, |p| p.interpolation(first, end)),
                Kind::Control => self.bracketed(false, |p| p.directive(t, &mut directives)),
                _ => {
                    if !self.recovery {
                        self.error("Unterminated template string", "No closing marker was found for the string.", t);
                    }
                    let last = self.recover(end);
                    return self.check_balance(&directives, last);
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
            let len = escape_len(rest);
            let span = self.span(t.start + at, t.start + at + len);
            self.report.errors.push(invalid_escape(&rest[1..], span));
            at += len;
        }
    }

    fn interpolation(&mut self, first: Token, end: Kind) {
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
                Kind::Eof => self.error(unclosed, "There is no closing brace for this interpolation sequence before the end of the file. This might be caused by incorrect nesting inside the given expression.", first),
                Kind::OQuote | Kind::CQuote if end == Kind::CQuote => self.error(unclosed, "There is no closing brace for this interpolation sequence before the end of the quoted template. This might be caused by incorrect nesting inside the given expression.", first),
                Kind::Colon => self.error(extra, "Template interpolation doesn't expect a colon at this location. Did you intend this to be a literal sequence to be processed as part of another language? If so, you can escape it by starting with \"$${\" instead of just \"${\".", close),
                _ => self.error(extra, "Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen when you include interpolation syntax for another language, such as shell scripting, but forget to escape the interpolation start token. If this is an embedded sequence for another language, escape it by starting with \"$${\" instead of just \"${\".", close),
            }
        }
        self.recover(Kind::SeqEnd);
    }

    fn directive(&mut self, start: Token, directives: &mut Vec<Directive>) {
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
        let given = self.text(keyword);
        let Some(word) = WORDS.into_iter().find(|w| *w == given) else {
            if !self.recovery {
                let known = suggest(given, WORDS).map_or(String::new(), |k| format!(" Did you mean {k:?}?"));
                let detail = format!("{given:?} is not a valid template control keyword.{known}");
                self.error("Invalid template control keyword", detail, keyword);
            }
            self.recover(Kind::SeqEnd);
            return;
        };
        if word == "for" && !self.directive_names() {
            self.recover(Kind::SeqEnd);
            return;
        }
        if matches!(word, "if" | "for") {
            self.expression();
        }
        let close = self.peek();
        if close.kind == Kind::SeqEnd {
            self.read();
        } else {
            if !self.recovery {
                let detail = "Expected a closing brace to end the sequence, but found extra characters.";
                self.error(format!("Extra characters in {word} marker"), detail, close);
            }
            self.recover(Kind::SeqEnd);
        }
        directives.push(Directive { word, at: Token { end: self.previous.end, ..start } });
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

    /// Reports directives without their end, and ends without their directive.
    fn check_balance(&mut self, directives: &[Directive], end: Token) {
        let mut open: Vec<(&Directive, bool)> = Vec::new();
        for d in directives {
            if matches!(d.word, "if" | "for") {
                open.push((d, false));
                if open.len() > super::MAX_NESTING / 2 {
                    let too_deep = crate::lower::too_deep(self.span(d.at.start, d.at.end));
                    self.report.errors.push(too_deep);
                    return;
                }
                continue;
            }
            let Some((opener, in_else)) = open.last_mut() else {
                self.unexpected(d, "The control directives within this template are unbalanced.".into());
                continue;
            };
            let (word, at) = (opener.word, opener.at);
            match (word, d.word) {
                ("if", "else") if !*in_else => {
                    *in_else = true;
                    continue;
                }
                ("if", "endif") | ("for", "endfor") => {}
                ("if", "else") => {
                    let line = self.line(at);
                    self.unexpected(d, format!("Already in the else clause for the if started at line {line}."));
                }
                ("for", "else") => self.unexpected(d, "An else clause is not expected for a for directive.".into()),
                _ => {
                    let line = self.line(at);
                    self.unexpected(d, format!("Expecting an end{word} directive for the {word} started at line {line}."));
                }
            }
            open.pop();
        }
        if let Some((d, _)) = open.last() {
            let (word, line) = (d.word, self.line(d.at));
            let detail = format!("The {word} directive at line {line} is missing its corresponding end{word} directive.");
            self.error("Unexpected end of template", detail, end);
        }
    }

    fn unexpected(&mut self, d: &Directive, detail: String) {
        self.error(format!("Unexpected {} directive", d.word), detail, d.at);
    }

    fn line(&self, t: Token) -> usize {
        self.text[..t.start].bytes().filter(|b| *b == b'\n').count() + 1
    }
}
