//! The vocabulary that every other crate speaks: values and their types,
//! addresses, schemas, source spans and diagnostics. And one format that both
//! the language and the providers write: see [`gzip`].
//!
//! Nothing here does input or output, and nothing knows what a plan is.

pub mod addr;
pub mod convert;
pub mod diag;
pub mod gzip;
pub mod number;
pub mod path;
pub mod quote;
pub mod schema;
pub mod span;
pub mod types;
pub mod value;

pub use addr::{Addr, InstanceKey, Mode, ModuleAddr, ProviderAddr, ProviderConfigAddr, ResourceAddr};
pub use diag::{Diagnostic, Diags, Severity};
pub use number::Number;
pub use path::{Path, Step};
pub use span::{FileId, Sources, Span};
pub use types::{ObjectType, Type};
pub use value::{Data, Marks, Refinement, Value};

/// Shared, immutable text. Names and strings are cloned often and changed never.
pub type Str = std::sync::Arc<str>;
