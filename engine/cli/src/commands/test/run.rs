//! One run of a test: the module under test is planned, perhaps applied, and looked at.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use secstack_base::{Diagnostic, Diags, ModuleAddr, Span, Str, Value};
use secstack_eval::config::{Config, ROOT};
use secstack_eval::funcs::Context;
use secstack_eval::world::ModuleFacts;
use secstack_eval::{RepetitionData, World, evaluate, reference};
use secstack_lang::ast::{Traversal, TraversalStep};
use secstack_lang::module::CheckRule;
use secstack_lang::source::ModuleSource;
use secstack_plan::conditions::{Verdict, judge};
use secstack_plan::inputs::{self, Given, Input, Origin};
use secstack_plan::{Options, PlanMode, Start};
use secstack_run::load::{self, DiskTree, Early};
use secstack_run::{Apply, Events, ProviderSet};
use secstack_state::Snapshot;

use super::file::{Mock, RunBlock, TestFile, shown};
use super::mock::{Defaults, MockProvider};
use super::report::Status;
use super::scope::{TestScope, VariableScope};
use crate::app::App;
use crate::{catalog, project, vars};

/// What the runs of a file share.
pub struct Runner<'a> {
    /// Where the tests run.
    pub app: &'a App,
    /// The configuration under test.
    pub root: Arc<Config>,
    /// Values given on the command line, in variables files and in the environment.
    pub given: &'a vars::Collected,
    /// Outputs of the runs so far.
    pub runs: BTreeMap<Str, Value>,
    /// What there is to remove in the end, by key, in the order it was made.
    pub left: Vec<(String, Left)>,
}

/// The objects that runs of one key made, and how to remove them.
pub struct Left {
    snapshot: Snapshot,
    config: Arc<Config>,
    mocks: BTreeMap<secstack_base::ProviderAddr, Mock>,
    inputs: BTreeMap<Str, Value>,
}

