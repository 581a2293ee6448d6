//! Planning as a walk over the reference graph.
//!
//! A node is processed once everything it needs is. What only a provider can say becomes a request;
//! the walk goes on with what does not depend on it, and hands out all open requests together. So data
//! sources and refreshes are asked for as widely as the references allow.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use petgraph::graph::NodeIndex;
use secstack_base::addr::Target;
use secstack_base::schema::{Draft, Schema};
use secstack_base::{Addr, Diags, InstanceKey, Mode, ProviderAddr, ProviderConfigAddr, Span, Str, Value};
use secstack_eval::world::Ambient;
use secstack_eval::{Config, Graph, Node, ProviderKey, Schemas, World};
use secstack_state::model::{Object, Snapshot};

use crate::conditions::CheckBook;
use crate::plan::{Change, OutputChange, PlanMode, RelevantAttribute};
use crate::requests::{Answer, Request, Want};

/// What planning needs of providers besides their schemas. Pure.
pub trait Providers: Schemas + Send + Sync {
    /// Whether there is such a provider.
    fn exists(&self, provider: &ProviderAddr) -> bool;
    /// The names of the resource types or data sources of a provider, for suggestions.
    fn type_names(&self, provider: &ProviderAddr, mode: Mode) -> Vec<Str>;
    /// Adjusts the plan of an object, as configured by `config`.
    fn plan(&self, config: &ProviderConfigAddr, ty: &str, draft: &mut Draft) -> Diags;
    /// Checks arguments beyond what their schema says.
    fn validate(&self, provider: &ProviderAddr, mode: Mode, ty: &str, config: &Value) -> Diags;
    /// Checks a provider's own arguments beyond what their schema says.
    fn validate_config(&self, provider: &ProviderAddr, config: &Value) -> Diags;
}

/// What a run was asked to plan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Normal, destroy or refresh-only.
    pub mode: PlanMode,
    /// Whether objects in the state are read again.
    pub refresh: bool,
    /// `-target`: only these and what they need.
    pub targets: Vec<Target>,
    /// `-exclude`: all but these and what needs them.
    pub excludes: Vec<Target>,
    /// `-replace`
    pub replace: Vec<Addr>,
    /// Only check the configuration: nothing is asked of providers, and values from outside are unknown.
    pub validating: bool,
}

/// An object in the state, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Prior {
    /// As stored.
    pub object: Arc<Object>,
    /// Its value as the state has it, marked as stored.
    pub stored: Value,
    /// Its value now, marked as stored; `None` when it is gone.
    pub current: Option<Value>,
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    Configure(NodeIndex, ProviderConfigAddr),
    Refresh { node: Option<NodeIndex>, addr: Addr, deposed: Option<Str> },
    Import { node: NodeIndex, addr: Addr, span: Span },
    Read { node: NodeIndex, addr: Addr, config: Value },
    Open { node: NodeIndex, addr: Addr, config: Value },
}

/// The walk. Create it, then alternate [`Planner::advance`] and [`Planner::answer`] until no request is left.
pub struct Planner {
    pub(crate) world: World,
    pub(crate) graph: Graph,
    pub(crate) providers: Arc<dyn Providers>,
    pub(crate) options: Options,
    pub(crate) inputs: BTreeMap<Str, Value>,
    pub(crate) given: BTreeMap<Str, Value>,
    pub(crate) previous: Snapshot,
    pub(crate) prior_state: Snapshot,
    pub(crate) priors: HashMap<Addr, Prior>,
    pub(crate) deposed: BTreeMap<(Addr, Str), Prior>,
    pub(crate) moved_from: HashMap<Addr, Addr>,
    pub(crate) imported: HashMap<Addr, (Str, Option<Value>)>,
    pub(crate) imports: crate::import::Imports,
    pub(crate) active: BTreeSet<NodeIndex>,
    pub(crate) changes: BTreeMap<(Addr, Option<Str>), Change>,
    pub(crate) outputs: BTreeMap<Str, OutputChange>,
    pub(crate) drift: Vec<Change>,
    pub(crate) relevant: BTreeSet<RelevantAttribute>,
    pub(crate) checks: CheckBook,
    pub(crate) diags: Diags,
    pub(crate) pending_nodes: BTreeSet<NodeIndex>,
    pub(crate) create_first: BTreeSet<NodeIndex>,
    pub(crate) configured: BTreeSet<ProviderConfigAddr>,
    pub(crate) unconfigured: BTreeSet<ProviderConfigAddr>,
    rank: Vec<usize>,
    waiting: Vec<usize>,
    ready: BTreeSet<usize>,
    failed: BTreeSet<NodeIndex>,
    refreshing: HashMap<NodeIndex, usize>,
    parked: BTreeSet<NodeIndex>,
    pub(crate) outstanding: HashMap<NodeIndex, usize>,
    tickets: HashMap<usize, Pending>,
    next_ticket: usize,
    pub(crate) queue: Vec<Request>,
}

