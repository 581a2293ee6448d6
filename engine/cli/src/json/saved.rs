//! Saved plans on disk.

use std::path::Path;

use secstack_base::Diagnostic;
use secstack_plan::file::{self, SavedPlan};
use secstack_state::crypt::{self, Cipher, Kind};

use crate::output::write_private;

/// Saves a plan. The file replaces another of that name at once or not at all, and only its owner can read it, for
/// a plan holds secrets.
///
/// # Errors
/// When the file cannot be written.
pub fn write_plan(path: &Path, saved: &SavedPlan, cipher: &Cipher) -> Result<(), Box<Diagnostic>> {
    let fail = |why: String| {
        Box::new(Diagnostic::error("Failed to write plan", format!("The plan cannot be saved as {:?}: {why}", path.display().to_string())))
    };
    let bytes = file::write(saved).map_err(|e| fail(e.to_string()))?;
    let bytes = cipher.seal(Kind::Plan, &bytes, &path.display().to_string()).map_err(|e| Box::new(e.diagnostic()))?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    write_private(&beside, &bytes).and_then(|()| std::fs::rename(&beside, path)).map_err(|e| {
        // What is left of it is of no use; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&beside);
        fail(format!("{e}."))
    })
}

/// Reads a saved plan.
///
/// # Errors
/// When there is no such file, or it is not a plan that this version can use.
pub fn read_plan(path: &Path, cipher: &Cipher) -> Result<SavedPlan, Box<Diagnostic>> {
    let fail = |why: String| Box::new(Diagnostic::error(format!("Failed to load {:?} as a plan file", path.display().to_string()), why));
    let bytes = std::fs::read(path).map_err(|e| fail(format!("The file cannot be read: {e}.")))?;
    if !file::is_saved_plan(&bytes) && crypt::encrypted(&bytes) != Some(Kind::Plan) {
        return file::read(&bytes).map_err(|e| fail(e.to_string()));
    }
    let opened = cipher.open(Kind::Plan, &bytes, &path.display().to_string()).map_err(|e| Box::new(e.diagnostic()))?;
    file::read(&opened).map_err(|e| fail(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_named() {
        let missing = read_plan(Path::new("/nonexistent/p"), &Cipher::default()).map(|_| ()).unwrap_err();
        assert_eq!(missing.summary, "Failed to load \"/nonexistent/p\" as a plan file");
        let other = read_plan(Path::new("/dev/null"), &Cipher::default()).map(|_| ()).unwrap_err();
        assert!(other.detail.starts_with("The file is empty"), "{}", other.detail);
    }
}
