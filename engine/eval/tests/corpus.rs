//! The expressions of the conformance corpus, evaluated as Terraform evaluated them.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use secstack_base::{Data, Diagnostic, Diags, FileId, Marks, Number, Span, Str, Type, Value};
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
    let bare = value.unmark_deep(Marks::ALL);
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
fn values_not_known_yet() {
    for (expr, want) in [
        ("false && s", "?bool!"),
        ("false && b", "?bool!"),
        ("b ? 1 : 1", "1"),
        ("b ? 1 : 2", "?number!"),
        ("b ? [1] : null", "?tuple([number])"),
        ("b ? tolist([1]) : tolist([2])", "[?number]"),
        ("null == \"a${s}\"", "false"),
        ("\"x-1\" == \"x-${s}\"", "?bool!"),
        ("\"y-1\" == \"x-${s}\"", "false"),
        ("startswith(\"x-${s}\", \"x\")", "true"),
        ("[s, 1] == [1, 2]", "false"),
        ("[for x in l : x]", "?any"),
        ("[for x in [s, \"a\"] : x]", "[?string, \"a\"]"),
        ("{ for x in [s] : x => 1 }", "?any"),
        ("{ (s) = 1 }", "?any"),
        ("{ a = s }.a", "?string"),
        ("l[*]", "?list(string)!"),
        ("s[*]", "?any"),
        ("l[0]", "?string"),
        ("[1, 2][tonumber(s)]", "?any"),
        ("length(l)", "?number!"),
        ("length([s, s])", "2"),
        ("length(toset([s, \"a\"]))", "?number!"),
        ("keys({ a = s })", "[\"a\"]"),
        ("merge({ a = s }, { b = 1 })", "{ a = ?string, b = 1 }"),
        ("lookup({ a = s }, \"a\", 1)", "?string"),
        ("element([s, 1], 1)", "1"),
        ("concat([s], [1])", "[?string, 1]"),
        ("upper(s)", "?string!"),
        ("tostring(s)", "?string"),
        ("format(\"%s\", null)", "?any"),
        ("try(s, 1)", "?any"),
        ("can(s)", "?bool"),
        ("coalesce(s, \"a\")", "?string!"),
        ("sort([s, \"a\"])", "[?string, ?string]"),
    ] {
        check_unknown(expr, want);
    }
}

/// Seen in Terraform 1.11.4, and not in the corpus.
#[test]
fn results_beside_the_corpus() {
    for (expr, want) in [
        // An expanded list is evaluated before anything is tried.
        ("try(false, 1...)", "error Invalid expanding argument value"),
        ("try(false, null...)", "error Invalid expanding argument value"),
        ("try(tonumber(\"x\"), [1, 2]...)", "1"),
        ("try([]...)", "error Error in function call"),
        ("can([1]...)", "true"),
        ("can([]...)", "error Not enough function arguments"),
        ("can([1, 2]...)", "error Too many function arguments"),
        ("can(1.a...)", "error Unsupported attribute"),
        // A tuple beside a list is taken for a list, without conversion of its elements to one type.
        ("true ? [[1, 2], [3]] : tolist([])", "error Inconsistent conditional result types"),
        ("true ? [[1], [\"a\"]] : tolist([tolist([\"x\"])])", "error Inconsistent conditional result types"),
        ("true ? { a = [1, 2], b = [3] } : tomap({})", "error Inconsistent conditional result types"),
        ("true ? [[1], [\"a\"]] : tolist([[1]])", "[[\"1\"], [\"a\"]]"),
        ("true ? [1, \"a\"] : tolist(null)", "[\"1\", \"a\"]"),
        ("true ? [[1, 2], [3]] : toset([])", "<[1, 2], [3]>"),
        ("true ? { a = [1], b = [\"a\"] } : tomap({ c = tolist([\"x\"]) })", "{ a = [\"1\"], b = [\"a\"] }"),
        // Only lists are counted back in.
        ("element([1, 2, 3], -1)", "error Error in function call"),
        ("element([1, 2, 3], -6)", "1"),
        ("element(tolist([1, 2, 3]), -1)", "3"),
        ("setproduct([1], [null, [1]])", "error Error in function call"),
        ("setproduct([1], [null, \"a\"])", "[[1, null], [1, \"a\"]]"),
        ("toset([[\"\\ufeffx\"], [\"a\"], [\"\\\\\"]])", "<[\"\\\\\"], [\"\\u{feff}x\"], [\"a\"]>"),
    ] {
        check_unknown(expr, want);
    }
}

