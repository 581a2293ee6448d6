//! A reader that walks over JSON text in place.
//!
//! A tree of JSON would have to be built and thrown away for each of a hundred thousand objects; what
//! is wanted is a value by a type, or just the end of a piece of text.

use std::borrow::Cow;

/// Deeper nesting than any value has; more would be an attack on the stack.
const MAX_DEPTH: usize = 400;

/// Text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// The byte where it shows.
    pub at: usize,
    /// What is wrong.
    pub message: &'static str,
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A place in JSON text.
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Checks that the text is one JSON object and nothing else.
pub(crate) fn check_object(text: &str) -> Result<(), Syntax> {
    let mut scan = Scan::new(text);
    match scan.kind()? {
        Kind::Object => scan.skip().and_then(|_| scan.end()),
        _ => Err(Syntax { at: 0, message: "it is not an object" }),
    }
}

impl<'a> Scan<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The kind of the next value.
    pub fn kind(&mut self) -> Result<Kind, Syntax> {
        match self.peek() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(_) => self.fail("a value is expected"),
            None => self.fail("the text ends too early"),
        }
    }

    /// Makes sure that nothing follows.
    pub fn end(&mut self) -> Result<(), Syntax> {
        if self.peek().is_some() { self.fail("there is more after the value") } else { Ok(()) }
    }

    pub fn null(&mut self) -> Result<(), Syntax> {
        self.word("null")
    }

    pub fn bool(&mut self) -> Result<bool, Syntax> {
        let truth = self.peek() == Some(b't');
        self.word(if truth { "true" } else { "false" }).map(|()| truth)
    }

    /// The digits of a number as they stand.
    pub fn number(&mut self) -> Result<&'a str, Syntax> {
        self.peek();
        let start = self.at;
        self.take(b'-');
        let leading_zero = self.rest().first() == Some(&b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return self.fail("a number is malformed");
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.fail("a number is malformed");
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return self.fail("a number is malformed");
            }
        }
        Ok(&self.text[start..self.at])
    }

    /// Text, borrowed when nothing in it is escaped.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Syntax> {
        if self.peek() != Some(b'"') {
            return self.fail("text in quotes is expected");
        }
        self.at += 1;
        let start = self.at;
        let plain = self.plain_end();
        if self.text.as_bytes().get(plain) == Some(&b'"') {
            self.at = plain + 1;
            return Ok(Cow::Borrowed(&self.text[start..plain]));
        }
        let mut out = String::new();
        loop {
            let end = self.plain_end();
            out.push_str(&self.text[self.at..end]);
            self.at = end;
            match self.rest().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.push(c);
                }
                Some(_) => return self.fail("a control character stands in a string"),
                None => return self.fail("the text ends inside a string"),
            }
        }
    }

    /// Calls `each` at the start of every element of an array, with its index.
    pub fn array<E: From<Syntax>>(&mut self, mut each: impl FnMut(&mut Self, usize) -> Result<(), E>) -> Result<(), E> {
        self.enter(b'[', "an array is expected")?;
        if self.peek() == Some(b']') {
            return self.leave();
        }
        for index in 0.. {
            each(self, index)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => self.fail("a comma or the end of the array is expected")?,
            }
        }
        self.leave()
    }

    /// Calls `each` at the start of every value of an object, with its key.
    pub fn object<E: From<Syntax>>(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>) -> Result<(), E> {
        self.enter(b'{', "an object is expected")?;
        if self.peek() == Some(b'}') {
            return self.leave();
        }
        loop {
            let key = self.string()?;
            if self.peek() != Some(b':') {
                self.fail("a colon is expected")?;
            }
            self.at += 1;
            each(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.leave(),
                _ => self.fail("a comma or the end of the object is expected")?,
            }
        }
    }

    /// Passes over a value and returns its text.
    pub fn skip(&mut self) -> Result<&'a str, Syntax> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::Null => self.null()?,
            Kind::Bool => self.bool().map(drop)?,
            Kind::Number => self.number().map(drop)?,
            Kind::String => self.string().map(drop)?,
            Kind::Array => self.array(|s, _| s.skip().map(drop))?,
            Kind::Object => self.object(|s, _| s.skip().map(drop))?,
        }
        Ok(&self.text[start..self.at])
    }

    fn fail<T>(&self, message: &'static str) -> Result<T, Syntax> {
        Err(Syntax { at: self.at, message })
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.rest().first() {
            self.at += 1;
        }
        self.rest().first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &'static str) -> Result<(), Syntax> {
        self.peek();
        if !self.rest().starts_with(word.as_bytes()) {
            return self.fail("a value is expected");
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let n = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += n;
        n
    }

    fn enter(&mut self, open: u8, message: &'static str) -> Result<(), Syntax> {
        if self.peek() != Some(open) {
            return self.fail(message);
        }
        if self.depth == MAX_DEPTH {
            return self.fail("values are nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave<E>(&mut self) -> Result<(), E> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    /// Where the run of ordinary characters ends that starts here.
    fn plain_end(&self) -> usize {
        let special = |b: &u8| matches!(b, b'"' | b'\\' | 0..=0x1f);
        self.rest().iter().position(special).map_or(self.text.len(), |n| self.at + n)
    }

    fn escape(&mut self) -> Result<char, Syntax> {
        let Some(c) = self.rest().first() else { return self.fail("the text ends inside a string") };
        self.at += 1;
        Ok(match c {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return self.fail("an escape sequence is malformed"),
        })
    }

    /// The character of `\uXXXX`, or of two of them. Half a pair is the replacement character, as in Go.
    fn unicode(&mut self) -> Result<char, Syntax> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_high = self.at;
        if self.rest().starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_high;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, Syntax> {
        let digits = self.rest().get(..4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(code) = digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return self.fail("an escape sequence is malformed");
        };
        self.at += 4;
        Ok(code)
    }
}
