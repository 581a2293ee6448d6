//! The state file, format version 4, byte for byte as Terraform writes it.
//!
//! The structs here are the format and nothing else; [`crate::model`] may change without them.

mod paths;
mod read;
mod write;

pub(crate) use read::{InstanceV4, Names, check_result, entry_from};
pub use read::{read, read_version};
pub use write::{holds, write, write_content, write_with};
pub(crate) use write::{write_checks, write_entry, write_output};

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The checks of one block, as stored.
#[derive(Deserialize)]
pub(crate) struct CheckV4<'a> {
    #[serde(borrow)]
    object_kind: Cow<'a, str>,
    config_addr: Cow<'a, str>,
    status: Cow<'a, str>,
    objects: Option<Vec<CheckObjectV4<'a>>>,
}

/// The checks of one instance, as stored.
#[derive(Deserialize)]
struct CheckObjectV4<'a> {
    #[serde(borrow)]
    object_addr: Cow<'a, str>,
    status: Cow<'a, str>,
    failure_messages: Option<Vec<Cow<'a, str>>>,
}

/// An output, as stored.
#[derive(Deserialize)]
pub(crate) struct OutputV4<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(borrow, rename = "type")]
    ty: &'a RawValue,
    sensitive: Option<bool>,
}
