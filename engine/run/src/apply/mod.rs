//! Carrying out a plan.
//!
//! One task owns all facts and walks a graph of two kinds of nodes: declarations, which are evaluated in
//! place, and steps, which run as futures. A finished step is a new fact; whatever waited for it becomes
//! ready. So the width is what dependencies and `-parallelism` allow, and no lock is needed.

mod ahead;
mod destroy;
mod evaluate;
mod graph;
mod make;
mod provisioners;
mod record;
mod traces;

pub(crate) use ahead::Written;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use petgraph::graph::NodeIndex;
use secstack_base::{Addr, Diagnostic, Diags, InstanceKey, Mode, Str, Value};
use secstack_eval::world::Ambient;
use secstack_eval::{Config, Graph, World};
use secstack_plan::conditions::CheckBook;
use secstack_plan::plan::Summary;
use secstack_plan::{Action, Change, Plan, PlanMode, diff};
use secstack_sdk::fence;
use secstack_state::journal::Journal;
use secstack_state::model::Snapshot;

use crate::effect::Failure;
use crate::event::{Event, Events, StepInfo};
use crate::providers::ProviderSet;
use graph::{Deposed, Exec, ExecGraph};

/// What an apply starts from.
pub struct Apply {
    /// The configuration the plan was made from.
    pub config: Arc<Config>,
    /// What is the same for every expression; its timestamp is the time of this apply.
    pub ambient: Ambient,
    /// The providers.
    pub providers: Arc<ProviderSet>,
    /// The plan.
    pub plan: Plan,
    /// The values of all root variables, ephemeral ones included.
    pub inputs: BTreeMap<Str, Value>,
    /// Where finished steps are made durable.
    pub journal: Option<Journal>,
    /// The most steps that run at once.
    pub parallelism: usize,
    /// Set when the run is to stop: nothing new starts.
    pub stop: Arc<AtomicBool>,
    /// The directory of the root module, where provisioners run.
    pub root: PathBuf,
    /// Where events go.
    pub events: Events,
}

/// What came of an apply.
pub struct Applied {
    /// The state afterwards. It is valid whether or not the apply succeeded.
    pub snapshot: Snapshot,
    /// What went wrong.
    pub diags: Diags,
    /// What was done.
    pub done: Summary,
    /// The apply was stopped before its end.
    pub stopped: bool,
}

/// What a step came to.
pub(crate) enum StepResult {
    /// An object was created, updated or read; the planned value of a data source is its value.
    Made(Value),
    /// An object was deleted or forgotten.
    Gone,
    /// All provisioners ran; a failure that may happen is not told further.
    Provisioned,
    /// The effect failed.
    Failed(Failure),
    /// A provisioner failed.
    ProvisionFailed(Box<Diagnostic>),
}

/// A step that runs.
pub(crate) struct Finished {
    pub exec: usize,
    pub change: usize,
    pub result: StepResult,
}

/// An apply under way.
pub(crate) struct Run {
    pub world: World,
    pub graph: Graph,
    pub providers: Arc<ProviderSet>,
    pub plan: Plan,
    pub inputs: BTreeMap<Str, Value>,
    pub journal: Option<Journal>,
    pub root: PathBuf,
    pub events: Events,
    pub snapshot: Snapshot,
    pub diags: Diags,
    pub done: Summary,
    pub checks: CheckBook,
    /// Changes of declared instances, by resource node and instance.
    pub by_addr: HashMap<Addr, usize>,
    pub deposed: Deposed,
    pub exec: ExecGraph,
    /// The static nodes this run processes.
    pub active: BTreeSet<NodeIndex>,
    /// Steps still to finish of each static node.
    pub open_steps: HashMap<NodeIndex, usize>,
    /// Resource blocks of which a step failed.
    pub failed_nodes: BTreeSet<NodeIndex>,
    /// When each running step began.
    pub started: HashMap<usize, Instant>,
    pub running: FuturesUnordered<BoxFuture<'static, Finished>>,
    pub waiting_steps: std::collections::VecDeque<BoxFuture<'static, Finished>>,
    /// Steps that get a turn once their intents are durable.
    pub preparing: FuturesUnordered<BoxFuture<'static, BoxFuture<'static, Finished>>>,
    pub in_flight: usize,
    pub limit: usize,
    pub stop: Arc<AtomicBool>,
    /// Planned values known at step start, for what comes after the effect.
    pub known: HashMap<usize, make::Known>,
    /// Intents written before their steps begin.
    pub ahead: ahead::Ahead,
    /// New objects that carry the token of their creation.
    pub tokens: traces::Tokens,
    /// The journal may lack the ID of a new object, so that the tokens are needed still.
    pub unrecorded: bool,
    /// The objects that steps wait for.
    pub lookout: Arc<crate::wait::Lookout>,
    /// Records that must be durable before the run ends.
    pub records: Vec<secstack_state::journal::Record>,
    /// Records on their way to the journal.
    pub writing: FuturesUnordered<BoxFuture<'static, secstack_state::Result<()>>>,
}

