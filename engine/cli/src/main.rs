//! The `secstack` command.
//!
//! The only crate that prints, and the only one that knows which providers and stores exist. A command is a file in
//! `commands`; what several of them do is in `operation`, `session` and `project`.

mod app;
mod argv;
mod catalog;
mod clock;
mod commands;
mod drift;
mod encryption;
mod flags;
mod generate;
mod interrupt;
mod json;
mod operation;
mod output;
mod project;
mod recovery;
mod repl;
mod session;
mod stores;
mod text;
mod vars;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use commands::Command;
use output::Out;

/// Reads Terraform configuration, compares it with what exists, shows a plan and carries it out.
///
/// Options that stand before the command: -chdir=DIR changes to a directory first.
#[derive(Parser)]
#[command(name = "secstack", version, disable_version_flag = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let out = Out::new(true);
    std::panic::set_hook(Box::new(|_| {}));
    match catch_unwind(AssertUnwindSafe(|| run(&out))) {
        Ok(code) => ExitCode::from(code),
        Err(cause) => {
            let text = cause.downcast_ref::<&str>().map(|s| (*s).to_string()).or_else(|| cause.downcast_ref::<String>().cloned());
            out.error(format!(
                "Error: secstack met a bug in itself: {}\n\nThis is not your mistake. Please report it with the command you ran and, if you can, the configuration that leads here. \
                 What was applied before is recorded in the state or its journal.",
                text.unwrap_or_else(|| "no more is known".into())
            ));
            ExitCode::from(11)
        }
    }
}

fn run(out: &Out) -> u8 {
    let line = match argv::parse(std::env::args_os().skip(1), |name| std::env::var(name).ok()) {
        Ok(line) => line,
        Err(text) => {
            out.error(format!("Error: {text}"));
            return 1;
        }
    };
    let mut started_in = None;
    if let Some(dir) = &line.chdir {
        started_in = std::env::current_dir().ok();
        if let Err(e) = std::env::set_current_dir(dir) {
            out.error(format!("Error: The directory {dir:?} given with -chdir cannot be entered: {e}."));
            return 1;
        }
    }
    let line_is_empty = line.args.first().is_none_or(|a| a.starts_with('-'));
    let mut args = vec!["secstack".to_string()];
    match line.args.first().map(String::as_str) {
        Some("--version") => args.push("version".into()),
        _ => args.extend(line.args),
    }
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            return usage(out, &e, line_is_empty);
        }
    };
    // The stack of the main thread may be small, and configurations may be nested deeply.
    let running = std::thread::Builder::new().stack_size(STACK).spawn(move || block_on(cli.command, started_in));
    match running.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(cause)) => std::panic::resume_unwind(cause),
        Err(e) => no_threads(out, &e),
    }
}

/// Tells what is wrong with a command line, or helps. Without a command the exit code is Terraform's: 127.
fn usage(out: &Out, e: &clap::Error, without_command: bool) -> u8 {
    let text = argv::one_dash(&e.render().to_string());
    let is_help = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_help || e.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        out.text(&text);
    } else {
        out.error(text.trim_end());
    }
    match (is_help, without_command) {
        (true, _) => 0,
        (false, true) => 127,
        (false, false) => 1,
    }
}

const STACK: usize = 64 << 20;

fn block_on(command: Command, started_in: Option<std::path::PathBuf>) -> u8 {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    match tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(commands::run(command, started_in));
            // A question that nobody answers any more must not hold up the end.
            runtime.shutdown_background();
            code
        }
        Err(e) => no_threads(&Out::new(true), &e),
    }
}

fn no_threads(out: &Out, e: &std::io::Error) -> u8 {
    out.error(format!("Error: The system gives no threads to work with: {e}."));
    1
}