impl Runner<'_> {
    /// Runs one. `config` is returned for its sources, which diagnostics point into.
    pub async fn run(&mut self, file: &TestFile, run: &RunBlock) -> (Status, Diags, Arc<Config>) {
        let mut diags = Diags::new();
        let config = match self.config(file, run, &mut diags) {
            Some(config) if !diags.has_errors() => config,
            config => return (Status::Error, diags, config.unwrap_or_else(|| self.root.clone())),
        };
        let variables = self.variables(file, run, &mut diags);
        let module = &config.module(ROOT).module;
        let as_input = |(n, v): (&Str, &Value)| (n.clone(), Input { given: Given::Value(v.clone()), origin: Origin::Plan });
        let mut chosen: BTreeMap<Str, Input> =
            self.given.inputs.iter().filter(|(n, _)| module.variables.contains_key(*n)).map(|(n, i)| (n.clone(), i.clone())).collect();
        let stated = |n: &Str| file.variables.iter().chain(&run.variables).any(|a| a.name == *n);
        chosen.extend(variables.iter().filter(|(n, _)| module.variables.contains_key(*n) && stated(n)).map(as_input));
        let inputs = inputs::resolve(module, &chosen, &self.app.files(), &mut diags);
        if diags.has_errors() {
            return (Status::Error, diags, config);
        }
        let key =
            run.state_key.as_ref().map(|k| k.to_string()).or_else(|| run.module.as_ref().map(|(s, _)| s.to_string())).unwrap_or_default();
        let state = self.left.iter().find(|(k, _)| *k == key).map(|(_, l)| l.snapshot.clone()).unwrap_or_default();
        let mocks = mocks(file, run, &config);
        let doing = Doing { app: self.app, config: config.clone(), mocks: &mocks, inputs: &inputs };
        let options = Options {
            mode: run.mode,
            refresh: run.refresh,
            targets: run.targets.clone(),
            replace: run.replace.clone(),
            ..Options::default()
        };
        let (world, snapshot, found) = doing.carry_out(options, state, run.apply).await;
        if let Some(snapshot) = snapshot {
            self.left.retain(|(k, _)| *k != key);
            self.left.push((key, Left { snapshot, config: config.clone(), mocks: mocks.clone(), inputs: inputs.clone() }));
        }
        let missing = expected(found, run, &config, &mut diags);
        if diags.has_errors() || missing {
            return (Status::Error, diags, config);
        }
        let Some(world) = world else { return (Status::Pass, diags, config) };
        let empty = ModuleFacts::new(ModuleAddr::root());
        let facts = world.facts(ROOT, &ModuleAddr::root()).unwrap_or(&empty);
        let scope =
            TestScope { inner: world.scope(ROOT, facts, RepetitionData::default()), facts, runs: &self.runs, variables: &variables };
        let status = run.asserts.iter().map(|a| assert(a, &scope, &config, &mut diags)).max().unwrap_or(Status::Pass);
        let outputs = Value::object(facts.outputs.iter().map(|(n, v)| (n.clone(), v.clone())));
        self.runs.insert(run.name.clone(), outputs);
        (status, diags, config)
    }

    /// Removes what the runs made, the last first.
    pub async fn tear_down(&mut self) -> Diags {
        let mut diags = Diags::new();
        while let Some((_, left)) = self.left.pop() {
            let doing = Doing { app: self.app, config: left.config.clone(), mocks: &left.mocks, inputs: &left.inputs };
            let options = Options { mode: PlanMode::Destroy, refresh: true, ..Options::default() };
            let (_, snapshot, found) = doing.carry_out(options, left.snapshot.clone(), true).await;
            let remains: Vec<String> = snapshot
                .unwrap_or(left.snapshot)
                .instances()
                .filter(|(a, ..)| a.mode() == secstack_base::Mode::Managed)
                .map(|(a, ..)| format!("  - {a}"))
                .collect();
            diags.extend(found.into_iter().filter(Diagnostic::is_error));
            if !remains.is_empty() {
                let what = format!(
                    "These objects were made by the tests, could not be removed, and have to be removed by hand:\n{}",
                    remains.join("\n")
                );
                diags.push(Diagnostic::error("Objects left over from tests", what));
            }
        }
        diags
    }

    /// The configuration of a run: the root module or another, with the providers of the file.
    fn config(&self, file: &TestFile, run: &RunBlock, diags: &mut Diags) -> Option<Arc<Config>> {
        let mut config = match &run.module {
            None => (*self.root).clone(),
            Some((source, span)) => {
                let Ok(ModuleSource::Local(dir)) = ModuleSource::parse(source) else {
                    let what = "A run block can test modules of local directories only in this version.";
                    diags.push(Diagnostic::error("Unsupported module source", what).at(*span));
                    return None;
                };
                let none = BTreeMap::new();
                let files = self.app.files();
                let early = Early { inputs: &none, files: &files, workspace: "default" };
                let tree = DiskTree::new(&self.app.root);
                let loaded = load::load_at(Path::new(&dir), &tree, &mut project::installed(self.app), &early, self.root.sources.clone());
                diags.extend(loaded.diags);
                if loaded.is_empty {
                    diags.push(
                        Diagnostic::error("Unreadable module directory", format!("The directory {dir:?} has no configuration files."))
                            .at(*span),
                    );
                }
                loaded.config
            }
        };
        let module = &mut config.modules[ROOT.0].module;
        match &run.providers {
            None => module.providers.extend(file.providers.iter().map(|(k, p)| (k.clone(), p.clone()))),
            Some(list) => {
                for (inner, outer) in list {
                    if let Some(p) = file.providers.get(&key_of(outer)) {
                        module.providers.insert(key_of(inner), p.clone());
                    }
                }
            }
        }
        Some(Arc::new(config))
    }

    /// The values of the variables of the file and the run.
    fn variables(&self, file: &TestFile, run: &RunBlock, diags: &mut Diags) -> BTreeMap<Str, Value> {
        let files = self.app.files();
        let mut known: BTreeMap<Str, Value> = BTreeMap::new();
        let constant = inputs::constant(&files);
        for (name, input) in &self.given.inputs {
            let value = match &input.given {
                Given::Text(text, _) => Value::string(text),
                Given::Value(v) => v.clone(),
                Given::Expr(e) => evaluate(e, &constant, diags),
            };
            known.insert(name.clone(), value);
        }
        for list in [&file.variables, &run.variables] {
            let before = known.clone();
            let context = Context { files: &files, timestamp: None, plan_timestamp: "", random: None, in_template: false };
            let scope = VariableScope { runs: &self.runs, variables: &before, context };
            known.extend(list.iter().map(|a| (a.name.clone(), evaluate(&a.expr, &scope, diags))).collect::<Vec<_>>());
        }
        known
    }
}

