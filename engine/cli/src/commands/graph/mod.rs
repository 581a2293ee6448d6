//! `graph`

mod draw;

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};
use petgraph::graph::NodeIndex;
use secstack_base::Diags;
use secstack_eval::{Graph, Node};
use secstack_plan::Plan;

use crate::app::{App, Outcome};
use crate::flags::{StatePaths, Variables};
use crate::project::Project;
use crate::view::View;

/// Generate a graph of the resources and their dependencies
///
/// An arrow leads from a resource to one that it needs.
#[derive(Args)]
pub struct GraphCommand {
    /// The form: dot for Graphviz, mermaid for Markdown pages, svg for a picture.
    #[arg(long = "type", value_name = "FORM", default_value = "dot")]
    form: Form,
    /// Accepted.
    #[arg(long = "draw-cycles", hide = true)]
    draw_cycles: bool,
    /// Show only what this saved plan changes, and what that needs.
    #[arg(long, value_name = "PATH")]
    plan: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    #[value(aliases = ["plan", "plan-refresh-only", "plan-destroy", "apply"])]
    Dot,
    Mermaid,
    Svg,
}

impl GraphCommand {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let project = Project::open(app, &view, &Variables::default(), &StatePaths::default())?;
        let mut diags = Diags::new();
        let graph = Graph::build(&project.config, &*project.providers, &[], &mut diags);
        view.check(&diags)?;
        let mut resources = Resources::of(&graph, &project);
        if let Some(path) = &self.plan {
            let saved = crate::json::read_plan(path, &project.place.ciphers.plan).map_err(|d| view.error(*d))?;
            resources.keep(&saved.plan);
        }
        app.out.text(&match self.form {
            Form::Dot => draw::dot(&resources),
            Form::Mermaid => draw::mermaid(&resources),
            Form::Svg => draw::svg(&resources),
        });
        Ok(0)
    }
}

/// A resource: the module it is in, and its name there.
type Name = (Vec<String>, String);

/// The resources of a configuration and what they need directly.
struct Resources {
    needs: BTreeMap<Name, BTreeSet<Name>>,
}

impl Resources {
    fn of(graph: &Graph, project: &Project) -> Self {
        let name = |n: NodeIndex| match &graph.graph[n] {
            Node::Resource(ix, name) => {
                let path = project.config.module(*ix).path.0.iter().map(|p| p.to_string()).collect();
                Some((path, name.to_string()))
            }
            _ => None,
        };
        let mut needs: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for n in graph.graph.node_indices() {
            let Some(from) = name(n) else { continue };
            let (mut open, mut seen) = (vec![n], BTreeSet::from([n]));
            let mut found = BTreeSet::new();
            while let Some(at) = open.pop() {
                for next in graph.needs(at).filter(|m| seen.insert(*m)).collect::<Vec<_>>() {
                    match name(next) {
                        Some(resource) => drop(found.insert(resource)),
                        None => open.push(next),
                    }
                }
            }
            needs.insert(from, found);
        }
        let mut all = Self { needs };
        all.reduce();
        all
    }

    /// Leaves out arrows where others lead the same way.
    fn reduce(&mut self) {
        let full = self.needs.clone();
        let reach = |from: &Name| {
            let (mut open, mut seen) = (vec![from.clone()], BTreeSet::new());
            while let Some(at) = open.pop() {
                open.extend(full.get(&at).into_iter().flatten().filter(|n| seen.insert((*n).clone())).cloned());
            }
            seen
        };
        for needs in self.needs.values_mut() {
            let further: BTreeSet<Name> = needs.iter().flat_map(reach).collect();
            needs.retain(|n| !further.contains(n));
        }
    }

    /// Keeps what a plan changes, and what that needs.
    fn keep(&mut self, plan: &Plan) {
        let changed = plan.changes.iter().filter(|c| c.action != secstack_plan::Action::NoOp);
        let name = |c: &secstack_plan::Change| {
            let path = c.addr.module().path().0.iter().map(|p| p.to_string()).collect();
            (path, c.addr.resource.name.to_string())
        };
        let mut open: Vec<Name> = changed.map(name).collect();
        let mut kept = BTreeSet::new();
        while let Some(at) = open.pop() {
            if kept.insert(at.clone()) {
                open.extend(self.needs.get(&at).into_iter().flatten().cloned());
            }
        }
        self.needs.retain(|n, _| kept.contains(n));
    }

    /// The resources by module, the root first.
    fn modules(&self) -> BTreeMap<&Vec<String>, Vec<&Name>> {
        let mut modules: BTreeMap<&Vec<String>, Vec<&Name>> = BTreeMap::new();
        for name in self.needs.keys() {
            modules.entry(&name.0).or_default().push(name);
        }
        modules
    }
}

/// The address of a module.
fn module(path: &[String]) -> String {
    path.iter().map(|p| format!("module.{p}")).collect::<Vec<_>>().join(".")
}

/// The address of a resource.
fn address(name: &Name) -> String {
    if name.0.is_empty() { name.1.clone() } else { format!("{}.{}", module(&name.0), name.1) }
}
