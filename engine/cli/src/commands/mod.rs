//! The commands, one a file.

mod apply;
mod init;
mod output;
mod plan;
mod refresh;
mod show;
mod state;
mod validate;
mod version;
mod workspace;

use std::path::PathBuf;

use clap::Subcommand;

use crate::app::{App, Outcome};

/// A command with its arguments.
#[derive(Subcommand)]
pub enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    Plan(plan::PlanCommand),
    Apply(apply::ApplyCommand),
    Destroy(apply::Destroy),
    Refresh(refresh::Refresh),
    Show(show::Show),
    Output(output::Output),
    State(state::State),
    #[command(alias = "env")]
    Workspace(workspace::Workspace),
    Version(version::Version),
}

/// Runs a command and gives its exit code.
pub async fn run(command: Command, started_in: Option<PathBuf>) -> u8 {
    let app = |colour: bool| App::new(colour, started_in.clone());
    let ran: Outcome = match command {
        Command::Init(c) => c.run(&app(!c.look.no_color)).await,
        Command::Validate(c) => c.run(&app(!c.look.no_color)).await,
        Command::Plan(c) => c.run(&app(!c.look.no_color)).await,
        Command::Apply(c) => c.run(&app(!c.shared.look.no_color)).await,
        Command::Destroy(mut c) => c.run(&app(!c.shared.look.no_color)).await,
        Command::Refresh(mut c) => c.run(&app(!c.shared.look.no_color)).await,
        Command::Show(c) => c.run(&app(!c.look.no_color)).await,
        Command::Output(c) => c.run(&app(!c.look.no_color)).await,
        Command::State(c) => c.run(&app(true)).await,
        Command::Workspace(c) => c.run(&app(true)).await,
        Command::Version(c) => c.run(&app(true)).await,
    };
    ran.unwrap_or(1)
}
