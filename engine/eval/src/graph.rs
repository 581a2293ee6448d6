//! The reference graph: which declaration needs which other.
//!
//! A node stands for a declaration of a module, whatever its instances: expansion happens when the
//! node is reached. So the graph has as many nodes as the configuration has blocks, and edges as it
//! has references.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::{DiGraph, NodeIndex};
use secstack_base::addr::ResourceName;
use secstack_base::schema::Schema;
use secstack_base::{Diagnostic, Diags, Mode, ProviderAddr, Span, Str};
use secstack_lang::ast::{Traversal, TraversalStep, references};
use secstack_lang::module::{CheckRule, Provisioner};
use secstack_lang::{Body, Expr};

use crate::block::block_references;
use crate::config::{Config, ModuleIx, ProviderKey};
use crate::reference::{self, Target};

/// The summary of the mistake that a resource block refers to itself.
pub const SELF_REFERENCE: &str = "Self-referential block";

/// What a node of the graph stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// A provider configuration.
    Provider(ProviderKey),
    /// The expansion of a module call: the module it leads to.
    Call(ModuleIx),
    /// An input variable.
    Variable(ModuleIx, Str),
    /// A local value.
    Local(ModuleIx, Str),
    /// A resource, data or ephemeral block.
    Resource(ModuleIx, ResourceName),
    /// An output value.
    Output(ModuleIx, Str),
    /// Everything inside a module is done.
    Close(ModuleIx),
    /// A check block.
    Check(ModuleIx, Str),
}

/// The schemas that the graph needs to find references inside bodies.
pub trait Schemas {
    /// The schema of a resource type or data source of a provider.
    fn resource(&self, provider: &ProviderAddr, mode: Mode, ty: &str) -> Option<std::sync::Arc<Schema>>;
    /// The schema of a provider's configuration.
    fn provider(&self, provider: &ProviderAddr) -> Option<&Schema>;
}

/// The reference graph. An edge points from a declaration to what it needs.
pub struct Graph {
    /// Nodes and edges.
    pub graph: DiGraph<Node, ()>,
    /// Where each node is.
    pub index: BTreeMap<Node, NodeIndex>,
    /// All nodes, what is needed first. Ties are broken by the order of nodes.
    pub order: Vec<NodeIndex>,
}

impl Graph {
    /// Builds the graph, with nodes for `extra` besides what is declared. References to what is not declared, and
    /// cycles, go to `diags`.
    pub fn build(config: &Config, schemas: &dyn Schemas, extra: &[Node], diags: &mut Diags) -> Graph {
        let mut b = Builder { config, schemas, graph: DiGraph::new(), index: BTreeMap::new(), diags };
        b.nodes();
        for node in extra {
            b.node(node.clone());
        }
        b.edges();
        b.cycles();
        let Builder { graph, index, .. } = b;
        let order = order(&graph);
        Graph { graph, index, order }
    }

    /// The nodes that `node` needs directly.
    pub fn needs(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        self.graph.neighbors(node)
    }

    /// The nodes that `starts` need, directly or not, themselves included.
    pub fn closure(&self, starts: impl IntoIterator<Item = NodeIndex>) -> BTreeSet<NodeIndex> {
        let mut seen = BTreeSet::new();
        let mut stack: Vec<_> = starts.into_iter().collect();
        while let Some(n) = stack.pop() {
            if seen.insert(n) {
                stack.extend(self.graph.neighbors(n));
            }
        }
        seen
    }

    /// The resource blocks that each node needs, directly or through values between them.
    pub fn resources_behind(&self, node: NodeIndex) -> BTreeSet<NodeIndex> {
        let mut seen = BTreeSet::new();
        let mut found = BTreeSet::new();
        let mut stack: Vec<_> = self.graph.neighbors(node).collect();
        while let Some(n) = stack.pop() {
            if !seen.insert(n) {
                continue;
            }
            if matches!(self.graph[n], Node::Resource(..)) {
                found.insert(n);
            } else {
                stack.extend(self.graph.neighbors(n));
            }
        }
        found
    }
}

