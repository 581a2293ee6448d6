//! Files of tests: which there are, and what is in them.

use std::path::{Path, PathBuf};

use secstack_base::{Diagnostic, Diags, Sources};
use secstack_lang::test_file::{MockData, TestFile};
use secstack_lang::{parse_file, parse_json_file};
use secstack_run::load::is_ignored;

use crate::app::App;

/// A file of tests.
pub struct File {
    /// The path.
    pub path: String,
    /// What is in it.
    pub test: TestFile,
}

/// Reads the files of tests, in order of path.
pub fn read(app: &App, tests: &Path, only: &[PathBuf], sources: &mut Sources, diags: &mut Diags) -> Vec<File> {
    if !app.root.join(tests).is_dir() && tests != Path::new("tests") {
        let what = format!("Requested test directory {} does not exist.", tests.display());
        diags.push(Diagnostic::warning("Test directory does not exist", what));
    }
    let mut paths = found(&app.root, Path::new(""));
    paths.extend(found(&app.root, tests));
    for wanted in only.iter().filter(|f| !paths.contains(f)) {
        let what = format!("The filter {:?} names no file of tests.", wanted.display().to_string());
        diags.push(Diagnostic::warning("Unknown test file", what));
    }
    paths.retain(|p| only.is_empty() || only.contains(p));
    paths.iter().filter_map(|p| file(app, p, sources, diags)).collect()
}

fn file(app: &App, path: &Path, sources: &mut Sources, diags: &mut Diags) -> Option<File> {
    let body = parse(app, path, sources, diags)?;
    let (mut test, found) = TestFile::decode(&body);
    diags.extend(found);
    for mock in test.mock_providers.values_mut() {
        let Some(dir) = &mock.source else { continue };
        let dir = Path::new(&**dir);
        let names = names(&app.root.join(dir), &[".tfmock.hcl", ".tfmock.json"]);
        if names.is_empty() {
            let what = format!("The directory {} of mock data has no files *.tfmock.hcl.", dir.display());
            diags.push(Diagnostic::error("Failed to read mock data", what).at(mock.span));
        }
        for name in names {
            let Some(body) = parse(app, &dir.join(name), sources, diags) else { continue };
            let (data, found) = MockData::decode(&body);
            diags.extend(found);
            // What the block itself says counts more.
            let ours = std::mem::replace(&mut mock.data.resources, data.resources);
            mock.data.resources.extend(ours);
            let ours = std::mem::replace(&mut mock.data.data, data.data);
            mock.data.data.extend(ours);
            mock.data.overrides.splice(0..0, data.overrides);
        }
    }
    super::stand_in::check(&test, diags);
    Some(File { path: path.display().to_string(), test })
}

fn parse(app: &App, path: &Path, sources: &mut Sources, diags: &mut Diags) -> Option<secstack_lang::Body> {
    match std::fs::read_to_string(app.root.join(path)) {
        Ok(text) => {
            let id = sources.add(path, text.as_str());
            let is_json = path.extension().is_some_and(|e| e == "json");
            let (body, found) = if is_json { parse_json_file(id, &text) } else { parse_file(id, &text) };
            diags.extend(found);
            Some(body)
        }
        Err(e) => {
            diags.push(Diagnostic::error("Failed to read file", format!("The file {} cannot be read: {e}.", path.display())));
            None
        }
    }
}

/// The files of tests in a directory.
fn found(root: &Path, dir: &Path) -> Vec<PathBuf> {
    names(&root.join(dir), &[".tftest.hcl", ".tftest.json"]).into_iter().map(|n| dir.join(n)).collect()
}

/// The names of the files in a directory that end so, in order.
fn names(dir: &Path, ends: &[&str]) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter(|e| !e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> = names.filter(|n| ends.iter().any(|end| n.ends_with(end)) && !is_ignored(n)).collect();
    found.sort();
    found
}

impl File {
    /// Whether the file is in the directory of tests.
    pub fn is_in(&self, tests: &Path) -> bool {
        Path::new(&self.path).starts_with(tests)
    }
}
