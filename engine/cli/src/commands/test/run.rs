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
use secstack_lang::test_file::{Command, Run, TestFile};
use secstack_plan::conditions::{Verdict, judge};
use secstack_plan::inputs::{self, Given, Input, Origin};
use secstack_plan::{Options, Plan, PlanMode, Start};
use secstack_run::load::{self, DiskTree, Early};
use secstack_run::{Apply, Events};
use secstack_state::Snapshot;

use super::reference::{addresses, key_of};
use super::report::Status;
use super::scope::{TestScope, VariableScope};
use super::stand_in::{StandIns, Wanted};
use crate::app::App;
use crate::{project, vars};

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
    /// What takes the place of providers.
    pub stand_ins: StandIns,
    /// Plans are wanted, to be shown.
    pub verbose: bool,
    /// Set when the tests are to end early.
    pub stop: Arc<AtomicBool>,
}

/// What came of a run.
pub struct Ran {
    /// In a word.
    pub status: Status,
    /// Mistakes and warnings.
    pub diags: Diags,
    /// What they point into.
    pub config: Arc<Config>,
    /// What to show where that is wanted.
    pub made: Option<Made>,
}

/// What a run made.
pub enum Made {
    /// A plan.
    Plan(Box<Plan>, StandIns),
    /// A state.
    State(Snapshot, StandIns),
}

/// What could not be removed after the runs of a file.
pub struct Remains {
    /// The run that worked on it last.
    pub run: Str,
    /// Why.
    pub diags: Diags,
    /// The addresses of the objects.
    pub objects: Vec<String>,
}

/// The objects that runs of one key made, and how to remove them.
pub struct Left {
    /// The run that worked on them last.
    pub run: Str,
    snapshot: Snapshot,
    config: Arc<Config>,
    stand_ins: StandIns,
    inputs: BTreeMap<Str, Value>,
}

