//! Bytes in base64 between two lines that say what they are.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Writes a block.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out + "-----END " + label + "-----\n"
}

/// Reads the first block: what it is, and its bytes.
pub(super) fn decode(text: &str) -> Option<(String, Vec<u8>)> {
    let mut lines = text.lines().map(str::trim_end);
    let label = lines.find_map(|l| l.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))?;
    let end = format!("-----END {label}-----");
    let mut body = String::new();
    for line in lines {
        if line == end {
            return Some((label.into(), BASE64_STANDARD.decode(body).ok()?));
        }
        // Headers, of which none is of interest, stand before the content.
        if !line.contains(':') {
            body.push_str(line.trim());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = encode("X Y", &[9; 60]);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [19, 64, 16, 17]);
        assert_eq!(decode(&format!("noise\n{text}")), Some(("X Y".into(), vec![9; 60])));
        assert_eq!(decode("-----BEGIN A-----\nAQ==\n-----END B-----"), None);
        assert_eq!(decode("x"), None);
    }
}
