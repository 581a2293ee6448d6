//! The door to files that functions use, on a real file system.

use std::path::{Path, PathBuf};

use secstack_eval::funcs::Files;

/// Files below the directory of the root module.
pub struct DiskFiles {
    root: PathBuf,
}

impl DiskFiles {
    /// Relative paths start from `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        std::fs::read(self.path(path)).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => format!("no file exists at {:?}", path.display().to_string()),
            _ => format!("failed to read file: {e}"),
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, String> {
        match std::fs::metadata(self.path(path)) {
            Ok(m) if m.is_file() => Ok(true),
            Ok(m) if m.is_dir() => Err(format!("{:?} is a directory, not a file", path.display().to_string())),
            Ok(_) => Err(format!("{:?} is not a regular file", path.display().to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(format!("failed to stat {:?}: {e}", path.display().to_string())),
        }
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, String> {
        let base = self.path(dir);
        let mut found = Vec::new();
        let mut stack = vec![base.clone()];
        while let Some(here) = stack.pop() {
            let entries = match std::fs::read_dir(&here) {
                Ok(entries) => entries,
                Err(_) if here == base => return Ok(Vec::new()),
                Err(e) => return Err(format!("failed to read {}: {e}", here.display())),
            };
            for entry in entries.flatten() {
                let path = entry.path();
                // A link counts as what it leads to; a link to a directory is not followed, as it may lead back.
                if path.is_dir() {
                    if !entry.file_type().is_ok_and(|t| t.is_symlink()) {
                        stack.push(path);
                    }
                } else if let Ok(relative) = path.strip_prefix(&base) {
                    found.push(relative.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn home(&self) -> Option<String> {
        std::env::var("HOME").ok().filter(|h| !h.is_empty())
    }

    fn current_dir(&self) -> String {
        std::path::absolute(&self.root).unwrap_or_else(|_| self.root.clone()).components().collect::<PathBuf>().display().to_string()
    }
}
