//! A graph as text for Graphviz and Mermaid, and as a picture.

use std::collections::BTreeMap;

use super::{Name, Resources, address, module};

/// For Graphviz, as Terraform draws it.
pub fn dot(r: &Resources) -> String {
    let mut out = String::from("digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n");
    for (path, names) in r.modules() {
        let pad = if path.is_empty() { "  " } else { "    " };
        if !path.is_empty() {
            let name = module(path);
            out.push_str(&format!("  subgraph \"cluster_{name}\" {{\n    label = \"{name}\"\n    fontname = \"sans-serif\"\n"));
        }
        for n in names {
            out.push_str(&format!("{pad}{:?} [label={:?}];\n", address(n), n.1));
        }
        if !path.is_empty() {
            out.push_str("  }\n");
        }
    }
    for (from, to) in edges(r) {
        out.push_str(&format!("  {:?} -> {:?};\n", address(from), address(to)));
    }
    out.push_str("}\n");
    out
}

fn edges(r: &Resources) -> Vec<(&Name, &Name)> {
    r.needs.iter().flat_map(|(from, to)| to.iter().filter(|t| r.needs.contains_key(*t)).map(move |t| (from, t))).collect()
}

/// For Markdown pages.
pub fn mermaid(r: &Resources) -> String {
    let ids: BTreeMap<&Name, usize> = r.needs.keys().enumerate().map(|(i, n)| (n, i)).collect();
    let mut out = String::from("flowchart RL\n");
    for (path, names) in r.modules() {
        let pad = if path.is_empty() { "  " } else { "    " };
        if !path.is_empty() {
            out.push_str(&format!("  subgraph {0}[\"{0}\"]\n", module(path)));
        }
        for n in names {
            out.push_str(&format!("{pad}r{}[\"{}\"]\n", ids[n], n.1));
        }
        if !path.is_empty() {
            out.push_str("  end\n");
        }
    }
    for (from, to) in edges(r) {
        out.push_str(&format!("  r{} --> r{}\n", ids[from], ids[to]));
    }
    out
}

/// The size of a box and the room around it.
const HEIGHT: usize = 28;
const ROW: usize = 44;
const LETTER: usize = 8;
const GAP: usize = 70;

/// As a picture: columns of resources, each right of all that it needs.
pub fn svg(r: &Resources) -> String {
    let columns = columns(r);
    let (mut x, mut boxes) = (20, BTreeMap::new());
    for column in &columns {
        let wide = column.iter().map(|n| address(n).chars().count()).max().unwrap_or(0) * LETTER + 20;
        for (row, n) in column.iter().enumerate() {
            boxes.insert(*n, (x, 20 + row * ROW, wide));
        }
        x += wide + GAP;
    }
    let height = 20 + columns.iter().map(Vec::len).max().unwrap_or(0) * ROW;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{x}\" height=\"{height}\" font-family=\"monospace\" font-size=\"13\">\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#666\"/></marker></defs>\n"
    );
    for (from, to) in edges(r) {
        let ((fx, fy, _), (tx, ty, tw)) = (boxes[from], boxes[to]);
        let (x1, y1, x2, y2) = (fx, fy + HEIGHT / 2, tx + tw, ty + HEIGHT / 2);
        let middle = (x1 + x2) / 2;
        out.push_str(&format!(
            "<path d=\"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#666\" marker-end=\"url(#arrow)\"/>\n"
        ));
    }
    for (name, (x, y, wide)) in &boxes {
        let text = address(name).replace('&', "&amp;").replace('<', "&lt;");
        let fill = if name.1.starts_with("data.") { "#eef6ff" } else { "#fff" };
        out.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"#333\"/><text x=\"{}\" y=\"{}\">{text}</text>\n",
            x + 10,
            y + 18
        ));
    }
    out.push_str("</svg>\n");
    out
}

/// Resources by the length of the longest way to one that needs nothing.
fn columns(r: &Resources) -> Vec<Vec<&Name>> {
    fn depth<'a>(n: &'a Name, r: &'a Resources, known: &mut BTreeMap<&'a Name, usize>) -> usize {
        if let Some(d) = known.get(n) {
            return *d;
        }
        // What is on the way already counts as nothing: there are no circles in a graph that was built.
        known.insert(n, 0);
        let needs: Vec<&Name> = r.needs.get(n).into_iter().flatten().filter(|m| r.needs.contains_key(*m)).collect();
        let d = needs.into_iter().map(|m| depth(m, r, known) + 1).max().unwrap_or(0);
        known.insert(n, d);
        d
    }
    let mut known = BTreeMap::new();
    let mut columns: Vec<Vec<&Name>> = Vec::new();
    for n in r.needs.keys() {
        let d = depth(n, r, &mut known);
        columns.resize(columns.len().max(d + 1), Vec::new());
        columns[d].push(n);
    }
    columns
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn two() -> Resources {
        let (a, b): (Name, Name) = ((vec![], "t.a".into()), (vec!["m".into()], "t.b".into()));
        Resources { needs: [(a.clone(), BTreeSet::new()), (b, BTreeSet::from([a]))].into() }
    }

    #[test]
    fn modules_are_clusters() {
        let want = "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n  \"t.a\" [label=\"t.a\"];\n  subgraph \"cluster_module.m\" {\n    label = \"module.m\"\n    fontname = \"sans-serif\"\n    \"module.m.t.b\" [label=\"t.b\"];\n  }\n  \"module.m.t.b\" -> \"t.a\";\n}\n";
        assert_eq!(dot(&two()), want);
    }

    #[test]
    fn other_forms() {
        assert_eq!(
            mermaid(&two()),
            "flowchart RL\n  r0[\"t.a\"]\n  subgraph module.m[\"module.m\"]\n    r1[\"t.b\"]\n  end\n  r1 --> r0\n"
        );
        assert!(svg(&two()).contains("module.m.t.b</text>"));
    }
}
