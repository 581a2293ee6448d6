//! Test files, `*.tftest.hcl` and `*.tftest.json`, and files with mock data, `*.tfmock.hcl`.

use std::collections::BTreeMap;

use secstack_base::{Diagnostic, Diags, Span, Str};

use crate::ast::Traversal;
use crate::body::{Attribute, Block};
use crate::decode::{Content, Quoted, Shape, list, provider_ref, reference, text, truth, whole};
use crate::module::{CheckRule, ProviderConfig, ProviderRef};
use crate::{Body, Expr, ExprKind};

/// What a test file declares.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// `run` blocks, in order.
    pub runs: Vec<Run>,
    /// Values of the `variables` block, for all runs.
    pub variables: BTreeMap<Str, Attribute>,
    /// `provider` blocks by local name and alias.
    pub providers: BTreeMap<(Str, Option<Str>), ProviderConfig>,
    /// `mock_provider` blocks by local name and alias.
    pub mock_providers: BTreeMap<(Str, Option<Str>), MockProvider>,
    /// `override_resource`, `override_data` and `override_module` blocks, for all runs.
    pub overrides: Vec<Override>,
}

/// A `run` block.
#[derive(Clone, Debug)]
pub struct Run {
    /// The name.
    pub name: Str,
    /// What is done.
    pub command: Command,
    /// The `plan_options` block.
    pub options: PlanOptions,
    /// Values of the `variables` block.
    pub variables: BTreeMap<Str, Attribute>,
    /// Another module to run instead of the one under test.
    pub module: Option<RunModule>,
    /// The `providers` argument: name in the module, configuration in this file.
    pub providers: Vec<(ProviderRef, ProviderRef)>,
    /// `assert` blocks.
    pub asserts: Vec<CheckRule>,
    /// Objects whose checks must fail.
    pub expect_failures: Vec<Traversal>,
    /// Which state the run works on, when it is not the one of its module.
    pub state_key: Option<Str>,
    /// Whether the run may go on beside others.
    pub parallel: bool,
    /// Overrides for this run.
    pub overrides: Vec<Override>,
    /// The header of the block.
    pub span: Span,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Command {
    /// Plan and apply.
    #[default]
    Apply,
    /// Plan only.
    Plan,
}

/// The `plan_options` of a run.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// `mode = refresh-only`
    pub refresh_only: bool,
    /// Whether objects are read before planning.
    pub refresh: bool,
    /// Addresses to replace.
    pub replace: Vec<Traversal>,
    /// Addresses to plan for.
    pub target: Vec<Traversal>,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self { refresh_only: false, refresh: true, replace: Vec::new(), target: Vec::new() }
    }
}

/// The `module` block of a run.
#[derive(Clone, Debug)]
pub struct RunModule {
    /// The source address.
    pub source: Str,
    /// The version constraint.
    pub version: Option<Str>,
    /// The header of the block.
    pub span: Span,
}

/// A `mock_provider` block.
#[derive(Clone, Debug)]
pub struct MockProvider {
    /// The local name.
    pub name: Str,
    /// The alias.
    pub alias: Option<Str>,
    /// The directory with files of mock data.
    pub source: Option<Str>,
    /// Whether computed values are made up while planning, too.
    pub during_plan: bool,
    /// The mocks and overrides of the block itself.
    pub data: MockData,
    /// The header of the block.
    pub span: Span,
}

/// Values made up for a provider.
#[derive(Clone, Debug, Default)]
pub struct MockData {
    /// `mock_resource` blocks by type.
    pub resources: BTreeMap<Str, Mock>,
    /// `mock_data` blocks by type.
    pub data: BTreeMap<Str, Mock>,
    /// Overrides that hold for this provider.
    pub overrides: Vec<Override>,
}

/// A `mock_resource` or `mock_data` block.
#[derive(Clone, Debug)]
pub struct Mock {
    /// Values of computed attributes: an object.
    pub defaults: Option<Expr>,
    /// `override_during`, when it is set.
    pub during_plan: Option<bool>,
    /// The header of the block.
    pub span: Span,
}

/// What an override stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideKind {
    /// `override_resource`
    Resource,
    /// `override_data`
    Data,
    /// `override_module`
    Module,
}

/// An `override_resource`, `override_data` or `override_module` block.
#[derive(Clone, Debug)]
pub struct Override {
    /// What is overridden.
    pub kind: OverrideKind,
    /// The address.
    pub target: Traversal,
    /// `values` or `outputs`: an object.
    pub values: Option<Expr>,
    /// `override_during`, when it is set.
    pub during_plan: Option<bool>,
    /// The header of the block.
    pub span: Span,
}

