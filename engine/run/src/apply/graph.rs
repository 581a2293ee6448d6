//! What waits for what while a plan is carried out.
//!
//! Creation follows references. Deletion goes the other way round, by the dependencies that the state
//! recorded. A replacement joins the two: its deletion comes before or after its creation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::graph::NodeIndex;
use secstack_base::{Addr, Str};
use secstack_eval::Node;
use secstack_plan::{Action, Change, PlanMode};
use secstack_state::model::ConfigAddr;

use super::Run;

/// A node of the graph of an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exec {
    /// A declaration is evaluated. For a resource block: its instances may start.
    Static(NodeIndex),
    /// An object is created, updated or read. Made ready by the node of its block.
    Make(usize),
    /// An object is deleted or forgotten.
    Destroy(usize),
}

/// The deposed objects that this run makes, by change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deposed(BTreeMap<usize, Str>);

impl Deposed {
    pub fn set(&mut self, change: usize, key: Str) {
        self.0.insert(change, key);
    }

    pub fn clear(&mut self, change: usize) {
        self.0.remove(&change);
    }

    pub fn key_of(&self, change: usize) -> Option<Str> {
        self.0.get(&change).cloned()
    }
}

/// Nodes with what each waits for.
#[derive(Default)]
pub(crate) struct ExecGraph {
    pub nodes: Vec<Exec>,
    waits: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    blocked: Vec<bool>,
    complete: usize,
    pub ready: BTreeSet<usize>,
    pub statics: HashMap<NodeIndex, usize>,
    pub makes: HashMap<usize, usize>,
    pub destroys: HashMap<usize, usize>,
}

impl ExecGraph {
    fn add(&mut self, exec: Exec) -> usize {
        self.nodes.push(exec);
        self.waits.push(0);
        self.dependents.push(Vec::new());
        self.blocked.push(false);
        self.nodes.len() - 1
    }

    fn edge(&mut self, node: usize, needs: usize) {
        // The same edge twice is counted twice on both sides, which does no harm.
        if node != needs {
            self.dependents[needs].push(node);
            self.waits[node] += 1;
        }
    }

    /// Adds a node that needs nothing and makes it ready.
    pub fn start(&mut self, exec: Exec) {
        let node = self.add(exec);
        self.ready.insert(node);
    }

    /// Whether something that the node needs failed.
    pub fn is_blocked(&self, node: usize) -> bool {
        self.blocked[node]
    }

    /// Marks a node as over; a failure keeps everything that needs it from starting.
    pub fn complete(&mut self, node: usize, failed: bool) {
        self.complete += 1;
        for d in std::mem::take(&mut self.dependents[node]) {
            self.blocked[d] |= failed;
            self.waits[d] -= 1;
            if self.waits[d] == 0 {
                self.ready.insert(d);
            }
        }
    }

    pub fn is_finished(&self) -> bool {
        self.complete == self.nodes.len()
    }

    /// Whether `from` needs `to`, directly or not.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = BTreeSet::from([to]);
        let mut stack = vec![to];
        while let Some(n) = stack.pop() {
            if n == from {
                return true;
            }
            stack.extend(self.dependents[n].iter().copied().filter(|d| seen.insert(*d)));
        }
        false
    }

    /// Adds an edge unless it would close a circle.
    fn soft_edge(&mut self, node: usize, needs: usize) {
        if !self.reaches(needs, node) {
            self.edge(node, needs);
        }
    }
}

/// The declarations that an apply of this plan evaluates.
pub(crate) fn active(run: &Run) -> BTreeSet<NodeIndex> {
    let all = run.graph.graph.node_indices();
    match run.plan.mode {
        PlanMode::Normal | PlanMode::RefreshOnly if run.plan.complete => all.collect(),
        PlanMode::Normal | PlanMode::RefreshOnly => {
            // Only what the changes need, and the outputs that the plan speaks of.
            let starts = all.filter(|n| match &run.graph.graph[*n] {
                Node::Resource(ix, name) => {
                    let path = &run.world.config.module(*ix).path;
                    run.plan.changes.iter().any(|c| c.addr.resource.name == *name && c.addr.module().path() == *path)
                }
                Node::Output(ix, name) => *ix == secstack_eval::config::ROOT && run.plan.outputs.contains_key(name),
                _ => false,
            });
            run.graph.closure(starts.collect::<Vec<_>>())
        }
        PlanMode::Destroy => {
            let providers = all.filter(|n| matches!(run.graph.graph[*n], Node::Provider(_)));
            run.graph.closure(providers.collect::<Vec<_>>())
        }
    }
}

