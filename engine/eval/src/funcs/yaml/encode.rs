//! A value to YAML, byte for byte as Terraform writes it: strings in double quotes or, when they have lines, as
//! literal blocks; everything else plain; collections as blocks.

use secstack_base::{Data, Value};

/// The document of a known value.
pub fn encode(value: &Value) -> String {
    let mut emitter = Emitter { out: String::new(), column: 0, indent: -1, whitespace: true, indention: true, open_ended: false };
    emitter.node(value, Place::Root);
    emitter.write_indent();
    if emitter.open_ended {
        emitter.indicator("...", true, false, false);
        emitter.write_indent();
    }
    emitter.out
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Value,
    /// A key on the line of its value.
    SimpleKey,
    /// A key after a question mark.
    Key,
}

const WIDTH: usize = 80;
const LONGEST_SIMPLE_KEY: usize = 128;

struct Emitter {
    out: String,
    column: usize,
    indent: isize,
    /// The last thing written was white space.
    whitespace: bool,
    /// Nothing but indentation and indicators stands on this line.
    indention: bool,
    /// The end of the document must be marked.
    open_ended: bool,
}

impl Emitter {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        (self.whitespace, self.indention) = (true, true);
    }

    fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
        self.open_ended = false;
    }

    fn node(&mut self, value: &Value, place: Place) {
        match &value.data {
            Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => self.sequence(items, place),
            Data::Map(_, members) | Data::Object(members) => {
                if members.is_empty() {
                    return self.empty("{", "}");
                }
                let outer = self.indent;
                self.indent = if outer < 0 { 0 } else { outer + 2 };
                for (key, value) in members.iter() {
                    self.write_indent();
                    self.key(key);
                    self.node(value, Place::Value);
                }
                self.indent = outer;
            }
            scalar => self.scalar(scalar, place),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
    }

    fn sequence(&mut self, items: &[Value], place: Place) {
        if items.is_empty() {
            return self.empty("[", "]");
        }
        let outer = self.indent;
        let in_mapping = matches!(place, Place::Value | Place::Key | Place::SimpleKey);
        if outer < 0 {
            self.indent = 0;
        } else if !in_mapping || self.indention {
            self.indent += 2;
        }
        for item in items {
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Place::Item);
        }
        self.indent = outer;
    }

    fn key(&mut self, key: &str) {
        let data = Data::String(key.into());
        if key.len() <= LONGEST_SIMPLE_KEY && !key.contains(is_break) {
            self.scalar(&data, Place::SimpleKey);
            return self.indicator(":", false, false, false);
        }
        self.indicator("?", true, false, true);
        self.scalar(&data, Place::Key);
        self.write_indent();
        self.indicator(":", true, false, true);
    }

    fn scalar(&mut self, data: &Data, place: Place) {
        let outer = self.indent;
        self.indent = if outer < 0 { 2 } else { outer + 2 };
        match data {
            Data::String(text) if text.contains('\n') && block_allowed(text) && place != Place::SimpleKey => self.literal(text),
            Data::String(text) => self.double_quoted(text, place != Place::SimpleKey),
            Data::Bool(b) => self.plain(if *b { "true" } else { "false" }, place),
            Data::Number(n) if n.is_infinite() => self.plain(if n.is_negative() { "-Inf" } else { "+Inf" }, place),
            Data::Number(n) => self.plain(&n.to_string(), place),
            _ => self.plain("null", place),
        }
        self.indent = outer;
    }

    fn plain(&mut self, text: &str, place: Place) {
        if !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        (self.whitespace, self.indention) = (false, false);
        self.open_ended |= place == Place::Root;
    }

    fn double_quoted(&mut self, text: &str, breaks: bool) {
        self.indicator("\"", true, false, false);
        // A byte order mark at the start has every character escaped.
        let marked = text.starts_with('\u{feff}');
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                escape(c).chars().for_each(|c| self.put(c));
                after_space = false;
            } else if c == ' ' {
                if breaks && !after_space && self.column > WIDTH && i > 0 && i + 1 < text.len() {
                    self.write_indent();
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.indicator("\"", false, false, false);
        (self.whitespace, self.indention) = (false, false);
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.indicator("-", false, false, false),
            (true, true) => self.indicator("+", false, false, false),
            (true, false) => self.open_ended = false,
        }
        self.put_break();
        (self.indention, self.whitespace) = (true, true);
        let mut at_start = true;
        for c in text.chars() {
            if is_break(c) {
                self.out.push(c);
                self.column = 0;
                self.indention = true;
                at_start = true;
                continue;
            }
            if at_start {
                self.write_indent();
            }
            self.put(c);
            self.indention = false;
            at_start = false;
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// Whether the text can stand as a literal block.
fn block_allowed(text: &str) -> bool {
    let space_before_break = text.char_indices().any(|(i, c)| c == ' ' && text[i + 1..].starts_with(is_break));
    !text.ends_with(' ') && !space_before_break && text.chars().all(is_printable)
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c => {
            return match c as u32 {
                code @ ..=0xff => format!("\\x{code:02X}"),
                code @ ..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}