/// One operation of a run.
struct Doing<'a> {
    app: &'a App,
    config: Arc<Config>,
    mocks: &'a BTreeMap<secstack_base::ProviderAddr, Mock>,
    inputs: &'a BTreeMap<Str, Value>,
}

impl Doing<'_> {
    /// Plans and perhaps applies. Returns the facts, the state if anything was applied, and what was found.
    async fn carry_out(&self, options: Options, state: Snapshot, apply: bool) -> (Option<World>, Option<Snapshot>, Diags) {
        let providers = self.providers();
        let start = |options: Options, state: Snapshot, validating: bool| Start {
            config: self.config.clone(),
            ambient: self.app.planning("default", validating),
            providers: providers.clone(),
            options: Options { validating, ..options },
            inputs: if validating { BTreeMap::new() } else { self.inputs.clone() },
            given: BTreeMap::new(),
            state,
        };
        let found = secstack_run::plan(start(Options::default(), Snapshot::new(), true), &providers, &Events::none()).await.diags;
        if found.has_errors() {
            return (None, None, found);
        }
        if !apply {
            let (world, diags) = secstack_run::walk(start(options, state, false), &providers, &Events::none()).await.into_world();
            return (Some(world), None, diags);
        }
        let plan = secstack_run::plan(start(options.clone(), state, false), &providers, &Events::none()).await;
        let mut diags = plan.diags.clone();
        if diags.has_errors() {
            return (None, None, diags);
        }
        let timestamp = plan.timestamp.clone();
        let apply = Apply {
            config: self.config.clone(),
            ambient: self.app.applying("default", &timestamp),
            providers: providers.clone(),
            plan,
            inputs: self.inputs.clone(),
            journal: None,
            parallelism: 10,
            stop: Arc::new(AtomicBool::new(false)),
            root: self.app.root.clone(),
            events: Events::none(),
        };
        let applied = apply.run().await;
        diags.extend(applied.diags);
        if diags.has_errors() || options.mode == PlanMode::Destroy {
            return (None, Some(applied.snapshot), diags);
        }
        // The facts after the apply are those of one more walk, which changes nothing.
        let after = Options { mode: options.mode, targets: options.targets, ..Options::default() };
        let (world, _) = secstack_run::walk(start(after, applied.snapshot.clone(), false), &providers, &Events::none()).await.into_world();
        (Some(world), Some(applied.snapshot), diags)
    }

    fn providers(&self) -> Arc<ProviderSet> {
        let all = catalog::all(&Default::default());
        let files = self.app.files();
        let constant = inputs::constant(&files);
        let values = |list: &BTreeMap<Str, secstack_lang::Expr>| -> Defaults {
            let mut ignored = Diags::new();
            list.iter().map(|(ty, e)| (ty.clone(), evaluate(e, &constant, &mut ignored))).collect()
        };
        let pretend = |p: Arc<dyn secstack_sdk::Provider>| match self.mocks.get(&p.address()) {
            Some(mock) => Arc::new(MockProvider::new(p, values(&mock.resources), values(&mock.data))) as Arc<dyn secstack_sdk::Provider>,
            None => p,
        };
        Arc::new(ProviderSet::new(all.into_iter().map(pretend)))
    }
}

/// The providers that only pretend in a run.
fn mocks(file: &TestFile, run: &RunBlock, config: &Config) -> BTreeMap<secstack_base::ProviderAddr, Mock> {
    let addr = |name: &str| config.provider_addr(ROOT, name);
    match &run.providers {
        None => file.mocks.iter().filter(|((_, alias), _)| alias.is_none()).map(|((name, _), m)| (addr(name), m.clone())).collect(),
        Some(list) => list.iter().filter_map(|(inner, outer)| Some((addr(&inner.root), file.mocks.get(&key_of(outer))?.clone()))).collect(),
    }
}

