//! Edges that an apply would like to have, and leaves out where they would close a circle.
//!
//! Deletions go by what the state recorded, creations by what the configuration says. The two may ask for opposite
//! orders. Looking for a circle with every edge would cost the whole graph each time, so all of them are looked at
//! together: only an edge whose two ends lie on a common circle has to be judged alone, and only against the nodes of
//! that circle.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{ExecGraph, Point};

/// An edge from a point to what it would better wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub point: Point,
    pub needs: Point,
}

/// Adds the edges that close no circle. Of those that do together, the first ones win.
pub(super) fn grant(g: &mut ExecGraph, wishes: &[Wish]) {
    let knots = Knots::new(g, wishes);
    let tied = |w: &Wish| knots.of(w.point) == knots.of(w.needs);
    for w in wishes.iter().filter(|w| !tied(w)) {
        g.edge(w.point, w.needs);
    }
    for w in wishes.iter().filter(|w| tied(w)) {
        if !reaches(g, &knots, w.needs, w.point) {
            g.edge(w.point, w.needs);
        }
    }
}

/// For each point the number of its knot: the points that would need each other, were all wishes granted.
struct Knots {
    nodes: usize,
    knots: Vec<usize>,
}

impl Knots {
    fn new(g: &ExecGraph, wishes: &[Wish]) -> Self {
        let mut found = Self { nodes: g.nodes.len(), knots: vec![0; g.points().count()] };
        let mut graph = DiGraph::<(), (), usize>::with_capacity(found.knots.len(), wishes.len());
        for _ in &found.knots {
            graph.add_node(());
        }
        let given = g.points().flat_map(|needs| g.dependents(needs).iter().map(move |point| (needs, *point)));
        for (needs, point) in given.chain(wishes.iter().map(|w| (w.needs, w.point))) {
            graph.add_edge(NodeIndex::new(found.at(needs)), NodeIndex::new(found.at(point)), ());
        }
        for (number, knot) in kosaraju_scc(&graph).into_iter().enumerate() {
            for point in knot {
                found.knots[point.index()] = number;
            }
        }
        found
    }

    fn at(&self, point: Point) -> usize {
        match point {
            Point::Node(n) => n,
            Point::Gate(n) => self.nodes + n,
        }
    }

    fn of(&self, point: Point) -> usize {
        self.knots[self.at(point)]
    }
}

/// Whether `from` needs `to`, directly or not, where both are in one knot: no way between them leaves it.
fn reaches(g: &ExecGraph, knots: &Knots, from: Point, to: Point) -> bool {
    let mut seen = std::collections::BTreeSet::from([to]);
    let mut stack = vec![to];
    while let Some(p) = stack.pop() {
        if p == from {
            return true;
        }
        stack.extend(g.dependents(p).iter().copied().filter(|d| knots.of(*d) == knots.of(to) && seen.insert(*d)));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_without_a_circle_are_granted() {
        check("ab bc", "cd ad", "cd ad");
    }

    #[test]
    fn the_first_of_two_that_contradict_wins() {
        check("", "ab ba cd", "ab cd");
        check("ab", "bc ca dd", "bc");
    }

    #[test]
    fn what_is_given_is_never_given_up() {
        check("ab bc cd", "da db ac", "ac");
    }

    #[test]
    fn gates_pass_on_what_failed() {
        let mut g = ExecGraph::default();
        let nodes = [0, 1].map(|n| g.add(super::super::Exec::Destroy(n)));
        let gate = g.gate();
        g.edge(gate, Point::Node(nodes[0]));
        g.edge(Point::Node(nodes[1]), gate);
        g.open();
        assert_eq!(g.ready.pop_first(), Some(nodes[0]));
        g.complete(nodes[0], true);
        assert!(g.ready.contains(&nodes[1]) && g.is_blocked(nodes[1]));
    }

    /// `ab`: a waits for b. Checks which wishes are granted.
    #[track_caller]
    fn check(given: &str, wishes: &str, want: &str) {
        let mut g = ExecGraph::default();
        let points = [g.gate(), g.gate(), g.gate(), g.gate()];
        let edges = |text: &str| -> Vec<Wish> {
            let point = |b: u8| points[usize::from(b - b'a')];
            text.split_whitespace().map(|e| Wish { point: point(e.as_bytes()[0]), needs: point(e.as_bytes()[1]) }).collect()
        };
        for e in edges(given) {
            g.edge(e.point, e.needs);
        }
        let before = points.map(|p| g.dependents(p).len());
        grant(&mut g, &edges(wishes));
        let mut got = Vec::new();
        for (needs, known) in points.into_iter().zip(before) {
            got.extend(g.dependents(needs).iter().skip(known).map(|point| (*point, needs)));
        }
        let mut want: Vec<_> = edges(want).iter().map(|w| (w.point, w.needs)).collect();
        got.sort();
        want.sort();
        assert_eq!(got, want);
    }
}
