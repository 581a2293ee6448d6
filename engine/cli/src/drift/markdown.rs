//! The report as Markdown, for the summary of a job or an issue.

use secstack_run::drift::Finding;

use super::{Report, counts, heading, left_out};
use crate::text::Style;

/// Lines are not wrapped.
const PLAIN: Style = Style { colour: false, width: usize::MAX };

pub fn report(r: &Report<'_>) -> String {
    let d = r.drift;
    let mut out = String::new();
    if d.findings.is_empty() {
        out.push_str(&format!("## No drift\n\n{} objects were compared.\n", d.compared));
    } else {
        out.push_str(&format!("## Drift: {}\n\n", counts(d)));
        out.push_str("| Severity | Finding | Place |\n| --- | --- | --- |\n");
        d.findings.iter().for_each(|f| out.push_str(&row(r, f)));
        out.push('\n');
        d.findings.iter().for_each(|f| out.push_str(&details(r, f)));
    }
    for line in left_out(d) {
        out.push_str(&format!("\n_{}_\n", escaped(&line)));
    }
    out
}

fn row(r: &Report<'_>, f: &Finding) -> String {
    let severity = f.severity().map_or("", |s| s.word());
    let weak: String = f.weaknesses.iter().map(|w| format!("<br>{}: {}", w.severity, escaped(&w.text))).collect();
    let place =
        r.place(f).map(|(file, line)| format!("{}:{line}", escaped(&r.base().join(file).display().to_string()))).unwrap_or_default();
    format!("| {severity} | {}{weak} | {place} |\n", escaped(&heading(f)))
}

fn details(r: &Report<'_>, f: &Finding) -> String {
    let Some(text) = r.difference(f, PLAIN) else { return String::new() };
    // The fence is longer than any run of backquotes in the text.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = text.lines().map(|l| signed(l) + "\n").collect();
    format!("<details><summary>{}</summary>\n\n{fence}diff\n{lines}{fence}\n\n</details>\n\n", escaped(&heading(f)))
}

/// The line with its sign in front, where GitHub looks for it.
fn signed(line: &str) -> String {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    for (sign, shown) in [("+ ", '+'), ("- ", '-'), ("~ ", '!')] {
        if let Some(text) = rest.strip_prefix(sign) {
            return format!("{shown} {}{text}", " ".repeat(indent));
        }
    }
    format!("  {line}")
}

/// Text in which nothing is Markdown, HTML or the end of a cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_place() {
        assert_eq!(escaped("a|b <i> `c` _d_\n*"), "a\\|b &lt;i&gt; \\`c\\` \\_d\\_ \\*");
        assert_eq!(signed("      ~ a = 1"), "!       a = 1");
        assert_eq!(signed("        + b"), "+         b");
        assert_eq!(signed("      id = 2"), "        id = 2");
    }
}