/// Builds the graph of an apply.
pub(crate) fn build(run: &Run) -> ExecGraph {
    let mut g = ExecGraph::default();
    let order: Vec<NodeIndex> = run.graph.order.iter().copied().filter(|n| run.active.contains(n)).collect();
    for n in &order {
        let id = g.add(Exec::Static(*n));
        g.statics.insert(*n, id);
    }
    for n in &order {
        let id = g.statics[n];
        for needs in run.graph.needs(*n).filter(|m| run.active.contains(m)) {
            let needs = g.statics[&needs];
            g.edge(id, needs);
        }
    }
    for (i, c) in run.plan.changes.iter().enumerate() {
        if deletes(c) {
            let id = g.add(Exec::Destroy(i));
            g.destroys.insert(i, id);
        }
    }
    let index = Index::new(run);
    for (i, c) in run.plan.changes.iter().enumerate() {
        if let Some(id) = g.destroys.get(&i).copied() {
            destroy_edges(run, &mut g, &index, id, i, c);
        }
    }
    // What updates an object that used what is deleted goes first, where that closes no circle.
    if g.destroys.len() < 5_000 {
        for (i, c) in run.plan.changes.iter().enumerate().filter(|(_, c)| c.action == Action::DeleteThenCreate) {
            for user in index.users_of(c).into_iter().filter(|u| is_late(&run.plan.changes[*u], c)) {
                if let (Some(needs), Some(id)) = (g.destroys.get(&user).copied(), g.destroys.get(&i).copied()) {
                    g.soft_edge(id, needs);
                }
            }
        }
        for (i, c) in run.plan.changes.iter().enumerate().filter(|(_, c)| c.action == Action::Delete) {
            for user in index.users_of(c) {
                let changed = run.plan.changes[user].action == Action::Update;
                let Some(node) = index.node_of(run, user).filter(|_| changed) else { continue };
                if let (Some(needs), Some(id)) = (g.statics.get(&node).copied(), g.destroys.get(&i).copied()) {
                    g.soft_edge(id, needs);
                }
            }
        }
    }
    g.ready = (0..g.nodes.len()).filter(|n| g.waits[*n] == 0).collect();
    g
}

/// Whether the old object of a user may have to outlive what it used: its new one is built on the new one of that.
fn is_late(user: &Change, used: &Change) -> bool {
    user.action == Action::CreateThenDelete && used.action == Action::DeleteThenCreate
}

/// Whether a change has a deletion in it.
fn deletes(c: &Change) -> bool {
    matches!(c.action, Action::Delete | Action::Forget) || c.action.is_replace()
}

/// Finds changes by the resource they depend on.
struct Index {
    users: BTreeMap<ConfigAddr, Vec<usize>>,
}

impl Index {
    fn new(run: &Run) -> Self {
        let mut users: BTreeMap<ConfigAddr, Vec<usize>> = BTreeMap::new();
        for (i, c) in run.plan.changes.iter().enumerate() {
            if c.before.is_null() {
                continue;
            }
            let object = match &c.deposed {
                None => run.plan.prior_state.get(&c.addr),
                Some(key) => run.plan.prior_state.instance(&c.addr).and_then(|s| s.deposed.get(key)).map(|o| &**o),
            };
            for d in object.map(|o| o.dependencies.iter()).into_iter().flatten() {
                users.entry(d.clone()).or_default().push(i);
            }
        }
        Self { users }
    }

    /// The changes of objects that, by the state, depend on the object of a change.
    fn users_of(&self, c: &Change) -> Vec<usize> {
        let key = ConfigAddr { module: c.addr.module().path(), name: c.addr.resource.name.clone() };
        self.users.get(&key).cloned().unwrap_or_default()
    }

    fn node_of(&self, run: &Run, change: usize) -> Option<NodeIndex> {
        node_of(run, &run.plan.changes[change].addr)
    }
}

/// The node of the block of an instance, if this run evaluates it.
pub(crate) fn node_of(run: &Run, addr: &Addr) -> Option<NodeIndex> {
    let ix = run.world.config.find(&addr.module().path())?;
    let node = Node::Resource(ix, addr.resource.name.clone());
    run.graph.index.get(&node).copied().filter(|n| run.active.contains(n))
}

fn destroy_edges(run: &Run, g: &mut ExecGraph, index: &Index, id: usize, i: usize, c: &Change) {
    // The provider must be ready.
    let provider = run.world.config.find(&c.provider.module).map(|module| {
        Node::Provider(secstack_eval::ProviderKey { module, provider: c.provider.provider.clone(), alias: c.provider.alias.clone() })
    });
    if let Some(node) = provider.and_then(|n| run.graph.index.get(&n)).and_then(|n| g.statics.get(n)).copied() {
        g.edge(id, node);
    }
    for user in index.users_of(c) {
        let u = &run.plan.changes[user];
        // What depends on this object is deleted first.
        if user != i
            && let Some(needs) = g.destroys.get(&user).copied()
            && !is_late(u, c)
        {
            g.edge(id, needs);
        }
    }
    match c.action {
        Action::CreateThenDelete => {
            // Not before the new object is there and everything that used the old one has moved on.
            let Some(node) = node_of(run, &c.addr) else { return };
            let mut after = vec![node];
            after.extend(index.users_of(c).into_iter().filter_map(|u| node_of(run, &run.plan.changes[u].addr)));
            after.extend(dependents(run, node));
            for n in after {
                if let Some(needs) = g.statics.get(&n).copied() {
                    g.soft_edge(id, needs);
                }
            }
        }
        Action::DeleteThenCreate => {
            // The block's instances start only when the old object is gone; see `Run::resource_node`.
            if let Some(own) = node_of(run, &c.addr).and_then(|n| g.statics.get(&n)).copied() {
                g.edge(own, id);
            }
        }
        _ => {}
    }
}

/// The resource blocks that refer to a node, through values between them too.
fn dependents(run: &Run, node: NodeIndex) -> Vec<NodeIndex> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut stack = vec![node];
    while let Some(n) = stack.pop() {
        for m in run.graph.graph.neighbors_directed(n, petgraph::Direction::Incoming) {
            if seen.insert(m) {
                if matches!(run.graph.graph[m], Node::Resource(..)) {
                    found.push(m);
                } else {
                    stack.push(m);
                }
            }
        }
    }
    found
}
