//! What a person reads: plans, values, diagnostics and progress.
//!
//! Everything here makes text; nothing prints. Colours are asked of a [`Style`], so that plain text
//! comes out where no terminal reads.

mod change;
mod delta;
mod diagnostic;
mod document;
mod plan;
mod progress;
mod style;
mod value;

pub use change::difference;
pub use diagnostic::diagnostic;
pub use plan::{outputs, plan, state_show};
pub use progress::Progress;
pub use style::{Colour, Style};
