//! A file of tests: variables, providers, and runs in order.

use std::collections::BTreeMap;

use secstack_base::addr::Target;
use secstack_base::{Addr, Data, Diagnostic, Diags, FileId, Span, Str, Value};
use secstack_lang::ast::{Traversal, TraversalStep, as_traversal};
use secstack_lang::body::Items;
use secstack_lang::module::{CheckRule, ProviderConfig};
use secstack_lang::{Attribute, Block, Body, Expr, ExprKind, Module, SourceFile, parse_file, parse_json_file};
use secstack_plan::PlanMode;

/// A file of tests.
#[derive(Default)]
pub struct TestFile {
    /// The path.
    pub path: String,
    /// Variables of all runs.
    pub variables: Vec<Attribute>,
    /// Provider configurations that take the place of those of the root module, by local name and alias.
    pub providers: BTreeMap<(Str, Option<Str>), ProviderConfig>,
    /// Providers that only pretend, by local name and alias.
    pub mocks: BTreeMap<(Str, Option<Str>), Mock>,
    /// The runs.
    pub runs: Vec<RunBlock>,
}

/// A provider that only pretends: values of attributes by type of resource or data source.
#[derive(Clone, Debug, Default)]
pub struct Mock {
    /// Of resources.
    pub resources: BTreeMap<Str, Expr>,
    /// Of data sources.
    pub data: BTreeMap<Str, Expr>,
}

/// A `run` block.
pub struct RunBlock {
    /// The name.
    pub name: Str,
    /// The header of the block.
    pub span: Span,
    /// Whether the plan is carried out.
    pub apply: bool,
    /// What is planned.
    pub mode: PlanMode,
    /// Whether objects are read again.
    pub refresh: bool,
    /// What is to be replaced.
    pub replace: Vec<Addr>,
    /// What is planned at all.
    pub targets: Vec<Target>,
    /// Variables of this run.
    pub variables: Vec<Attribute>,
    /// What must hold afterwards.
    pub asserts: Vec<CheckRule>,
    /// What must report an error.
    pub expect_failures: Vec<Traversal>,
    /// The module that is tested instead of the root module.
    pub module: Option<(Str, Span)>,
    /// Which provider configurations of the file are used, by the name in the module.
    pub providers: Option<Vec<(Traversal, Traversal)>>,
    /// Runs of the same key share a state.
    pub state_key: Option<Str>,
}

const TOP: &[(&str, usize)] = &[
    ("run", 1),
    ("variables", 0),
    ("provider", 1),
    ("mock_provider", 1),
    ("test", 0),
    ("override_resource", 0),
    ("override_data", 0),
    ("override_module", 0),
];
const RUN: &[(&str, usize)] = &[
    ("variables", 0),
    ("assert", 0),
    ("module", 0),
    ("plan_options", 0),
    ("override_resource", 0),
    ("override_data", 0),
    ("override_module", 0),
];

/// Reads a file of tests.
pub fn read(file: FileId, path: &str, text: &str, diags: &mut Diags) -> TestFile {
    let (body, found) = if path.ends_with(".json") { parse_json_file(file, text) } else { parse_file(file, text) };
    diags.extend(found);
    let mut out = TestFile { path: path.into(), ..TestFile::default() };
    let (view, found) = body.view(TOP);
    diags.extend(found);
    let mut providers = Vec::new();
    for b in view.blocks.iter() {
        match &*b.ty {
            "variables" => out.variables.extend(attributes(&b.body, diags)),
            "provider" => providers.push(b.clone()),
            "mock_provider" => mock(b, &mut out, diags),
            "run" => {
                let run = run(b, diags);
                if let Some(first) = out.runs.iter().find(|r| r.name == run.name) {
                    let what = format!("The file {path} has another run block of the name {:?}.", run.name);
                    diags.push(Diagnostic::error("Duplicate run block names", what).at(b.span).label(first.span, "the first one"));
                }
                out.runs.push(run);
            }
            "test" => {}
            other => unsupported(other, b.ty_span, diags),
        }
    }
    out.providers = provider_blocks(file, providers, diags);
    out
}

