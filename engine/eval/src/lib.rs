//! Expressions to values.
//!
//! One set of functions serves planning and applying; the two differ only in the facts that a
//! [`Scope`] knows. Nothing here does input or output: files are read through [`funcs::Files`].
//!
//! [`expr`] takes an expression apart and hands each kind to the file that knows its rules; [`block`]
//! evaluates a whole body by its schema. No mistake stops either: what is wrong goes to the
//! diagnostics, and the value there is unknown.

// A diagnostic is large, and rare.
#![allow(clippy::result_large_err)]

pub mod scope;

pub mod expr;

mod call;
mod conditional;
mod for_each;
mod graphemes;
mod operators;
mod seen;
mod splat;
mod template;
mod traversal;
pub mod type_text;

pub mod block;
mod dynamic;

pub mod funcs;

pub mod config;
pub mod graph;
pub mod reference;
pub mod world;

pub use config::{Config, ConfigModule, ModuleIx, ProviderKey};
pub use graph::{Graph, Node, Schemas};
pub use world::{ModuleScope, Repetition, RepetitionData, World};

pub use block::{block_references, decode_block};
pub use expr::evaluate;
pub use operators::equal;
pub use scope::{Bound, Resolved, Scope, ScopeStep};
pub use seen::seen;
pub use traversal::{get_attr, index};
