//! The expressions of the conformance corpus, evaluated as Terraform evaluated them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use secstack_base::{Data, Diagnostic, Diags, FileId, Number, Span, Str, Type, Value};
use secstack_eval::funcs::{self, Context, Files};
use secstack_eval::{Resolved, Scope, ScopeStep, evaluate, type_text::type_text};
use serde_json::Value as Json;

#[test]
fn results_and_types_are_terraforms() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let corpus = std::env::var_os("EXPRESSIONS").map_or_else(|| dir.join("expressions.jsonl"), PathBuf::from);
    let text = std::fs::read_to_string(corpus).unwrap();
    let files = Disk(dir.canonicalize().unwrap());
    let context = Context {
        files: &files,
        timestamp: Some("2024-05-06T07:08:09Z"),
        plan_timestamp: "2024-05-06T07:08:09Z",
        random: Some(&|bytes| bytes.fill(7)),
        in_template: false,
    };
    let scope = Root(context);
    let (mut wrong, mut summaries, mut count) = (Vec::new(), Vec::new(), 0);
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        count += 1;
        if let Err(why) = check(&case, &scope, &mut summaries) {
            wrong.push(format!("{}: {}\n    {why}", case["id"], case["expr"]));
        }
    }
    for line in summaries.iter().chain(&wrong) {
        println!("{line}");
    }
    assert!(wrong.is_empty(), "{} of {count} differ, {} other summaries", wrong.len(), summaries.len());
}

fn check(case: &Json, scope: &Root<'_>, summaries: &mut Vec<String>) -> Result<(), String> {
    let expr = case["expr"].as_str().unwrap();
    let (value, diags) = run(expr, scope);
    let failed = diags.iter().find(|d| d.is_error());
    if let Some(want) = case.get("error") {
        return match failed {
            Some(d) if d.summary == want.as_str().unwrap() && case.get("detail").is_none_or(|w| *w == d.detail) => Ok(()),
            Some(d) => {
                let detail = case.get("detail").map_or(String::new(), |d| format!(" {d}"));
                summaries.push(format!("summary {expr}: want {want}{detail}, got {}: {:?}", d.summary, d.detail));
                Ok(())
            }
            None => Err(format!("want error {want}, got {value:?}")),
        };
    }
    if let Some(d) = failed {
        return Err(format!("error {}: {}", d.summary, d.detail));
    }
    let squeeze = |s: &str| s.split_whitespace().collect::<String>();
    let ty = type_text(&value);
    if squeeze(&ty) != squeeze(case["type"].as_str().unwrap()) {
        return Err(format!("type {ty}, want {}", case["type"]));
    }
    let encode = funcs::find("jsonencode").unwrap();
    let bare = value.unmark_deep(secstack_base::Marks::ALL);
    let text = funcs::call(encode, scope.context(), &[bare]).map_err(|e| e.message)?;
    let text = text.as_str().ok_or("the result is not wholly known")?;
    let got: Json = serde_json::from_str(text).map_err(|e| format!("{e}: {text}"))?;
    match same(&got, &case["json"]) {
        true => Ok(()),
        false => Err(format!("got {got}, want {}", case["json"])),
    }
}

fn run(expr: &str, scope: &Root<'_>) -> (Value, Diags) {
    // As an attribute, where a line ends outside brackets; a heredoc may end the text.
    let mut diags = Diags::new();
    if !expr.contains('\n') {
        return match secstack_lang::parse_expression(FileId(0), expr, 0) {
            Ok(parsed) => (evaluate(&parsed, scope, &mut diags), diags),
            Err(diags) => (Value::NULL, diags),
        };
    }
    let (body, found) = secstack_lang::parse_file(FileId(0), &format!("x = {expr}\n"));
    diags.extend(found);
    let secstack_lang::body::Items::Native { attributes, .. } = &body.items else { panic!("not native") };
    let value = attributes.first().map_or(Value::NULL, |a| evaluate(&a.expr, scope, &mut diags));
    (value, diags)
}

fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => decimal(&a.to_string()) == decimal(&b.to_string()),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            keys.into_iter().all(|k| a.get(k).zip(b.get(k)).is_some_and(|(a, b)| same(a, b)))
        }
        _ => a == b,
    }
}

/// Sign, digits and exponent of ten, without zeros at either end.
fn decimal(text: &str) -> (bool, String, i64) {
    let text = text.to_lowercase();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |m| (true, m));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let exponent = exponent.parse::<i64>().unwrap() - fraction.len() as i64 + (digits.len() - kept.len()) as i64;
    match kept.trim_start_matches('0') {
        "" => (false, String::new(), 0),
        kept => (negative, kept.to_owned(), exponent),
    }
}

struct Root<'a>(Context<'a>);

impl Scope for Root<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let name = steps.first().map_or("", |s| s.name);
        let text = match (&**root, name) {
            ("path", "module" | "root") => ".",
            ("path", "cwd") => "/cwd",
            ("terraform", "workspace") => "default",
            ("test", "unknown") => return Ok(Resolved { value: Value::unknown(Type::Dynamic), used: 1 }),
            _ => return Err(Diagnostic::error("Invalid reference", "A reference must have a known first name.").at(span)),
        };
        Ok(Resolved { value: text.into(), used: 1 })
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }
}

struct Disk(PathBuf);

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(self.0.join(path)).map_err(|e| e.to_string())
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        match std::fs::metadata(self.0.join(path)) {
            Ok(m) if m.is_file() => Ok(true),
            Ok(_) => Err(format!("{} is a directory, not a file", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e.to_string()),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, String> {
        let root = self.0.join(dir);
        let mut found = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(&dir).map_err(|e| e.to_string())? {
                let path = entry.map_err(|e| e.to_string())?.path();
                match path.is_dir() {
                    true => open.push(path),
                    false => found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned()),
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn home(&self) -> Option<String> {
        Some("/root".into())
    }

    fn current_dir(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }
}

#[test]
fn unknown_and_marked_values() {
    let _ = (Number::from(1i64), Data::Bool(true));
}