impl Apply {
    /// Carries out the plan to its end, or as far as failures allow.
    pub async fn run(self) -> Applied {
        crate::load::editions::choose(Some(&self.config), Some(&self.plan.prior_state), &self.providers);
        let fence = self.journal.as_ref().and_then(fence_of);
        fence::within(fence, Run::new(self).carry_out()).await
    }
}

/// What there is to do next.
enum Next {
    Finished(Finished),
    /// A step may begin.
    Ready(BoxFuture<'static, Finished>),
    Nothing,
    /// The run was asked to stop, and what is under way has taken all the time it gets.
    OutOfTime,
}

/// How long steps under way may go on after a run was asked to stop. A cancelled CI job has seven seconds to end, and
/// the state and the lock need some of them.
const GRACE: Duration = Duration::from_secs(4);

/// How often a run that waits for its steps looks whether it was asked to stop.
const LOOK: Duration = Duration::from_millis(200);

/// What keeps a run from changing anything once another one has taken over from it.
pub(crate) fn fence_of(journal: &Journal) -> Option<fence::Check> {
    let guard = journal.guard()?;
    Some(Arc::new(move || guard().map_err(|e| e.to_string())))
}

impl Run {
    async fn carry_out(mut self) -> Applied {
        self.start();
        loop {
            self.advance().await;
            match self.next().await {
                Next::Finished(finished) => {
                    self.in_flight -= 1;
                    self.finished(finished).await;
                }
                Next::Ready(step) => self.spawn(step),
                Next::Nothing => break,
                Next::OutOfTime => {
                    self.abandon();
                    break;
                }
            }
        }
        self.end().await
    }

    /// Waits until a step ends.
    async fn next(&mut self) -> Next {
        let mut left = GRACE;
        loop {
            if self.stopping() {
                // They have not begun.
                self.preparing.clear();
            }
            tokio::select! {
                biased;
                Some(finished) = self.running.next() => return Next::Finished(finished),
                Some(step) = self.preparing.next() => return Next::Ready(step),
                () = tokio::time::sleep(LOOK), if !(self.running.is_empty() && self.preparing.is_empty()) => match self.stopping() {
                    false => {}
                    true if left.is_zero() => return Next::OutOfTime,
                    true => left = left.saturating_sub(LOOK),
                },
                else => return Next::Nothing,
            }
        }
    }

    /// Lets go of the steps under way. Their intents stay open in the journal, and the next run finds out what came of them.
    fn abandon(&mut self) {
        let left = self.running.len();
        self.running.clear();
        let what = format!(
            "{left} operations did not end within {} seconds. The journal beside the state says what they were; the next run finds out what came of them and goes on from there.",
            GRACE.as_secs()
        );
        self.fail(Diagnostic::error("Operations left under way", what));
    }

    fn new(a: Apply) -> Self {
        let mut diags = Diags::new();
        let extra = secstack_plan::Planner::state_providers(&a.config, &a.plan.prior_state);
        let graph = Graph::build(&a.config, &*a.providers, &extra, &mut diags);
        let by_addr = a.plan.changes.iter().enumerate().filter(|(_, c)| c.deposed.is_none()).map(|(i, c)| (c.addr.clone(), i)).collect();
        let mut snapshot = a.plan.prior_state.clone();
        // A data source that is read again leaves the state until then.
        snapshot.checks.clear();
        let mut run = Run {
            world: World::new(a.config, a.ambient),
            exec: ExecGraph::default(),
            graph,
            providers: a.providers,
            inputs: a.inputs,
            journal: a.journal,
            root: a.root,
            events: a.events,
            snapshot,
            diags,
            done: Summary::default(),
            checks: CheckBook::default(),
            by_addr,
            deposed: Deposed::default(),
            active: BTreeSet::new(),
            open_steps: HashMap::new(),
            failed_nodes: BTreeSet::new(),
            started: HashMap::new(),
            running: FuturesUnordered::new(),
            waiting_steps: std::collections::VecDeque::new(),
            preparing: FuturesUnordered::new(),
            in_flight: 0,
            limit: a.parallelism.max(1),
            stop: a.stop,
            known: HashMap::new(),
            ahead: ahead::Ahead::default(),
            tokens: traces::Tokens::new(),
            unrecorded: false,
            lookout: Arc::default(),
            records: Vec::new(),
            writing: FuturesUnordered::new(),
            plan: a.plan,
        };
        run.carry_checks();
        run
    }

    fn start(&mut self) {
        if self.diags.has_errors() {
            return;
        }
        self.record_moves();
        self.active = graph::active(self);
        self.exec = graph::build(self);
        self.look_ahead();
    }

