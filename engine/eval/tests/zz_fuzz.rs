use std::path::Path;
use secstack_base::{Data, Diagnostic, Diags, FileId, Refinement, Span, Str, Type, Value};
use secstack_eval::funcs::{Context, Files};
use secstack_eval::{Resolved, Scope, ScopeStep, evaluate, type_text::type_text};
use serde_json::Value as Json;
struct N;
impl Files for N {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> { Err("x".into()) }
    fn exists(&self, _: &Path) -> Result<bool, String> { Ok(false) }
    fn list(&self, _: &Path) -> Result<Vec<String>, String> { Ok(vec![]) }
    fn home(&self) -> Option<String> { None }
    fn current_dir(&self) -> String { "/".into() }
}
struct S<'a>(Context<'a>, std::cell::Cell<bool>);
impl Scope for S<'_> {
    fn resolve(&self, root: &Str, span: Span, steps: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let nn = |t| Value::from(Data::Unknown(t, Refinement { not_null: false, prefix: None }));
        let v = match (&**root, steps.first().map_or("", |s| &**s.name)) {
            ("terraform_data", n) => {
                let t = match n {
                    "s" => Type::String, "l" => Type::list(Type::String), "m" => Type::map(Type::String), "n" => Type::Number, "b" => Type::Bool,
                    "e" => Type::set(Type::String), "t" => Type::tuple([Type::String, Type::Number]), _ => Type::object([("a", Type::String), ("b", Type::Number)]),
                };
                return Ok(Resolved { value: if self.1.get() { Value::unknown(Type::Dynamic) } else { nn(t) }, used: 2.min(steps.len()) });
            }
            _ => return Err(Diagnostic::error("Invalid reference", root.to_string()).at(span)),
        };
        #[allow(unreachable_code)]
        Ok(Resolved { value: v, used: 1 })
    }
    fn context(&self) -> &Context<'_> { &self.0 }
}
fn paths(v: &Value, at: String, out: &mut Vec<String>) {
    if v.is_unknown() { out.push(at); return; }
    match &v.data {
        Data::Map(_, m) | Data::Object(m) => for (k, v) in m.iter() { paths(v, format!("{at}.{k}"), out) },
        _ => for (i, v) in v.parts().enumerate() { paths(v, format!("{at}.{i}"), out) },
    }
}
#[test]
fn fuzz() {
    let text = std::fs::read_to_string("/tmp/fuzz/unk.jsonl").unwrap();
    let scope = S(Context { files: &N, timestamp: None, plan_timestamp: "2024-05-06T07:08:09Z", random: None, in_template: false }, true.into());
    let mut bad = 0;
    for line in text.lines() {
        let c: Json = serde_json::from_str(line).unwrap();
        let e = c["expr"].as_str().unwrap();
        let parsed = secstack_lang::parse_expression(FileId(0), e, 0).unwrap();
        let mut d = Diags::new();
        scope.1.set(true);
        let mut v = evaluate(&parsed, &scope, &mut d);
        scope.1.set(false);
        if !d.has_errors() { v = evaluate(&parsed, &scope, &mut d); }
        let err = d.iter().next().map(|d| format!("{}: {}", d.summary, d.detail));
        let want = c.get("error").map(|e| format!("{}: {}", e.as_str().unwrap(), c["detail"].as_str().unwrap()));
        let mut got = vec![]; paths(&v, String::new(), &mut got); got.sort();
        let sq = |s: &str| s.split_whitespace().collect::<String>();
        if err != want { bad += 1; println!("{e}\n   got {err:?}\n  want {want:?}"); continue; }
        if err.is_some() { continue }
        let wp: Vec<String> = c["unknown"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().into()).collect();
        let t = type_text(&v);
        if wp != got || sq(&t) != sq(c["type"].as_str().unwrap()) { bad += 1; println!("{e}\n   got {got:?} {}\n  want {wp:?} {}", sq(&t), sq(c["type"].as_str().unwrap())); }
    }
    println!("{bad} bad of {}", text.lines().count());
}
