//! Text that is really a document: JSON compared by structure, several lines compared line by line.

use secstack_base::Value;
use similar::{ChangeTag, TextDiff};

use super::style::{Colour, Style};

/// The structure that a text holds, if it is a JSON object or array.
pub fn structure(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    secstack_state::json::decode_implied(text).ok()
}

/// The lines of two texts, with what went and came marked. Runs of equal lines are shortened.
pub fn lines(before: &str, after: &str, indent: usize, style: Style) -> String {
    let pad = " ".repeat(indent);
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for (i, group) in diff.grouped_ops(2).iter().enumerate() {
        if i > 0 {
            out.push_str(&format!("{pad}  {}\n", style.paint(Colour::Dim, "...")));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n');
            let line = match change.tag() {
                ChangeTag::Equal => format!("{pad}  {text}"),
                ChangeTag::Delete => format!("{pad}{}", style.paint(Colour::Red, &format!("- {text}"))),
                ChangeTag::Insert => format!("{pad}{}", style.paint(Colour::Green, &format!("+ {text}"))),
            };
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}
