//! Text in the native syntax to a tree.

use std::borrow::Cow;

use hcl_edit::Span as _;
use secstack_base::{Diagnostic, Diags, FileId, Span};

use crate::body::Items;
use crate::lower::Lower;
use crate::{Body, Expr, template};

/// Parses a `.tf` file. What could be read is returned beside the diagnostics.
pub fn parse_file(file: FileId, text: &str) -> (Body, Diags) {
    let masked = mask_numbers(text);
    match hcl_edit::parser::parse_body(&masked) {
        Ok(tree) => {
            let mut lower = Lower::new(file, text, 0, &[]);
            let body = lower.body(&tree, 0..text.len());
            (body, lower.diags)
        }
        Err(e) => {
            let items = Items::Native { attributes: Vec::new(), blocks: Vec::new() };
            let mut diags = Diags::new();
            diags.push(refused(file, &e, 0));
            (Body { items, span: Span::new(file, 0, text.len()) }, diags)
        }
    }
}

/// Parses an expression that starts at byte `offset` of the file.
pub fn parse_expression(file: FileId, text: &str, offset: usize) -> Result<Expr, Diags> {
    // `hcl-edit` takes no space around an expression.
    let start = text.len() - text.trim_start().len();
    let inner = text.trim();
    let masked = mask_numbers(inner);
    let tree = hcl_edit::parser::parse_expr(&masked).map_err(|e| Diags(vec![refused(file, &e, offset + start)]))?;
    let mut lower = Lower::new(file, inner, offset + start, &[]);
    let expr = lower.expr(&tree);
    if lower.diags.has_errors() { Err(lower.diags) } else { Ok(expr) }
}

/// Parses a template that starts at byte `offset` of the file. A single interpolation keeps its type.
pub fn parse_template(file: FileId, text: &str, offset: usize) -> Result<Expr, Diags> {
    let masked = mask_numbers(text);
    let tree = hcl_edit::parser::parse_template(&masked).map_err(|e| Diags(vec![refused(file, &e, offset)]))?;
    let mut lower = Lower::new(file, text, offset, &[]);
    let kind = template::bare(&mut lower, &tree);
    let span = lower.span(tree.span().or(Some(0..text.len())));
    if lower.diags.has_errors() { Err(lower.diags) } else { Ok(Expr { kind, span }) }
}

/// Replaces integers that do not fit 64 bits by other text of the same length. Lowering reads the original.
fn mask_numbers(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        if end - at > 18 {
            let spelling = format!("1{}", "0".repeat(17));
            let padded = format!("{}{spelling}", "0".repeat(end - at - 18));
            out.to_mut().replace_range(at..end, &padded);
        }
        at = end;
    }
    out
}

fn refused(file: FileId, e: &hcl_edit::parser::Error, base: usize) -> Diagnostic {
    let at = base + e.location().offset();
    let message = e.message();
    let mut detail = message[..1].to_uppercase() + &message[1..];
    detail.push('.');
    Diagnostic::error("Invalid expression", detail).at(Span::new(file, at, at + 1))
}
