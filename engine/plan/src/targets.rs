//! `-target` and `-exclude`: which part of the graph a run is about.

use std::collections::BTreeSet;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use secstack_base::addr::{ResourceAddr, Target};
use secstack_base::{Addr, Diagnostic, ModuleAddr};
use secstack_eval::Node;
use secstack_eval::config::ROOT;

use crate::plan::PlanMode;
use crate::planner::Planner;

/// The nodes that this run processes.
pub(crate) fn active(p: &Planner) -> BTreeSet<NodeIndex> {
    let all: BTreeSet<NodeIndex> = p.graph.graph.node_indices().collect();
    if p.options.mode == PlanMode::Destroy && p.previous.is_empty() && !p.options.validating {
        // Nothing is there to be destroyed: only what is given is looked at.
        return all.into_iter().filter(|n| matches!(&p.graph.graph[*n], Node::Variable(ix, _) if *ix == ROOT)).collect();
    }
    if p.options.targets.is_empty() && p.options.excludes.is_empty() {
        return all;
    }
    let mut active = all.clone();
    if !p.options.targets.is_empty() {
        let hit: Vec<NodeIndex> = all.iter().copied().filter(|n| may_hit(p, *n, &p.options.targets)).collect();
        let mut starts = hit.clone();
        if p.options.mode == PlanMode::Destroy {
            starts.extend(dependents(p, &hit));
        }
        active = p.graph.closure(starts);
        // Outputs of the root module that come from nothing but resources of the targets are kept, with what they need.
        let is_resource = |n: &NodeIndex| matches!(p.graph.graph[*n], Node::Resource(..));
        for output in all.iter().filter(|n| matches!(&p.graph.graph[**n], Node::Output(ix, _) if *ix == ROOT)) {
            let needs = p.graph.closure([*output]);
            if needs.iter().any(is_resource) && needs.iter().filter(|n| is_resource(n)).all(|n| active.contains(n)) {
                active.extend(needs);
            }
        }
        active.extend(
            all.iter().copied().filter(|n| matches!(&p.graph.graph[*n], Node::Variable(ix, _) if *ix == secstack_eval::config::ROOT)),
        );
    }
    if !p.options.excludes.is_empty() {
        let hit: Vec<NodeIndex> = all.iter().copied().filter(|n| wholly_hit(p, *n, &p.options.excludes)).collect();
        for n in hit.iter().copied().chain(dependents(p, &hit)) {
            if !matches!(p.graph.graph[n], Node::Provider(_) | Node::Call(_)) {
                active.remove(&n);
            }
        }
    }
    active
}

/// Says which moved objects a run with targets leaves out: without them what is planned of the others is wrong.
pub(crate) fn check_moves(p: &mut Planner) {
    if p.options.targets.is_empty() {
        return;
    }
    let ends = p.moved_from.iter().flat_map(|(to, from)| [from, to]);
    let left_out: BTreeSet<&Addr> = ends.filter(|a| !p.options.targets.iter().any(|t| t.contains(a))).collect();
    if left_out.is_empty() {
        return;
    }
    let lines: Vec<String> = left_out.iter().map(|a| format!("  -target={:?}", a.to_string())).collect();
    let what = format!(
        "Resource instances in your current state have moved to new addresses in the latest configuration. Terraform must include those resource instances while planning in order to ensure a correct result, but your -target=... options do not fully cover all of those resource instances.\n\nTo create a valid plan, either remove your -target=... options altogether or add the following additional target options:\n{}\n\nNote that adding these options may include further additional resource instances in your plan, in order to respect object dependencies.",
        lines.join("\n")
    );
    p.diags.push(Diagnostic::error("Moved resource instances excluded by targeting", what));
    p.warn_of_targets();
}

fn dependents(p: &Planner, starts: &[NodeIndex]) -> BTreeSet<NodeIndex> {
    let mut seen = BTreeSet::new();
    let mut stack = starts.to_vec();
    while let Some(n) = stack.pop() {
        for m in p.graph.graph.neighbors_directed(n, Direction::Incoming) {
            if seen.insert(m) {
                stack.push(m);
            }
        }
    }
    seen
}

