//! White space in JSON text as Go lays it out, on which the bytes of a state file depend.

/// The text without white space, with the characters escaped that Go escapes for the sake of HTML.
/// Other escapes stay as they are. The text must be valid JSON.
pub(crate) fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let (mut start, bytes) = (0, text.as_bytes());
    for (i, &b) in bytes.iter().enumerate() {
        let replacement = match b {
            _ if escaped => {
                escaped = false;
                continue;
            }
            b'\\' => {
                escaped = true;
                continue;
            }
            b'"' => {
                in_string = !in_string;
                continue;
            }
            b' ' | b'\n' | b'\r' | b'\t' if !in_string => "",
            b'<' => "\\u003c",
            b'>' => "\\u003e",
            b'&' => "\\u0026",
            _ => match separator(&bytes[i..]) {
                Some(escape) => escape,
                None => continue,
            },
        };
        let width = if b == 0xe2 { 3 } else { 1 };
        out.push_str(&text[start..i]);
        out.push_str(replacement);
        start = i + width;
    }
    out.push_str(&text[start..]);
    out
}

/// The escape of U+2028 and U+2029, which JavaScript takes for line ends.
fn separator(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xe2, 0x80, 0xa8, ..] => Some("\\u2028"),
        [0xe2, 0x80, 0xa9, ..] => Some("\\u2029"),
        _ => None,
    }
}

/// Compact text laid out over lines, each level two spaces further in. Empty arrays and objects stay on their line.
pub fn indent(compact: &str) -> String {
    let bytes = compact.as_bytes();
    let mut out = String::with_capacity(compact.len() * 2);
    let (mut depth, mut start, mut i) = (0usize, 0, 0);
    while let Some(&b) = bytes.get(i) {
        i += 1;
        let opened_empty = |close: u8| bytes.get(i) == Some(&close);
        match b {
            b'"' => i = string_end(bytes, i),
            b'{' | b'[' if opened_empty(b + 2) => i += 1,
            b'{' | b'[' => {
                depth += 1;
                out.push_str(&compact[start..i]);
                start = i;
                new_line(&mut out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                out.push_str(&compact[start..i - 1]);
                start = i - 1;
                new_line(&mut out, depth);
            }
            b',' => {
                out.push_str(&compact[start..i]);
                start = i;
                new_line(&mut out, depth);
            }
            b':' => {
                out.push_str(&compact[start..i]);
                start = i;
                out.push(' ');
            }
            _ => {}
        }
    }
    out.push_str(&compact[start..]);
    out
}

fn string_end(bytes: &[u8], mut i: usize) -> usize {
    while let Some(&b) = bytes.get(i) {
        i += 1;
        match b {
            b'"' => return i,
            b'\\' => i += 1,
            _ => {}
        }
    }
    bytes.len()
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_and_comes_back() {
        let laid_out = "{\n  \"a b\": [\n    1,\n    {},\n    []\n  ],\n  \"q\\\"}\": {\n    \"x\": null\n  }\n}";
        let short = r#"{"a b":[1,{},[]],"q\"}":{"x":null}}"#;
        assert_eq!(compact(laid_out), short);
        assert_eq!(indent(short), laid_out);
        assert_eq!(compact("[ { } , [\n] ]"), "[{},[]]");
    }

    #[test]
    fn what_html_reads_is_escaped() {
        assert_eq!(compact("\"<a> & \u{2028}\u{2029} é€\u{7f} \\u003c\""), "\"\\u003ca\\u003e \\u0026 \\u2028\\u2029 é€\u{7f} \\u003c\"");
    }
}
