//! What programs read: the JSON documents and the event stream, in the shapes that Terraform 1.11 gives them.
//!
//! Text is escaped as Go escapes it, members come in Terraform's order, and sensitive values are shown, with
//! trees beside them that say which they are: scanners and pipelines depend on all of that.

pub mod stream;

mod change;
mod checks;
mod configuration;
mod diagnostic;
mod drift;
mod functions;
mod modules;
mod plan;
mod saved;
mod schemas;
mod state;
mod time;
mod validate;
mod value;
mod write;

pub use diagnostic::diagnostic;
pub use drift::drift;
pub use functions::functions;
pub use plan::plan_document;
pub use saved::{read_plan, write_plan};
pub use schemas::provider_schemas;
pub use state::{output_value, outputs, state_document};
pub use validate::validate;

#[cfg(test)]
mod tests;
