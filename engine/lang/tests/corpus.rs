//! The expressions of the conformance corpus: what Terraform parses parses here, and what it refuses to parse is refused.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

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

#[test]
fn json_becomes_blocks_and_expressions() {
    let text = r#"{
  "//": "a comment",
  "locals": [{ "a": "${x}", "b": ["t ${x}", 1.50, null], "//": "c" }, { "c": { "k${x}": true } }],
  "resource": { "aws_vpc": { "v": { "cidr": "1", "lifecycle": { "ignore_changes": ["tags"] } }, "w": [{}, {}] } }
}"#;
    let (body, diags) = secstack_lang::parse_json_file(FileId(0), text);
    assert!(diags.is_empty(), "{diags:?}");
    let (view, diags) = body.view(&[("locals", 0), ("resource", 2)]);
    assert!(diags.is_empty(), "{diags:?}");
    let headers: Vec<String> = view.blocks.iter().map(|b| b.labels.iter().fold(b.ty.to_string(), |s, (l, _)| s + " " + l)).collect();
    let want = ["locals", "locals", "resource aws_vpc v", "resource aws_vpc w", "resource aws_vpc w"];
    assert_eq!(headers, want);
    let (locals, diags) = view.blocks[0].body.view(&[]);
    assert!(diags.is_empty(), "{diags:?}");
    assert!(
        matches!(&locals.attributes[0].expr.kind, secstack_lang::ExprKind::Wrap(e) if matches!(&e.kind, secstack_lang::ExprKind::Variable(v) if &**v == "x"))
    );
    assert_eq!(&text[locals.attributes[0].name_span.start as usize..locals.attributes[0].name_span.end as usize], "\"a\"");
}

#[test]
fn what_the_parser_trips_over_is_kept_from_it() {
    for text in [
        "a = [for\r\n v in [1] : v]\r\n",
        "a = f(<<E\nE x\n  E) ${y}\nE\n)\n",
        "a = { k = 1, k = 2, \"k\" = 3, (k) = 4, (k) = 5 }\n",
        "a = 123456789012345678901234567890\nb = 1e400\nc = x.0\n",
        "\u{feff}a = 1\n",
    ] {
        let (body, diags) = parse_file(FileId(0), text);
        assert!(diags.is_empty(), "{text}: {diags:?}");
        assert!(!body.view(&[]).0.attributes.is_empty());
    }
}
