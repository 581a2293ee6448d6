//! `fmt`

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use secstack_base::{Diagnostic, Diags, FileId, Sources, Span};
use secstack_run::load::is_ignored;

use crate::app::{App, Outcome};
use crate::flags::{Look, switch};
use crate::view::View;

/// Reformat your configuration in the standard style
///
/// Without a target, formats the files of the current directory. "-" formats the standard input to the standard output.
/// With -check, the exit code is 3 if a file was not in the standard style.
#[derive(Args)]
pub struct Fmt {
    #[command(flatten)]
    pub look: Look,
    /// List files whose formatting differs.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    list: bool,
    /// Write to files.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    write: bool,
    /// Show differences.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    diff: bool,
    /// Only check: write nothing, and exit with 3 if a file differs.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    check: bool,
    /// Look into directories in directories.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    recursive: bool,
    /// Files and directories.
    targets: Vec<PathBuf>,
}

/// What came of the files so far.
struct Run<'a> {
    options: &'a Fmt,
    app: &'a App,
    sources: Sources,
    diags: Diags,
    differ: bool,
}

impl Fmt {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let mut run = Run { options: self, app, sources: Sources::default(), diags: Diags::new(), differ: false };
        if self.targets.first().is_some_and(|t| t.as_os_str() == "-") {
            run.stdin();
        } else if self.targets.is_empty() {
            run.directory(Path::new("."));
        } else {
            for target in &self.targets {
                run.target(target);
            }
        }
        view.know(&run.sources);
        view.diags(&run.diags);
        if run.diags.has_errors() {
            return Ok(2);
        }
        Ok(if self.check && run.differ { 3 } else { 0 })
    }
}

impl Run<'_> {
    fn fail(&mut self, summary: &'static str, what: String) {
        self.diags.push(Diagnostic::error(summary, what));
    }

    fn target(&mut self, path: &Path) {
        if path.is_dir() {
            self.directory(path);
        } else if !path.exists() {
            self.fail("No file or directory", format!("No file or directory at {}.", path.display()));
        } else if !is_formatted(&path.to_string_lossy()) {
            self.fail("Not a configuration file", "Only .tf, .tfvars, and .tftest.hcl files can be processed with secstack fmt.".into());
        } else {
            self.file(path);
        }
    }

    fn directory(&mut self, dir: &Path) {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => return self.fail("Cannot read directory", format!("The directory {} cannot be read: {e}.", dir.display())),
        };
        let mut entries: Vec<_> = entries.flatten().map(|e| (e.file_name().to_string_lossy().into_owned(), e.path().is_dir())).collect();
        entries.sort();
        for (name, is_dir) in entries {
            let path = if dir == Path::new(".") { PathBuf::from(&name) } else { dir.join(&name) };
            if is_ignored(&name) {
                continue;
            }
            if !is_dir && is_formatted(&name) {
                self.file(&path);
            } else if is_dir && self.options.recursive {
                self.directory(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match std::fs::read(path) {
            Ok(bytes) => self.text(bytes, path, true),
            Err(e) => self.fail("Failed to read file", format!("The file {} cannot be read: {e}.", path.display())),
        }
    }

    fn stdin(&mut self) {
        let mut bytes = Vec::new();
        match std::io::stdin().read_to_end(&mut bytes) {
            Ok(_) => self.text(bytes, Path::new("<stdin>"), false),
            Err(e) => self.fail("Failed to read input", format!("The standard input cannot be read: {e}.")),
        }
    }

    fn text(&mut self, bytes: Vec<u8>, path: &Path, is_file: bool) {
        let Ok(text) = String::from_utf8(bytes) else {
            return self.fail("Invalid character encoding", format!("{} is not valid UTF-8 text.", path.display()));
        };
        let new = match secstack_lang::fmt::format(&text) {
            Ok(new) => new,
            Err(found) => {
                let file = self.sources.add(path, text.as_str());
                self.diags.extend(found.into_iter().map(|d| moved(d, file)));
                return;
            }
        };
        let out = &self.app.out;
        if new != text {
            self.differ = true;
            if is_file && self.options.list {
                out.line(path.display().to_string());
            }
            let write = is_file && self.options.write && !self.options.check;
            if write && let Err(e) = std::fs::write(path, &new) {
                return self.fail("Failed to write file", format!("The file {} cannot be written: {e}.", path.display()));
            }
            if self.options.diff {
                let shown = path.display();
                let diff = similar::TextDiff::from_lines(&text, &new);
                out.text(&diff.unified_diff().header(&format!("old/{shown}"), &format!("new/{shown}")).to_string());
            }
        }
        if !is_file && !self.options.check && !self.options.diff {
            out.text(&new);
        }
    }
}

/// The same about another file.
fn moved(d: Diagnostic, file: FileId) -> Diagnostic {
    let at = |s: Span| Span { file, ..s };
    Diagnostic { span: d.span.map(at), labels: d.labels.into_iter().map(|(s, t)| (at(s), t)).collect(), ..d }
}

fn is_formatted(name: &str) -> bool {
    [".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl", ".tofu"].iter().any(|end| name.ends_with(end))
}