const RESOURCE: (&str, &[&str]) = ("override_resource", &[]);
const DATA: (&str, &[&str]) = ("override_data", &[]);
const MODULE: (&str, &[&str]) = ("override_module", &[]);

const FILE: Shape = Shape {
    args: &[],
    required: &[],
    blocks: &[
        ("run", &["name"]),
        ("provider", &["name"]),
        ("mock_provider", &["name"]),
        ("variables", &[]),
        ("test", &[]),
        RESOURCE,
        DATA,
        MODULE,
    ],
};

const TEST: Shape = Shape { args: &["parallel"], required: &[], blocks: &[] };

const RUN: Shape = Shape {
    args: &["command", "providers", "expect_failures", "state_key", "parallel"],
    required: &[],
    blocks: &[("plan_options", &[]), ("assert", &[]), ("variables", &[]), ("module", &[]), RESOURCE, DATA, MODULE],
};

const OPTIONS: Shape = Shape { args: &["mode", "refresh", "replace", "target"], required: &[], blocks: &[] };

const RUN_MODULE: Shape = Shape { args: &["source", "version"], required: &[], blocks: &[] };

const PROVIDER: Shape = Shape { args: &["alias", "version"], required: &[], blocks: &[] };

const MOCK_PROVIDER: Shape = Shape {
    args: &["alias", "source", "override_during"],
    required: &[],
    blocks: &[("mock_resource", &["type"]), ("mock_data", &["type"]), RESOURCE, DATA],
};

const MOCK_FILE: Shape =
    Shape { args: &[], required: &[], blocks: &[("mock_resource", &["type"]), ("mock_data", &["type"]), RESOURCE, DATA] };

const MOCK: Shape = Shape { args: &["defaults", "override_during"], required: &[], blocks: &[RESOURCE, DATA] };

const OVERRIDE: Shape = Shape { args: &["target", "values", "override_during"], required: &[], blocks: &[] };

const OVERRIDE_MODULE: Shape = Shape { args: &["target", "outputs", "override_during"], required: &[], blocks: &[] };

impl TestFile {
    /// Decodes the body of a test file.
    pub fn decode(body: &Body) -> (TestFile, Diags) {
        let mut diags = Diags::new();
        let d = &mut diags;
        let c = whole(body, &FILE, d);
        let mut out = TestFile { overrides: overrides(&c, d), ..TestFile::default() };
        let all_parallel = c.blocks_of("test").any(|b| flag(&whole(&b.body, &TEST, d), "parallel", d).unwrap_or(false));
        for b in &c.blocks {
            let name: Str = b.labels.first().map_or_else(|| "".into(), |(l, _)| l.clone());
            match &*b.ty {
                "run" => {
                    if let Some(first) = out.runs.iter().find(|r| r.name == name) {
                        let detail =
                            format!("A run block named {name:?} was already declared. Run block names must be unique in a test file.");
                        d.push(Diagnostic::error("Duplicate \"run\" block names", detail).at(b.span).label(first.span, "the first one"));
                        continue;
                    }
                    out.runs.push(run(name, b, all_parallel, d));
                }
                "variables" => variables(b, &mut out.variables, d),
                "provider" => provider(name, b, &mut out.providers, d),
                "mock_provider" => {
                    let mock = mock_provider(name, b, d);
                    out.mock_providers.insert((mock.name.clone(), mock.alias.clone()), mock);
                }
                _ => {}
            }
        }
        (out, diags)
    }
}

impl MockData {
    /// Decodes the body of a file with mock data.
    pub fn decode(body: &Body) -> (MockData, Diags) {
        let mut diags = Diags::new();
        let c = whole(body, &MOCK_FILE, &mut diags);
        let data = mock_data(&c, &mut diags);
        (data, diags)
    }
}

fn run(name: Str, b: &Block, all_parallel: bool, d: &mut Diags) -> Run {
    if !crate::token::is_ident(&name) {
        d.push(Diagnostic::error("Invalid run block name", crate::decode::BAD_NAME).at(b.span));
    }
    let c = whole(&b.body, &RUN, d);
    let command = match keyword(&c, "command", &["apply", "plan"], d) {
        Some(1) => Command::Plan,
        _ => Command::Apply,
    };
    let expect = c.get("expect_failures");
    let mut out = Run {
        name,
        command,
        options: PlanOptions::default(),
        variables: BTreeMap::new(),
        module: None,
        providers: c.get("providers").map(|a| crate::decode::providers(&a.expr, c.json, d)).unwrap_or_default(),
        asserts: Vec::new(),
        expect_failures: expect.map(|a| references(&a.expr, c.json, d)).unwrap_or_default(),
        state_key: c.get("state_key").and_then(|a| text(&a.expr, d)),
        parallel: flag(&c, "parallel", d).unwrap_or(all_parallel),
        overrides: overrides(&c, d),
        span: b.span,
    };
    for inner in &c.blocks {
        match &*inner.ty {
            "plan_options" => out.options = options(inner, d),
            "variables" => variables(inner, &mut out.variables, d),
            "module" => out.module = run_module(inner, d),
            "assert" => out.asserts.extend(crate::decode::rule(inner, "assert", d)),
            _ => {}
        }
    }
    out
}

