//! The saved plan: everything an apply needs, in one file, and nothing that the apply would have to work out again.
//!
//! The content is binary, since a plan of a hundred thousand changes is written and read in a second or two that
//! way, and since unknown parts, types and marks have no place in JSON. A line of text stands before it, so that a
//! person and a later version can tell what the file is; a checksum finds what was damaged on the way.
//!
//! Numbers go through text and come back as numbers that print the same, which is what equality means for them.

mod read;
mod write;

use std::fmt;

use secstack_base::{Sources, Str, Value};
use sha2::{Digest, Sha256};

use crate::Plan;

/// What every saved plan begins with, before the number of the format.
const MAGIC: &str = "secstack plan ";
/// The format that this version writes, and the only one it reads.
const FORMAT: u32 = 1;
/// Bytes of the checksum.
const CHECKSUM: usize = 32;

/// A plan with what it was made from.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// The plan. Its diagnostics are not saved: they were shown when it was made.
    pub plan: Plan,
    /// The files of the configuration, local modules and variable files included: path and text.
    pub files: Vec<(String, String)>,
    /// The text of the manifest of installed modules; empty when there is none.
    pub modules: String,
    /// The workspace.
    pub workspace: String,
    /// Where the state is kept.
    pub backend: SavedBackend,
    /// The directory that was planned in.
    pub root: String,
    /// The history of the state that the plan starts from; empty when there was no state.
    pub lineage: Str,
    /// The place in that history.
    pub serial: u64,
    /// The version of the program that made the plan.
    pub version: String,
}

/// Where the state is kept.
#[derive(Clone, Debug)]
pub struct SavedBackend {
    /// The type: `local`, `s3`.
    pub ty: String,
    /// The arguments.
    pub config: Value,
}

/// Why a file is not a plan that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileError {
    /// Another program made it, or it is something else entirely.
    Foreign(&'static str),
    /// A later version made it, in this format.
    Newer(u32),
    /// It ends too early.
    Truncated,
    /// It was changed after it was written.
    Damaged,
    /// A state in it is unsound.
    State(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Foreign(what) => write!(f, "The file is {what}, not a plan that secstack saved. Make one with: plan -out=FILE"),
            FileError::Newer(format) => {
                write!(
                    f,
                    "The plan was saved in format {format} by a later version of secstack; this version reads format {FORMAT}. Apply it with that version, or plan again."
                )
            }
            FileError::Truncated => f.write_str("The plan file is incomplete: it was cut off while it was written or copied. Plan again."),
            FileError::Damaged => {
                f.write_str("The plan file was changed after it was saved: its checksum does not match its content. Plan again.")
            }
            FileError::State(what) => write!(f, "The state in the plan cannot be used: {what}"),
        }
    }
}

impl std::error::Error for FileError {}

/// The content of a file with a plan. The same plan gives the same bytes.
///
/// # Errors
/// When a state in the plan is unsound.
pub fn write(saved: &SavedPlan) -> Result<Vec<u8>, FileError> {
    let content = write::content(saved)?;
    let mut out = Vec::with_capacity(content.len() + 64);
    out.extend_from_slice(format!("{MAGIC}{FORMAT}\n").as_bytes());
    out.extend_from_slice(&Sha256::digest(&content));
    out.extend_from_slice(&(content.len() as u64).to_le_bytes());
    out.extend_from_slice(&content);
    Ok(out)
}

/// The plan in a file with that content.
///
/// # Errors
/// When it is not such a file, not a whole one, or one of a later version.
pub fn read(bytes: &[u8]) -> Result<SavedPlan, FileError> {
    let Some(rest) = bytes.strip_prefix(MAGIC.as_bytes()) else { return Err(foreign(bytes)) };
    let end = rest.iter().take(11).position(|b| *b == b'\n').ok_or(FileError::Truncated)?;
    let format = std::str::from_utf8(&rest[..end]).ok().and_then(|n| n.parse().ok());
    match format.ok_or(FileError::Damaged)? {
        FORMAT => {}
        later => return Err(FileError::Newer(later)),
    }
    let rest = &rest[end + 1..];
    let (checksum, rest) = rest.split_at_checked(CHECKSUM).ok_or(FileError::Truncated)?;
    let (length, content) = rest.split_first_chunk::<8>().ok_or(FileError::Truncated)?;
    match u64::from_le_bytes(*length).cmp(&(content.len() as u64)) {
        std::cmp::Ordering::Greater => return Err(FileError::Truncated),
        std::cmp::Ordering::Less => return Err(FileError::Damaged),
        std::cmp::Ordering::Equal => {}
    }
    if Sha256::digest(content)[..] != *checksum {
        return Err(FileError::Damaged);
    }
    read::content(content)
}

/// Whether the content begins as that of a saved plan does, whatever its version.
pub fn is_saved_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

fn foreign(bytes: &[u8]) -> FileError {
    FileError::Foreign(match bytes {
        [] => "empty",
        [b'P', b'K', 3, 4, ..] => "a plan that Terraform or OpenTofu saved",
        [b'{', ..] => "a JSON document",
        _ if !bytes.is_empty() && MAGIC.as_bytes().starts_with(bytes) => return FileError::Truncated,
        _ => "something else",
    })
}

impl SavedPlan {
    /// The files of the configuration as sources, in the order they were saved.
    pub fn sources(&self) -> Sources {
        let mut sources = Sources::default();
        for (path, text) in &self.files {
            sources.add(path.as_str(), text.as_str());
        }
        sources
    }
}

#[cfg(test)]
mod tests;
