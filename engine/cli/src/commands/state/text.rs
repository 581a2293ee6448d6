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

/// An instance that the state does not have.
pub fn missing(state: &Snapshot, addr: &Addr) -> Diagnostic {
    let names: Vec<String> = state.instances().map(|(a, ..)| a.to_string()).collect();
    let asked = addr.to_string();
    let near = suggest(&asked, names.iter().map(String::as_str)).map(|n| format!(" Did you mean {n}?")).unwrap_or_default();
    let what = format!(
        "No instance found for the given address {addr}.{near} This command requires that the address references one specific instance. To view the available instances, use \"secstack state list\"."
    );
    Diagnostic::error("No instance found", what)
}
