//! `validate`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use secstack_base::Diags;
use secstack_run::load;

use super::test::files;
use crate::app::{App, Outcome};
use crate::flags::{Look, Variables, switch};
use crate::view::View;
use crate::{json, project, vars};

/// Check whether the configuration is valid
///
/// Checks the configuration without looking at variables that are given, at the state or at any service. Every mistake is told.
#[derive(Args)]
pub struct Validate {
    #[command(flatten)]
    pub look: Look,
    /// Print a JSON object.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// Leave out files of tests.
    #[arg(long = "no-tests", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    no_tests: bool,
    /// Where tests are, besides the current directory.
    #[arg(long = "test-directory", value_name = "PATH", default_value = "tests")]
    test_directory: PathBuf,
    #[command(flatten)]
    variables: Variables,
}

impl Validate {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let workspace = app.workspace().unwrap_or_else(|_| "default".into());
        let collected = vars::collect(&app.root, &self.variables);
        let loaded = project::read(app, &collected, &workspace, &mut project::installed(app));
        let providers = app.providers();
        let (mut config, mut diags) = (loaded.config, loaded.diags);
        if !self.no_tests {
            files::read(app, &self.test_directory, &[], &mut config.sources, &mut diags);
        }
        let config = Arc::new(config);
        diags.extend(load::requirements::provider_versions(&config, &providers));
        if !diags.has_errors() {
            diags.extend(project::validate(app, &config, &providers, &workspace).await.diags);
        }
        let mut unique = Diags::new();
        for d in diags {
            if !unique.0.contains(&d) {
                unique.push(d);
            }
        }
        let failed = unique.has_errors();
        if self.json {
            app.out.line(json::validate(&unique, &config.sources));
            return Ok(u8::from(failed));
        }
        let view = View::new(&app.out, false);
        view.know(&config.sources);
        view.check(&unique)?;
        let style = app.out.style();
        let warned = if unique.is_empty() { "." } else { ", but there were some validation warnings as shown above." };
        app.out.line(format!("{} The configuration is valid{warned}\n", style.paint(crate::text::Colour::Green, "Success!")));
        Ok(0)
    }
}
