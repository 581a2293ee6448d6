//! Diagnostics with the piece of text they are about.

use std::path::Path;

use secstack_base::diag::Seen;
use secstack_base::{Diagnostic, Severity, Sources, Span};
use secstack_lang::body::{Items, JsonKind, JsonMember, JsonNode};
use secstack_lang::{Block, parse_file, parse_json_file};

use super::write::{Object, written};

/// One diagnostic.
pub fn diagnostic(d: &Diagnostic, sources: &Sources) -> String {
    written(|out| write(out, d, sources))
}

/// Writes one diagnostic.
pub fn write(out: &mut String, d: &Diagnostic, sources: &Sources) {
    let mut o = Object::new(out);
    o.text("severity", if d.severity == Severity::Error { "error" } else { "warning" });
    o.text("summary", &d.summary).text("detail", &detail(d)).text_opt("address", d.address.as_deref());
    if let Some(place) = d.span.and_then(|s| Place::find(s, sources)) {
        place.write_range(o.member("range"), sources);
        place.write_snippet(d.values.as_deref().unwrap_or_default(), o.member("snippet"));
    }
    o.end();
}

/// The detail and what to do about it. Terraform has no place of its own for the latter.
fn detail(d: &Diagnostic) -> String {
    match &d.help {
        None => d.detail.clone(),
        Some(help) if help.starts_with("Did you mean") => format!("{} {help}", d.detail),
        Some(help) => format!("{}\n\n{help}", d.detail),
    }
}

/// A span with at least one character, in its file.
struct Place<'a> {
    span: Span,
    start: usize,
    end: usize,
    path: &'a Path,
    text: &'a str,
}

impl<'a> Place<'a> {
    fn find(span: Span, sources: &'a Sources) -> Option<Self> {
        let source = sources.get(span.file)?;
        let start = sources.position(span.file, span.start).byte;
        let end = sources.position(span.file, span.end).byte.max(start);
        let next = source.text[start..].chars().next().map_or(1, char::len_utf8);
        let end = if end == start { start + next } else { end };
        Some(Self { span, start, end, path: &source.path, text: &source.text })
    }

    fn write_range(&self, out: &mut String, sources: &Sources) {
        let mut o = Object::new(out);
        o.text("filename", &self.path.display().to_string());
        for (name, byte) in [("start", self.start), ("end", self.end)] {
            let past = byte.saturating_sub(self.text.len());
            let at = sources.position(self.span.file, u32::try_from(byte).unwrap_or(u32::MAX));
            let mut inner = Object::new(o.member(name));
            inner.number("line", at.line).number("column", at.column + past).number("byte", byte).end();
        }
        o.end();
    }

    fn write_snippet(&self, seen: &[Seen], out: &mut String) {
        let last = self.end.saturating_sub(1).clamp(self.start, self.text.len().max(self.start));
        let code_start = self.text[..self.start].rfind('\n').map_or(0, |i| i + 1);
        let code_end =
            self.text.as_bytes()[last.min(self.text.len())..].iter().position(|b| *b == b'\n').map_or(self.text.len(), |i| last + i);
        let code = self.text.get(code_start..code_end).unwrap_or_default().trim_end_matches('\r');
        let mut o = Object::new(out);
        match self.context() {
            Some(context) => o.text("context", &context),
            None => o.raw("context", "null"),
        };
        o.text("code", code).number("start_line", self.text[..code_start].bytes().filter(|b| *b == b'\n').count() + 1);
        o.number("highlight_start_offset", (self.start - code_start).min(code.len()));
        o.number("highlight_end_offset", (self.end - code_start).min(code.len()));
        let mut values = String::from("[");
        for (i, seen) in seen.iter().enumerate() {
            values.push_str(if i > 0 { "," } else { "" });
            Object::new(&mut values).text("traversal", &seen.reference).text("statement", &seen.statement).end();
        }
        values.push(']');
        o.raw("values", &values).end();
    }

    /// The block around the place; in JSON, the way to it. What begins a block is not within it.
    fn context(&self) -> Option<String> {
        let before = u32::try_from(self.start.checked_sub(1)?).ok()?;
        let within = |s: Span| s.start <= before && before < s.end;
        if self.path.extension().is_some_and(|e| e == "json") {
            let Items::Json(members) = parse_json_file(self.span.file, self.text).0.items else { return None };
            let mut steps = String::new();
            json_members(&members, &within, &mut steps);
            return Some(steps.trim_start_matches('.').to_string()).filter(|s| !s.is_empty());
        }
        let (body, diags) = parse_file(self.span.file, self.text);
        let Items::Native { blocks, .. } = body.items else { return None };
        let end = |b: &Block| {
            let end = b.body.span.end;
            let has_brace = self.text[..self.text.len().min(end as usize)].ends_with('}');
            if has_brace { end } else { end.saturating_add(1) }
        };
        let block = blocks.iter().find(|b| within(Span { end: end(b), ..b.span }));
        let Some(block) = block else { return if diags.has_errors() { self.open_block() } else { None } };
        let labels: String = block.labels.iter().map(|(label, _)| format!(" {label:?}")).collect();
        Some(format!("{}{labels}", block.ty))
    }

