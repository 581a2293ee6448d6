//! Text in the native syntax to a tree.
//!
//! Each text is read twice: the module `syntax` finds the mistakes and says them in Terraform's words, `hcl-edit`
//! builds the tree. What the first finds broken is blanked for the second, so that a mistake costs the item it
//! is in and nothing else. Blanked and masked text keeps its length, and every byte its place.

use std::collections::HashSet;

use secstack_base::{Diagnostic, Diags, FileId, Span};

use crate::body::Items;
use crate::lower::{self, Lower};
use crate::syntax::{self, Report};
use crate::{Body, Expr, template};

type Range = std::ops::Range<usize>;

/// How often a text is given to the parser again after it was mended.
const MAX_ATTEMPTS: usize = 40;

/// Parses a `.tf` file. What could be read is returned beside the diagnostics.
pub fn parse_file(file: FileId, text: &str) -> (Body, Diags) {
    let mut report = syntax::check_file(file, text);
    let mut diags = Diags(std::mem::take(&mut report.errors));
    let mut masked = Masked::new(text, &report);
    for _ in 0..MAX_ATTEMPTS {
        match hcl_edit::parser::parse_body(&masked.text()) {
            Ok(tree) => {
                let mut lower = Lower::new(file, text, 0, &masked.keys);
                let body = lower.body(&tree, 0..text.len());
                diags.extend(lower.diags);
                return (body, diags);
            }
            Err(e) if masked.mask_key_at(&e, &report) => {}
            Err(e) => {
                let at = e.location().offset();
                diags.push(refused(file, &e, at));
                match report.items.iter().find(|item| item.contains(&at)) {
                    Some(item) => masked.blank(item),
                    None => break,
                }
            }
        }
    }
    let items = Items::Native { attributes: Vec::new(), blocks: Vec::new() };
    (Body { items, span: Span::new(file, 0, text.len()) }, diags)
}

/// Parses an expression that starts at byte `offset` of the file. Line breaks are allowed anywhere in it.
pub fn parse_expression(file: FileId, text: &str, offset: usize) -> Result<Expr, Diags> {
    let report = syntax::check_expression(file, text, offset);
    let wrapped = |masked: &Masked| hcl_edit::parser::parse_expr(&format!("({}\n)", masked.text()));
    let (tree, keys) = parse_whole(file, text, offset, report, 1, wrapped)?;
    let inner = match &tree {
        hcl_edit::expr::Expression::Parenthesis(p) => p.inner(),
        other => other,
    };
    let text = format!("({text}\n)");
    let mut lower = Lower::new(file, &text, offset, &keys);
    lower.shift = 1;
    let expr = lower.expr(inner);
    if lower.diags.has_errors() { Err(lower.diags) } else { Ok(expr) }
}

/// Parses a template that starts at byte `offset` of the file. A single interpolation keeps its type.
pub fn parse_template(file: FileId, text: &str, offset: usize) -> Result<Expr, Diags> {
    let report = syntax::check_template(file, text, offset);
    let (tree, keys) = parse_whole(file, text, offset, report, 0, |masked| hcl_edit::parser::parse_template(&masked.text()))?;
    let mut lower = Lower::new(file, text, offset, &keys);
    let kind = template::bare(&mut lower, &tree);
    let span = Span::new(file, offset, offset + text.len());
    if lower.diags.has_errors() { Err(lower.diags) } else { Ok(Expr { kind, span }) }
}

/// Parses a text that is wrong as a whole when it is wrong anywhere. Also returns the masked keys. `shift` is how
/// much further on `parse` sees every byte.
fn parse_whole<T>(
    file: FileId,
    text: &str,
    offset: usize,
    report: Report,
    shift: usize,
    parse: impl Fn(&Masked) -> Result<T, hcl_edit::parser::Error>,
) -> Result<(T, Vec<Range>), Diags> {
    if !report.errors.is_empty() {
        return Err(Diags(report.errors));
    }
    let mut masked = Masked::new(text, &report);
    masked.shift = shift;
    for _ in 0..MAX_ATTEMPTS {
        match parse(&masked) {
            Ok(tree) => {
                let keys = masked.keys.iter().map(|k| k.start + shift..k.end + shift).collect();
                return Ok((tree, keys));
            }
            Err(e) if masked.mask_key_at(&e, &report) => {}
            Err(e) => return Err(Diags(vec![refused(file, &e, offset + e.location().offset().saturating_sub(shift))])),
        }
    }
    Err(Diags(vec![Diagnostic::error("Invalid expression", "An object repeats too many of its keys.")]))
}

/// The text as `hcl-edit` gets to see it.
struct Masked {
    bytes: Vec<u8>,
    /// Keys that were replaced, in order.
    keys: Vec<Range>,
    /// Replacements that would collide.
    used: HashSet<Vec<u8>>,
    next: usize,
    shift: usize,
}

impl Masked {
    fn new(text: &str, report: &Report) -> Self {
        let used = report.keys.iter().map(|(k, _)| text.as_bytes()[k.clone()].to_vec()).collect();
        let mut masked = Self { bytes: text.as_bytes().to_vec(), keys: Vec::new(), used, next: 0, shift: 0 };
        if text.starts_with('\u{feff}') {
            masked.bytes[..3].fill(b' ');
        }
        // Integers past 64 bits and numbers past a double are refused; lowering reads the original.
        for number in &report.numbers {
            masked.bytes[number.clone()].fill(b'0');
        }
        // A repeated key is refused, but the last one wins.
        for (key, _) in report.keys.iter().filter(|(_, repeated)| *repeated) {
            masked.mask_key(key.clone());
        }
        for trap in &report.traps {
            masked.bytes[trap.clone()].fill(b' ');
        }
        for broken in &report.broken {
            masked.blank(broken);
        }
        masked
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn blank(&mut self, range: &Range) {
        for b in &mut self.bytes[range.clone()] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
    }

    /// Replaces a key by a name of the same length that no key has.
    fn mask_key(&mut self, key: Range) {
        let len = key.len();
        let digits: &[u8] = b"_abcdefghijklmnopqrstuvwxyz";
        for _ in 0..1000 {
            self.next += 1;
            let (mut n, mut name) = (self.next, vec![b'_'; len]);
            for slot in name.iter_mut().rev() {
                *slot = digits[n % digits.len()];
                n /= digits.len();
            }
            if n == 0 && self.used.insert(name.clone()) {
                self.bytes[key.clone()].copy_from_slice(&name);
                let at = self.keys.partition_point(|k| k.start < key.start);
                return self.keys.insert(at, key);
            }
            if n > 0 {
                self.next = 0;
            }
        }
    }

    /// Masks the key that the parser refused, if that is what it did.
    fn mask_key_at(&mut self, e: &hcl_edit::parser::Error, report: &Report) -> bool {
        if !e.message().contains("unique object key") {
            return false;
        }
        let at = e.location().offset().saturating_sub(self.shift);
        let known = report.keys.iter().find(|(k, _)| k.start == at);
        let Some((key, _)) = known.filter(|(k, _)| !self.keys.contains(k)) else { return false };
        self.mask_key(key.clone());
        true
    }
}

/// What to say when the parser refuses what looked right.
fn refused(file: FileId, e: &hcl_edit::parser::Error, at: usize) -> Diagnostic {
    let span = Span::new(file, at, at + 1);
    let message = e.message();
    if message.contains("nested levels") || message.contains("chained") {
        return lower::too_deep(span);
    }
    let mut chars = message.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    Diagnostic::error("Invalid expression", format!("{first}{}.", chars.as_str())).at(span)
}
