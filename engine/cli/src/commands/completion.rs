//! `completion`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::app::{App, Outcome};

/// Print a script that completes commands and options in a shell
///
/// For bash: source <(secstack completion bash)
#[derive(Args)]
pub struct Completion {
    /// The shell.
    shell: Shell,
}

impl Completion {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "secstack", &mut script);
        app.out.raw(&script);
        Ok(0)
    }
}
