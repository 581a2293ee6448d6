//! The expressions of the conformance corpus: what Terraform parses parses here, and what it refuses to parse is refused.

use secstack_base::FileId;
use secstack_lang::{parse_expression, parse_file};

/// Summaries of the errors that Terraform finds without evaluating anything.
const SYNTAX: &[&str] = &[
    "Invalid expression",
    "Invalid character",
    "Invalid escape sequence",
    "Unbalanced parentheses",
    "Missing close bracket on index",
    "Invalid number literal",
    "Invalid legacy index syntax",
    "Unsupported operator",
    "Unterminated function call",
    "Missing item separator",
    "Argument or block definition required",
    "Missing key/value separator",
    "Unterminated object constructor expression",
    "Missing closing parenthesis",
    "Missing expression",
    "Extra characters after interpolation expression",
    "Extra characters after expression",
    "Unexpected end of template",
    "Invalid template control keyword",
    "Nested splat expression not allowed",
    "Unterminated template string",
    "Invalid 'for' expression",
];

#[test]
fn the_corpus_parses_as_in_terraform() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/expressions.jsonl");
    let corpus = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    for line in corpus.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let expr = case["expr"].as_str().unwrap();
        let (_, diags) = parse_file(FileId(0), &format!("locals {{\n  x = {expr}\n}}\n"));
        let want = case["error"].as_str().filter(|e| SYNTAX.contains(e));
        let got = diags.iter().find(|d| d.is_error()).map(|d| d.summary.to_string());
        // Single lines were typed at the console: there the summary is the same, too.
        let console = if expr.contains('\n') { None } else { parse_expression(FileId(0), expr, 0).err() };
        let summary = console.and_then(|d| d.iter().next().map(|d| d.summary.to_string()));
        let differs = !expr.contains('\n') && summary.as_deref() != want;
        if want.is_some() != got.is_some() || differs {
            wrong.push(format!("{} want {want:?} got {got:?} {summary:?}: {expr}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}