fn options(b: &Block, d: &mut Diags) -> PlanOptions {
    let c = whole(&b.body, &OPTIONS, d);
    let refresh_only = keyword(&c, "mode", &["normal", "refresh-only"], d) == Some(1);
    let refresh = flag(&c, "refresh", d).unwrap_or(true);
    if refresh_only && !refresh {
        let detail = "Cannot specify \"refresh = false\" with \"mode = refresh-only\".";
        d.push(Diagnostic::error("Incompatible plan options", detail).at(b.span));
    }
    let mut addresses = |name: &str| c.get(name).map(|a| references(&a.expr, c.json, d)).unwrap_or_default();
    PlanOptions { refresh_only, refresh, replace: addresses("replace"), target: addresses("target") }
}

fn run_module(b: &Block, d: &mut Diags) -> Option<RunModule> {
    let c = whole(&b.body, &RUN_MODULE, d);
    let version = c.get("version").and_then(|a| text(&a.expr, d));
    let Some(a) = c.get("source") else {
        let detail = "You must specify a source attribute when executing alternate modules during test executions.";
        d.push(Diagnostic::error("Missing \"source\" attribute for module block", detail).at(b.span));
        return None;
    };
    Some(RunModule { source: text(&a.expr, d)?, version, span: b.span })
}

fn variables(b: &Block, out: &mut BTreeMap<Str, Attribute>, d: &mut Diags) {
    let (view, more) = b.body.view(&[]);
    d.extend(more);
    for inner in view.blocks.iter() {
        d.push(Diagnostic::error(format!("Unexpected {:?} block", inner.ty), "Blocks are not allowed here.").at(inner.ty_span));
    }
    out.extend(view.attributes.iter().map(|a| (a.name.clone(), a.clone())));
}

fn provider(name: Str, b: &Block, out: &mut BTreeMap<(Str, Option<Str>), ProviderConfig>, d: &mut Diags) {
    let (c, body) = crate::decode::part(&b.body, &PROVIDER, d);
    let alias = c.get("alias").and_then(|a| text(&a.expr, d));
    let version = c.get("version").cloned();
    let key = (name.clone(), alias.clone());
    if let Some(first) = out.get(&key) {
        let detail = format!("A provider for {name} was already declared. Each provider configuration must have a unique alias.");
        d.push(Diagnostic::error("Duplicate provider block", detail).at(b.span).label(first.span, "the first one"));
        return;
    }
    out.insert(key, ProviderConfig { name, alias, version, for_each: None, body, span: b.span });
}

fn mock_provider(name: Str, b: &Block, d: &mut Diags) -> MockProvider {
    let c = whole(&b.body, &MOCK_PROVIDER, d);
    MockProvider {
        name,
        alias: c.get("alias").and_then(|a| text(&a.expr, d)),
        source: c.get("source").and_then(|a| text(&a.expr, d)),
        during_plan: during_plan(&c, d).unwrap_or(false),
        data: mock_data(&c, d),
        span: b.span,
    }
}

fn mock_data(c: &Content, d: &mut Diags) -> MockData {
    let mut out = MockData { overrides: overrides(c, d), ..MockData::default() };
    for b in c.blocks.iter().filter(|b| b.ty.starts_with("mock_")) {
        let inner = whole(&b.body, &MOCK, d);
        out.overrides.extend(overrides(&inner, d));
        let ty: Str = b.labels.first().map_or_else(|| "".into(), |(l, _)| l.clone());
        let mock = Mock { defaults: inner.expr("defaults"), during_plan: during_plan(&inner, d), span: b.span };
        let (mocks, summary) = if &*b.ty == "mock_resource" {
            (&mut out.resources, "Duplicate mock_resource block")
        } else {
            (&mut out.data, "Duplicate mock_data block")
        };
        if let Some(first) = mocks.get(&ty).map(|m| m.span) {
            let detail = format!("A {} block for {ty} was already defined.", b.ty);
            d.push(Diagnostic::error(summary, detail).at(b.span).label(first, "the first one"));
            continue;
        }
        mocks.insert(ty, mock);
    }
    out
}