/// Depth-first order with dependencies first; iterative, since chains can be long.
fn order(graph: &DiGraph<Node, ()>) -> Vec<NodeIndex> {
    let mut sorted: Vec<_> = graph.node_indices().collect();
    sorted.sort_by(|a, b| graph[*a].cmp(&graph[*b]));
    let mut state = vec![0u8; graph.node_count()];
    let mut out = Vec::with_capacity(sorted.len());
    for start in sorted {
        let mut stack = vec![(start, false)];
        while let Some((n, done)) = stack.pop() {
            if done {
                out.push(n);
                continue;
            }
            if std::mem::replace(&mut state[n.index()], 1) == 1 {
                continue;
            }
            stack.push((n, true));
            stack.extend(graph.neighbors(n).filter(|m| state[m.index()] == 0).map(|m| (m, false)));
        }
    }
    out
}

struct Builder<'a> {
    config: &'a Config,
    schemas: &'a dyn Schemas,
    graph: DiGraph<Node, ()>,
    index: BTreeMap<Node, NodeIndex>,
    diags: &'a mut Diags,
}

impl Builder<'_> {
    fn node(&mut self, node: Node) -> NodeIndex {
        *self.index.entry(node.clone()).or_insert_with(|| self.graph.add_node(node))
    }

    fn edge(&mut self, from: &Node, to: Node) {
        let (from, to) = (self.node(from.clone()), self.node(to));
        self.graph.update_edge(from, to, ());
    }

    fn nodes(&mut self) {
        for (ix, m) in self.config.iter() {
            let declared = &m.module;
            let all = (declared.variables.keys().map(|n| Node::Variable(ix, n.clone())))
                .chain(declared.locals.keys().map(|n| Node::Local(ix, n.clone())))
                .chain(declared.outputs.keys().map(|n| Node::Output(ix, n.clone())))
                .chain(declared.checks.keys().map(|n| Node::Check(ix, n.clone())))
                .chain(declared.resources.keys().map(|n| Node::Resource(ix, n.clone())));
            for node in all.collect::<Vec<_>>() {
                self.node(node);
            }
        }
    }

    fn edges(&mut self) {
        for (ix, m) in self.config.iter() {
            let d = &m.module;
            self.call_edges(ix);
            for v in d.variables.values() {
                let node = Node::Variable(ix, v.name.clone());
                for rule in &v.validations {
                    self.rule_edges(ix, &node, rule, Some(&node));
                }
            }
            for l in d.locals.values() {
                let node = Node::Local(ix, l.name.clone());
                self.expr_edges(ix, &node, &l.expr, Some(&node));
            }
            for o in d.outputs.values() {
                let node = Node::Output(ix, o.name.clone());
                self.expr_edges(ix, &node, &o.value, None);
                self.depends_on_edges(ix, &node, &o.depends_on);
                for rule in &o.preconditions {
                    self.rule_edges(ix, &node, rule, None);
                }
            }
            for c in d.checks.values() {
                let node = Node::Check(ix, c.name.clone());
                for rule in &c.asserts {
                    self.rule_edges(ix, &node, rule, None);
                }
            }
            for p in d.providers.values() {
                let provider = self.config.provider_addr(ix, &p.name);
                let key = ProviderKey { module: ix, provider: provider.clone(), alias: p.alias.clone() };
                let node = Node::Provider(key);
                if let Some(schema) = self.schemas.provider(&provider) {
                    let found = block_references(&p.body, &schema.block);
                    self.traversal_edges(ix, &node, found, None);
                }
                if let Some(e) = &p.for_each {
                    self.expr_edges(ix, &node, e, None);
                }
            }
            for name in d.resources.keys() {
                self.resource_edges(ix, name);
            }
        }
        self.enclose();
    }

    /// Everything in a module needs the expansion of its call; its `Close` needs everything in it.
    fn enclose(&mut self) {
        let inner: Vec<_> = self.graph.node_indices().map(|n| self.graph[n].clone()).collect();
        for node in inner {
            let ix = match &node {
                Node::Variable(ix, _) | Node::Local(ix, _) | Node::Resource(ix, _) | Node::Output(ix, _) | Node::Check(ix, _) => *ix,
                Node::Provider(key) => key.module,
                Node::Call(_) | Node::Close(_) => continue,
            };
            if ix != crate::config::ROOT {
                self.edge(&node, Node::Call(ix));
                if matches!(node, Node::Resource(..) | Node::Output(..)) {
                    self.edge(&Node::Close(ix), node);
                }
            }
        }
        for (ix, m) in self.config.iter() {
            let Some((parent, _)) = m.parent else { continue };
            self.edge(&Node::Close(ix), Node::Call(ix));
            if parent != crate::config::ROOT {
                self.edge(&Node::Call(ix), Node::Call(parent));
                self.edge(&Node::Close(parent), Node::Close(ix));
            }
        }
    }

    fn call_edges(&mut self, ix: ModuleIx) {
        let config = self.config;
        let Some((parent, call)) = &config.module(ix).parent else { return };
        let call = &config.module(*parent).module.calls[call];
        let node = Node::Call(ix);
        self.node(node.clone());
        for e in call.count.iter().chain(&call.for_each).chain(&call.enabled) {
            self.expr_edges(*parent, &node, e, None);
        }
        self.depends_on_edges(*parent, &node, &call.depends_on);
        let (view, _) = call.body.view(&[]);
        for a in view.attributes.iter() {
            if config.module(ix).module.variables.contains_key(&a.name) {
                self.expr_edges(*parent, &Node::Variable(ix, a.name.clone()), &a.expr, None);
            }
        }
    }

    fn resource_edges(&mut self, ix: ModuleIx, name: &ResourceName) {
        let config = self.config;
        let r = &config.module(ix).module.resources[name];
        let node = Node::Resource(ix, name.clone());
        let key = resource_provider(config, ix, name);
        self.edge(&node, Node::Provider(key.clone()));
        let own = Some(&node);
        for e in r.count.iter().chain(&r.for_each).chain(&r.enabled) {
            self.expr_edges(ix, &node, e, own);
        }
        if let Some(schema) = self.schemas.resource(&key.provider, name.mode, &name.ty) {
            self.traversal_edges(ix, &node, block_references(&r.body, &schema.block), own);
        }
        self.depends_on_edges(ix, &node, &r.depends_on);
        let l = &r.lifecycle;
        for e in l.prevent_destroy.iter().chain(&l.destroy).chain(&l.replace_triggered_by) {
            self.expr_edges(ix, &node, e, None);
        }
        for e in r.provider.iter().filter_map(|p| p.key.as_ref()) {
            self.expr_edges(ix, &node, e, None);
        }
        for rule in l.preconditions.iter().chain(&l.postconditions) {
            self.rule_edges(ix, &node, rule, own);
        }
        for p in &r.provisioners {
            self.provisioner_edges(ix, &node, p);
        }
        if let Some(body) = &r.connection {
            self.body_edges(ix, &node, body);
        }
        if let Some(check) = &r.in_check {
            self.edge(&Node::Check(ix, check.clone()), node);
        }
    }

    fn provisioner_edges(&mut self, ix: ModuleIx, node: &Node, p: &Provisioner) {
        for body in [&p.body].into_iter().chain(&p.connection) {
            self.body_edges(ix, node, body);
        }
    }

    fn body_edges(&mut self, ix: ModuleIx, node: &Node, body: &Body) {
        let (view, _) = body.view(&[]);
        for a in view.attributes.iter() {
            self.expr_edges(ix, node, &a.expr, Some(node));
        }
    }

    fn rule_edges(&mut self, ix: ModuleIx, node: &Node, rule: &CheckRule, own: Option<&Node>) {
        self.expr_edges(ix, node, &rule.condition, own);
        self.expr_edges(ix, node, &rule.error_message, own);
    }

    fn expr_edges(&mut self, ix: ModuleIx, node: &Node, expr: &Expr, own: Option<&Node>) {
        let mut found = Vec::new();
        references(expr, &mut |t| found.push(t));
        self.traversal_edges(ix, node, found, own);
    }

    /// Adds an edge for each reference. A reference of `own` to itself is allowed only where `own` is given and
    /// the node is a variable (its validation) — for resources and local values it is an error said here.
    fn traversal_edges(&mut self, ix: ModuleIx, node: &Node, found: Vec<Traversal>, own: Option<&Node>) {
        for t in found {
            match reference::resolve(self.config, ix, &t) {
                Ok(targets) => {
                    self.check_attribute(ix, &t);
                    for target in targets {
                        self.target_edge(node, target, own, t.span);
                    }
                }
                Err(d) => self.diags.push(*d),
            }
        }
    }

    /// An attribute of a resource must be in its schema, wherever the reference stands.
    fn check_attribute(&mut self, ix: ModuleIx, t: &Traversal) {
        let Ok((Node::Resource(_, name), used)) = reference::resource(self.config, ix, t) else { return };
        if matches!(&*t.root, "var" | "local" | "module" | "path" | "terraform" | "tofu" | "count" | "each" | "self") {
            return;
        }
        let provider = resource_provider(self.config, ix, &name).provider;
        let Some(schema) = self.schemas.resource(&provider, name.mode, &name.ty) else { return };
        let Some(TraversalStep::Attr(attr, span)) = t.steps[used..].iter().find(|s| matches!(s, TraversalStep::Attr(..))) else { return };
        let block = &schema.block;
        if let Some(known) = block.attribute(attr) {
            if known.deprecated.is_some() {
                let what = format!("The attribute {attr:?} is deprecated. Refer to the provider documentation for details.");
                self.diags.push(Diagnostic::warning("Deprecated attribute", what).at(*span));
            }
            return;
        }
        if block.nested(attr).is_some() {
            return;
        }
        // An index on a map of instances may be an attribute step: `aws_vpc.a.key`.
        let r = &self.config.module(ix).module.resources[&name];
        if r.for_each.is_some() && matches!(t.steps.get(used), Some(TraversalStep::Attr(..))) {
            return;
        }
        let known = block.attributes.iter().map(|a| &*a.name).chain(block.blocks.iter().map(|b| &*b.name));
        let near = secstack_base::diag::suggest(attr, known).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
        let what = format!("This object has no argument, nested block, or exported attribute named {attr:?}.{near}");
        self.diags.push(Diagnostic::error("Unsupported attribute", what).at(*span));
    }

    fn target_edge(&mut self, node: &Node, target: Target, own: Option<&Node>, span: Span) {
        let Target::Node(to) = target else { return };
        if let Node::Resource(ix, name) = &to
            && let Some(check) = &self.config.module(*ix).module.resources[name].in_check
            && *node != Node::Check(*ix, check.clone())
        {
            let what = format!("The referenced data resource {:?} {:?} is not available from this context.", &*name.ty, &*name.name);
            self.diags.push(Diagnostic::error("Reference to scoped resource", what).at(span));
        }
        if own == Some(&to) {
            if let Node::Resource(_, name) = &to {
                let what = format!("Configuration for {name} may not refer to itself.");
                self.diags.push(Diagnostic::error(SELF_REFERENCE, what).at(span));
            }
            if let Node::Local(_, name) = &to {
                let what = format!("Local value local.{name} cannot use its own result as part of its expression.");
                self.diags.push(Diagnostic::error("Self-referencing local value", what).at(span));
            }
            return;
        }
        self.edge(node, to);
    }

    fn depends_on_edges(&mut self, ix: ModuleIx, node: &Node, found: &[Traversal]) {
        for t in found {
            match reference::resolve_whole(self.config, ix, t) {
                Ok(to) if to == *node => {}
                Ok(to) => self.edge(node, to),
                Err(d) => self.diags.push(*d),
            }
        }
    }

    /// Says every cycle once, whole, with the addresses on it.
    fn cycles(&mut self) {
        for scc in petgraph::algo::tarjan_scc(&self.graph) {
            let looped = scc.len() > 1 || self.graph.contains_edge(scc[0], scc[0]);
            if !looped {
                continue;
            }
            let path = shortest_cycle(&self.graph, &scc);
            let names: Vec<String> = path.iter().map(|n| describe(self.config, &self.graph[*n])).collect();
            let mut found = Diagnostic::error(format!("Cycle: {}", names.join(", ")), "");
            // No place is more at fault than another.
            for n in path {
                if let Some(span) = span_of(self.config, &self.graph[n]) {
                    found = found.label(span, "on the cycle");
                }
            }
            self.diags.push(found);
        }
    }
}

