//! Text to syntax tree to modules, and formatting.
//!
//! The parser is `hcl-edit`; its tree is lowered to [`ast`], which holds what evaluation needs: a
//! span on every node and numbers at full precision. Mistakes are found by a second reader, which
//! follows HCL's own rules and words (`syntax`). JSON files become the same tree. [`decode`] turns
//! files into a [`module`]: variables, resources and calls, whose expressions stay unevaluated.
//!
//! Nothing here reads a file: text comes in, diagnostics go out.

pub mod ast;
pub mod body;
pub mod decode;
pub mod encryption;
pub mod fmt;
pub mod json;
pub mod module;
pub mod parse;
pub mod source;
pub mod test_file;
pub mod tfvars;
pub mod version;

mod lower;
mod syntax;
mod template;
mod token;

pub use ast::{Expr, ExprKind};
pub use body::{Attribute, Block, Body};
pub use decode::{SourceFile, type_constraint};
pub use encryption::{Encryption, parse_encryption};
pub use json::parse_json_file;
pub use module::Module;
pub use parse::{parse_expression, parse_file, parse_template};
pub use tfvars::{parse_tfvars, parse_tfvars_json};
