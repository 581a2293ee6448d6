//! Expressions.

use std::collections::HashSet;

use super::Parser;
use crate::token::{Kind, Token};

const NESTING: &str = "before the end of the file. This may be caused by incorrect";

impl Parser<'_> {
    pub(super) fn expression(&mut self) {
        self.nested(Self::conditional);
    }

    fn conditional(&mut self) {
        if self.fails(Self::binary) && self.recovery {
            return;
        }
        if self.peek().kind != Kind::Question {
            return;
        }
        self.read();
        if self.fails(Self::expression) && self.recovery {
            return;
        }
        let colon = self.peek();
        if colon.kind != Kind::Colon {
            let detail = "The conditional operator (...?...:...) requires a false expression, delimited by a colon.";
            return self.error("Missing false expression in conditional", detail, colon);
        }
        self.read();
        self.expression();
    }

    fn binary(&mut self) {
        loop {
            if self.fails(Self::operand) && self.recovery {
                return;
            }
            if !self.peek().kind.is_binary() {
                return;
            }
            self.read();
        }
    }

    fn operand(&mut self) {
        if self.fails(Self::term) && self.recovery {
            return;
        }
        self.steps();
    }

    /// What follows a term: attributes, indices and splats.
    fn steps(&mut self) {
        loop {
            match self.peek().kind {
                Kind::Dot => {
                    self.read();
                    if !self.after_dot() {
                        return;
                    }
                }
                Kind::OBrack => {
                    self.read();
                    self.index();
                }
                _ => return,
            }
        }
    }

    /// Whether more steps may follow.
    fn after_dot(&mut self) -> bool {
        let next = self.peek();
        match next.kind {
            Kind::Ident => {
                self.read();
            }
            Kind::Number => {
                self.read();
                self.legacy_index(next);
            }
            Kind::Star => {
                self.read();
                self.attribute_splat();
            }
            _ => {
                if !self.recovery {
                    self.error("Invalid attribute name", "An attribute name is required after a dot.", next);
                }
                self.recovery = true;
                return false;
            }
        }
        true
    }

    fn legacy_index(&mut self, t: Token) {
        let Some((first, second)) = self.text(t).split_once('.') else { return self.number(t) };
        let detail = format!(
            "When using the legacy index syntax, chaining two indexes together is not permitted. Use the proper index syntax instead, like [{first}][{second}]."
        );
        self.error("Invalid legacy index syntax", detail, t);
    }

    fn attribute_splat(&mut self) {
        while self.peek().kind == Kind::Dot {
            self.read();
            let next = self.peek();
            match next.kind {
                Kind::Number | Kind::Ident => {
                    self.read();
                }
                _ => {
                    if !self.recovery && next.kind == Kind::Star {
                        let detail = "A splat expression (*) cannot be used inside another attribute-only splat expression.";
                        self.error("Nested splat expression not allowed", detail, next);
                    } else if !self.recovery {
                        self.error("Invalid attribute name", "An attribute name is required after a dot.", next);
                    }
                    self.recovery = true;
                    return;
                }
            }
        }
    }

    fn index(&mut self) {
        if self.peek().kind == Kind::Star {
            self.read();
            let close = self.read();
            if close.kind != Kind::CBrack && !self.recovery {
                let detail = "The star for a full splat operator must be immediately followed by a closing bracket (\"]\").";
                let close = self.recover(Kind::CBrack);
                self.error("Missing close bracket on splat index", detail, close);
            }
            return;
        }
        self.bracketed(false, |p| {
            if p.fails(Self::expression) && p.recovery {
                p.recover(Kind::CBrack);
                return;
            }
            let close = p.read();
            if close.kind != Kind::CBrack && !p.recovery {
                let detail = "The index operator must end with a closing bracket (\"]\").";
                let close = p.recover(Kind::CBrack);
                p.error("Missing close bracket on index", detail, close);
            }
        });
    }

    fn term(&mut self) {
        let start = self.peek();
        match start.kind {
            Kind::OParen => self.parenthesis(),
            Kind::Number => {
                self.read();
                self.number(start);
            }
            Kind::Ident => {
                self.read();
                if matches!(self.peek().kind, Kind::OParen | Kind::DoubleColon) {
                    self.call(start);
                }
            }
            Kind::OQuote => {
                self.read();
                self.template(Kind::CQuote);
            }
            Kind::OHeredoc => {
                self.read();
                self.template(Kind::CHeredoc);
            }
            Kind::Minus | Kind::Bang => {
                self.read();
                self.nested(Self::operand);
            }
            Kind::OBrack => self.tuple(),
            Kind::OBrace => self.object(),
            kind => {
                if !self.recovery && kind == Kind::Eof {
                    let detail = "Expected the start of an expression, but found the end of the file.";
                    self.error("Missing expression", detail, start);
                } else if !self.recovery {
                    let detail = "Expected the start of an expression, but found an invalid expression token.";
                    self.error("Invalid expression", detail, start);
                }
                self.recovery = true;
            }
        }
    }

    fn parenthesis(&mut self) {
        self.read();
        self.bracketed(false, |p| {
            if p.fails(Self::expression) {
                p.recover(Kind::CParen);
                return;
            }
            let close = p.peek();
            if close.kind != Kind::CParen {
                let detail = "Expected a closing parenthesis to terminate the expression.";
                p.error("Unbalanced parentheses", detail, close);
                p.recovery = true;
            }
            p.read();
        });
    }

    fn call(&mut self, name: Token) {
        while self.peek().kind == Kind::DoubleColon {
            self.read();
            let next = self.read();
            if next.kind != Kind::Ident {
                if !self.recovery {
                    let detail = "Function scope resolution symbol :: must be followed by a function name in this scope.";
                    self.error("Missing function name", detail, next);
                }
                self.recovery = true;
                return;
            }
        }
        let open = self.read();
        if open.kind != Kind::OParen {
            if !self.recovery {
                let detail = "Function selector must be followed by an open parenthesis to begin the function call.";
                self.error("Missing open parenthesis", detail, open);
            }
            self.recovery = true;
            return;
        }
        self.bracketed(false, |p| p.arguments(name, open));
    }

    fn arguments(&mut self, name: Token, open: Token) {
        loop {
            if self.peek().kind == Kind::CParen {
                self.read();
                return;
            }
            if self.fails(Self::expression) && self.recovery {
                self.recover(Kind::CParen);
                return;
            }
            let sep = self.read();
            match sep.kind {
                Kind::CParen => return,
                Kind::Comma => {}
                Kind::Ellipsis => {
                    if self.peek().kind == Kind::CParen {
                        self.read();
                        return;
                    }
                    if !self.recovery {
                        let detail = "An expanded function argument (with ...) must be immediately followed by closing parentheses.";
                        self.error("Missing closing parenthesis", detail, sep);
                    }
                    self.recover(Kind::CParen);
                    return;
                }
                kind => {
                    if kind == Kind::Eof {
                        let detail = format!(
                            "There is no closing parenthesis for this function call {NESTING} parenthesis nesting elsewhere in this file."
                        );
                        self.error("Unterminated function call", detail, Token { start: name.start, ..open });
                    } else {
                        let detail = "A comma is required to separate each function argument from the next.";
                        self.error("Missing argument separator", detail, sep);
                    }
                    self.recover(Kind::CParen);
                    return;
                }
            }
        }
    }

    fn tuple(&mut self) {
        let open = self.read();
        self.bracketed(false, |p| {
            if p.peek_is_word("for") {
                return p.for_expression(open);
            }
            loop {
                if p.peek().kind == Kind::CBrack {
                    p.read();
                    return;
                }
                if p.fails(Self::expression) && p.recovery {
                    p.recover(Kind::CBrack);
                    return;
                }
                let next = p.peek();
                match next.kind {
                    Kind::CBrack => {
                        p.read();
                        return;
                    }
                    Kind::Comma => {
                        p.read();
                    }
                    kind => {
                        if !p.recovery && kind == Kind::Eof {
                            let detail =
                                format!("There is no corresponding closing bracket {NESTING} bracket nesting elsewhere in this file.");
                            p.error("Unterminated tuple constructor expression", detail, open);
                        } else if !p.recovery {
                            let detail = "Expected a comma to mark the beginning of the next item.";
                            p.error("Missing item separator", detail, next);
                        }
                        p.recover(Kind::CBrack);
                        return;
                    }
                }
            }
        });
    }

    fn object(&mut self) {
        let open = self.read();
        self.newlines.push(false);
        let is_for = self.peek_is_word("for");
        self.newlines.pop();
        if is_for {
            return self.bracketed(false, |p| p.for_expression(open));
        }
        let mut seen = HashSet::new();
        self.bracketed(true, |p| while p.object_item(open, &mut seen) {});
    }

    /// Whether another item may follow.
    fn object_item(&mut self, open: Token, seen: &mut HashSet<String>) -> bool {
        let next = self.peek();
        if matches!(next.kind, Kind::Newline | Kind::CBrace) {
            self.read();
            return next.kind == Kind::Newline;
        }
        if self.fails(Self::expression) && self.recovery {
            self.recover(Kind::CBrace);
            return false;
        }
        let key = self.range_from(next.start);
        let repeated = !seen.insert(self.text.get(key.clone()).unwrap_or("").to_owned());
        self.report.keys.push((key, repeated));

        let next = self.peek();
        if !matches!(next.kind, Kind::Equal | Kind::Colon) {
            self.no_value(next, open);
            self.recover(Kind::CBrace);
            return false;
        }
        self.read();
        if self.fails(Self::expression) && self.recovery {
            self.recover(Kind::CBrace);
            return false;
        }
        let next = self.peek();
        match next.kind {
            Kind::CBrace => {
                self.read();
                false
            }
            Kind::Comma | Kind::Newline => {
                self.read();
                true
            }
            _ => {
                if !self.recovery && next.kind == Kind::Eof {
                    self.unterminated_object(open);
                } else if !self.recovery {
                    let detail = "Expected a newline or comma to mark the beginning of the next attribute.";
                    self.error("Missing attribute separator", detail, next);
                }
                self.recover(Kind::CBrace);
                false
            }
        }
    }

    fn no_value(&mut self, next: Token, open: Token) {
        if self.recovery {
            return;
        }
        match next.kind {
            Kind::Newline | Kind::Comma => {
                let detail = "Expected an attribute value, introduced by an equals sign (\"=\").";
                self.error("Missing attribute value", detail, next);
            }
            Kind::Ident => {
                let detail = "Expected an equals sign (\"=\") to mark the beginning of the attribute value. If you intended to given an attribute name containing periods or spaces, write the name in quotes to create a string literal.";
                self.error("Missing key/value separator", detail, next);
            }
            Kind::Eof => self.unterminated_object(open),
            _ => {
                let detail = "Expected an equals sign (\"=\") to mark the beginning of the attribute value.";
                self.error("Missing key/value separator", detail, next);
            }
        }
    }

    fn unterminated_object(&mut self, open: Token) {
        let detail = format!("There is no corresponding closing brace {NESTING} brace nesting elsewhere in this file.");
        self.error("Unterminated object constructor expression", detail, open);
    }

    fn for_expression(&mut self, open: Token) {
        let close = if open.kind == Kind::OBrace { Kind::CBrace } else { Kind::CBrack };
        if !self.for_inner(close) {
            self.recover(close);
        }
    }

    /// Whether it was read to its end.
    fn for_inner(&mut self, close: Kind) -> bool {
        self.read();
        if !self.for_names() {
            return false;
        }
        if self.fails(Self::expression) && self.recovery {
            return false;
        }
        if self.peek().kind != Kind::Colon {
            self.for_error("For expression requires a colon after the collection expression.");
            return false;
        }
        self.read();

        let mut value = self.peek();
        let mut failed = self.fails(Self::expression);
        value.end = self.previous.end.max(value.end);
        let mut key = None;
        if self.peek().kind == Kind::FatArrow {
            self.read();
            key = Some(value);
            failed |= self.fails(Self::expression);
        }
        if self.recovery && failed {
            return false;
        }
        let ellipsis = (self.peek().kind == Kind::Ellipsis).then(|| self.read());
        if self.peek_is_word("if") {
            self.read();
            if self.fails(Self::expression) && self.recovery {
                return false;
            }
        }
        if self.peek().kind != close {
            self.for_error("Extra characters after the end of the 'for' expression.");
            return false;
        }
        self.read();

        let invalid = "Invalid 'for' expression";
        if close == Kind::CBrace && key.is_none() {
            self.error(invalid, "Key expression is required when building an object.", value);
        }
        if close == Kind::CBrack {
            if let Some(key) = key {
                self.error(invalid, "Key expression is not valid when building a tuple.", key);
            }
            if let Some(ellipsis) = ellipsis {
                self.error(invalid, "Grouping ellipsis (...) cannot be used when building a tuple.", ellipsis);
            }
        }
        true
    }

    /// The names and `in`.
    fn for_names(&mut self) -> bool {
        if self.peek().kind != Kind::Ident {
            self.for_error("For expression requires variable name after 'for'.");
            return false;
        }
        self.read();
        if self.peek().kind == Kind::Comma {
            self.read();
            if self.peek().kind != Kind::Ident {
                self.for_error("For expression requires value variable name after comma.");
                return false;
            }
            self.read();
        }
        if !self.peek_is_word("in") {
            self.for_error("For expression requires the 'in' keyword after its name declarations.");
            return false;
        }
        self.read();
        true
    }

    fn for_error(&mut self, detail: &str) {
        let next = self.peek();
        if !self.recovery {
            self.error("Invalid 'for' expression", detail, next);
        }
    }
}
