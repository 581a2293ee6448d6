//! No expression makes the evaluator panic, and evaluating it twice gives the same value.
//!
//! Besides what a root module has, `s`, `l` and `b` are an unknown string, list and bool, and `k` is sensitive.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use secstack_base::{Diagnostic, Diags, FileId, Marks, Span, Str, Type, Value};
use secstack_eval::funcs::{Context, Files};
use secstack_eval::type_text::type_text;
use secstack_eval::{Resolved, Scope, ScopeStep, evaluate};

fuzz_target!(|text: &str| {
    let Ok(expr) = secstack_lang::parse_expression(FileId(0), text, 0) else { return };
    let context =
        Context { files: &NoFiles, timestamp: Some(TIME), plan_timestamp: TIME, random: Some(&|bytes| bytes.fill(7)), in_template: false };
    let scope = Names(context);
    let mut diags = Diags::new();
    let value = evaluate(&expr, &scope, &mut diags);
    let mut again = Diags::new();
    let twice = evaluate(&expr, &scope, &mut again);
    assert_eq!(format!("{value:?} {diags:?}"), format!("{twice:?} {again:?}"), "the same expression has the same value");
    let _ = type_text(&value);
});

const TIME: &str = "2024-05-06T07:08:09Z";

struct Names<'a>(Context<'a>);

impl Scope for Names<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let (value, used) = match (&**root, steps.first().map_or("", |s| s.name)) {
            ("path", "module" | "root") => (".".into(), 1),
            ("terraform", "workspace") => ("default".into(), 1),
            ("s", _) => (Value::unknown(Type::String), 0),
            ("l", _) => (Value::unknown_not_null(Type::list(Type::String)), 0),
            ("b", _) => (Value::unknown_not_null(Type::Bool), 0),
            ("k", _) => (Value::from("k").mark(Marks::SENSITIVE), 0),
            _ => return Err(Diagnostic::error("Invalid reference", "There is no such name.").at(span)),
        };
        Ok(Resolved { value, used })
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }

    fn declares_provider(&self, name: &str) -> bool {
        name == "terraform"
    }
}

/// One file, `t`, which is a template.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        if path == Path::new("t") { Ok(b"%{ for x in v ~}\n${x}\n%{ endfor ~}\n".to_vec()) } else { Err("no file exists".into()) }
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        Ok(path == Path::new("t"))
    }

    fn list(&self, _: &Path) -> Result<Vec<String>, String> {
        Ok(vec!["a/b.txt".into(), "t".into()])
    }

    fn home(&self) -> Option<String> {
        Some("/root".into())
    }

    fn current_dir(&self) -> String {
        "/srv".into()
    }
}
