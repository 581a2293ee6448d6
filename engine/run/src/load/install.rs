//! Fetches the modules of other packages into `.terraform/modules`.
//!
//! What was fetched before stays, as long as its source is the same and its version still fits. Git is called as a
//! program, since users configure it with their credentials.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secstack_base::Diagnostic;
use secstack_lang::source::{Getter, ModuleSource};
use secstack_lang::version::{Constraint, Version};

use super::manifest::{Entry, Manifest};
use super::{Located, Modules, Wanted, archive, registry};

/// What is told while modules are fetched.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// A package is fetched.
    Download {
        /// The dotted names of the calls.
        key: &'a str,
        /// Where from.
        from: &'a str,
        /// The version, for a module of a registry.
        version: Option<&'a str>,
    },
    /// A module has its place.
    Installed {
        /// The dotted names of the calls.
        key: &'a str,
        /// The directory.
        dir: &'a Path,
    },
}

/// Fetches modules.
pub struct Install<'a> {
    root: PathBuf,
    data_dir: PathBuf,
    known: Manifest,
    new: Manifest,
    upgrade: bool,
    tell: &'a dyn Fn(Progress<'_>),
}

impl<'a> Install<'a> {
    /// Fetches into `data_dir`, which like all paths is relative to `root`. With `upgrade`, what is there is fetched again.
    pub fn new(root: &Path, data_dir: &Path, upgrade: bool, tell: &'a dyn Fn(Progress<'_>)) -> Self {
        let text = std::fs::read(root.join(Manifest::path(data_dir))).unwrap_or_default();
        let known = Manifest::parse(&text).unwrap_or_default();
        let mut new = Manifest::default();
        new.insert(Entry { key: String::new(), source: String::new(), version: None, dir: ".".into() });
        Self { root: root.into(), data_dir: data_dir.into(), known, new, upgrade, tell }
    }

    /// Writes down what is where. Nothing is written for a configuration that calls no module.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> std::io::Result<()> {
        let path = self.root.join(Manifest::path(&self.data_dir));
        if self.new.0.len() == 1 && !path.exists() {
            return Ok(());
        }
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(path, self.new.text())
    }

    fn keep(&self, wanted: &Wanted<'_>) -> Option<Entry> {
        let entry = self.known.0.get(&wanted.key).filter(|_| !self.upgrade)?;
        let same = ModuleSource::parse(&entry.source).as_ref() == Ok(wanted.source);
        let there = self.root.join(&entry.dir).is_dir();
        (same && there && fits(wanted.version, entry.version.as_deref())).then(|| entry.clone())
    }

    fn fetch(&self, wanted: &Wanted<'_>) -> Result<Entry, String> {
        let package = self.data_dir.join("modules").join(&wanted.key);
        let target = self.root.join(&package);
        if target.symlink_metadata().is_ok() {
            remove(&target).map_err(|e| format!("the directory {} cannot be emptied: {e}", package.display()))?;
        }
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent).map_err(|e| format!("the directory {} cannot be made: {e}", parent.display()))?;
        }
        let (subdir, version) = match wanted.source {
            ModuleSource::Registry { host, namespace, name, system, subdir } => {
                let at = format!("{namespace}/{name}/{system}");
                let (version, location) = registry::find(host, &at, wanted.version)?;
                let from = if host == "registry.terraform.io" { at } else { format!("{host}/{at}") };
                (self.tell)(Progress::Download { key: &wanted.key, from: &from, version: Some(&version) });
                let inner = match ModuleSource::parse(&location)
                    .map_err(|e| format!("the registry gave an address that is not valid, {location:?}: {e}"))?
                {
                    ModuleSource::Remote { getter, url, subdir, reference } => {
                        get(getter, &url, reference.as_deref(), &target)?;
                        subdir
                    }
                    _ => return Err(format!("the registry gave an address that leads to no package: {location:?}")),
                };
                let both: Vec<&str> = inner.as_deref().into_iter().chain(subdir.as_deref()).collect();
                (Some(both.join("/")).filter(|s| !s.is_empty()), Some(version))
            }
            ModuleSource::Remote { getter, url, subdir, reference } => {
                (self.tell)(Progress::Download { key: &wanted.key, from: wanted.source_text, version: None });
                get(*getter, url, reference.as_deref(), &target)?;
                (subdir.clone(), None)
            }
            ModuleSource::Local(_) => return Err("a local module is not fetched".into()),
        };
        let dir = subdir.map_or(package.clone(), |s| package.join(s));
        let dir = the_one(&self.root, &dir)?;
        Ok(Entry { key: wanted.key.clone(), source: full(wanted.source, wanted.source_text), version, dir: dir.display().to_string() })
    }
}

impl Modules for Install<'_> {
    fn locate(&mut self, wanted: &Wanted<'_>) -> Result<Located, Box<Diagnostic>> {
        let entry = match self.keep(wanted) {
            Some(entry) => entry,
            None => self.fetch(wanted).map_err(|e| {
                let what = format!("Could not download module {:?} source code from {:?}: {e}.", wanted.key, wanted.source_text);
                Box::new(Diagnostic::error("Failed to download module", what).at(wanted.span))
            })?,
        };
        let at = Located { dir: entry.dir.clone().into(), version: entry.version.clone() };
        (self.tell)(Progress::Installed { key: &wanted.key, dir: &at.dir });
        self.new.insert(entry);
        Ok(at)
    }

    fn local(&mut self, key: &str, source: &str, dir: &Path) {
        (self.tell)(Progress::Installed { key, dir });
        self.new.insert(Entry { key: key.into(), source: source.into(), version: None, dir: dir.display().to_string() });
    }
}

