//! Expressions to values.
//!
//! One set of functions serves planning and applying; the two differ only in the facts that a
//! [`Scope`] knows. Nothing here does input or output: files are read through [`funcs::Files`].

pub mod block;
pub mod expr;
pub mod funcs;
pub mod scope;

pub use block::{block_references, decode_block};
pub use expr::evaluate;
pub use scope::{Resolved, Scope, ScopeStep};
