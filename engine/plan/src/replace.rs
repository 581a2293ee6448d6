//! Finds the resources whose replacement is created before the old object is deleted.
//!
//! Asking for that order on one resource asks for it on everything it depends on: if `b` is
//! recreated first while its dependency `a` is deleted first, the new `b` would be built on an object
//! that is already gone.

use std::collections::BTreeSet;

use petgraph::graph::NodeIndex;
use secstack_base::Mode;
use secstack_eval::{Config, Graph, Node};

/// The nodes of all managed resources that are created first.
pub fn created_first(graph: &Graph, config: &Config) -> BTreeSet<NodeIndex> {
    let asks = |node: &NodeIndex| match &graph.graph[*node] {
        Node::Resource(ix, name) if name.mode == Mode::Managed => {
            config.module(*ix).module.resources[name].lifecycle.create_before_destroy == Some(true)
        }
        _ => false,
    };
    let asking: Vec<_> = graph.graph.node_indices().filter(asks).collect();
    if asking.is_empty() {
        return BTreeSet::new();
    }
    let managed = |node: &NodeIndex| matches!(&graph.graph[*node], Node::Resource(_, name) if name.mode == Mode::Managed);
    graph.closure(asking).into_iter().filter(managed).collect()
}