fn resource_of(p: &Planner, node: NodeIndex) -> Option<ResourceAddr> {
    let Node::Resource(ix, name) = &p.graph.graph[node] else { return None };
    let path = &p.world.config.module(*ix).path;
    let module = ModuleAddr(path.0.iter().map(|n| (n.clone(), secstack_base::InstanceKey::None)).collect());
    Some(ResourceAddr { module, name: name.clone() })
}

/// Whether any instance of a node's resource may be meant: keys are not looked at.
fn may_hit(p: &Planner, node: NodeIndex, targets: &[Target]) -> bool {
    let Some(r) = resource_of(p, node) else { return false };
    targets.iter().any(|t| match t {
        Target::Module(m) => r.module.path().0.starts_with(&m.path().0),
        Target::Resource(t) => t.module.path() == r.module.path() && t.name == r.name,
        Target::Instance(t) => t.resource.module.path() == r.module.path() && t.resource.name == r.name,
    })
}

/// Whether every instance of a node's resource is meant.
fn wholly_hit(p: &Planner, node: NodeIndex, targets: &[Target]) -> bool {
    let Some(r) = resource_of(p, node) else { return false };
    let plain = |m: &ModuleAddr| m.0.iter().all(|(_, k)| *k == secstack_base::InstanceKey::None);
    targets.iter().any(|t| match t {
        Target::Module(m) => plain(m) && r.module.path().0.starts_with(&m.path().0),
        Target::Resource(t) => plain(&t.module) && t.module.path() == r.module.path() && t.name == r.name,
        Target::Instance(_) => false,
    })
}

impl Planner {
    /// Whether this run is about an instance.
    pub(crate) fn is_targeted(&self, addr: &Addr) -> bool {
        let o = &self.options;
        if o.targets.is_empty() && o.excludes.is_empty() {
            return true;
        }
        if o.excludes.iter().any(|t| t.contains(addr)) {
            return false;
        }
        let node = self.resource_node(addr);
        if o.mode == PlanMode::Destroy && !o.targets.is_empty() {
            return o.targets.iter().any(|t| t.contains(addr)) || self.depends_on_target(addr);
        }
        if let Some(node) = node {
            if !self.active.contains(&node) {
                return false;
            }
            // A block of which a target names instances is planned for those only, even if something needs all of it; one
            // that is there only because something needs it is planned whole.
            let named: Vec<&Target> = o.targets.iter().filter(|t| may_hit(self, node, std::slice::from_ref(t))).collect();
            return named.is_empty() || named.iter().any(|t| t.contains(addr));
        }
        o.targets.is_empty() || o.targets.iter().any(|t| t.contains(addr))
    }

    /// Says which objects are read again. A destroy reads its targets and what they need, but not what needs them.
    pub(crate) fn is_read(&self) -> impl Fn(&Addr) -> bool {
        let o = &self.options;
        let by_target = o.mode == PlanMode::Destroy && !o.targets.is_empty();
        let hit: BTreeSet<_> = self.graph.graph.node_indices().filter(|n| by_target && may_hit(self, *n, &o.targets)).collect();
        // Of a block that is named itself only what is named counts.
        let needed = &self.graph.closure(hit.iter().copied()) - &hit;
        move |addr| match by_target {
            false => self.is_targeted(addr),
            true => {
                let wanted = o.targets.iter().any(|t| t.contains(addr)) || self.resource_node(addr).is_some_and(|n| needed.contains(&n));
                wanted && !o.excludes.iter().any(|t| t.contains(addr))
            }
        }
    }

    /// In a destroy, whether the stored dependencies of an instance hold a target.
    fn depends_on_target(&self, addr: &Addr) -> bool {
        let Some(object) = self.prior_state.get(addr) else { return false };
        object.dependencies.iter().any(|d| {
            self.options.targets.iter().any(|t| match t {
                Target::Module(m) => d.module.0.starts_with(&m.path().0),
                Target::Resource(r) => r.module.path() == d.module && r.name == d.name,
                Target::Instance(a) => a.resource.module.path() == d.module && a.resource.name == d.name,
            })
        })
    }
}
