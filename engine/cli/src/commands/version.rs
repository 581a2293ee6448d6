//! `version`

use clap::Args;

use crate::app::{App, Outcome};
use crate::flags::switch;

/// Show the version of this program, and of Terraform whose behaviour it honours
#[derive(Args)]
pub struct Version {
    /// Print a JSON object.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
}

impl Version {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let terraform = secstack_state::model::TERRAFORM_VERSION;
        let ours = env!("CARGO_PKG_VERSION");
        let platform = format!("{}_{}", std::env::consts::OS, arch());
        if !self.json {
            app.out.line(format!("secstack v{ours}\non {platform}, in place of Terraform v{terraform}"));
            return Ok(0);
        }
        let document = serde_json::json!({
            "terraform_version": terraform,
            "secstack_version": ours,
            "platform": platform,
            "provider_selections": {},
            "terraform_outdated": false,
        });
        app.out.line(format!("{document:#}"));
        Ok(0)
    }
}

/// The architecture in Go's words.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