#[test]
fn marks_travel() {
    for (expr, want) in [
        ("k == 1", "false*"),
        ("[k][0]", "\"k\"*"),
        ("[k]", "[\"k\"*]"),
        ("{ a = k }.a", "\"k\"*"),
        ("{ (k) = 1 }", "{ k = 1 }*"),
        ("\"${k}x\"", "\"kx\"*"),
        ("true ? 1 : sensitive(2)", "1*"),
        ("{ a = 1 }[sensitive(\"a\")]", "1"),
        ("[1][sensitive(0)]", "1*"),
        ("[for x in sensitive([1]) : x]", "[1]*"),
        ("[for x in [1] : x if sensitive(true)]", "[1]*"),
        ("sensitive([1])[*]", "[1]*"),
        ("length(k)", "1*"),
        ("length([k])", "1"),
        ("upper(k)", "\"K\"*"),
        ("toset([k])", "<\"k\">*"),
        ("tolist([k])", "[\"k\"*]"),
        ("merge({ a = k }, sensitive({}))", "{ a = \"k\"* }*"),
        ("nonsensitive(k)", "\"k\""),
        ("sensitive(b)", "?bool*"),
        ("b && sensitive(true)", "?bool!*"),
        ("max([1, sensitive(2)]...)", "2*"),
        ("flatten([[k], sensitive([1])])", "[\"k\"*, 1]*"),
    ] {
        check_unknown(expr, want);
    }
}

#[test]
fn deep_expressions_end_in_an_error() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("upper(", ")"), ("\"${[", "]}\""), ("true ? 1 : (", ")"), ("{a=", "}"), ("[for x in [1] : ", "]")]
    {
        for depth in [50, 130, 199, 390, 5_000] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            if let Ok(expr) = secstack_lang::parse_expression(FileId(0), &text, 0) {
                evaluate(&expr, &names(&Disk(PathBuf::new())), &mut Diags::new());
            }
        }
    }
    let sum = "1+".repeat(100) + "1";
    let expr = secstack_lang::parse_expression(FileId(0), &sum, 0).unwrap();
    assert_eq!(evaluate(&expr, &names(&Disk(PathBuf::new())), &mut Diags::new()).as_number(), Some(&Number::from(101i64)));
}

/// `?type` is unknown, `!` not null, `*` sensitive, `<>` a set. `s`, `l`, `b` are an unknown string, list and bool, `k` is secret.
#[track_caller]
fn check_unknown(expr: &str, want: &str) {
    let parsed = secstack_lang::parse_expression(FileId(0), expr, 0).unwrap();
    let mut diags = Diags::new();
    let value = evaluate(&parsed, &names(&Disk(PathBuf::new())), &mut diags);
    let got = diags.iter().next().map_or_else(|| show(&value), |d| format!("error {}", d.summary));
    assert_eq!(got, want, "{expr} {diags:?}");
}

fn show(value: &Value) -> String {
    let list = || value.parts().map(show).collect::<Vec<_>>().join(", ");
    let text = match &value.data {
        Data::Null(_) => "null".into(),
        Data::Unknown(ty, r) => format!("?{ty}{}", if r.not_null { "!" } else { "" }),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) => format!("{s:?}"),
        Data::List(..) | Data::Tuple(_) => format!("[{}]", list()),
        Data::Set(..) => format!("<{}>", list()),
        Data::Map(_, m) | Data::Object(m) => {
            format!("{{ {} }}", m.iter().map(|(k, v)| format!("{k} = {}", show(v))).collect::<Vec<_>>().join(", "))
        }
    };
    if value.is_sensitive() { text + "*" } else { text }
}

struct Names<'a>(Context<'a>);

fn names(files: &Disk) -> Names<'_> {
    Names(Context { files, timestamp: None, plan_timestamp: "", random: None, in_template: false })
}

impl Scope for Names<'_> {
    fn resolve(&self, root: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let value = match &**root {
            "s" => Value::unknown(Type::String),
            "l" => Value::unknown(Type::list(Type::String)),
            "b" => Value::unknown(Type::Bool),
            "k" => Value::from("k").mark(Marks::SENSITIVE),
            _ => return Err(Diagnostic::error("Invalid reference", root.to_string()).at(span)),
        };
        Ok(Resolved { value, used: 0 })
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }
}