/// A shortest cycle inside a strongly connected component, by breadth-first search from its first node.
fn shortest_cycle(graph: &DiGraph<Node, ()>, scc: &[NodeIndex]) -> Vec<NodeIndex> {
    let inside: BTreeSet<_> = scc.iter().copied().collect();
    let start = scc.iter().copied().min_by(|a, b| graph[*a].cmp(&graph[*b])).unwrap_or(scc[0]);
    let mut from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(n) = queue.pop_front() {
        for m in graph.neighbors(n).filter(|m| inside.contains(m)) {
            if m == start {
                let mut path = vec![n];
                while let Some(p) = from.get(path.last().unwrap_or(&start)) {
                    path.push(*p);
                }
                path.reverse();
                return path;
            }
            if let std::collections::btree_map::Entry::Vacant(place) = from.entry(m) {
                place.insert(n);
                queue.push_back(m);
            }
        }
    }
    scc.to_vec()
}

/// The provider configuration that a resource block uses.
pub fn resource_provider(config: &Config, ix: ModuleIx, name: &ResourceName) -> ProviderKey {
    let r = &config.module(ix).module.resources[name];
    match &r.provider {
        Some(p) => config.provider_key(ix, &p.name, p.alias.as_ref()),
        None => config.provider_key(ix, Config::implied_provider(&name.ty), None),
    }
}

