//! Texts with a mistake, and the first error that Terraform 1.11.4 gave for each.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

use secstack_base::{FileId, Sources};
use secstack_lang::parse_file;

#[test]
fn the_first_error_is_that_of_terraform() {
    let mut wrong = Vec::new();
    for line in include_str!("syntax_errors.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        let mut sources = Sources::default();
        let file: FileId = sources.add("main.tf", text);
        let (_, diags) = parse_file(file, text);
        let got = diags.iter().next().map(|d| {
            let span = d.span.unwrap();
            let line = sources.position(file, span.start).line;
            serde_json::json!({ "text": text, "summary": d.summary, "detail": d.detail, "line": line, "start": span.start })
        });
        if got.as_ref() != Some(&case) {
            wrong.push(format!("want {case}\n got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn a_mistake_costs_the_item_it_is_in() {
    let text = "a = 1\nlocals {\n  x = (\n}\n\nlocals {\n  y = \"z\n}\nvariable \"v\" {}\n}\nb = 2\nresource \"a\" \"b\" {\n  c = 1\n  c = 2\n}\nd = 4 5\n";
    let (body, diags) = parse_file(FileId(0), text);
    let secstack_lang::body::Items::Native { attributes, blocks } = &body.items else { panic!() };
    let names: Vec<&str> = attributes.iter().map(|a| &*a.name).chain(blocks.iter().map(|b| &*b.ty)).collect();
    assert_eq!(names, ["a", "b", "variable", "resource"]);
    let summaries: Vec<&str> = diags.iter().map(|d| &*d.summary).collect();
    let want = [
        "Invalid expression",
        "Invalid multi-line string",
        "Unterminated template string",
        "Argument or block definition required",
        "Attribute redefined",
        "Missing newline after argument",
    ];
    assert_eq!(summaries, want);
}

#[test]
fn nothing_makes_the_parser_panic_or_overflow() {
    let deep = 20_000;
    for text in ["(", "[", "{", "\"${", "a {", "!", "-", "a ? b : ", "a[", "x.", "[*]", "1 + ", "%{if a}", "f(", "<<A\n${"] {
        let repeated = text.repeat(deep);
        let _ = parse_file(FileId(0), &format!("x = {repeated}"));
        let _ = parse_file(FileId(0), &repeated);
        let _ = secstack_lang::parse_expression(FileId(0), &repeated, 0);
        let _ = secstack_lang::parse_template(FileId(0), &repeated, 0);
    }
}
