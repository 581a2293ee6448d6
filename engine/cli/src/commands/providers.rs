//! `providers`

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use secstack_base::{Diagnostic, ProviderAddr};
use secstack_eval::config::{Config, ModuleIx, ROOT};
use secstack_run::load::editions;

use crate::app::{App, Outcome};
use crate::flags::{StatePaths, Variables};
use crate::session::Session;
use crate::view::View;
use crate::{json, project, vars};

/// Show the providers required for this configuration
///
/// Shows which modules need which providers, which objects of the state need others, and which there are.
#[derive(Args)]
pub struct Providers {
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Subcommand)]
enum Sub {
    /// Show schemas for the providers used in the configuration
    Schema {
        /// Print a JSON object, which is the only form there is.
        #[arg(long)]
        json: bool,
    },
    /// Not needed: providers are built in
    Lock {
        /// Accepted.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<String>,
    },
    /// Not supported: providers are built in
    Mirror {
        /// Accepted.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<String>,
    },
}

impl Providers {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        match &self.command {
            Some(Sub::Lock { rest }) => {
                app.out.line(if rest.is_empty() {
                    "Providers are built in: there is nothing to lock."
                } else {
                    "Providers are built in: there is nothing to lock, and the arguments mean nothing."
                });
                return Ok(0);
            }
            Some(Sub::Mirror { .. }) => {
                return Err(view
                    .error(Diagnostic::error("No providers to mirror", "Providers are built in: there is nothing to download or copy.")));
            }
            Some(Sub::Schema { json: false }) => {
                return Err(view.error(Diagnostic::error(
                    "The -json flag is required",
                    "The `secstack providers schema` command requires the `-json` flag.",
                )));
            }
            Some(Sub::Schema { json: true }) | None => {}
        }
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let collected = vars::collect(&app.root, &Variables::default());
        let loaded = project::read(app, &collected, &workspace, &mut project::installed(app));
        view.know(&loaded.config.sources);
        view.check(&loaded.diags)?;
        let config = loaded.config;
        let (place, workspace) = project::place(app, &view, &StatePaths::default())?;
        let session = Session::look(&view, &place, &workspace).await?;
        let of_state: BTreeSet<ProviderAddr> = session.snapshot.resources.values().map(|r| r.provider.provider.clone()).collect();
        let providers = app.providers();
        editions::choose(Some(&config), Some(&session.snapshot), &providers);
        if self.command.is_some() {
            let mut used = of_state;
            used.extend(config.iter().flat_map(|(ix, _)| required(&config, ix).into_keys()));
            app.out.line(json::provider_schemas(&providers, |p| used.contains(p)));
            return Ok(0);
        }
        let mut text = String::from("\nProviders required by configuration:\n.\n");
        tree(&config, ROOT, "", &mut text);
        if !of_state.is_empty() {
            text.push_str("\nProviders required by state:\n\n");
            text.extend(of_state.iter().map(|p| format!("    provider[{p}]\n")));
        }
        text.push_str("\nProviders in this program:\n\n");
        text.extend(
            providers
                .iter()
                .map(|(a, p)| format!("    provider[{a}] {}\n", p.versions().first().copied().unwrap_or("")).replace(" \n", "\n")),
        );
        app.out.line(text);
        Ok(0)
    }
}

/// The providers that a module needs, with the constraints on their versions.
fn required(config: &Config, ix: ModuleIx) -> BTreeMap<ProviderAddr, Vec<String>> {
    let module = &config.module(ix).module;
    let mut found: BTreeMap<ProviderAddr, Vec<String>> = BTreeMap::new();
    for r in module.required_providers.values() {
        found.entry(r.source.clone()).or_default().extend(r.version.iter().map(|v| v.to_string()));
    }
    for (name, _) in module.providers.keys() {
        found.entry(config.provider_addr(ix, name)).or_default();
    }
    for r in module.resources.values() {
        let local = r.provider.as_ref().map_or_else(|| Config::implied_provider(&r.name.ty).to_string(), |p| p.name.to_string());
        found.entry(config.provider_addr(ix, &local)).or_default();
    }
    found
}

fn tree(config: &Config, ix: ModuleIx, indent: &str, out: &mut String) {
    let needed = required(config, ix);
    let children = &config.module(ix).children;
    let last = needed.len() + children.len();
    let mut at = 0;
    let mut branch = || {
        at += 1;
        if at == last { ("└── ", "    ") } else { ("├── ", "│   ") }
    };
    for (addr, versions) in &needed {
        let versions = if versions.is_empty() { String::new() } else { format!(" {}", versions.join(", ")) };
        out.push_str(&format!("{indent}{}provider[{addr}]{versions}\n", branch().0));
    }
    for (name, child) in children {
        let (mark, more) = branch();
        out.push_str(&format!("{indent}{mark}module.{name}\n"));
        tree(config, *child, &format!("{indent}{more}"), out);
    }
}