/// The address of a node, as messages show it.
pub fn describe(config: &Config, node: &Node) -> String {
    let at = |ix: &ModuleIx, what: String| {
        let path = &config.module(*ix).path;
        if path.0.is_empty() { what } else { format!("{path}.{what}") }
    };
    match node {
        Node::Provider(key) => {
            let alias = key.alias.as_ref().map(|a| format!(".{a}")).unwrap_or_default();
            at(&key.module, format!("provider[\"{}\"]{alias}", key.provider))
        }
        Node::Call(ix) => format!("{} (expand)", config.module(*ix).path),
        Node::Close(ix) => format!("{} (close)", config.module(*ix).path),
        Node::Variable(ix, n) if *ix == crate::config::ROOT => at(ix, format!("var.{n} (validation)")),
        Node::Variable(ix, n) => at(ix, format!("var.{n} (expand)")),
        Node::Local(ix, n) => at(ix, format!("local.{n} (expand)")),
        Node::Output(ix, n) => at(ix, format!("output.{n} (expand)")),
        Node::Check(ix, n) => at(ix, format!("check.{n}")),
        Node::Resource(ix, n) => at(ix, n.to_string()),
    }
}

/// Where a node is declared.
pub fn span_of(config: &Config, node: &Node) -> Option<Span> {
    let module = |ix: &ModuleIx| &config.module(*ix).module;
    match node {
        Node::Provider(key) => {
            let name = config.local_name(key.module, &key.provider);
            module(&key.module).providers.get(&(name, key.alias.clone())).map(|p| p.span)
        }
        Node::Call(ix) | Node::Close(ix) => {
            let (parent, call) = config.module(*ix).parent.as_ref()?;
            module(parent).calls.get(call).map(|c| c.span)
        }
        Node::Variable(ix, n) => module(ix).variables.get(n).map(|v| v.span),
        Node::Local(ix, n) => module(ix).locals.get(n).map(|v| v.span),
        Node::Output(ix, n) => module(ix).outputs.get(n).map(|v| v.span),
        Node::Check(ix, n) => module(ix).checks.get(n).map(|v| v.span),
        Node::Resource(ix, n) => module(ix).resources.get(n).map(|v| v.span),
    }
}
