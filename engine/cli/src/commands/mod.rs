//! The commands, one a file.

mod apply;
mod completion;
mod console;
mod drift;
mod fmt;
mod force_unlock;
mod get;
mod graph;
mod import;
mod init;
mod login;
mod metadata;
mod modules;
mod output;
mod plan;
mod providers;
mod recover;
mod refresh;
mod show;
mod state;
mod taint;
mod test;
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
    Console(console::Console),
    Drift(drift::DriftCommand),
    Fmt(fmt::Fmt),
    ForceUnlock(force_unlock::ForceUnlock),
    Get(get::Get),
    Graph(graph::GraphCommand),
    Import(import::Import),
    Login(login::Login),
    Logout(login::Logout),
    Metadata(metadata::Metadata),
    Modules(modules::Modules),
    Output(output::Output),
    Providers(providers::Providers),
    Recover(recover::Recover),
    Refresh(refresh::Refresh),
    Show(show::Show),
    State(state::State),
    Taint(taint::Taint),
    Test(test::Test),
    Untaint(taint::Untaint),
    Version(version::Version),
    #[command(alias = "env")]
    Workspace(workspace::Workspace),
    Completion(completion::Completion),
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
        Command::Drift(c) => c.run(&app(!c.look.no_color)).await,
        Command::Console(c) => c.run(&app(!c.look.no_color)).await,
        Command::Fmt(c) => c.run(&app(!c.look.no_color)).await,
        Command::ForceUnlock(c) => c.run(&app(true)).await,
        Command::Get(c) => c.run(&app(!c.look.no_color)).await,
        Command::Graph(c) => c.run(&app(true)).await,
        Command::Import(c) => c.run(&app(!c.look.no_color)).await,
        Command::Login(c) => c.run(&app(true)).await,
        Command::Logout(c) => c.run(&app(true)).await,
        Command::Metadata(c) => c.run(&app(true)).await,
        Command::Modules(c) => c.run(&app(!c.look.no_color)).await,
        Command::Providers(c) => c.run(&app(true)).await,
        Command::Taint(c) => c.run(&app(true)).await,
        Command::Test(c) => c.run(&app(!c.look.no_color)).await,
        Command::Untaint(c) => c.run(&app(true)).await,
        Command::Completion(c) => c.run(&app(true)).await,
        Command::Refresh(mut c) => c.run(&app(!c.shared.look.no_color)).await,
        Command::Recover(c) => c.run(&app(!c.look.no_color)).await,
        Command::Show(c) => c.run(&app(!c.look.no_color)).await,
        Command::Output(c) => c.run(&app(!c.look.no_color)).await,
        Command::State(c) => c.run(&app(true)).await,
        Command::Workspace(c) => c.run(&app(true)).await,
        Command::Version(c) => c.run(&app(true)).await,
    };
    ran.unwrap_or(1)
}
