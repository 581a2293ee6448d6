//! An expression as the plan document shows it.

use std::path::Path;

use secstack_base::addr::quote;
use secstack_base::schema::{Block, Nesting};
use secstack_base::{Data, Diagnostic, Diags, Sources, Span, Str, Type, Value, convert};
use secstack_eval::funcs::{Context, Files};
use secstack_eval::{Resolved, Scope, ScopeStep, evaluate};
use secstack_lang::ast::{Traversal, TraversalStep, references};
use secstack_lang::body::Block as Written;
use secstack_lang::{Body, Expr};

use crate::json::value;
use crate::json::write::{Object, array, map};

/// Writes an expression: its value if that needs nothing else, and what it refers to.
pub fn write_expression(out: &mut String, sources: &Sources, expr: &Expr) {
    write_parts(out, &literal(sources, expr).unwrap_or_else(|| constant(expr)), &referenced(expr));
}

/// What the JSON of an expression says when its strings are taken for what they are. Terraform shows that beside the
/// references, since it gives JSON strings no meaning where there is nothing to refer to.
fn literal(sources: &Sources, expr: &Expr) -> Option<Value> {
    let path = sources.path(expr.span)?;
    if path.extension().is_none_or(|e| e != "json") {
        return None;
    }
    secstack_state::json::decode_implied(sources.text(expr.span)?).ok()
}

/// Whether anything can be told of an expression.
pub fn has_meaning(expr: &Expr) -> bool {
    constant(expr).is_wholly_known() || !referenced(expr).is_empty()
}

fn write_parts(out: &mut String, constant: &Value, references: &[String]) {
    let mut o = Object::new(out);
    if constant.is_wholly_known() {
        value::known(o.member("constant_value"), constant);
    }
    o.texts_opt("references", references).end();
}

/// The value of an expression that refers to nothing and calls nothing; otherwise it is not wholly known.
pub fn constant(expr: &Expr) -> Value {
    let context = Context { files: &NoFiles, timestamp: None, plan_timestamp: "", random: None, in_template: false };
    evaluate(expr, &Nothing(context), &mut Diags::new())
}

/// A scope in which nothing has a meaning.
struct Nothing<'a>(Context<'a>);

impl Scope for Nothing<'_> {
    fn resolve(&self, _: &Str, span: Span, _: &[ScopeStep<'_>]) -> Result<Resolved, Diagnostic> {
        Err(Diagnostic::error("Variables not allowed", "Variables may not be used here.").at(span))
    }

    fn context(&self) -> &Context<'_> {
        &self.0
    }

    fn allows_calls(&self) -> bool {
        false
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Err("there are no files here".into())
    }
    fn exists(&self, _: &Path) -> Result<bool, String> {
        Ok(false)
    }
    fn list(&self, _: &Path) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
    fn home(&self) -> Option<String> {
        None
    }
    fn current_dir(&self) -> String {
        String::new()
    }
}

/// What an expression refers to, each reference from its full length down to what it names.
fn referenced(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    references(expr, &mut |t| found.extend(unwrapped(&t)));
    found
}

fn unwrapped(t: &Traversal) -> Vec<String> {
    let Some(subject) = subject(t) else { return Vec::new() };
    let rest = &t.steps[subject.steps..];
    let mut found: Vec<String> = (1..=rest.len()).rev().map(|n| format!("{}{}", subject.text, steps(&rest[..n]))).collect();
    found.push(subject.text);
    found.extend(subject.around);
    found
}

/// What a reference names.
pub struct Subject {
    /// Its text.
    pub text: String,
    /// How many steps name it.
    steps: usize,
    /// The resource of an instance, or the call of an output.
    around: Option<String>,
}

/// What a reference names; `None` when it has no possible meaning.
pub fn subject(t: &Traversal) -> Option<Subject> {
    let name = |i: usize| match t.steps.get(i) {
        Some(TraversalStep::Attr(n, _)) => Some(n),
        _ => None,
    };
    let plain = |n: usize| Subject { text: format!("{}{}", t.root, steps(&t.steps[..n])), steps: n, around: None };
    match &*t.root {
        "self" => Some(plain(0)),
        "var" | "local" | "path" | "terraform" | "tofu" | "each" | "count" => name(0).map(|_| plain(1)),
        "module" => name(0).map(|_| module_subject(t)),
        "data" | "ephemeral" | "resource" => name(0).and(name(1)).map(|_| instance_subject(t, 2)),
        _ => name(0).map(|_| instance_subject(t, 1)),
    }
}