impl Runner<'_> {
    /// Plays a run.
    pub async fn run(&mut self, file: &TestFile, run: &Run) -> Ran {
        let mut diags = Diags::new();
        let mut ran = Ran { status: Status::Error, diags: Diags::new(), config: self.root.clone(), made: None };
        ran.status = self.play(file, run, &mut ran, &mut diags).await;
        ran.diags = diags;
        ran
    }

    async fn play(&mut self, file: &TestFile, run: &Run, ran: &mut Ran, diags: &mut Diags) -> Status {
        let Some(mut config) = self.config(file, run, diags) else { return Status::Error };
        let variables = self.variables(file, run, diags);
        let files = self.app.files();
        let context = Context { files: &files, timestamp: None, plan_timestamp: "", random: None, in_template: false };
        let scope = VariableScope { runs: &self.runs, variables: &variables, context };
        let mut stand_ins = std::mem::take(&mut self.stand_ins);
        stand_ins.put(&mut config, &Wanted { file, run, scope: &scope }, diags);
        self.stand_ins = stand_ins.clone();
        let config = Arc::new(config);
        ran.config = config.clone();
        let inputs = self.inputs(file, run, &config, &variables, diags);
        let options = Options {
            mode: if run.options.refresh_only { PlanMode::RefreshOnly } else { PlanMode::Normal },
            refresh: run.options.refresh,
            targets: addresses(&run.options.target, diags),
            replace: addresses(&run.options.replace, diags),
            ..Options::default()
        };
        if diags.has_errors() {
            return Status::Error;
        }
        let key = key(run);
        let state = self.left.iter().find(|(k, _)| *k == key).map(|(_, l)| l.snapshot.clone()).unwrap_or_default();
        let doing = Doing { app: self.app, config: config.clone(), stand_ins: &stand_ins, inputs: &inputs, stop: self.stop.clone() };
        let done = match run.command {
            Command::Plan => doing.plan(options, state, self.verbose).await,
            Command::Apply => doing.apply(options, state).await,
        };
        if let Some(snapshot) = done.snapshot {
            if self.verbose {
                ran.made = Some(Made::State(snapshot.clone(), stand_ins.clone()));
            }
            self.left.retain(|(k, _)| *k != key);
            let left = Left { run: run.name.clone(), snapshot, config: config.clone(), stand_ins: stand_ins.clone(), inputs };
            self.left.push((key, left));
        }
        if let Some(plan) = done.plan {
            ran.made = Some(Made::Plan(plan, stand_ins));
        }
        let missing = expected(done.diags, run, &config, diags);
        if diags.has_errors() || missing {
            return Status::Error;
        }
        let Some(world) = done.world else { return Status::Pass };
        let empty = ModuleFacts::new(ModuleAddr::root());
        let facts = world.facts(ROOT, &ModuleAddr::root()).unwrap_or(&empty);
        let scope =
            TestScope { inner: world.scope(ROOT, facts, RepetitionData::default()), facts, runs: &self.runs, variables: &variables };
        let status = run.asserts.iter().map(|a| assert(a, &scope, &config, diags)).max().unwrap_or(Status::Pass);
        let outputs = Value::object(facts.outputs.iter().map(|(n, v)| (n.clone(), v.clone())));
        self.runs.insert(run.name.clone(), outputs);
        status
    }

    /// The values of the variables of the module under test.
    fn inputs(
        &self,
        file: &TestFile,
        run: &Run,
        config: &Config,
        variables: &BTreeMap<Str, Value>,
        diags: &mut Diags,
    ) -> BTreeMap<Str, Value> {
        let module = &config.module(ROOT).module;
        let as_input = |(n, v): (&Str, &Value)| (n.clone(), Input { given: Given::Value(v.clone()), origin: Origin::Plan });
        let mut chosen: BTreeMap<Str, Input> =
            self.given.inputs.iter().filter(|(n, _)| module.variables.contains_key(*n)).map(|(n, i)| (n.clone(), i.clone())).collect();
        let stated = |n: &Str| file.variables.contains_key(n) || run.variables.contains_key(n);
        chosen.extend(variables.iter().filter(|(n, _)| module.variables.contains_key(*n) && stated(n)).map(as_input));
        for a in run.variables.values().filter(|a| !module.variables.contains_key(&a.name)) {
            let what = format!(
                "The module under test does not declare a variable named {:?}, but it is declared in run block {:?}.",
                a.name, run.name
            );
            diags.push(Diagnostic::warning("Value for undeclared variable", what).at(a.name_span));
        }
        inputs::resolve(module, &chosen, &self.app.files(), diags)
    }

    /// Removes what the runs made, the last first.
    pub async fn tear_down(&mut self) -> Vec<Remains> {
        let mut all = Vec::new();
        while let Some((_, left)) = self.left.pop() {
            let stop = Arc::default();
            let doing = Doing { app: self.app, config: left.config.clone(), stand_ins: &left.stand_ins, inputs: &left.inputs, stop };
            let options = Options { mode: PlanMode::Destroy, refresh: true, ..Options::default() };
            let done = doing.apply(options, left.snapshot.clone()).await;
            let objects: Vec<String> = done
                .snapshot
                .unwrap_or(left.snapshot)
                .instances()
                .filter(|(a, ..)| a.mode() == secstack_base::Mode::Managed)
                .map(|(a, ..)| a.to_string())
                .collect();
            let diags = Diags(done.diags.into_iter().filter(Diagnostic::is_error).collect());
            if !objects.is_empty() || diags.has_errors() {
                all.push(Remains { run: left.run, diags, objects });
            }
        }
        all
    }

    /// The configuration of a run: the root module or another, with the providers of the file.
    fn config(&self, file: &TestFile, run: &Run, diags: &mut Diags) -> Option<Config> {
        let mut config = match &run.module {
            None => (*self.root).clone(),
            Some(module) => {
                let Ok(ModuleSource::Local(dir)) = ModuleSource::parse(&module.source) else {
                    let what = "A run block can test modules of local directories only in this version.";
                    diags.push(Diagnostic::error("Unsupported module source", what).at(module.span));
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
                            .at(module.span),
                    );
                }
                loaded.config
            }
        };
        let module = &mut config.modules[ROOT.0].module;
        match &run.providers[..] {
            [] => module.providers.extend(file.providers.iter().map(|(k, p)| (k.clone(), p.clone()))),
            list => {
                for (inner, outer) in list {
                    if let Some(p) = file.providers.get(&key_of(outer)) {
                        module.providers.insert(key_of(inner), p.clone());
                    }
                }
            }
        }
        Some(config)
    }

    /// The values of the variables of the file and the run.
    fn variables(&self, file: &TestFile, run: &Run, diags: &mut Diags) -> BTreeMap<Str, Value> {
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
            known.extend(list.values().map(|a| (a.name.clone(), evaluate(&a.expr, &scope, diags))).collect::<Vec<_>>());
        }
        known
    }
}

