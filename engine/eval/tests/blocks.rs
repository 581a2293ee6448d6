//! Bodies evaluated by a schema: nesting, `dynamic` blocks, unknown values and what the schema forbids.

mod support;

use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence};
use secstack_base::{Data, Diagnostic, FileId, Marks, Span, Str, Type, Value};
use secstack_eval::funcs::Context;
use secstack_eval::{Resolved, Scope, ScopeStep, block_references, decode_block};
use support::Nothing;

#[test]
fn arguments_and_blocks() {
    check("name = 1", r#"{name="1"}"#);
    check("name = \"a\"\ntags = { x = 1 }", r#"{name="a",tags={"x"="1"}}"#);
    check("name = unknown", "{name=?}");
    check("name = secret", r#"{name="s"!}"#);
    check("name = \"a\"\nrule { port = 1 }\nrule { port = \"2\" }", r#"{name="a",rule=[{port=1},{port=2}]}"#);
    check("name = \"a\"\nonly {\n  on = true\n}", r#"{name="a",only={on=true}}"#);
    check("name = \"a\"\nby \"k\" {\n  v = 1\n}", r#"{by={"k"={v=1}},name="a"}"#);
    check("name = \"a\"\ningress {\n  from = 1\n}\ningress {\n  from = 1\n}", r#"{ingress=<{from=1,list=null}>,name="a"}"#);
    check("name = \"a\"\ningress = []", r#"{ingress=<>,name="a"}"#);
}

#[test]
fn dynamic_blocks() {
    let rule = |of: &str, content: &str| format!("name = \"a\"\ndynamic \"rule\" {{\n  for_each = {of}\n  {content}\n}}");
    let port = "content {\n  port = rule.value\n}";
    check(&rule("[1, 2]", port), r#"{name="a",rule=[{port=1},{port=2}]}"#);
    check(&rule("{ a = 5 }", port), r#"{name="a",rule=[{port=5}]}"#);
    check(&rule("unknown", port), r#"{name="a",rule=?}"#);
    check(&rule("[1]", &format!("iterator = it\n{}", port.replace("rule", "it"))), r#"{name="a",rule=[{port=1}]}"#);
    check(&rule("[unknown]", port), r#"{name="a",rule=[{port=?}]}"#);
    check(&rule("[secret]", "content {\n  port = length(rule.value)\n}"), r#"{name="a",rule=[{port=1!}]}"#);
    check(&rule("null", port), "Invalid dynamic for_each value");
    check(&rule("1", port), "Invalid dynamic for_each value");
    check(&rule("[1]", ""), "Missing dynamic content block");
    check(&rule("[1, 2, 3]", port), "Too many rule blocks");
    check("name = \"a\"\ndynamic \"nope\" {\n  for_each = []\n}", "Unsupported block type");
    check(
        "name = \"a\"\ndynamic \"by\" {\n  for_each = { a = 1 }\n  labels = [\"l-${by.key}\"]\n  content {\n    v = by.value\n  }\n}",
        r#"{by={"l-a"={v=1}},name="a"}"#,
    );
    check(
        "name = \"a\"\ndynamic \"ingress\" {\n  for_each = [1, 2]\n  content {\n    from = ingress.value\n    dynamic \"list\" {\n      for_each = [3]\n      content {\n        x = list.value + ingress.value\n      }\n    }\n  }\n}",
        r#"{ingress=<{from=1,list=[{x=4}]},{from=2,list=[{x=5}]}>,name="a"}"#,
    );
}

#[test]
fn what_the_schema_forbids() {
    check("", "Missing required argument");
    check("name = [1]", "Incorrect attribute value type");
    check("name = \"a\"\ntag = {}", "Unsupported argument: An argument named \"tag\" is not expected here. Did you mean \"tags\"?");
    check(
        "name = \"a\"\nrule = []",
        "Unsupported argument: An argument named \"rule\" is not expected here. Did you mean to define a block of type \"rule\"?",
    );
    check(
        "name = \"a\"\ntags {\n}",
        "Unsupported block type: Blocks of type \"tags\" are not expected here. Did you mean to define argument \"tags\"?",
    );
    check("name = \"a\"\nrule {\n}", "Missing required argument");
    check("name = \"a\"\nrule \"x\" {\n  port = 1\n}", "Extraneous label for rule");
    check("name = \"a\"\nby {\n}", "Missing key for by");
    check("name = \"a\"\nonly {\n}\nonly {\n}", "Duplicate only block");
    check("name = \"a\"\nby \"k\" {\n}\nby \"k\" {\n}", "Duplicate by block");
}

#[test]
fn references_leave_out_iterators() {
    let text = "name = a.b\nrule {\n  port = rule.x\n}\ndynamic \"rule\" {\n  for_each = c\n  content {\n    port = rule.value + d\n  }\n}";
    let (body, _) = secstack_lang::parse_file(FileId(0), text);
    let roots: Vec<_> = block_references(&body, &schema()).into_iter().map(|t| t.root.to_string()).collect();
    assert_eq!(roots, ["a", "rule", "c", "d"]);
}

/// Evaluates a body; `want` is the value without nulls, or the beginning of the first error.
#[track_caller]
fn check(text: &str, want: &str) {
    let (body, mut diags) = secstack_lang::parse_file(FileId(0), text);
    let files = Nothing;
    let context = Context { files: &files, timestamp: None, plan_timestamp: "", random: None, in_template: false };
    let value = decode_block(&body, &schema(), &Names(context), &mut diags);
    assert_eq!(value.ty(), schema().ty(), "{text}");
    match diags.iter().next() {
        Some(d) => assert!(format!("{}: {}", d.summary, d.detail).starts_with(want), "{text}: {d:?}"),
        None => assert_eq!(show(&value), want, "{text}"),
    }
}

fn schema() -> Block {
    let attr = |name, ty, presence| Attribute::new(name, ty, presence);
    let list = Type::list(Type::object([("x", Type::Number)]));
    let ingress = Type::set(Type::object([("from", Type::Number), ("list", list)]));
    let nested = |name: &str, nesting, max, a: Attribute| NestedBlock {
        name: name.into(),
        nesting,
        min: 0,
        max,
        block: Block { attributes: vec![a], ..Block::default() },
        forces_new: ForcesNew::Never,
        computed: false,
    };
    Block {
        attributes: vec![
            attr("name", Type::String, Presence::Required),
            attr("tags", Type::map(Type::String), Presence::Optional),
            Attribute { as_blocks: true, ..attr("ingress", ingress, Presence::Optional) },
        ],
        blocks: vec![
            nested("rule", Nesting::List, Some(2), attr("port", Type::Number, Presence::Required)),
            nested("only", Nesting::Single, None, attr("on", Type::Bool, Presence::Optional)),
            nested("by", Nesting::Map, None, attr("v", Type::Number, Presence::Optional)),
        ],
        ..Block::default()
    }
    .sorted()
}

fn show(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(show).collect::<Vec<_>>().join(",");
    let text = match &value.data {
        Data::Null(_) => "null".into(),
        Data::Unknown(..) => "?".into(),
        Data::Bool(b) => b.to_string(),
        Data::Number(n) => n.to_string(),
        Data::String(s) => format!("{s:?}"),
        Data::List(_, items) | Data::Tuple(items) => format!("[{}]", list(items)),
        Data::Set(_, items) => format!("<{}>", list(items)),
        Data::Map(_, m) => format!("{{{}}}", m.iter().map(|(k, v)| format!("{k:?}={}", show(v))).collect::<Vec<_>>().join(",")),
        Data::Object(m) => {
            let top = m.contains_key("name");
            let empty = |v: &Value| {
                v.is_null()
                    || (v.as_slice().is_some_and(<[_]>::is_empty) && !matches!(v.data, Data::Set(..)))
                    || v.as_map().is_some_and(|m| m.is_empty())
            };
            let kept = m.iter().filter(|(_, v)| !top || !empty(v));
            format!("{{{}}}", kept.map(|(k, v)| format!("{k}={}", show(v))).collect::<Vec<_>>().join(","))
        }
    };
    if value.is_sensitive() { text + "!" } else { text }
}

struct Names<'a>(Context<'a>);

impl Scope for Names<'_> {
    fn resolve(&self, root: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        let value = match &**root {
            "unknown" => Value::unknown(Type::Dynamic),
            "secret" => Value::from("s").mark(Marks::SENSITIVE),
            _ => return Err(Diagnostic::error("Invalid reference", root.to_string()).at(span)),
        };
        Ok(Resolved { value, used: 0 })
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }
}
