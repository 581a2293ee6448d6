//! `#[derive(Schema)]` and `#[derive(Block)]`: a struct becomes the schema of a resource type, a data source or
//! a nested block, with the conversions from and to values.
//!
//! The struct is the documentation: every field has a doc comment, which becomes the description.
//!
//! On the struct, with `Schema`:
//!
//! ```text
//! #[resource("aws_subnet", version = 1, timeouts(create, delete), conflicts(a, b))]
//! #[data("aws_vpc")]
//! ```
//!
//! `conflicts`, `exactly_one` and `at_least_one` may be repeated; `timeouts` names the operations of the
//! `timeouts` block; `framework` is for types of the newer provider framework, which tells null from empty. A resource
//! gets the attribute `id` unless it declares one, or says `no_id`.
//!
//! On a field, `#[attr(...)]` with any of
//!
//! | option | meaning |
//! |---|---|
//! | `computed` | the provider may choose the value |
//! | `output` | only the provider does |
//! | `optional` | may be left out although the type is plain: null reads as the type's default |
//! | `required` | must be given although the type is a collection |
//! | `default = expr` | the value when none is given |
//! | `forces_new`, `forces_new = path` | a change needs a new object: always, or when the function says so |
//! | `check = path`, `check = path(args)` | checks a known value, given as `fn(&Value, args) -> Result<(), String>` |
//! | `same = path` | both values mean the same to the service |
//! | `told` | the service's form of the value goes into the state, also where `same` holds |
//! | `local` | the service never tells the value |
//! | `unset_by_import` | beside `local`: an imported object has no value, not even the default |
//! | `sensitive`, `write_only` | as they say |
//! | `deprecated = "what to use instead"` | setting it gives a warning |
//! | `as_blocks` | may also be written as blocks |
//! | `block = list`, with `min = n`, `max = n` | nested blocks: `list`, `set`, `map`, `single` or `group` |
//! | `tags` | all tags of the object; stands for the attributes `tags` and `tags_all` |
//! | `name = "self"` | the name where Rust does not allow it |

mod expand;
mod options;

use proc_macro::TokenStream;

/// Derives the schema of a resource type or data source and its conversions.
#[proc_macro_derive(Schema, attributes(resource, data, attr))]
pub fn schema(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::schema(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Derives the schema of a nested block or object and its conversions.
#[proc_macro_derive(Block, attributes(attr))]
pub fn block(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::block(&input).unwrap_or_else(|e| e.to_compile_error()).into()
}