fn unsupported(name: &str, span: Span, diags: &mut Diags) {
    let what = if name.starts_with("override_") {
        format!(
            "Blocks of type {name:?} are not supported in this version. A mock_provider with defaults can stand in for a whole provider."
        )
    } else {
        format!("Blocks of type {name:?} are not expected here.")
    };
    diags.push(Diagnostic::error("Unsupported block type", what).at(span));
}

fn attributes(body: &Body, diags: &mut Diags) -> Vec<Attribute> {
    let (view, found) = body.view(&[]);
    diags.extend(found);
    view.attributes.into_owned()
}

/// Decodes provider blocks as those of a module.
fn provider_blocks(file: FileId, blocks: Vec<Block>, diags: &mut Diags) -> BTreeMap<(Str, Option<Str>), ProviderConfig> {
    let body = Body { items: Items::Native { attributes: Vec::new(), blocks }, span: Span::new(file, 0, 0) };
    let (module, found) = Module::decode(vec![SourceFile { file, name: "tests".into(), body, is_override: false }]);
    diags.extend(found);
    module.providers
}

fn mock(b: &Block, out: &mut TestFile, diags: &mut Diags) {
    let (view, found) = b.body.view(&[("mock_resource", 1), ("mock_data", 1), ("override_resource", 0), ("override_data", 0)]);
    diags.extend(found);
    let alias = view.attributes.iter().find(|a| &*a.name == "alias").and_then(|a| text(&a.expr));
    let mut mock = Mock::default();
    for inner in view.blocks.iter() {
        let defaults = attributes(&inner.body, diags).into_iter().find(|a| &*a.name == "defaults").map(|a| a.expr);
        let of = match &*inner.ty {
            "mock_resource" => &mut mock.resources,
            "mock_data" => &mut mock.data,
            other => {
                unsupported(other, inner.ty_span, diags);
                continue;
            }
        };
        if let (Some((ty, _)), Some(defaults)) = (inner.labels.first(), defaults) {
            of.insert(ty.clone(), defaults);
        }
    }
    if let Some((name, _)) = b.labels.first() {
        out.mocks.insert((name.clone(), alias), mock);
    }
}

fn run(b: &Block, diags: &mut Diags) -> RunBlock {
    let (view, found) = b.body.view(RUN);
    diags.extend(found);
    let mut run = RunBlock {
        name: b.labels.first().map_or_else(|| "".into(), |(l, _)| l.clone()),
        span: b.span,
        apply: true,
        mode: PlanMode::Normal,
        refresh: true,
        replace: Vec::new(),
        targets: Vec::new(),
        variables: Vec::new(),
        asserts: Vec::new(),
        expect_failures: Vec::new(),
        module: None,
        providers: None,
        state_key: None,
    };
    for a in view.attributes.iter() {
        match &*a.name {
            "command" => match keyword(&a.expr).as_deref() {
                Some("plan") => run.apply = false,
                Some("apply") => {}
                _ => diags.push(
                    Diagnostic::error(
                        "Invalid \"command\" keyword",
                        "The \"command\" argument requires one of the following keywords without quotes: apply or plan.",
                    )
                    .at(a.expr.span),
                ),
            },
            "expect_failures" => run.expect_failures = traversals(&a.expr, diags),
            "providers" => run.providers = Some(mapping(&a.expr, diags)),
            "state_key" => run.state_key = text(&a.expr),
            "parallel" => {}
            _ => diags.push(
                Diagnostic::error("Unsupported argument", format!("An argument named {:?} is not expected here.", a.name)).at(a.name_span),
            ),
        }
    }
    for inner in view.blocks.iter() {
        match &*inner.ty {
            "variables" => run.variables.extend(attributes(&inner.body, diags)),
            "assert" => run.asserts.extend(assertion(inner, diags)),
            "module" => {
                let source = attributes(&inner.body, diags).into_iter().find(|a| &*a.name == "source");
                run.module = source.and_then(|a| Some((text(&a.expr)?, a.expr.span)));
                if run.module.is_none() {
                    diags.push(
                        Diagnostic::error("Missing required argument", "The argument \"source\" is required, but no definition was found.")
                            .at(inner.span),
                    );
                }
            }
            "plan_options" => plan_options(inner, &mut run, diags),
            other => unsupported(other, inner.ty_span, diags),
        }
    }
    run
}

