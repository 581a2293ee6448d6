//! `get`

use clap::Args;

use super::init;
use crate::app::{App, Outcome};
use crate::flags::{Look, Variables, switch};
use crate::vars;
use crate::view::View;

/// Install or upgrade remote Terraform modules
#[derive(Args)]
pub struct Get {
    #[command(flatten)]
    pub look: Look,
    /// Fetch modules again, in the newest versions that are allowed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    update: bool,
    /// Print events as JSON.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    #[command(flatten)]
    variables: Variables,
}

impl Get {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, self.json);
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let collected = vars::collect(&app.root, &self.variables);
        let loaded = init::fetch(app, &view, &collected, &workspace, self.update)?;
        view.know(&loaded.config.sources);
        view.check(&loaded.diags)?;
        Ok(0)
    }
}
