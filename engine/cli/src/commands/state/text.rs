//! What the commands of `state` have to say when something is not there.

use secstack_base::addr::ParseError;
use secstack_base::diag::suggest;
use secstack_base::{Addr, Diagnostic};
use secstack_state::Snapshot;

/// There is no state.
pub fn no_state() -> Diagnostic {
    let what = "State management commands require a state file. Run this command in a directory where secstack has been run or use the -state flag to point the command to a specific state location.";
    Diagnostic::error("No state file was found!", what)
}

/// An address that cannot be read.
pub fn invalid(text: &str, e: &ParseError) -> Diagnostic {
    Diagnostic::error(format!("Invalid address {text:?}"), e.to_string())
}

/// Nothing answers to a question.
pub fn nothing_found() -> Diagnostic {
    let what = "No instance in the state answers to this pattern, type and conditions. To view the available instances, use \"secstack state list\".";
    Diagnostic::error("No instance found", what)
}

/// A module, resource or instance that the state does not have.
pub fn not_there(state: &Snapshot, asked: &str) -> Diagnostic {
    let what =
        format!("The state has nothing at {asked}.{} To view the available instances, use \"secstack state list\".", near(state, asked));
    Diagnostic::error("No instance found", what)
}

fn near(state: &Snapshot, asked: &str) -> String {
    let names: Vec<String> = state.instances().map(|(a, ..)| a.to_string()).collect();
    suggest(asked, names.iter().map(String::as_str)).map(|n| format!(" Did you mean {n}?")).unwrap_or_default()
}

/// An instance that the state does not have.
pub fn missing(state: &Snapshot, addr: &Addr) -> Diagnostic {
    let near = near(state, &addr.to_string());
    let what = format!(
        "No instance found for the given address {addr}.{near} This command requires that the address references one specific instance. To view the available instances, use \"secstack state list\"."
    );
    Diagnostic::error("No instance found", what)
}