fn assertion(b: &Block, diags: &mut Diags) -> Option<CheckRule> {
    let all = attributes(&b.body, diags);
    let mut get = |name: &str| {
        let found = all.iter().find(|a| &*a.name == name).map(|a| a.expr.clone());
        if found.is_none() {
            let what = format!("The argument {name:?} is required, but no definition was found.");
            diags.push(Diagnostic::error("Missing required argument", what).at(b.span));
        }
        found
    };
    let (condition, error_message) = (get("condition"), get("error_message"));
    Some(CheckRule { condition: condition?, error_message: error_message?, span: b.span })
}

fn plan_options(b: &Block, run: &mut RunBlock, diags: &mut Diags) {
    for a in attributes(&b.body, diags) {
        match &*a.name {
            "mode" => match keyword(&a.expr).as_deref() {
                Some("refresh-only") => run.mode = PlanMode::RefreshOnly,
                Some("normal") => {}
                _ => diags.push(
                    Diagnostic::error(
                        "Invalid \"mode\" keyword",
                        "The \"mode\" argument requires one of the following keywords without quotes: normal or refresh-only.",
                    )
                    .at(a.expr.span),
                ),
            },
            "refresh" => run.refresh = !matches!(&a.expr.kind, ExprKind::Literal(v) if v.as_bool() == Some(false)),
            "replace" => run.replace = addresses(&a.expr, diags),
            "target" => run.targets = addresses(&a.expr, diags),
            _ => diags.push(
                Diagnostic::error("Unsupported argument", format!("An argument named {:?} is not expected here.", a.name)).at(a.name_span),
            ),
        }
    }
}

/// The text of an expression that is written out.
fn text(e: &Expr) -> Option<Str> {
    match &e.kind {
        ExprKind::Literal(Value { data: Data::String(s), .. }) => Some(s.clone()),
        _ => None,
    }
}

/// A name without quotes; dashes read as subtraction.
fn keyword(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Binary(a, secstack_lang::ast::BinaryOp::Sub, b) => Some(format!("{}-{}", keyword(a)?, keyword(b)?)),
        ExprKind::Variable(name) => Some(name.to_string()),
        _ => text(e).map(|t| t.to_string()),
    }
}

fn traversals(e: &Expr, diags: &mut Diags) -> Vec<Traversal> {
    let ExprKind::Tuple(items) = &e.kind else {
        diags.push(Diagnostic::error("Invalid expression", "A static list expression is required.").at(e.span));
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        match as_traversal(item) {
            Some(t) => out.push(t),
            None => diags.push(Diagnostic::error("Invalid expression", "A reference is required.").at(item.span)),
        }
    }
    out
}

fn mapping(e: &Expr, diags: &mut Diags) -> Vec<(Traversal, Traversal)> {
    let ExprKind::Object(items) = &e.kind else {
        diags.push(Diagnostic::error("Invalid expression", "A static map expression is required.").at(e.span));
        return Vec::new();
    };
    let key = |k: &Expr| match text(k) {
        Some(root) => Some(Traversal { root, steps: Vec::new(), span: k.span }),
        None => as_traversal(k),
    };
    items.iter().filter_map(|i| Some((key(&i.key)?, as_traversal(&i.value)?))).collect()
}

fn addresses<T: std::str::FromStr>(e: &Expr, diags: &mut Diags) -> Vec<T> {
    let mut out = Vec::new();
    for t in traversals(e, diags) {
        let shown = shown(&t);
        match shown.parse() {
            Ok(addr) => out.push(addr),
            Err(_) => diags.push(Diagnostic::error("Invalid address", format!("{shown} is not the address of a resource.")).at(t.span)),
        }
    }
    out
}

/// A reference as text.
pub fn shown(t: &Traversal) -> String {
    let step = |s: &TraversalStep| match s {
        TraversalStep::Attr(name, _) => format!(".{name}"),
        TraversalStep::Index(key, _) => match key.as_str() {
            Some(text) => format!("[{}]", secstack_base::addr::quote(text)),
            None => format!("[{}]", crate::repl::format(key, 0)),
        },
    };
    format!("{}{}", t.root, t.steps.iter().map(step).collect::<String>())
}
