//! `modules`

use clap::Args;
use secstack_eval::config::{Config, ModuleIx, ROOT};
use serde_json::{Value as Json, json};

use crate::app::{App, Outcome};
use crate::flags::{Look, Variables, switch};
use crate::view::View;
use crate::{project, vars};

/// Show all declared modules in a working directory
///
/// Shows the tree of module calls, with the source address of each and the version that was chosen.
#[derive(Args)]
pub struct Modules {
    #[command(flatten)]
    pub look: Look,
    /// Print a JSON object.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    #[command(flatten)]
    variables: Variables,
}

impl Modules {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let collected = vars::collect(&app.root, &self.variables);
        let loaded = project::read(app, &collected, &workspace, &mut project::installed(app));
        view.know(&loaded.config.sources);
        view.check(&loaded.diags)?;
        let config = &loaded.config;
        let is_empty = config.module(ROOT).children.is_empty();
        if self.json {
            let mut all = Vec::new();
            list(config, ROOT, &mut all);
            let modules = if is_empty { Json::Null } else { Json::Array(all) };
            app.out.line(json!({ "format_version": "1.0", "modules": modules }).to_string());
        } else if is_empty {
            app.out.line("No modules found in configuration.");
        } else {
            let mut text = String::from("\nModules declared by configuration:\n.\n");
            tree(config, ROOT, "", &mut text);
            app.out.line(text);
        }
        Ok(0)
    }
}

fn source(config: &Config, ix: ModuleIx) -> (&str, &str) {
    let source = config.module(ix).source.as_ref();
    (source.map_or("", |(s, _)| s), source.and_then(|(_, v)| v.as_deref()).unwrap_or(""))
}

fn list(config: &Config, ix: ModuleIx, out: &mut Vec<Json>) {
    for (name, child) in &config.module(ix).children {
        let (source, version) = source(config, *child);
        out.push(json!({ "key": &**name, "source": source, "version": version }));
        list(config, *child, out);
    }
}

fn tree(config: &Config, ix: ModuleIx, indent: &str, out: &mut String) {
    let children = &config.module(ix).children;
    for (at, (name, child)) in children.iter().enumerate() {
        let (mark, more) = if at + 1 == children.len() { ("└── ", "    ") } else { ("├── ", "│   ") };
        let (source, version) = source(config, *child);
        let version = if version.is_empty() { String::new() } else { format!(" ({version})") };
        out.push_str(&format!("{indent}{mark}\"{name}\"[{source}]{version}\n"));
        tree(config, *child, &format!("{indent}{more}"), out);
    }
}
