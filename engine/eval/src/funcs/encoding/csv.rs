//! Comma-separated values by RFC 4180, as strict as Go's reader.

use std::collections::BTreeMap;

use secstack_base::{Type, Value};

use super::super::{CallError, Outcome};

/// The type of the result: not known before the text is.
#[expect(clippy::unnecessary_wraps, reason = "the table of functions asks for this shape")]
pub fn result(_: &[Value]) -> Result<Type, CallError> {
    Ok(Type::Dynamic)
}

/// A list of objects, whose attributes are named by the first row.
pub fn decode(text: &str) -> Outcome {
    let mut lines = Lines { rest: text, line: 0 };
    let header = lines.record().map_err(CallError::new)?.ok_or_else(|| CallError::new("missing header line"))?;
    let mut types = BTreeMap::new();
    for name in &header {
        if types.insert(normal(name), Type::String).is_some() {
            return Err(CallError::new(format!("duplicate column name {name:?}")));
        }
    }
    let mut rows = Vec::new();
    while let Some(record) = lines.record().map_err(CallError::new)? {
        if record.len() != header.len() {
            return Err(CallError::new(format!("CSV parse error on line {}: wrong number of fields", lines.line)));
        }
        let fields = header.iter().zip(&record).map(|(name, field)| (normal(name), Value::string(field)));
        rows.push(Value::object(fields));
    }
    Ok(Value::list(Type::object(types), rows))
}

/// The name in normalisation form C, as every string of the language is.
fn normal(name: &str) -> String {
    Value::string(name).as_str().unwrap_or_default().to_owned()
}

struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl Lines<'_> {
    /// The next line with its break, which is a plain newline whatever it was. A last carriage return goes.
    fn line(&mut self) -> Option<String> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(match line.strip_suffix('\n') {
            Some(line) => format!("{}\n", line.strip_suffix('\r').unwrap_or(line)),
            None => line.strip_suffix('\r').unwrap_or(line).to_owned(),
        })
    }

    /// The fields of the next row; empty lines do not count.
    fn record(&mut self) -> Result<Option<Vec<String>>, String> {
        let mut line = loop {
            match self.line() {
                None => return Ok(None),
                Some(line) if line.is_empty() || line == "\n" => {}
                Some(line) => break line,
            }
        };
        let start = self.line;
        let mut fields = Vec::new();
        loop {
            if let Some(quoted) = line.strip_prefix('"') {
                let (field, rest) = self.quoted(quoted.to_owned(), start)?;
                fields.push(field);
                match rest {
                    Some(rest) => line = rest,
                    None => return Ok(Some(fields)),
                }
                continue;
            }
            let (field, rest) = match line.split_once(',') {
                Some((field, rest)) => (field.to_owned(), Some(rest.to_owned())),
                None => (line.strip_suffix('\n').unwrap_or(&line).to_owned(), None),
            };
            if field.contains('"') {
                return Err(format!("CSV parse error on line {}: bare \" in non-quoted-field", self.line));
            }
            fields.push(field);
            match rest {
                Some(rest) => line = rest,
                None => return Ok(Some(fields)),
            }
        }
    }

    /// The field after an opening quote, and the line after the comma that follows it, if one does.
    fn quoted(&mut self, mut line: String, start: usize) -> Result<(String, Option<String>), String> {
        let extraneous = |at| Err(format!("CSV parse error on line {at}: extraneous or missing \" in quoted-field"));
        let mut field = String::new();
        loop {
            let Some((before, after)) = line.split_once('"') else {
                field.push_str(&line);
                match self.line() {
                    Some(next) => line = next,
                    None => return extraneous(start),
                }
                continue;
            };
            field.push_str(before);
            match after.chars().next() {
                None | Some('\n') => return Ok((field, None)),
                Some(',') => return Ok((field, Some(after[1..].to_owned()))),
                Some('"') => field.push('"'),
                Some(_) => return extraneous(self.line),
            }
            line = after[1..].to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn rows_become_objects() {
        check("a\n\r", "[]");
        check("a,b\r\n1,2\r\n\r\n3,4\r", r#"[{"a":"1","b":"2"},{"a":"3","b":"4"}]"#);
        check("a,b\n\"x\ny\",\"q\"\"\"\n", r#"[{"a":"x\ny","b":"q\""}]"#);
        check("a\n\"\"\n", r#"[{"a":""}]"#);
        check("a,\n1,", r#"[{"":"","a":"1"}]"#);
        check("a", "[]");
        for bad in ["", "\n\n", "a,a\n", "a,b\n1\n", "a\nx\"y\n", "a\n\"x\"y\n", "a\n\"x\n", "a,b\n1,2,3"] {
            check(bad, "error");
        }
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(run("csvdecode", &[Value::string(text)]), want, "{text:?}");
    }
}
