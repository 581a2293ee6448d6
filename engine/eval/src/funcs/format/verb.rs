//! One verb of a format: `%[flags][width][.precision][[index]]letter`.

use crate::graphemes;

/// A verb and what it asks for.
#[derive(Default)]
pub struct Verb<'a> {
    /// Its text.
    pub raw: &'a str,
    /// Where it stands in the format.
    pub offset: usize,
    /// The argument it takes, from 1.
    pub arg: usize,
    /// The letter.
    pub mode: char,
    /// `0`
    pub zero: bool,
    /// `#`
    pub sharp: bool,
    /// `+`
    pub plus: bool,
    /// `-`
    pub minus: bool,
    /// A space.
    pub space: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Go takes no larger width or precision for numbers.
const MOST: usize = 1_000_000;

impl<'a> Verb<'a> {
    /// Reads the verb at `start`. It takes the argument `next` unless it names one.
    pub fn parse(format: &'a str, start: usize, next: usize) -> Result<Verb<'a>, String> {
        let bytes = format.as_bytes();
        let mut verb = Verb { offset: start, arg: next, ..Verb::default() };
        let mut at = start + 1;
        while let Some(b) = bytes.get(at) {
            match b {
                b'0' => verb.zero = true,
                b'#' => verb.sharp = true,
                b'-' => verb.minus = true,
                b'+' => verb.plus = true,
                b' ' => verb.space = true,
                _ => break,
            }
            at += 1;
        }
        if matches!(bytes.get(at), Some(b'1'..=b'9')) {
            verb.width = Some(number(bytes, &mut at));
        }
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            verb.precision = Some(number(bytes, &mut at));
        }
        if bytes.get(at) == Some(&b'[') && matches!(bytes.get(at + 1), Some(b'1'..=b'9')) {
            let mut end = at + 1;
            verb.arg = number(bytes, &mut end);
            at = if bytes.get(end) == Some(&b']') { end + 1 } else { end };
            if bytes.get(end) != Some(&b']') {
                return Err(unrecognized(format, end));
            }
        }
        match bytes.get(at) {
            Some(b) if b.is_ascii_alphabetic() => {
                verb.mode = char::from(*b);
                verb.raw = &format[start..=at];
                Ok(verb)
            }
            _ => Err(unrecognized(format, at)),
        }
    }

    /// Width and precision, if they are of a size that Go takes.
    pub fn bounded(&self) -> Result<(Option<usize>, Option<usize>), String> {
        let fits = |n: Option<usize>| n.is_none_or(|n| n <= MOST);
        if fits(self.width) && fits(self.precision) {
            return Ok((self.width, self.precision));
        }
        Err(format!("unsupported width or precision in {:?} at offset {}", self.raw, self.offset))
    }

    /// The sign of a number.
    pub fn sign(&self, negative: bool) -> &'static str {
        match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        }
    }

    /// The text, cut to as many characters as the precision says. A precision of zero says nothing.
    pub fn cut<'t>(&self, text: &'t str) -> &'t str {
        let Some(most @ 1..) = self.precision else { return text };
        &text[..graphemes::graphemes(text).take(most).map(str::len).sum::<usize>()]
    }

    /// The text, filled up to the width in characters.
    pub fn pad(&self, text: String) -> Result<String, String> {
        let Some(width) = self.width else { return Ok(text) };
        self.bounded()?;
        let fill = if self.zero { "0" } else { " " }.repeat(width.saturating_sub(graphemes::count(&text)));
        Ok(if self.minus { text + &fill } else { fill + &text })
    }

    /// A whole number from its sign, the mark of its radix and its digits.
    pub fn place_integer(&self, sign: &str, mark: &str, digits: &str) -> Result<String, String> {
        let (width, precision) = self.bounded()?;
        if digits == "0" && precision == Some(0) {
            return Ok(String::new());
        }
        let mut zeros = precision.unwrap_or(0).saturating_sub(digits.len());
        let free = width.unwrap_or(0).saturating_sub(sign.len() + mark.len() + zeros + digits.len());
        let (mut left, mut right) = (0, 0);
        match (self.minus, self.zero && precision.is_none()) {
            (true, _) => right = free,
            (false, true) => zeros = free,
            (false, false) => left = free,
        }
        Ok(format!("{}{sign}{mark}{}{digits}{}", " ".repeat(left), "0".repeat(zeros), " ".repeat(right)))
    }
}

fn number(bytes: &[u8], at: &mut usize) -> usize {
    let mut n: usize = 0;
    while let Some(b @ b'0'..=b'9') = bytes.get(*at) {
        n = n.saturating_mul(10).saturating_add(usize::from(b - b'0'));
        *at += 1;
    }
    n
}

fn unrecognized(format: &str, at: usize) -> String {
    match format.get(at..).and_then(|rest| rest.chars().next()) {
        Some(c) => format!("unrecognized format character {c:?} at offset {at}"),
        None => format!("invalid format string starting at offset {at}"),
    }
}