fn instance_subject(t: &Traversal, named: usize) -> Subject {
    let written = |n: usize| match &*t.root {
        "resource" => steps(&t.steps[..n]).trim_start_matches('.').to_string(),
        root => format!("{root}{}", steps(&t.steps[..n])),
    };
    match t.steps.get(named) {
        Some(TraversalStep::Index(..)) => Subject { text: written(named + 1), steps: named + 1, around: Some(written(named)) },
        _ => Subject { text: written(named), steps: named, around: None },
    }
}

fn module_subject(t: &Traversal) -> Subject {
    let written = |n: usize| format!("module{}", steps(&t.steps[..n]));
    let keyed = usize::from(matches!(t.steps.get(1), Some(TraversalStep::Index(..))));
    match t.steps.get(1 + keyed) {
        Some(TraversalStep::Attr(..)) => Subject { text: written(2 + keyed), steps: 2 + keyed, around: Some(written(1 + keyed)) },
        _ => Subject { text: written(1 + keyed), steps: 1 + keyed, around: (keyed > 0).then(|| written(1)) },
    }
}

fn steps(steps: &[TraversalStep]) -> String {
    steps
        .iter()
        .map(|s| match s {
            TraversalStep::Attr(name, _) => format!(".{name}"),
            TraversalStep::Index(key, _) => match &key.data {
                Data::String(s) => format!("[{}]", quote(s)),
                Data::Number(n) => format!("[{}]", n.to_json()),
                _ => "[...]".into(),
            },
        })
        .collect()
}

/// Writes the expressions of a body by its schema, if there are any. `dynamic` blocks are passed over, as Terraform does.
pub fn body(o: &mut Object<'_>, sources: &Sources, body: &Body, schema: &Block) {
    let mut inner = String::new();
    write_body(&mut inner, sources, body, schema);
    if inner != "{}" {
        o.raw("expressions", &inner);
    }
}

/// Writes the expressions of a body by its schema.
fn write_body(out: &mut String, sources: &Sources, body: &Body, schema: &Block) {
    let labels = |n: Nesting| usize::from(n == Nesting::Map);
    let mut types: Vec<(&str, usize)> = schema.blocks.iter().map(|b| (&*b.name, labels(b.nesting))).collect();
    let as_blocks = |name: &str| schema.attribute(name).is_some_and(|a| a.as_blocks);
    if matches!(body.items, secstack_lang::body::Items::Native { .. }) {
        types.extend(schema.attributes.iter().filter(|a| a.as_blocks).map(|a| (&*a.name, 0)));
    }
    let (view, _) = body.view(&types);
    let mut names: Vec<&str> = view.attributes.iter().map(|a| &*a.name).chain(view.blocks.iter().map(|b| &*b.ty)).collect();
    names.sort_unstable();
    names.dedup();
    let mut o = Object::new(out);
    for name in names {
        let blocks: Vec<&Written> = view.blocks.iter().filter(|b| &*b.ty == name).collect();
        if let Some(given) = view.attributes.iter().find(|a| &*a.name == name && schema.attribute(name).is_some()) {
            write_expression(o.member(name), sources, &given.expr);
        } else if let Some(nested) = schema.nested(name).filter(|_| !blocks.is_empty()) {
            let out = o.member(name);
            match nested.nesting {
                Nesting::Single | Nesting::Group => write_body(out, sources, &blocks[0].body, &nested.block),
                Nesting::List | Nesting::Set => array(out, blocks, |out, b| write_body(out, sources, &b.body, &nested.block)),
                Nesting::Map => map(out, blocks.iter().filter_map(|b| Some((&b.labels.first()?.0, b))), |out, b| {
                    write_body(out, sources, &b.body, &nested.block);
                }),
            }
        } else if as_blocks(name) {
            let ty = schema.attribute(name).map_or(Type::Dynamic, |a| a.ty.clone());
            write_attribute_blocks(o.member(name), &blocks, &ty);
        }
    }
    o.end();
}

/// Blocks that stand for an attribute are told as the one expression that they amount to.
fn write_attribute_blocks(out: &mut String, blocks: &[&Written], ty: &Type) {
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    let (mut items, mut found) = (Vec::new(), Vec::new());
    for block in blocks {
        let (view, _) = block.body.view(&[]);
        let mut given: std::collections::BTreeMap<Str, Value> = match &element {
            Type::Object(o) => o.attrs.iter().map(|(name, ty)| (name.clone(), Value::null(ty.clone()))).collect(),
            _ => std::collections::BTreeMap::new(),
        };
        for a in view.attributes.iter() {
            given.insert(a.name.clone(), constant(&a.expr));
            found.extend(referenced(&a.expr));
        }
        items.push(Value::object(given));
    }
    let whole = Value::tuple(items);
    write_parts(out, &convert::convert(&whole, ty).unwrap_or(whole), &found);
}