    /// Whether nothing new may start.
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Processes all ready nodes and starts as many steps as the limit allows.
    async fn advance(&mut self) {
        loop {
            while let Some(node) = self.exec.ready.pop_first() {
                if self.stopping() {
                    continue;
                }
                if self.exec.is_blocked(node) {
                    self.exec.complete(node, true);
                    continue;
                }
                match self.exec.nodes[node].clone() {
                    Exec::Static(index) => self.static_node(node, index).await,
                    Exec::Make(change) => self.make(node, change),
                    Exec::Destroy(change) => self.destroy(node, change),
                }
            }
            let before = self.in_flight;
            while self.in_flight < self.limit && !self.stopping() {
                let Some(step) = self.waiting_steps.pop_front() else { break };
                self.running.push(step);
                self.in_flight += 1;
            }
            if self.exec.ready.is_empty() || self.in_flight == before && self.stopping() {
                break;
            }
        }
        self.send_records();
    }

    /// Queues a step; it runs when there is room.
    pub(crate) fn spawn(&mut self, step: BoxFuture<'static, Finished>) {
        self.waiting_steps.push_back(step);
    }

    pub(crate) fn info(&self, change: usize, action: Action) -> StepInfo {
        let c = &self.plan.changes[change];
        let id = c.before.get_str("id").map(Str::from);
        let deposed = if action == Action::Delete { self.deposed.key_of(change).or_else(|| c.deposed.clone()) } else { None };
        StepInfo { addr: c.addr.clone(), action, deposed, id: if action == Action::Create { None } else { id } }
    }

    pub(crate) fn begin(&mut self, exec: usize, info: StepInfo) {
        self.started.insert(exec, Instant::now());
        self.events.send(Event::StepStart(info));
    }

    pub(crate) fn elapsed(&self, exec: usize) -> Duration {
        self.started.get(&exec).map(Instant::elapsed).unwrap_or_default()
    }

    /// The schema of the type of a change.
    pub(crate) fn schema_of(&self, change: &Change) -> Option<Arc<secstack_base::schema::Schema>> {
        use secstack_eval::Schemas;
        self.providers.resource(&change.provider.provider, change.addr.mode(), change.addr.ty())
    }

    /// Says what went wrong with a step.
    pub(crate) fn fail(&mut self, d: Diagnostic) {
        self.events.send(Event::Diagnostic(d.clone()));
        self.diags.push(d);
    }

    /// Ends the run: outputs, checks, what destroyed data leaves.
    async fn end(mut self) -> Applied {
        let stopped = self.stopping() && !self.exec.is_finished();
        if self.plan.mode == PlanMode::Destroy
            && !self.diags.has_errors()
            && self.plan.targets.is_empty()
            && self.plan.excludes.is_empty()
            && !stopped
        {
            self.drop_data();
        }
        self.apply_output_removals();
        self.snapshot.checks = self.checks.results();
        self.take_back();
        // The IDs of new objects are durable since they were made, which is what taking their tokens off needs.
        self.send_records();
        self.hurry();
        self.settle().await;
        self.flush().await;
        if !self.plan.complete {
            let option = if self.plan.targets.is_empty() { "-exclude" } else { "-target" };
            let what = format!(
                "The plan was created with the {option} option in effect, so some changes requested in the configuration may have been ignored and the output values may not be fully updated. Run the following command to verify that no other changes are pending:\n    secstack plan\n\nNote that the {option} option is not suitable for routine use, and is provided only for exceptional situations such as recovering from errors or mistakes, or when Terraform specifically suggests to use it as part of an error message."
            );
            let d = Diagnostic::warning("Applied changes may be incomplete", what);
            self.events.send(Event::Diagnostic(d.clone()));
            self.diags.push(d);
        }
        if stopped {
            self.diags.push(Diagnostic::error(
                "Operation stopped",
                "The run was stopped before all changes were made. What was done is in the state; run the same command again to go on.",
            ));
        }
        Applied { snapshot: self.snapshot, diags: self.diags, done: self.done, stopped }
    }

    fn drop_data(&mut self) {
        let data: Vec<Addr> = self.snapshot.instances().filter(|(a, ..)| a.mode() == Mode::Data).map(|(a, ..)| a).collect();
        for addr in data {
            self.snapshot.remove_current(&addr);
        }
    }

    fn apply_output_removals(&mut self) {
        if self.diags.has_errors() && self.plan.mode != PlanMode::Destroy {
            return;
        }
        let gone: Vec<Str> = self.plan.outputs.iter().filter(|(_, o)| o.action == Action::Delete).map(|(n, _)| n.clone()).collect();
        for name in gone {
            self.set_output(&name, None);
        }
    }

    /// The value of an object of the state, marked as its schema says.
    pub(crate) fn stored_value(&self, addr: &Addr) -> Option<Value> {
        use secstack_eval::Schemas;
        let object = self.snapshot.get(addr)?;
        let provider = &self.snapshot.resources.get(&addr.resource)?.provider.provider;
        let schema = self.providers.resource(provider, addr.mode(), addr.ty())?;
        let value = object.decode(&schema.block.ty()).ok()?;
        Some(diff::mark_sensitive(&schema.block, &value))
    }

    pub(crate) fn keys_in_state(&self, resource: &secstack_base::ResourceAddr) -> Vec<InstanceKey> {
        self.snapshot.resources.get(resource).map(|r| r.instances.keys().cloned().collect()).unwrap_or_default()
    }
}