    /// The block that the lines before suggest, in a file that cannot be parsed: the last that begins at the left
    /// margin, unless a brace there has closed it.
    fn open_block(&self) -> Option<String> {
        let line = self.text[..self.start].rfind('\n').map_or(0, |i| i + 1);
        if line == self.start {
            return None;
        }
        let end = self.text[line..].find('\n').map_or(self.text.len(), |i| line + i);
        let begun = self.text[..end].lines().rev().find(|l| l.starts_with(|c: char| c.is_alphabetic() || c == '}'))?;
        let (header, _) = begun.split_once('{')?;
        let is_header = header.chars().all(|c| c.is_alphanumeric() || " _-\"".contains(c));
        Some(header.trim().to_string()).filter(|h| is_header && !h.is_empty())
    }
}

fn json_members(members: &[JsonMember], within: &dyn Fn(Span) -> bool, steps: &mut String) {
    let deep = |n: &JsonNode| matches!(n.kind, JsonKind::Object(_) | JsonKind::Array(_)) && within(n.span);
    if let Some(m) = members.iter().find(|m| deep(&m.value)) {
        steps.push('.');
        steps.push_str(&m.name);
        json_node(&m.value, within, steps);
    }
}

fn json_node(node: &JsonNode, within: &dyn Fn(Span) -> bool, steps: &mut String) {
    match &node.kind {
        JsonKind::Object(members) => json_members(members, within, steps),
        JsonKind::Array(items) => {
            let deep = |n: &JsonNode| matches!(n.kind, JsonKind::Object(_) | JsonKind::Array(_)) && within(n.span);
            if let Some((i, item)) = items.iter().enumerate().find(|(_, n)| deep(n)) {
                steps.push_str(&format!("[{i}]"));
                json_node(item, within, steps);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secstack_base::Diagnostic;

    const TEXT: &str = "# c\nresource \"a\" \"b\" {\n  x = \"<é>\"\n  y {\n  }\n}\nz = 1\n";

    #[test]
    fn the_snippet_is_the_lines_of_the_span() {
        for (text, want) in [
            (
                "\"<é>\"",
                r#"{"severity":"error","summary":"S","detail":"D","range":{"filename":"main.tf","start":{"line":3,"column":7,"byte":29},"end":{"line":3,"column":12,"byte":35}},"snippet":{"context":"resource \"a\" \"b\"","code":"  x = \"\u003cé\u003e\"","start_line":3,"highlight_start_offset":6,"highlight_end_offset":12,"values":[]}}"#,
            ),
            (
                "resource \"a\" \"b\"",
                r#"{"severity":"error","summary":"S","detail":"D","range":{"filename":"main.tf","start":{"line":2,"column":1,"byte":4},"end":{"line":2,"column":17,"byte":20}},"snippet":{"context":null,"code":"resource \"a\" \"b\" {","start_line":2,"highlight_start_offset":0,"highlight_end_offset":16,"values":[]}}"#,
            ),
            (
                "y {\n  }",
                r#"{"severity":"error","summary":"S","detail":"D","range":{"filename":"main.tf","start":{"line":4,"column":3,"byte":38},"end":{"line":5,"column":4,"byte":45}},"snippet":{"context":"resource \"a\" \"b\"","code":"  y {\n  }","start_line":4,"highlight_start_offset":2,"highlight_end_offset":9,"values":[]}}"#,
            ),
            (
                "",
                r#"{"severity":"error","summary":"S","detail":"D","range":{"filename":"main.tf","start":{"line":1,"column":1,"byte":0},"end":{"line":1,"column":2,"byte":1}},"snippet":{"context":null,"code":"\u0023 c","start_line":1,"highlight_start_offset":0,"highlight_end_offset":1,"values":[]}}"#,
            ),
        ] {
            let mut sources = Sources::default();
            let file = sources.add("main.tf", TEXT);
            let at = TEXT.find(text).unwrap();
            let d = Diagnostic::error("S", "D").at(Span::new(file, at, at + text.len()));
            assert_eq!(diagnostic(&d, &sources), want.replace("\\u0023", "#"));
        }
    }

    #[test]
    fn the_context_of_a_broken_file_is_what_the_lines_before_suggest() {
        for (text, at, want) in [
            ("resource \"a\" \"b\" {\n  x = [for\n}\n", "for", r#""resource \"a\" \"b\"""#),
            ("resource \"a\" \"b\" { x = [for 1] }\n", "1", r#""resource \"a\" \"b\"""#),
            ("locals {\n}\n  x = [for\n", "for", "null"),
            ("x = {\n  y = [for\n", "for", "null"),
        ] {
            let mut sources = Sources::default();
            let file = sources.add("main.tf", text);
            let at = text.find(at).unwrap();
            let json = diagnostic(&Diagnostic::error("S", "D").at(Span::new(file, at, at + 1)), &sources);
            assert!(json.contains(&format!("\"context\":{want},")), "{json}");
        }
    }

    #[test]
    fn a_place_beyond_the_text_or_without_a_file_does_no_harm() {
        let mut sources = Sources::default();
        let file = sources.add("main.tf.json", "{\"a\": [{\"b\": {}}]}");
        let text = diagnostic(&Diagnostic::warning("S", "D").help("Do.").at(Span::new(file, 90, 99)), &sources);
        assert!(text.contains(r#""detail":"D\n\nDo.""#), "{text}");
        let inner = diagnostic(&Diagnostic::warning("S", "D").at(Span::new(file, 14, 15)), &sources);
        assert!(inner.contains(r#""context":"a[0].b""#), "{inner}");
        let nowhere = diagnostic(&Diagnostic::error("S", "D").at(Span::new(secstack_base::FileId(7), 0, 1)), &sources);
        assert_eq!(nowhere, r#"{"severity":"error","summary":"S","detail":"D"}"#);
    }
}