/// Which state a run works on: runs of the same key share one.
fn key(run: &Run) -> String {
    let module = || run.module.as_ref().map(|m| m.source.to_string());
    run.state_key.as_ref().map(|k| k.to_string()).or_else(module).unwrap_or_default()
}

/// One operation of a run.
struct Doing<'a> {
    app: &'a App,
    config: Arc<Config>,
    stand_ins: &'a StandIns,
    inputs: &'a BTreeMap<Str, Value>,
    stop: Arc<AtomicBool>,
}

/// What came of an operation.
#[derive(Default)]
struct Done {
    /// The facts.
    world: Option<World>,
    /// The state, if anything was applied.
    snapshot: Option<Snapshot>,
    /// The plan, if it was wanted.
    plan: Option<Box<Plan>>,
    diags: Diags,
}

impl Doing<'_> {
    fn start(&self, options: Options, state: Snapshot, providers: &Arc<secstack_run::ProviderSet>) -> Start {
        let validating = options.validating;
        Start {
            config: self.config.clone(),
            ambient: self.app.planning("default", validating),
            providers: providers.clone(),
            options,
            inputs: if validating { BTreeMap::new() } else { self.inputs.clone() },
            given: BTreeMap::new(),
            state,
        }
    }

    /// What is wrong with the configuration, whatever the state.
    async fn mistakes(&self, providers: &Arc<secstack_run::ProviderSet>) -> Diags {
        let options = Options { validating: true, ..Options::default() };
        secstack_run::plan(self.start(options, Snapshot::new(), providers), providers, &Events::none()).await.diags
    }

    async fn plan(&self, options: Options, state: Snapshot, keep: bool) -> Done {
        let providers = self.stand_ins.providers();
        let diags = self.mistakes(&providers).await;
        if diags.has_errors() {
            return Done { diags, ..Done::default() };
        }
        let start = |options| self.start(options, state.clone(), &providers);
        let plan = match keep {
            true => Some(Box::new(secstack_run::plan(start(options.clone()), &providers, &Events::none()).await)),
            false => None,
        };
        let (world, diags) = secstack_run::walk(start(options), &providers, &Events::none()).await.into_world();
        Done { world: Some(world), plan, diags, snapshot: None }
    }

    async fn apply(&self, options: Options, state: Snapshot) -> Done {
        let providers = self.stand_ins.providers();
        let diags = self.mistakes(&providers).await;
        if diags.has_errors() {
            return Done { diags, ..Done::default() };
        }
        let plan = secstack_run::plan(self.start(options.clone(), state, &providers), &providers, &Events::none()).await;
        let mut diags = plan.diags.clone();
        if diags.has_errors() {
            return Done { diags, ..Done::default() };
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
            stop: self.stop.clone(),
            root: self.app.root.clone(),
            events: Events::none(),
        };
        let applied = apply.run().await;
        diags.extend(applied.diags);
        if diags.has_errors() || options.mode == PlanMode::Destroy {
            return Done { snapshot: Some(applied.snapshot), diags, ..Done::default() };
        }
        // The facts after the apply are those of one more walk, which changes nothing.
        let after = Options { mode: options.mode, targets: options.targets, ..Options::default() };
        let walked = secstack_run::walk(self.start(after, applied.snapshot.clone(), &providers), &providers, &Events::none()).await;
        Done { world: Some(walked.into_world().0), snapshot: Some(applied.snapshot), plan: None, diags }
    }
}

/// Takes out what was expected, and says what was expected and did not come. True when something did not.
fn expected(found: Diags, run: &Run, config: &Config, diags: &mut Diags) -> bool {
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
            let what = format!("The checkable object, {t}, was expected to report an error but did not.");
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
        Verdict::Fail(message, remark, seen) => {
            diags.extend(remark.map(|d| *d));
            let failed = Diagnostic::error("Test assertion failed", message).at(rule.condition.span);
            diags.push(failed.seeing(seen));
            Status::Fail
        }
        Verdict::Unknown => {
            let what = "Condition expression could not be evaluated at this time. This means you have executed a `run` block with `command = plan` and one of the values your condition depended on is not known until after the plan has been applied. Either remove this value from your condition, or execute an `apply` command from this `run` block. Alternatively, if there is an override for this value, you can make it available during the plan phase by setting `override_during = plan` in the `override_` block.";
            diags.push(Diagnostic::error("Unknown condition value", what).at(rule.condition.span));
            Status::Error
        }
        Verdict::Error(found) => {
            diags.extend(found);
            Status::Error
        }
    }
}
