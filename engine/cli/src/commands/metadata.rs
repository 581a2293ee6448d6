//! `metadata`

use clap::{Args, Subcommand};
use secstack_base::Diagnostic;

use crate::app::{App, Outcome};
use crate::flags::switch;
use crate::json;
use crate::view::View;

/// Metadata related commands
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub struct Metadata {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Show signatures and descriptions for the available functions
    Functions {
        /// Print a JSON object, which is the only form there is.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        json: bool,
    },
}

impl Metadata {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let Sub::Functions { json } = self.command;
        if !json {
            let what = "The `secstack metadata functions` command requires the `-json` flag.";
            return Err(View::new(&app.out, false).error(Diagnostic::error("The -json flag is required", what)));
        }
        app.out.line(json::functions());
        Ok(0)
    }
}