fn key_of(t: &Traversal) -> (Str, Option<Str>) {
    let alias = t.steps.first().and_then(|s| match s {
        TraversalStep::Attr(name, _) => Some(name.clone()),
        TraversalStep::Index(..) => None,
    });
    (t.root.clone(), alias)
}

/// Takes out what was expected, and says what was expected and did not come. True when something did not.
fn expected(found: Diags, run: &RunBlock, config: &Config, diags: &mut Diags) -> bool {
    let wanted: Vec<(&Traversal, Vec<Span>)> = run.expect_failures.iter().map(|t| (t, rules(config, t))).collect();
    let mut came = vec![false; wanted.len()];
    for d in found {
        // A value of a variable that is refused is shown where the variable is declared, with the rule beside it.
        let places = || d.span.into_iter().chain(d.labels.iter().map(|(s, _)| *s));
        let inside = |r: &Span| places().any(|s| s.file == r.file && s.start >= r.start && s.end <= r.end);
        match wanted.iter().position(|(_, spans)| spans.iter().any(inside)) {
            Some(i) => came[i] = true,
            None => diags.push(d),
        }
    }
    for ((t, _), came) in wanted.iter().zip(&came) {
        if !came {
            let what = format!("The checkable object, {}, was expected to report an error but did not.", shown(t));
            diags.push(Diagnostic::error("Missing expected failure", what).at(t.span));
        }
    }
    came.contains(&false)
}

/// Where the conditions of a declaration stand.
fn rules(config: &Config, t: &Traversal) -> Vec<Span> {
    let module = &config.module(ROOT).module;
    let name = |i: usize| match t.steps.get(i) {
        Some(TraversalStep::Attr(name, _)) => name.clone(),
        _ => "".into(),
    };
    let rules: Vec<&CheckRule> = match &*t.root {
        "var" => module.variables.get(&name(0)).map(|v| v.validations.iter().collect()).unwrap_or_default(),
        "output" => module.outputs.get(&name(0)).map(|o| o.preconditions.iter().collect()).unwrap_or_default(),
        "check" => module.checks.get(&name(0)).map(|c| c.asserts.iter().collect()).unwrap_or_default(),
        root => {
            let (ty, of) = if root == "data" { (name(0), name(1)) } else { (t.root.clone(), name(0)) };
            let found = module.resources.values().filter(|r| r.name.ty == ty && r.name.name == of);
            found.flat_map(|r| r.lifecycle.preconditions.iter().chain(&r.lifecycle.postconditions)).collect()
        }
    };
    rules.into_iter().map(|r| r.span.to(r.condition.span).to(r.error_message.span)).collect()
}

fn assert(rule: &CheckRule, scope: &TestScope<'_>, config: &Config, diags: &mut Diags) -> Status {
    let before = diags.0.len();
    secstack_lang::ast::references(&rule.condition, &mut |t| {
        let is_ours = matches!(&*t.root, "run" | "output" | "var");
        if !is_ours && let Err(d) = reference::resolve(config, ROOT, &t) {
            diags.push(*d);
        }
    });
    if diags.0.len() > before {
        return Status::Error;
    }
    match judge(rule, scope) {
        Verdict::Pass => Status::Pass,
        Verdict::Fail(message, remark) => {
            diags.extend(remark.map(|d| *d));
            diags.push(Diagnostic::error("Test assertion failed", message).at(rule.condition.span));
            Status::Fail
        }
        Verdict::Unknown => {
            let what = "Condition expression could not be evaluated at this time. This means you have executed a `run` block with `command = plan` and one of the values your condition depended on is not known until after the plan has been applied. Either remove this value from your condition, or execute an `apply` command from this `run` block.";
            diags.push(Diagnostic::error("Unknown condition value", what).at(rule.condition.span));
            Status::Error
        }
        Verdict::Error(found) => {
            diags.extend(found);
            Status::Error
        }
    }
}
