//! `login` and `logout`

use clap::Args;
use secstack_base::Diagnostic;

use crate::app::{App, Outcome};
use crate::view::View;

const DEFAULT: &str = "app.terraform.io";

/// Obtain and save credentials for a remote host
///
/// Not supported: no token is fetched or stored here. Modules of private registries are fetched with the token in the
/// environment variable TF_TOKEN_ followed by the name of the host.
#[derive(Args)]
pub struct Login {
    /// The host.
    #[arg(default_value = DEFAULT)]
    host: String,
}

/// Remove locally-stored credentials for a remote host
///
/// This program stores none.
#[derive(Args)]
pub struct Logout {
    /// The host.
    #[arg(default_value = DEFAULT)]
    host: String,
}

impl Login {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let what = format!(
            "This program does not obtain or store credentials, so it cannot log in to {}. There is no service whose account it needs: plans run here, and states are kept by backends, each with its own credentials.",
            self.host
        );
        let help = format!("For modules of a private registry, put a token into the environment variable {}.", variable(&self.host));
        Err(View::new(&app.out, false).error(Diagnostic::error("Login is not supported", what).help(help)))
    }
}

impl Logout {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        app.out.line(format!("No credentials for {} are stored.", self.host));
        Ok(0)
    }
}

/// The environment variable that holds the token for a host.
fn variable(host: &str) -> String {
    format!("TF_TOKEN_{}", host.replace('-', "__").replace('.', "_"))
}
