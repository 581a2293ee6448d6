//! Which crate may depend on which: the table in section 2 of `docs/DESIGN.md`, compared with what cargo says.

#![allow(clippy::unwrap_used)] // helpers of tests, which fail by panicking

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

type Edges = BTreeMap<String, BTreeSet<String>>;

#[test]
fn dependencies_are_those_of_the_design() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for (krate, needs) in actual() {
        let Some(may) = allowed.get(&krate) else {
            wrong.push(format!("{krate} is not in the table"));
            continue;
        };
        wrong.extend(needs.iter().filter(|n| !may.contains(*n)).map(|n| format!("{krate} may not depend on {n}")));
    }
    assert!(wrong.is_empty(), "docs/DESIGN.md, section 2:\n{}", wrong.join("\n"));
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The dependencies between crates of the workspace, those of tests left out.
fn actual() -> Edges {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["metadata", "--format-version=1", "--no-deps", "--offline"]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |v: &serde_json::Value| v["name"].as_str().unwrap().to_string();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let needs = |p: &serde_json::Value| {
        let all = p["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].as_str() != Some("dev"));
        all.map(name).filter(|n| ours.contains(n)).collect()
    };
    packages.iter().map(|p| (name(p), needs(p))).collect()
}

/// The table. What a crate may depend on, it may also reach through: a provider that may use the SDK may use the words
/// that the SDK speaks.
fn allowed() -> Edges {
    let text = std::fs::read_to_string(root().join("docs/DESIGN.md")).unwrap();
    let rows: Vec<(Vec<String>, String)> = text
        .lines()
        .skip_while(|l| !l.starts_with("## 2."))
        .take_while(|l| !l.starts_with("## 3."))
        .filter_map(|l| {
            let cells: Vec<&str> = l.strip_prefix("| `")?.trim_end_matches(" |").split(" | ").collect();
            let crates = match *cells.get(1)? {
                // One row for all providers of clouds.
                "one each" => cells[0].split(", ").map(|p| crate_of(p.trim_matches('`').trim_start_matches("providers/"))).collect(),
                named => vec![named.trim_matches('`').to_string()],
            };
            Some((crates, (*cells.last()?).to_string()))
        })
        .collect();
    let all: BTreeSet<String> = rows.iter().flat_map(|(c, _)| c.clone()).collect();
    let direct: Edges = rows.iter().flat_map(|(crates, may)| crates.iter().map(|c| (c.clone(), names(may, &all)))).collect();
    direct.keys().map(|k| (k.clone(), closure(k, &direct))).collect()
}

fn crate_of(word: &str) -> String {
    if word.starts_with("secstack") { word.to_string() } else { format!("secstack-{word}") }
}

/// The crates of a cell such as `base, lang, state (its model only)` or `all of `engine` but cli, state, fake`.
fn names(cell: &str, all: &BTreeSet<String>) -> BTreeSet<String> {
    const ENGINE: [&str; 6] = ["base", "lang", "eval", "plan", "run", "check"];
    if cell == "all" {
        return all.clone();
    }
    let (engine, rest) = match cell.strip_prefix("all of `engine` but cli") {
        Some(rest) => (ENGINE.as_slice(), rest),
        None => ([].as_slice(), cell),
    };
    let words = rest.split(", ").map(|w| w.split(" (").next().unwrap_or(w).trim());
    engine.iter().copied().chain(words).map(crate_of).filter(|c| all.contains(c)).collect()
}

fn closure(of: &str, direct: &Edges) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![of.to_string()];
    while let Some(next) = open.pop() {
        open.extend(direct.get(&next).into_iter().flatten().filter(|n| found.insert((*n).clone())).cloned());
    }
    found
}
