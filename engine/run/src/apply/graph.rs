//! What waits for what while a plan is carried out.
//!
//! Creation follows references. Deletion goes the other way round, by the dependencies that the state
//! recorded. A replacement joins the two: its deletion comes before or after its creation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::graph::NodeIndex;
use secstack_base::{Addr, ModuleAddr, Str};
use secstack_eval::Node;
use secstack_plan::{Action, Change, PlanMode};
use secstack_state::model::ConfigAddr;

mod wishes;

use super::Run;
use wishes::Wish;

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

/// Something that waits and is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    /// A node, by its number.
    Node(usize),
    /// A gate, by its number. Nothing is done there: it stands between many that wait and many that are waited for,
    /// so that there need not be an edge between each two.
    Gate(usize),
}

/// What a point waits for, and who waits for it.
#[derive(Default)]
struct Links {
    waits: usize,
    dependents: Vec<Point>,
    blocked: bool,
}

/// Nodes with what each waits for.
#[derive(Default)]
pub(crate) struct ExecGraph {
    pub nodes: Vec<Exec>,
    node_links: Vec<Links>,
    gate_links: Vec<Links>,
    complete: usize,
    pub ready: BTreeSet<usize>,
    pub statics: HashMap<NodeIndex, usize>,
    pub makes: HashMap<usize, usize>,
    pub destroys: HashMap<usize, usize>,
}

impl ExecGraph {
    fn add(&mut self, exec: Exec) -> usize {
        self.nodes.push(exec);
        self.node_links.push(Links::default());
        self.nodes.len() - 1
    }

    fn gate(&mut self) -> Point {
        self.gate_links.push(Links::default());
        Point::Gate(self.gate_links.len() - 1)
    }

    fn links(&mut self, point: Point) -> &mut Links {
        match point {
            Point::Node(n) => &mut self.node_links[n],
            Point::Gate(n) => &mut self.gate_links[n],
        }
    }

    fn dependents(&self, point: Point) -> &[Point] {
        match point {
            Point::Node(n) => &self.node_links[n].dependents,
            Point::Gate(n) => &self.gate_links[n].dependents,
        }
    }

    fn points(&self) -> impl Iterator<Item = Point> + use<> {
        (0..self.node_links.len()).map(Point::Node).chain((0..self.gate_links.len()).map(Point::Gate))
    }

    fn edge(&mut self, point: Point, needs: Point) {
        // The same edge twice is counted twice on both sides, which does no harm.
        if point != needs {
            self.links(needs).dependents.push(point);
            self.links(point).waits += 1;
        }
    }

    /// Adds a node that needs nothing and makes it ready.
    pub fn start(&mut self, exec: Exec) {
        let node = self.add(exec);
        self.ready.insert(node);
    }

    /// Makes ready what needs nothing, once all edges are there.
    fn open(&mut self) {
        for point in self.points() {
            if self.links(point).waits == 0 {
                self.reach(point);
            }
        }
    }

    /// Whether something that the node needs failed.
    pub fn is_blocked(&self, node: usize) -> bool {
        self.node_links[node].blocked
    }

    /// Marks a node as over; a failure keeps everything that needs it from starting.
    pub fn complete(&mut self, node: usize, failed: bool) {
        self.complete += 1;
        self.pass(Point::Node(node), failed);
    }

    /// Takes a point whose needs are all over: a node may start, a gate is passed.
    fn reach(&mut self, point: Point) {
        match point {
            Point::Node(n) => {
                self.ready.insert(n);
            }
            Point::Gate(n) => self.pass(point, self.gate_links[n].blocked),
        }
    }

    /// Tells those who wait for a point. Gates do not wait for gates, so this goes two levels deep at most.
    fn pass(&mut self, point: Point, failed: bool) {
        for d in std::mem::take(&mut self.links(point).dependents) {
            let links = self.links(d);
            links.blocked |= failed;
            links.waits -= 1;
            if links.waits == 0 {
                self.reach(d);
            }
        }
    }

