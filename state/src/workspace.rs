//! Which workspace is selected. The choice is this machine's, whatever the store: it stands in a file
//! of the data directory, and `TF_WORKSPACE` overrides it.

use std::path::Path;

use crate::error::{Error, Result};

/// The workspace that always exists.
pub const DEFAULT: &str = "default";

/// The workspace that is selected in `data_dir` (`.terraform`), unless `overridden` (`TF_WORKSPACE`) names one.
pub fn selected(data_dir: &Path, overridden: Option<&str>) -> Result<String> {
    if let Some(name) = overridden.filter(|n| !n.is_empty()) {
        return check(name).map(|()| name.to_string());
    }
    let path = data_dir.join("environment");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => Ok(DEFAULT.into()),
        Ok(text) => check(text.trim()).map(|()| text.trim().to_string()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(DEFAULT.into()),
        Err(e) => Err(Error::io(format!("read the selected workspace from {path:?}"), &e)),
    }
}

/// Selects a workspace, whether or not it exists.
pub fn select(data_dir: &Path, name: &str) -> Result<()> {
    check(name)?;
    let path = data_dir.join("environment");
    std::fs::create_dir_all(data_dir)
        .and_then(|()| std::fs::write(&path, name))
        .map_err(|e| Error::io(format!("note the selected workspace in {path:?}"), &e))
}

/// Whether a name may name a workspace: it must be the same when escaped as a part of a URL.
pub fn check(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~$&+:=@".contains(c);
    if !name.is_empty() && name.chars().all(plain) && name != "." && name != ".." {
        return Ok(());
    }
    Err(Error::Workspace(format!(
        "The workspace name {name:?} is not allowed. The name must contain only URL safe characters, and no path separators."
    )))
}
