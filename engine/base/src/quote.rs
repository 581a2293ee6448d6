//! Text in quotes, as Go's `%q` writes it and Terraform shows it in messages, at the console and in the keys of sets.

/// The text in quotes.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x10000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Whether a character shows by itself: letters, marks, digits, punctuation and symbols do, and of the spaces the
/// plain one.
pub fn is_printable(c: char) -> bool {
    // Behind another character, since a combining one is escaped at the beginning of a text.
    c.is_ascii_graphic() || c == ' ' || (!c.is_ascii() && String::from_iter(['a', c]).escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_does_not_show_is_escaped() {
        for (text, want) in [
            ("a \"b\"\\", r#""a \"b\"\\""#),
            ("\n\t\u{7}\u{1b}\u{7f}", r#""\n\t\a\x1b\x7f""#),
            ("é 日本 😀 e\u{301}", "\"é 日本 😀 e\u{301}\""),
            ("\u{301}", "\"\u{301}\""),
            ("\u{feff}\u{a0}\u{2028}\u{200d}\u{e0001}", r#""\ufeff\u00a0\u2028\u200d\U000e0001""#),
        ] {
            assert_eq!(super::quoted(text), want);
        }
    }
}
