//! What messages tell of the references in an expression, as recorded with Terraform 1.11.4.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use secstack_base::{Diagnostic, Diags, FileId, Marks, Span, Str, Type, Value};
use secstack_eval::funcs::Context;
use secstack_eval::{Resolved, Scope, ScopeStep, evaluate, seen};
use secstack_lang::parse_expression;
use support::Nothing;

#[test]
fn references_are_told_once_by_name() {
    told(
        r#"var.x == "b" && length(var.l) == 3 && var.x != var.o.a.b"#,
        r#"var.l is tuple with 2 elements; var.o.a.b is "c"; var.x is "abc""#,
    );
    told("var.none == null || var.empty == {}", "var.empty is object with no attributes; var.none is null");
    told("[for x in var.l : x + var.n]", "var.l is tuple with 2 elements; var.n is 5");
}

#[test]
fn of_a_wrong_reference_the_right_part_is_told() {
    told("var.o.a.z", r#"var.o.a is object with 1 attribute "b""#);
    told(r#"var.o["a"]["x"]"#, r#"var.o["a"] is object with 1 attribute "b""#);
    told("var.l[5]", "var.l is tuple with 2 elements");
    told("nothing", "");
}

#[test]
fn what_is_secret_or_open_is_not_told() {
    told("var.secret == var.session", "");
    told("var.unknown == var.text", "var.text is a string");
}

#[test]
fn a_mistake_tells_of_the_smallest_part_it_is_in() {
    assert_eq!(mistakes(r#"upper(var.x) == "ABC" ? var.l[5] : var.n"#), ["var.l is tuple with 2 elements"]);
    assert_eq!(mistakes(r#""a${var.l}""#), ["var.l is tuple with 2 elements"]);
    assert_eq!(mistakes(r#"{ for k in ["a", "a"] : k => var.l }"#), [""]);
    assert_eq!(mistakes("-var.x + var.n"), [r#"var.x is "abc""#]);
    assert_eq!(mistakes("[for i in [7, 8] : var.l[i]]"), ["var.l is tuple with 2 elements"; 2]);
}

#[track_caller]
fn told(expr: &str, want: &str) {
    let expr = parse_expression(FileId(0), expr, 0).unwrap();
    let found: Vec<String> = seen(&expr, &names()).into_iter().map(|s| format!("{} {}", s.reference, s.statement)).collect();
    assert_eq!(found.join("; "), want);
}

fn mistakes(expr: &str) -> Vec<String> {
    let expr = parse_expression(FileId(0), expr, 0).unwrap();
    let mut diags = Diags::new();
    evaluate(&expr, &names(), &mut diags);
    let text = |d: Diagnostic| d.values.unwrap().iter().map(|s| format!("{} {}", s.reference, s.statement)).collect::<Vec<_>>().join("; ");
    diags.into_iter().map(text).collect()
}

struct Names(Context<'static>);

fn names() -> Names {
    Names(Context { files: &Nothing, timestamp: None, plan_timestamp: "", random: None, in_template: false })
}

impl Scope for Names {
    fn resolve(&self, root: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        if &**root != "var" {
            return Err(Diagnostic::error("Invalid reference", root.to_string()).at(span));
        }
        let a = Value::object([("b", Value::from("c"))]);
        let value = Value::object([
            ("empty", Value::object::<&str>([])),
            ("l", Value::tuple([Value::from(1), Value::from(2)])),
            ("n", Value::from(5)),
            ("none", Value::NULL),
            ("o", Value::object([("a", a)])),
            ("secret", Value::from("s").mark(Marks::SENSITIVE)),
            ("session", Value::from("e").mark(Marks::EPHEMERAL)),
            ("text", Value::unknown(Type::String)),
            ("unknown", Value::unknown(Type::Dynamic)),
            ("x", Value::from("abc")),
        ]);
        Ok(Resolved { value, used: 0 })
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }
}