/// What a node came to.
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// It, and everything that needs it, is of no use.
    Failed,
    /// It goes on when its requests are answered.
    Waiting,
}

/// What a planner starts from.
pub struct Start {
    /// The configuration.
    pub config: Arc<Config>,
    /// What is the same for every expression.
    pub ambient: Ambient,
    /// The providers.
    pub providers: Arc<dyn Providers>,
    /// What is asked for.
    pub options: Options,
    /// The values of the root variables.
    pub inputs: BTreeMap<Str, Value>,
    /// The same before conversion, as the plan records them: see [`crate::inputs::as_given`].
    pub given: BTreeMap<Str, Value>,
    /// The state.
    pub state: Snapshot,
}

impl Planner {
    /// Builds the graph and gets ready. Mistakes that need no evaluation are found here.
    pub fn new(start: Start) -> Self {
        let mut diags = Diags::new();
        let config = start.config.clone();
        crate::validate::providers(&config, &*start.providers, &mut diags);
        crate::validate::calls(&config, &mut diags);
        crate::passed::check(&config, &mut diags);
        let graph = {
            let extra = Self::state_providers(&config, &start.state);
            Graph::build(&config, &SchemasOf(&*start.providers), &extra, &mut diags)
        };
        if start.options.validating {
            // As in Terraform, only a plan finds that a block refers to itself.
            diags.0.retain(|d| d.summary != secstack_eval::graph::SELF_REFERENCE);
        }
        let n = graph.graph.node_count();
        let mut rank = vec![0; n];
        for (i, node) in graph.order.iter().enumerate() {
            rank[node.index()] = i;
        }
        let mut planner = Planner {
            world: World::new(config, start.ambient),
            providers: start.providers,
            options: start.options,
            given: start.given,
            inputs: start.inputs,
            prior_state: start.state.clone(),
            previous: start.state,
            priors: HashMap::new(),
            deposed: BTreeMap::new(),
            moved_from: HashMap::new(),
            imported: HashMap::new(),
            imports: crate::import::Imports::default(),
            active: BTreeSet::new(),
            changes: BTreeMap::new(),
            outputs: BTreeMap::new(),
            drift: Vec::new(),
            relevant: BTreeSet::new(),
            checks: CheckBook::default(),
            diags,
            pending_nodes: BTreeSet::new(),
            create_first: BTreeSet::new(),
            configured: BTreeSet::new(),
            unconfigured: BTreeSet::new(),
            rank,
            waiting: vec![0; n],
            ready: BTreeSet::new(),
            failed: BTreeSet::new(),
            refreshing: HashMap::new(),
            parked: BTreeSet::new(),
            outstanding: HashMap::new(),
            tickets: HashMap::new(),
            next_ticket: 0,
            queue: Vec::new(),
            graph,
        };
        planner.prepare();
        planner
    }

    fn prepare(&mut self) {
        // Validating goes on, so that one run shows all mistakes.
        if self.diags.has_errors() && !self.options.validating {
            return;
        }
        self.create_first = crate::replace::created_first(&self.graph, &self.world.config);
        if !self.options.validating {
            if self.options.mode == PlanMode::Normal {
                self.check_imports();
            }
            crate::moves::apply(self);
            crate::targets::check_moves(self);
            if self.diags.has_errors() {
                return;
            }
            self.decode_priors();
        }
        self.active = crate::targets::active(self);
        let active = std::mem::take(&mut self.active);
        for node in &active {
            let needs = self.graph.needs(*node).filter(|n| active.contains(n)).count();
            self.waiting[node.index()] = needs;
            if needs == 0 {
                self.ready.insert(self.rank[node.index()]);
            }
        }
        self.active = active;
        self.forget_data();
    }

    /// Data sources are read anew: what the state has of those that this run evaluates is dropped.
    fn forget_data(&mut self) {
        let data: Vec<Addr> = self.prior_state.instances().filter(|(a, ..)| a.mode() == Mode::Data).map(|(a, ..)| a).collect();
        for addr in data {
            let active = self.resource_node(&addr).is_none_or(|n| self.active.contains(&n));
            if active && !self.options.validating {
                self.prior_state.remove_current(&addr);
            }
        }
    }

    /// Goes as far as possible and returns what must be asked for. When nothing is returned, planning is over.
    pub fn advance(&mut self) -> Vec<Request> {
        while let Some(rank) = self.ready.pop_first() {
            let node = self.graph.order[rank];
            if self.needs_failed(node) {
                self.finish(node, true);
                continue;
            }
            if self.refreshing.get(&node).is_some_and(|n| *n > 0) {
                self.parked.insert(node);
                continue;
            }
            match self.process(node) {
                Outcome::Done => self.finish(node, false),
                Outcome::Failed => self.finish(node, true),
                Outcome::Waiting => {}
            }
        }
        std::mem::take(&mut self.queue)
    }

    fn needs_failed(&self, node: NodeIndex) -> bool {
        self.graph.needs(node).any(|n| self.failed.contains(&n))
    }

