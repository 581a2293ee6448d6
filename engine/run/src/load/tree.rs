//! Where configuration is read from: a disk, or the files that a saved plan holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Files of configuration. Paths are relative to the root module, unless a module stands elsewhere.
pub trait Tree {
    /// The names of the files in a directory, in order. An error when there is no such directory.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// The content of a file.
    ///
    /// # Errors
    /// What the system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// The disk.
pub struct DiskTree {
    root: PathBuf,
}

impl DiskTree {
    /// Relative paths start from `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Tree for DiskTree {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(dir))? {
            let entry = entry?;
            if !entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.root.join(path))
    }
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: BTreeMap<PathBuf, Arc<str>>,
    dirs: BTreeSet<PathBuf>,
}

impl MemoryTree {
    /// The tree of these files. A directory exists if it holds one of them.
    pub fn new(files: impl IntoIterator<Item = (PathBuf, Arc<str>)>) -> Self {
        let files: BTreeMap<_, _> = files.into_iter().map(|(p, t)| (clean(&p), t)).collect();
        let dirs = files.keys().filter_map(|p| p.parent().map(clean)).collect();
        Self { files, dirs }
    }
}

impl Tree for MemoryTree {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = clean(dir);
        if !self.dirs.contains(&dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let here = self.files.keys().filter(|p| p.parent().map(clean).is_some_and(|d| d == dir));
        Ok(here.filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.files.get(&clean(path)).ok_or(io::ErrorKind::NotFound)?;
        Ok(found.as_bytes().to_vec())
    }
}

/// The path without `.` and without `..` where a name before it takes it up. `.` when nothing is left.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => drop(out.pop()),
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::RootDir)) => {}
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_lexically() {
        for (path, want) in [("./a/../b/.", "b"), ("..", ".."), ("a/..", "."), ("../a/../../b", "../../b"), ("/../x", "/x")] {
            assert_eq!(clean(Path::new(path)), Path::new(want), "{path}");
        }
    }

    #[test]
    fn a_memory_tree_lists_its_directories() {
        let tree = MemoryTree::new([("main.tf".into(), "a".into()), ("./m/x.tf".into(), "b".into())]);
        assert_eq!(tree.list(Path::new(".")).unwrap(), ["main.tf"]);
        assert_eq!(tree.list(Path::new("m")).unwrap(), ["x.tf"]);
        assert!(tree.list(Path::new("n")).is_err());
        assert_eq!(tree.read(Path::new("m/../m/x.tf")).unwrap(), b"b");
    }
}