fn overrides(c: &Content, d: &mut Diags) -> Vec<Override> {
    let mut out = Vec::new();
    for b in &c.blocks {
        let (kind, shape, values) = match &*b.ty {
            "override_resource" => (OverrideKind::Resource, &OVERRIDE, "values"),
            "override_data" => (OverrideKind::Data, &OVERRIDE, "values"),
            "override_module" => (OverrideKind::Module, &OVERRIDE_MODULE, "outputs"),
            _ => continue,
        };
        let inner = whole(&b.body, shape, d);
        let values = inner.expr(values);
        if let Some(e) = values.as_ref().filter(|e| !matches!(e.kind, ExprKind::Object(_) | ExprKind::For(_) | ExprKind::Call { .. })) {
            let detail = format!("The {} block must be given an object.", b.ty);
            d.push(Diagnostic::error("Invalid overrides attribute", detail).at(e.span));
        }
        let Some(a) = inner.get("target") else {
            let detail = format!("{} blocks must specify a target address.", b.ty);
            d.push(Diagnostic::error("Missing target attribute", detail).at(b.span));
            continue;
        };
        let Some(target) = reference(&a.expr, inner.json, Quoted::Refuse, d) else { continue };
        out.push(Override { kind, target, values, during_plan: during_plan(&inner, d), span: b.span });
    }
    out
}

fn during_plan(c: &Content, d: &mut Diags) -> Option<bool> {
    keyword(c, "override_during", &["apply", "plan"], d).map(|i| i == 1)
}

fn flag(c: &Content, name: &str, d: &mut Diags) -> Option<bool> {
    truth(&c.get(name)?.expr, d)
}

fn references(expr: &Expr, json: bool, d: &mut Diags) -> Vec<Traversal> {
    let mut out = Vec::new();
    for item in list(expr, d) {
        out.extend(reference(item, json, Quoted::Refuse, d));
    }
    out
}

/// Which of `words` the argument is.
fn keyword(c: &Content, name: &str, words: &[&str], d: &mut Diags) -> Option<usize> {
    let a = c.get(name)?;
    let found = provider_ref(&a.expr, c.json, name, &mut Diags::new()).filter(|p| p.alias.is_none() && p.key.is_none());
    let index = found.and_then(|p| words.iter().position(|w| **w == *p.name));
    if index.is_none() {
        let detail = format!("The {name:?} argument requires one of the following keywords without quotes: {}.", words.join(" or "));
        d.push(Diagnostic::error(format!("Invalid {name:?} keyword"), detail).at(a.expr.span));
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use secstack_base::FileId;

    #[test]
    fn a_test_file_is_decoded() {
        let text = r#"
variables { a = 1 }
provider "aws" { region = "x" }
mock_provider "aws" {
  alias = "fake"
  mock_resource "aws_vpc" {
    defaults = { arn = "x" }
  }
}
run "first" {
  command = plan
  plan_options {
    mode   = refresh-only
    target = [aws_vpc.a]
  }
  variables {
    b = run.other.x
  }
  module {
    source = "./m"
  }
  providers = { aws = aws.fake }
  assert {
    condition     = output.x == 1
    error_message = "no"
  }
  expect_failures = [var.a, check.c]
  override_resource {
    target = aws_vpc.a[0]
    values = { id = "v" }
  }
}
"#;
        let (f, diags) = decode(text);
        assert!(diags.is_empty(), "{diags:?}");
        let run = &f.runs[0];
        assert_eq!((&*run.name, run.command, run.options.refresh_only), ("first", Command::Plan, true));
        assert_eq!((run.asserts.len(), run.expect_failures.len(), run.overrides.len(), run.providers.len()), (1, 2, 1, 1));
        assert!(f.mock_providers[&("aws".into(), Some("fake".into()))].data.resources.contains_key("aws_vpc"));
        assert_eq!((f.variables.len(), run.variables.len()), (1, 1));
    }

    #[test]
    fn mistakes_in_a_test_file_are_told() {
        let (_, diags) = decode("run \"a\" {\n  command = destroy\n}\nrun \"a\" {}\nfoo {}\n");
        let summaries: Vec<&str> = diags.iter().map(|d| &*d.summary).collect();
        assert_eq!(summaries, ["Unsupported block type", "Invalid \"command\" keyword", "Duplicate \"run\" block names"]);
    }

    fn decode(text: &str) -> (TestFile, Diags) {
        let (body, diags) = crate::parse_file(FileId(0), text);
        assert!(diags.is_empty(), "{diags:?}");
        TestFile::decode(&body)
    }
}
