//! JSON, written and read as Terraform does.

use std::collections::BTreeMap;

use secstack_base::{Data, Number, Refinement, Str, Type, Value};

use super::super::CallError;

/// The JSON of a value, with members in order of name and the characters escaped that Go escapes.
///
/// # Errors
/// When a part is unknown or an infinity.
pub(crate) fn encode(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), String> {
    match &value.data {
        Data::Null(_) => out.push_str("null"),
        Data::Unknown(..) => return Err("value is not known".into()),
        Data::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Data::Number(n) if n.is_infinite() => return Err("cannot serialize infinity as JSON".into()),
        Data::Number(n) => out.push_str(&n.to_json()),
        Data::String(s) => write_string(s, out),
        Data::List(_, items) | Data::Set(_, items) | Data::Tuple(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Data::Map(_, members) | Data::Object(members) => {
            out.push('{');
            for (i, (name, member)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Writes text in quotes.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// What is known of the JSON of a value that is not wholly known, or `None` when it is.
pub(super) fn unknown(value: &Value) -> Option<Value> {
    if value.is_wholly_known() {
        return None;
    }
    let surely_there = !matches!(&value.data, Data::Unknown(_, refinement) if !refinement.not_null);
    let prefix = match value.ty() {
        _ if !surely_there => None,
        Type::String => Some("\""),
        Type::Object(_) | Type::Map(_) => Some("{"),
        Type::Tuple(_) | Type::List(_) | Type::Set(_) => Some("["),
        _ => None,
    };
    Some(Data::Unknown(Type::String, Refinement { not_null: true, prefix: prefix.map(Str::from) }).into())
}

/// The type that an unknown document may have, by the prefix that is known of it.
pub(super) fn result(args: &[Value]) -> Result<Type, CallError> {
    let Data::Unknown(_, refinement) = &args[0].data else { return Ok(Type::Dynamic) };
    match refinement.prefix.as_deref().unwrap_or_default().trim_start().chars().next() {
        None | Some('{' | '[' | 'n') => Ok(Type::Dynamic),
        Some('"') => Ok(Type::String),
        Some('t' | 'f') => Ok(Type::Bool),
        Some('-' | '.' | '0'..='9') => Ok(Type::Number),
        Some(c) => Err(CallError::arg(0, format!("a JSON document cannot begin with the character {c:?}"))),
    }
}

/// The value of a document: objects and tuples, with nulls of no type.
///
/// # Errors
/// A sentence on the first mistake.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    // A closing bracket too many goes unnoticed in Terraform.
    match parser.peek() {
        None | Some(b']' | b'}') => Ok(value),
        Some(_) => Err("extraneous data after JSON object".into()),
    }
}

/// Deeper documents are refused, so that none can exhaust the stack.
const MOST_DEPTH: usize = 500;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn unexpected<T>(&self) -> Result<T, String> {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => Err(format!("invalid character {c:?} in JSON at offset {}", self.at)),
            None => Err("unexpected end of JSON input".into()),
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        if !self.text[self.at..].starts_with(word) {
            return Err(format!("invalid literal in JSON at offset {}", self.at));
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MOST_DEPTH {
            return Err("exceeded max depth".into());
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::from),
            Some(b't') => self.word("true", Value::from(true)),
            Some(b'f') => self.word("false", Value::from(false)),
            Some(b'n') => self.word("null", Value::NULL),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.unexpected(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut members: BTreeMap<Str, Value> = BTreeMap::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.unexpected();
            }
            let raw = self.string()?;
            let name = Value::string(&raw);
            // Terraform does not find a member again whose name it brought to normalisation form C.
            if name.as_str() != Some(&raw) {
                return Err(format!("unsupported attribute {raw:?}"));
            }
            self.space();
            if !self.take(b':') {
                return self.unexpected();
            }
            let value = self.value(depth + 1)?;
            let name = name.as_str().unwrap_or_default();
            if members.get(name).is_some_and(|before| before.ty() != value.ty()) {
                return Err(format!("duplicate {name:?} property in JSON object"));
            }
            members.insert(name.into(), value);
            self.space();
            if self.take(b'}') {
                return Ok(Value::object(members));
            }
            if !self.take(b',') {
                return self.unexpected();
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::tuple(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::tuple(items));
            }
            if !self.take(b',') {
                return self.unexpected();
            }
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return self.unexpected();
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.unexpected();
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return self.unexpected();
            }
        }
        Number::parse(&self.text[start..self.at]).map(Value::from).ok_or_else(|| "a number is required".into())
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(b) if b >= 0x20 && b != b'"' && b != b'\\') {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]);
            if self.take(b'"') {
                return Ok(out);
            }
            if !self.take(b'\\') {
                return self.unexpected();
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let Some(kind) = self.peek() else { return self.unexpected() };
        let simple = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.code_point();
            }
            _ => return self.unexpected(),
        };
        self.at += 1;
        Ok(simple)
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let code = digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
        self.at += 4;
        Some(code)
    }

    /// The character of a `\u` escape and the second half that may follow it. A lone half becomes U+FFFD.
    fn code_point(&mut self) -> Result<char, String> {
        let Some(code) = self.hex() else { return self.unexpected() };
        if !(0xd800..0xdc00).contains(&code) || !self.text[self.at..].starts_with("\\u") {
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        let back = self.at;
        self.at += 2;
        match self.hex() {
            Some(low @ 0xdc00..0xe000) => Ok(char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)).unwrap_or('\u{fffd}')),
            _ => {
                self.at = back;
                Ok('\u{fffd}')
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::filesystem::testing::run;
    use secstack_base::{Type, Value};

    #[test]
    fn documents_are_read() {
        check("{\"b\": 1, \"a\": {\"c\": [true, null]}}", r#"{"a":{"c":[true,null]},"b":1}"#);
        check("\"\\u00e9\\n\\ud83d\\ude00\\ud83d\\/\"", "é\n😀\u{fffd}/");
        check("-12.5e-1", "-1.25");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check("1 ]", "1");
        check("{\"a\":1,\"a\":2}", "{\"a\":2}");
        for bad in [
            "",
            "{\"e\\u0301\":1}",
            "nope",
            "True",
            "1 2",
            "01",
            "[1,]",
            "{\"a\":1,}",
            "{'a':1}",
            "\u{feff}1",
            "\"\n\"",
            "\"\\x\"",
            "{\"a\":1,\"a\":\"x\"}",
            "[1",
            "1.",
            "-",
        ] {
            check(bad, "error");
        }
        check(&"[".repeat(100_000), "error");
    }

    #[test]
    fn values_are_written() {
        let text = |s: &str| run("jsonencode", &[Value::string(s)]);
        assert_eq!(text("<>&\u{2028}\u{7f}\u{1}\u{8}\"\\/"), "\"\\u003c\\u003e\\u0026\\u2028\u{7f}\\u0001\\b\\\"\\\\/\"");
        assert_eq!(run("jsonencode", &[Value::null(Type::String)]), "null");
        assert_eq!(run("jsonencode", &[Value::tuple([Value::unknown(Type::String)])]), "unknown");
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(run("jsondecode", &[Value::string(text)]), want, "{text:?}");
    }
}