/// Whether the version that was chosen is one that is wanted.
pub(super) fn fits(wanted: Option<&str>, chosen: Option<&str>) -> bool {
    let (Some(wanted), Some(chosen)) = (wanted, chosen) else { return true };
    match (Constraint::parse(wanted), chosen.parse::<Version>()) {
        (Ok(c), Ok(v)) => c.allows(&v),
        _ => false,
    }
}

/// The address as the manifest has it.
fn full(source: &ModuleSource, text: &str) -> String {
    match source {
        ModuleSource::Registry { host, namespace, name, system, subdir } => {
            let subdir = subdir.as_ref().map_or(String::new(), |s| format!("//{s}"));
            format!("{host}/{namespace}/{name}/{system}{subdir}")
        }
        ModuleSource::Remote { getter: Getter::Git, url, subdir, reference } => {
            let subdir = subdir.as_ref().map_or(String::new(), |s| format!("//{s}"));
            let (url, query) = url.split_once('?').map_or((url.as_str(), None), |(u, q)| (u, Some(q.to_string())));
            let query: Vec<String> = query.into_iter().chain(reference.iter().map(|r| format!("ref={r}"))).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("git::{url}{subdir}{mark}{}", query.join("&"))
        }
        _ => text.into(),
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.symlink_metadata()?.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
}

/// The directory; `*` in a name stands for the only directory there.
fn the_one(root: &Path, dir: &Path) -> Result<PathBuf, String> {
    let mut out = PathBuf::new();
    for part in dir.components() {
        if part.as_os_str() != "*" {
            out.push(part);
            continue;
        }
        let entries = std::fs::read_dir(root.join(&out)).map_err(|e| e.to_string())?;
        let mut dirs = entries.flatten().filter(|e| e.path().is_dir()).map(|e| e.file_name());
        match (dirs.next(), dirs.next()) {
            (Some(only), None) => out.push(only),
            _ => return Err(format!("{} does not hold exactly one directory", out.display())),
        }
    }
    if root.join(&out).is_dir() { Ok(out) } else { Err(format!("the package has no directory {}", out.display())) }
}

/// Fetches a package into a directory that does not exist yet.
pub(super) fn get(getter: Getter, url: &str, reference: Option<&str>, target: &Path) -> Result<(), String> {
    match getter {
        Getter::Git => git(url, reference, target),
        Getter::Mercurial => {
            let mut args = vec!["clone", "--noninteractive"];
            args.extend(reference.map(|r| ["--updaterev", r]).into_iter().flatten());
            let target = target.display().to_string();
            run("hg", &[&args[..], &["--", url, &target]].concat())
        }
        Getter::Http => archive::over_http(url, target),
        Getter::S3 => archive::from_s3(url, target),
        Getter::File => local(Path::new(url.strip_prefix("file://").unwrap_or(url)), target),
        Getter::Gcs => Err("secstack does not fetch modules from Google Cloud Storage: use a Git, HTTP or registry source".into()),
        Getter::Oci => Err("secstack does not fetch modules from OCI registries: use a Git, HTTP or registry source".into()),
    }
}

fn local(from: &Path, target: &Path) -> Result<(), String> {
    if from.is_dir() {
        return std::os::unix::fs::symlink(from, target).map_err(|e| e.to_string());
    }
    if !from.exists() {
        return Err(format!("there is nothing at {}", from.display()));
    }
    archive::unpack(from, &from.display().to_string(), target)
}

fn git(url: &str, reference: Option<&str>, target: &Path) -> Result<(), String> {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let depth = query.split('&').find_map(|q| q.strip_prefix("depth=")).filter(|d| d.parse::<u32>().is_ok_and(|d| d > 0));
    let at = target.display().to_string();
    let mut args = vec!["clone"];
    if let Some(depth) = depth {
        args.extend(["--depth", depth]);
        args.extend(reference.map(|r| ["--branch", r]).into_iter().flatten());
    }
    args.extend(["--", url, &at]);
    run("git", &args)?;
    if let (Some(reference), None) = (reference, depth) {
        if reference.starts_with('-') {
            return Err(format!("{reference:?} is not the name of a branch, tag or commit"));
        }
        run("git", &["-C", &at, "checkout", reference])?;
    }
    if target.join(".gitmodules").exists() {
        run("git", &["-C", &at, "submodule", "update", "--init", "--recursive"])?;
    }
    Ok(())
}

/// Runs a program that is silent when it succeeds.
pub(super) fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let ran = Command::new(program).args(args).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).output();
    let ran = ran.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("the program {program} is needed for this source and is not installed"),
        _ => format!("{program} cannot be run: {e}"),
    })?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_string();
    Err(format!("{program} failed: {said}"))
}