    /// Marks a node as processed and makes ready what waited for it only.
    pub(crate) fn finish(&mut self, node: NodeIndex, failed: bool) {
        if failed {
            self.failed.insert(node);
        }
        let dependents: Vec<_> = self.graph.graph.neighbors_directed(node, petgraph::Direction::Incoming).collect();
        for d in dependents {
            if !self.active.contains(&d) {
                continue;
            }
            let left = &mut self.waiting[d.index()];
            *left -= 1;
            if *left == 0 {
                self.ready.insert(self.rank[d.index()]);
            }
        }
    }

    fn process(&mut self, node: NodeIndex) -> Outcome {
        match self.graph.graph[node].clone() {
            Node::Provider(key) => self.provider_node(node, &key),
            Node::Call(ix) => self.call_node(ix),
            Node::Variable(ix, name) => self.variable_node(ix, &name),
            Node::Local(ix, name) => self.local_node(ix, &name),
            Node::Output(ix, name) => self.output_node(ix, &name),
            Node::Check(ix, name) => self.check_node(ix, &name),
            Node::Close(_) => Outcome::Done,
            Node::Resource(ix, name) => match name.mode {
                Mode::Managed => self.managed_node(node, ix, &name),
                Mode::Data => self.data_node(node, ix, &name),
                Mode::Ephemeral => self.ephemeral_node(node, ix, &name),
            },
        }
    }

    /// Asks for something on behalf of a node.
    pub(crate) fn ask(&mut self, provider: ProviderConfigAddr, want: Want, pending: Pending) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        match &pending {
            Pending::Refresh { node: Some(node), .. } => *self.refreshing.entry(*node).or_default() += 1,
            Pending::Refresh { node: None, .. } => {}
            Pending::Configure(node, _) | Pending::Import { node, .. } | Pending::Read { node, .. } | Pending::Open { node, .. } => {
                *self.outstanding.entry(*node).or_default() += 1;
            }
        }
        self.tickets.insert(ticket, pending);
        self.queue.push(Request { ticket, provider, want });
    }

    /// Takes the answer to a request.
    pub fn answer(&mut self, answer: Answer) {
        let Some(pending) = self.tickets.remove(&answer.ticket) else { return };
        match pending {
            Pending::Configure(node, config) => {
                let ok = self.configured_answer(&config, answer.result);
                self.settle(node, !ok);
            }
            Pending::Refresh { node, addr, deposed } => {
                self.refresh_answer(&addr, deposed.as_ref(), answer.result);
                if let Some(node) = node {
                    self.refreshed(node);
                }
            }
            Pending::Import { node, addr, span } => {
                self.import_answer(&addr, span, answer.result);
                if self.one_less(node) {
                    // All imports of the resource are known: plan it now.
                    self.ready.insert(self.rank[node.index()]);
                }
            }
            Pending::Read { node, addr, config } => {
                let ok = self.read_answer(&addr, &config, answer.result);
                self.settle(node, !ok);
            }
            Pending::Open { node, addr, config } => {
                let ok = self.open_answer(&addr, &config, answer.result);
                self.settle(node, !ok);
            }
        }
    }

    fn refreshed(&mut self, node: NodeIndex) {
        let Some(left) = self.refreshing.get_mut(&node) else { return };
        *left -= 1;
        if *left == 0 && self.parked.remove(&node) {
            self.ready.insert(self.rank[node.index()]);
        }
    }

    fn one_less(&mut self, node: NodeIndex) -> bool {
        let left = self.outstanding.entry(node).or_default();
        *left = left.saturating_sub(1);
        *left == 0
    }

    /// Counts an answer of a node and finishes it after the last.
    fn settle(&mut self, node: NodeIndex, failed: bool) {
        if failed {
            self.failed.insert(node);
        }
        if self.one_less(node) {
            let failed = self.failed.contains(&node);
            self.finish(node, failed);
        }
    }

    /// The node of a resource block.
    pub(crate) fn resource_node(&self, addr: &Addr) -> Option<NodeIndex> {
        let ix = self.world.config.find(&addr.module().path())?;
        self.graph.index.get(&Node::Resource(ix, addr.resource.name.clone())).copied()
    }

    /// The schema of a resource type.
    pub(crate) fn schema(&self, provider: &ProviderAddr, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.providers.resource(provider, mode, ty)
    }

    /// The configuration address of a provider block.
    pub(crate) fn config_addr(&self, key: &ProviderKey, instance: InstanceKey) -> ProviderConfigAddr {
        ProviderConfigAddr {
            module: self.world.config.module(key.module).path.clone(),
            provider: key.provider.clone(),
            alias: key.alias.clone(),
            key: instance,
        }
    }
}

/// Lets a `dyn Providers` serve where `dyn Schemas` is wanted.
struct SchemasOf<'a>(&'a dyn Providers);

impl Schemas for SchemasOf<'_> {
    fn resource(&self, provider: &ProviderAddr, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.0.resource(provider, mode, ty)
    }
    fn provider(&self, provider: &ProviderAddr) -> Option<&Schema> {
        self.0.provider(provider)
    }
}