    pub fn is_finished(&self) -> bool {
        self.complete == self.nodes.len()
    }
}

/// The declarations that an apply of this plan evaluates.
pub(crate) fn active(run: &Run) -> BTreeSet<NodeIndex> {
    let all = run.graph.graph.node_indices();
    match run.plan.mode {
        PlanMode::Normal | PlanMode::RefreshOnly if run.plan.complete => all.collect(),
        PlanMode::Normal | PlanMode::RefreshOnly => {
            // Only what the changes need, and the outputs that the plan speaks of.
            let changed: BTreeSet<Node> = run
                .plan
                .changes
                .iter()
                .filter_map(|c| Some(Node::Resource(run.world.config.find(&c.addr.module().path())?, c.addr.resource.name.clone())))
                .collect();
            let starts = all.filter(|n| match &run.graph.graph[*n] {
                node @ Node::Resource(..) => changed.contains(node),
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
        let point = Point::Node(g.statics[n]);
        for needs in run.graph.needs(*n).filter(|m| run.active.contains(m)) {
            let needs = Point::Node(g.statics[&needs]);
            g.edge(point, needs);
        }
    }
    for (i, c) in run.plan.changes.iter().enumerate() {
        if deletes(c) {
            let id = g.add(Exec::Destroy(i));
            g.destroys.insert(i, id);
        }
    }
    let users = Users::new(run);
    let mut gates = Gates::default();
    for (i, c) in run.plan.changes.iter().enumerate() {
        if let Some(id) = g.destroys.get(&i).copied() {
            destroy_edges(run, &mut g, &mut gates, &users, Point::Node(id), c);
        }
    }
    // The order of deletions matters most: services refuse to delete what is in use.
    wishes::grant(&mut g, &[gates.gone_wishes, gates.settled_wishes].concat());
    g.open();
    g
}

/// Whether a change has a deletion in it.
fn deletes(c: &Change) -> bool {
    matches!(c.action, Action::Delete | Action::Forget) || c.action.is_replace()
}

/// A resource that others depend on, as far as its module instance matters to them: instances of one module do not
/// depend on each other's resources. Of the calls that lead to it, those are kept that lead to the user as well.
type Used = (ConfigAddr, ModuleAddr);

/// The changes of objects that, by the state, depend on a resource.
struct Users(BTreeMap<Used, Vec<usize>>);

impl Users {
    fn new(run: &Run) -> Self {
        let mut users: BTreeMap<Used, Vec<usize>> = BTreeMap::new();
        let there: BTreeSet<Used> = run.plan.changes.iter().flat_map(|c| known_as(&c.addr)).collect();
        for (i, c) in run.plan.changes.iter().enumerate() {
            if c.before.is_null() {
                continue;
            }
            let object = match &c.deposed {
                None => run.plan.prior_state.get(&c.addr),
                Some(key) => run.plan.prior_state.instance(&c.addr).and_then(|s| s.deposed.get(key)).map(|o| &**o),
            };
            let own = &c.addr.module().0;
            for d in object.map(|o| o.dependencies.iter()).into_iter().flatten() {
                let shared = own.iter().zip(&d.module.0).take_while(|((name, _), used)| name == *used).count();
                let used = (d.clone(), ModuleAddr(own[..shared].into()));
                // An instance that was moved away from what it uses may use any of them.
                let used = if there.contains(&used) { used } else { (d.clone(), ModuleAddr::root()) };
                users.entry(used).or_default().push(i);
            }
        }
        Self(users)
    }

    /// What the users of the object of a change know it by, with them.
    fn of<'a>(&'a self, c: &Change) -> impl Iterator<Item = (&'a Used, &'a [usize])> + 'a {
        known_as(&c.addr).filter_map(|used| self.0.get_key_value(&used)).map(|(used, users)| (used, &**users))
    }
}

/// Everything that users may know an instance by.
fn known_as(addr: &Addr) -> impl Iterator<Item = Used> + use<> {
    let calls = addr.module().0.clone();
    let resource = ConfigAddr { module: addr.module().path(), name: addr.resource.name.clone() };
    (0..=calls.len()).map(move |n| (resource.clone(), ModuleAddr(calls[..n].into())))
}

/// The gates of a graph, and what they would like to wait for.
#[derive(Default)]
struct Gates {
    /// What used a resource is deleted.
    gone: BTreeMap<Used, Point>,
    /// What used a resource and goes on without it is changed.
    settled: BTreeMap<Used, Point>,
    /// The new objects of a block are there, and what refers to it has moved on to them.
    moved_on: BTreeMap<NodeIndex, Point>,
    gone_wishes: Vec<Wish>,
    settled_wishes: Vec<Wish>,
}

impl Gates {
    fn gone(&mut self, g: &mut ExecGraph, used: &Used, users: &[usize]) -> Point {
        *self.gone.entry(used.clone()).or_insert_with(|| {
            let point = g.gate();
            self.gone_wishes.extend(users.iter().filter_map(|u| Some(Wish { point, needs: Point::Node(*g.destroys.get(u)?) })));
            point
        })
    }

    fn settled(&mut self, run: &Run, g: &mut ExecGraph, used: &Used, users: &[usize]) -> Point {
        *self.settled.entry(used.clone()).or_insert_with(|| {
            let point = g.gate();
            let changed = users.iter().map(|u| &run.plan.changes[*u]).filter(|u| u.action == Action::Update);
            let blocks: BTreeSet<usize> = changed.filter_map(|u| g.statics.get(&node_of(run, &u.addr)?).copied()).collect();
            self.settled_wishes.extend(blocks.into_iter().map(|needs| Wish { point, needs: Point::Node(needs) }));
            point
        })
    }

    fn moved_on(&mut self, run: &Run, g: &mut ExecGraph, block: NodeIndex) -> Point {
        *self.moved_on.entry(block).or_insert_with(|| {
            let point = g.gate();
            if let Some(own) = g.statics.get(&block).copied() {
                g.edge(point, Point::Node(own));
            }
            let users = dependents(run, block).into_iter().filter_map(|n| g.statics.get(&n).copied());
            self.settled_wishes.extend(users.map(|needs| Wish { point, needs: Point::Node(needs) }));
            point
        })
    }
}

/// The node of the block of an instance, if this run evaluates it.
pub(crate) fn node_of(run: &Run, addr: &Addr) -> Option<NodeIndex> {
    let ix = run.world.config.find(&addr.module().path())?;
    let node = Node::Resource(ix, addr.resource.name.clone());
    run.graph.index.get(&node).copied().filter(|n| run.active.contains(n))
}

fn destroy_edges(run: &Run, g: &mut ExecGraph, gates: &mut Gates, users: &Users, point: Point, c: &Change) {
    // The provider must be ready.
    let provider = run.world.config.find(&c.provider.module).map(|module| {
        Node::Provider(secstack_eval::ProviderKey { module, provider: c.provider.provider.clone(), alias: c.provider.alias.clone() })
    });
    if let Some(node) = provider.and_then(|n| run.graph.index.get(&n)).and_then(|n| g.statics.get(n)).copied() {
        g.edge(point, Point::Node(node));
    }
    // What depends on this object is deleted first.
    for (used, users) in users.of(c) {
        let gate = gates.gone(g, used, users);
        g.edge(point, gate);
    }
    let own = node_of(run, &c.addr);
    // The block's instances start only when the old object is gone.
    if c.action == Action::DeleteThenCreate {
        if let Some(own) = own.and_then(|n| g.statics.get(&n)).copied() {
            g.edge(Point::Node(own), point);
        }
        return;
    }
    // What only changes lets go of this object first.
    for (used, users) in users.of(c).filter(|_| c.action != Action::Forget) {
        let gate = gates.settled(run, g, used, users);
        g.edge(point, gate);
    }
    if let (Action::CreateThenDelete, Some(own)) = (c.action, own) {
        let gate = gates.moved_on(run, g, own);
        g.edge(point, gate);
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
