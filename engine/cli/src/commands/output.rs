//! `output`

use std::path::PathBuf;

use clap::Args;
use secstack_base::diag::suggest;
use secstack_base::{Diagnostic, Diags, Type, convert};

use crate::app::{App, Outcome};
use crate::flags::{Look, StatePaths, switch};
use crate::session::Session;
use crate::view::View;
use crate::{json, project, repl, text};

/// Show output values from your root module
///
/// Reads the outputs of the root module from the state. With NAME prints one of them.
#[derive(Args)]
pub struct Output {
    #[command(flatten)]
    pub look: Look,
    /// Print JSON.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// Print the text of one output as it is. For strings, numbers and bools.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    raw: bool,
    /// Read the state from this file. Old; only for local states.
    #[arg(long, value_name = "PATH")]
    state: Option<PathBuf>,
    /// The name of an output.
    name: Option<String>,
}

impl Output {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        if self.raw && (self.json || self.name.is_none()) {
            let what = "The -raw option prints one output: give its NAME, and leave out -json.";
            return Err(view.error(Diagnostic::error("Invalid output format", what)));
        }
        let paths = StatePaths { state: self.state.clone(), ..StatePaths::default() };
        let (place, workspace) = project::place(app, &view, &paths)?;
        let session = Session::look(&view, &place, &workspace).await?;
        let outputs = &session.snapshot.outputs;
        let Some(name) = self.name.as_ref().filter(|_| !outputs.is_empty()) else {
            if self.json && self.name.is_none() {
                app.out.line(json::outputs(&session.snapshot));
            } else if outputs.is_empty() {
                let what = "The state file either has no outputs defined, or all the defined outputs are empty. Please define an output in your configuration with the `output` keyword and run `secstack refresh` for it to become available.";
                view.diags(&Diags(vec![Diagnostic::warning("No outputs found", what)]));
            } else {
                app.out.text(&text::outputs(&session.snapshot));
            }
            return Ok(0);
        };
        let Some(output) = outputs.get(name.as_str()) else {
            let near = suggest(name, outputs.keys().map(|k| &**k)).map(|n| format!(" Did you mean {n:?}?")).unwrap_or_default();
            let what = format!(
                "The output variable requested could not be found in the state file.{near} If you recently added this to your configuration, be sure to run `secstack apply`, since the state won't be updated with new output variables until that command is run."
            );
            return Err(view.error(Diagnostic::error(format!("Output {name:?} not found"), what)));
        };
        if self.json {
            app.out.line(json::output_value(output));
        } else if self.raw {
            let value = convert::convert(&output.value, &Type::String).ok().filter(|v| v.as_str().is_some());
            let Some(value) = value else {
                let what = format!(
                    "The -raw option only supports strings, numbers, and boolean values, but output value {name:?} is {}.\n\nUse the -json option for machine-readable representations of output values that have complex types.",
                    output.value.ty().friendly()
                );
                return Err(view.error(Diagnostic::error("Unsupported value for raw output", what)));
            };
            app.out.text(value.as_str().unwrap_or_default());
        } else {
            app.out.line(repl::format(&output.value, 0));
        }
        Ok(0)
    }
}
