//! What tests of evaluation have in common.

use std::path::Path;

use secstack_eval::funcs::Files;

/// No files at all.
pub struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> Result<Vec<u8>, String> {
        Err("no files".into())
    }

    fn exists(&self, _: &Path) -> Result<bool, String> {
        Ok(false)
    }

    fn list(&self, _: &Path) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn home(&self) -> Option<String> {
        None
    }

    fn current_dir(&self) -> String {
        "/".into()
    }
}
