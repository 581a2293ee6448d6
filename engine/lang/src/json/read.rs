//! JSON text to nodes that know their place. Mistakes are told in the words of HCL's JSON parser.

use secstack_base::{Diagnostic, FileId, Number, Span, Value};

use crate::body::{JsonKind, JsonMember, JsonNode};

/// How deep values may nest.
const MAX_DEPTH: usize = 200;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Reads the one value of a text.
pub(crate) fn read(file: FileId, text: &str) -> Result<JsonNode> {
    let mut r = Reader { file, text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, depth: 0 };
    let node = r.value()?;
    if r.peek().is_some() {
        return Err(r.error_here("Extraneous data after value", "Extra characters appear after the JSON value."));
    }
    Ok(node)
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn error(&self, summary: &'static str, detail: impl Into<String>, start: usize, end: usize) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(summary, detail).at(self.span(start, end)))
    }

    fn error_here(&self, summary: &'static str, detail: impl Into<String>) -> Box<Diagnostic> {
        let len = self.rest().chars().next().map_or(0, char::len_utf8);
        self.error(summary, detail, self.at, self.at + len)
    }

    fn value(&mut self) -> Result<JsonNode> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error_here("JSON nested too deep", format!("Values can nest {MAX_DEPTH} levels deep.")));
        }
        self.depth += 1;
        let next = self.peek();
        let start = self.at;
        let kind = match next {
            None => return Err(self.error_here("Missing value", "The JSON data ends prematurely.")),
            Some(b'{') => self.object(start)?,
            Some(b'[') => self.array(start)?,
            Some(b'"') => JsonKind::String(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => self.keyword()?,
            Some(_) => {
                let detail = "A JSON value must start with a brace, a bracket, a number, a string, or a keyword.";
                return Err(self.error_here("Invalid start of value", detail));
            }
        };
        self.depth -= 1;
        Ok(JsonNode { kind, span: self.span(start, self.at) })
    }

    fn object(&mut self, open: usize) -> Result<JsonKind> {
        self.at += 1;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(JsonKind::Object(members));
        }
        loop {
            match self.peek() {
                Some(b'"') => {}
                None => return Err(self.error("Unclosed object", "No closing brace was found for this JSON object.", open, open + 1)),
                Some(_) => {
                    let detail = "A JSON object property name must be a string";
                    return Err(self.error_here("Invalid object property name", detail));
                }
            }
            let start = self.at;
            let name = self.string()?;
            let name_span = self.span(start, self.at);
            let colon = "Missing property value colon";
            match self.peek() {
                Some(b':') => self.at += 1,
                Some(b'}' | b',') => {
                    let detail = "A JSON object attribute must have a value, introduced by a colon.";
                    return Err(self.error_here("Missing object value", detail));
                }
                Some(b'=') => {
                    return Err(self.error_here(colon, "JSON uses a colon as its name/value delimiter, not an equals sign."));
                }
                _ => {
                    let detail = "A colon must appear between an object property's name and its value.";
                    return Err(self.error_here(colon, detail));
                }
            }
            let value = self.value()?;
            members.push(JsonMember { name: name.into(), name_span, value });
            match self.peek() {
                Some(b',') => {
                    let comma = self.at;
                    self.at += 1;
                    if self.peek() == Some(b'}') {
                        let detail = "JSON does not permit a trailing comma after the final property in an object.";
                        return Err(self.error("Trailing comma in object", detail, comma, comma + 1));
                    }
                }
                Some(b'}') => {
                    self.at += 1;
                    return Ok(JsonKind::Object(members));
                }
                None => return Err(self.error("Unclosed object", "No closing brace was found for this JSON object.", open, open + 1)),
                Some(b']') => {
                    let detail = "A JSON object must be closed with a brace, not a bracket.";
                    return Err(self.error_here("Mismatched braces", detail));
                }
                Some(_) => {
                    let detail = "A comma must appear between each property definition in an object.";
                    return Err(self.error_here("Missing attribute seperator comma", detail));
                }
            }
        }
    }

    fn array(&mut self, open: usize) -> Result<JsonKind> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(JsonKind::Array(items));
        }
        loop {
            items.push(self.value()?);
            match self.peek() {
                Some(b',') => {
                    let comma = self.at;
                    self.at += 1;
                    if self.peek() == Some(b']') {
                        let detail = "JSON does not permit a trailing comma after the final value in an array.";
                        return Err(self.error("Trailing comma in array", detail, comma, comma + 1));
                    }
                }
                Some(b']') => {
                    self.at += 1;
                    return Ok(JsonKind::Array(items));
                }
                Some(b':') => {
                    let detail = "A colon is not used to introduce values in a JSON array.";
                    return Err(self.error_here("Invalid array value", detail));
                }
                None => return Err(self.error("Unclosed object", "No closing bracket was found for this JSON array.", open, open + 1)),
                Some(b'}') => {
                    let detail = "A JSON array must be closed with a bracket, not a brace.";
                    return Err(self.error_here("Mismatched brackets", detail));
                }
                Some(_) => {
                    let detail = "A comma must appear between each value in an array.";
                    return Err(self.error_here("Missing attribute seperator comma", detail));
                }
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while !matches!(bytes.get(end), None | Some(b'"' | b'\n')) {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let invalid = |r: &Self, end: usize| {
            r.error("Invalid JSON string", "There is a syntax error in the given JSON string.", start, end.min(r.text.len()))
        };
        if bytes.get(end) != Some(&b'"') {
            return Err(invalid(self, end));
        }
        self.at = end + 1;
        let raw = self.text.get(start + 1..end).unwrap_or("");
        unescape(raw).ok_or_else(|| invalid(self, end + 1))
    }

    fn number(&mut self) -> Result<JsonKind> {
        let start = self.at;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
        let rest = self.rest();
        let text = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let (digits, end) = (text.strip_prefix('-').unwrap_or(text), start + text.len());
        let value = if is_number(digits) { Number::parse(text) } else { None };
        self.at = end;
        let Some(value) = value else {
            let detail = "There is a syntax error in the given JSON number.";
            return Err(self.error("Invalid JSON number", detail, start, end));
        };
        Ok(JsonKind::Literal(value.into()))
    }

    fn keyword(&mut self) -> Result<JsonKind> {
        let start = self.at;
        let rest = self.rest();
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        let end = start + word.len();
        let value = match word {
            "true" => Value::from(true),
            "false" => Value::from(false),
            "null" => Value::NULL,
            _ => {
                let known = secstack_base::diag::suggest(&word.to_lowercase(), ["true", "false", "null"]);
                let known = known.map_or(String::new(), |k| format!(" Did you mean {k:?}?"));
                let detail = format!("{word:?} is not a valid JSON keyword.{known}");
                return Err(self.error("Invalid JSON keyword", detail, start, end));
            }
        };
        self.at = end;
        Ok(JsonKind::Literal(value))
    }
}

/// Whether JSON takes the text for a number, its sign aside.
fn is_number(text: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// Resolves the escapes of a JSON string. Surrogates come in pairs; a lone one becomes U+FFFD.
fn unescape(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return (!raw.bytes().any(|b| b < 0x20)).then(|| raw.to_owned());
    }
    let mut units = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(i) = rest.find('\\') {
        units.push_str(&rest[..i]);
        let after = &rest[i + 1..];
        let c = after.chars().next()?;
        rest = &after[c.len_utf8()..];
        match c {
            '"' | '\\' | '/' => units.push(c),
            'b' => units.push('\u{8}'),
            'f' => units.push('\u{c}'),
            'n' => units.push('\n'),
            'r' => units.push('\r'),
            't' => units.push('\t'),
            'u' => {
                let high = hex(rest)?;
                rest = &rest[4..];
                let low = rest.strip_prefix("\\u").and_then(hex).filter(|l| (0xDC00..0xE000).contains(l));
                match (high, low) {
                    (0xD800..0xDC00, Some(low)) => {
                        rest = &rest[6..];
                        units.push(char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?);
                    }
                    (code, _) => units.push(char::from_u32(code).unwrap_or('\u{fffd}')),
                }
            }
            _ => return None,
        }
    }
    units.push_str(rest);
    Some(units)
}

fn hex(s: &str) -> Option<u32> {
    let digits = s.get(..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
