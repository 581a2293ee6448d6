//! Reads a configuration: the root module and every module that it leads to.
//!
//! A mistake in one file or module does not keep the others from being read, so that one run shows them all.
//! Where a module stands is asked of a [`Modules`]: either it was fetched before, or it is fetched now.

pub mod early;
pub mod editions;
pub mod install;
pub mod manifest;
pub mod requirements;
pub mod tree;

mod archive;
mod registry;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::addr::ModulePath;
use secstack_base::{Diagnostic, Diags, Sources, Span, Str};
use secstack_eval::config::{Config, ConfigModule, ModuleIx, ROOT};
use secstack_lang::module::ModuleCall;
use secstack_lang::source::ModuleSource;
use secstack_lang::{Module, SourceFile, parse_file, parse_json_file};

pub use early::Early;
pub use install::{Install, Progress};
pub use manifest::Manifest;
pub use tree::{DiskTree, MemoryTree, Tree};

/// Modules that call each other deeper than this are taken for a circle.
const DEEPEST: usize = 100;

/// A module that stands outside its caller's package.
pub struct Wanted<'a> {
    /// The dotted names of the calls that lead to it.
    pub key: String,
    /// Its source.
    pub source: &'a ModuleSource,
    /// The source as text.
    pub source_text: &'a str,
    /// The version constraint.
    pub version: Option<&'a str>,
    /// The `source` argument.
    pub span: Span,
}

/// Where a module is.
pub struct Located {
    /// The directory, relative to the root module.
    pub dir: PathBuf,
    /// The version that was chosen.
    pub version: Option<String>,
}

/// Knows where modules of other packages are.
pub trait Modules {
    /// The place of a module.
    ///
    /// # Errors
    /// When it is not there, or cannot be fetched.
    fn locate(&mut self, wanted: &Wanted<'_>) -> Result<Located, Box<Diagnostic>>;
    /// Is told of modules that are part of their caller's package.
    fn local(&mut self, key: &str, source: &str, dir: &Path) {
        let _ = (key, source, dir);
    }
}

/// A configuration that was read.
#[derive(Default)]
pub struct Loaded {
    /// The modules.
    pub config: Config,
    /// What is wrong with them.
    pub diags: Diags,
    /// There is no file of configuration at all.
    pub is_empty: bool,
}

/// Reads the configuration whose root module is the root of `tree`. `sources` has the files that were read before, if any.
pub fn load(tree: &dyn Tree, modules: &mut dyn Modules, early: &Early<'_>, sources: Sources) -> Loaded {
    load_at(Path::new("."), tree, modules, early, sources)
}

/// Reads a configuration whose root module is a directory of `tree`, as tests of modules do.
pub fn load_at(dir: &Path, tree: &dyn Tree, modules: &mut dyn Modules, early: &Early<'_>, sources: Sources) -> Loaded {
    let config = Config { modules: Vec::new(), sources };
    let mut loader = Loader { tree, modules, early, loaded: Loaded { config, ..Loaded::default() } };
    loader.root(&tree::clean(dir));
    loader.loaded
}

struct Loader<'a> {
    tree: &'a dyn Tree,
    modules: &'a mut dyn Modules,
    early: &'a Early<'a>,
    loaded: Loaded,
}

impl Loader<'_> {
    fn root(&mut self, dir: &Path) {
        match self.decode(dir) {
            Ok(Some(module)) => {
                self.push(ConfigModule {
                    path: ModulePath::default(),
                    module,
                    dir: dir.display().to_string(),
                    parent: None,
                    children: Default::default(),
                    source: None,
                });
                let mut next = 0;
                while next < self.loaded.config.modules.len() {
                    self.calls(ModuleIx(next));
                    next += 1;
                }
            }
            Ok(None) => {
                self.loaded.is_empty = true;
                self.push(empty_root());
            }
            Err(e) => {
                self.push(empty_root());
                self.loaded.diags.push(Diagnostic::error(
                    "Failed to read module directory",
                    format!("The directory of the root module cannot be read: {e}."),
                ));
            }
        }
    }

    fn push(&mut self, module: ConfigModule) -> ModuleIx {
        let ix = ModuleIx(self.loaded.config.modules.len());
        if let Some((parent, call)) = &module.parent {
            self.loaded.config.modules[parent.0].children.insert(call.clone(), ix);
        }
        self.loaded.config.modules.push(module);
        ix
    }

    fn calls(&mut self, ix: ModuleIx) {
        let calls: Vec<ModuleCall> = self.loaded.config.module(ix).module.calls.values().cloned().collect();
        for call in calls {
            if let Err(d) = self.call(ix, &call) {
                self.loaded.diags.extend(d.map(|d| *d));
            }
        }
    }

    /// Reads the module of a call. The error is `None` when what is wrong was said before.
    fn call(&mut self, ix: ModuleIx, call: &ModuleCall) -> Result<(), Option<Box<Diagnostic>>> {
        let expr = call.source.as_ref().ok_or(None)?;
        let parent = self.loaded.config.module(ix);
        let path = parent.path.child(&call.name);
        if path.0.len() > DEEPEST {
            let what = format!("The modules call each other {DEEPEST} levels deep: a module seems to call itself.");
            return Err(Some(Box::new(Diagnostic::error("Modules nested too deeply", what).at(call.span))));
        }
        let mut text_of = |expr, what| self.early.text(&self.loaded.config.modules, ix, expr, what, &mut self.loaded.diags);
        let text = text_of(expr, "source").ok_or(None)?;
        let version = match &call.version {
            Some(v) => Some(text_of(v, "version").ok_or(None)?),
            None => None,
        };
        // Written-out addresses were checked when the call was decoded.
        let invalid = |e: &dyn std::fmt::Display| {
            Some(Box::new(
                Diagnostic::error("Invalid module source address", format!("The source address {text:?} is not valid: {e}.")).at(expr.span),
            ))
        };
        let source = match ModuleSource::parse(&text) {
            Ok(source) => source,
            Err(_) if self.loaded.diags.iter().any(|d| d.span == Some(expr.span)) => return Err(None),
            Err(e) => return Err(invalid(&e)),
        };
        let key = path.0.iter().map(|n| &**n).collect::<Vec<_>>().join(".");
        let (dir, chosen) = match &source {
            ModuleSource::Local(relative) => {
                let dir = tree::clean(&Path::new(&self.loaded.config.module(ix).dir).join(relative));
                self.modules.local(&key, relative, &dir);
                (dir, None)
            }
            _ => {
                let wanted = Wanted { key, source: &source, source_text: &text, version: version.as_deref(), span: expr.span };
                let at = self.modules.locate(&wanted).map_err(Some)?;
                (tree::clean(&at.dir), at.version)
            }
        };
        let module = match self.decode(&dir) {
            Ok(module) => module.unwrap_or_default(),
            Err(_) => return Err(Some(Box::new(self.unreadable(call, &text)))),
        };
        self.push(ConfigModule {
            path,
            module,
            dir: dir.display().to_string(),
            parent: Some((ix, call.name.clone())),
            children: Default::default(),
            source: Some((text, chosen.map(Str::from))),
        });
        Ok(())
    }

    fn unreadable(&self, call: &ModuleCall, source: &str) -> Diagnostic {
        let sources = &self.loaded.config.sources;
        let line = sources.position(call.span.file, call.span.start).line;
        let file = sources.path(call.span).map(|p| p.display().to_string()).unwrap_or_default();
        // Terraform gives no place either; the words name it.
        let what = format!("The directory {source:?} could not be read for module {:?} at {file}:{line}.", call.name);
        Diagnostic::error("Unreadable module directory", what)
            .help("Correct the source argument of the module call, or create the directory.")
    }

    /// Reads and decodes the files of a directory. `None` when there are none.
    fn decode(&mut self, dir: &Path) -> io::Result<Option<Module>> {
        let mut files = Vec::new();
        let mut broken = Diags::new();
        for name in self.tree.list(dir)?.into_iter().filter(|n| is_configuration(n)) {
            let path = tree::clean(&dir.join(&name));
            match self.tree.read(&path) {
                Ok(bytes) => files.push(read_source(&mut self.loaded.config.sources, path, name, bytes, &mut broken)),
                Err(e) => broken.push(unreadable_file(&path, &e)),
            }
        }
        if files.is_empty() && broken.is_empty() {
            return Ok(None);
        }
        let (module, found) = Module::decode(files);
        let version = requirements::core_version(&module);
        // A configuration for another version may well use what this one does not know.
        let found: Vec<Diagnostic> = if version.has_errors() { version.0 } else { broken.0.into_iter().chain(found).collect() };
        self.loaded.diags.extend(found);
        Ok(Some(module))
    }
}

fn empty_root() -> ConfigModule {
    ConfigModule {
        path: ModulePath::default(),
        module: Module::default(),
        dir: ".".into(),
        parent: None,
        children: Default::default(),
        source: None,
    }
}

fn read_source(sources: &mut Sources, path: PathBuf, name: String, bytes: Vec<u8>, diags: &mut Diags) -> SourceFile {
    let text: Arc<str> = match String::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let text: Arc<str> = String::from_utf8_lossy(e.as_bytes()).into();
            let file = sources.add(path, text.clone());
            let what = "The file is not valid UTF-8 text: all files of a configuration must be.";
            diags.push(Diagnostic::error("Invalid character encoding", what).at(Span::new(file, at, at)));
            let (body, _) = parse_file(file, "");
            return SourceFile { file, is_override: SourceFile::overrides(&name), name, body };
        }
    };
    let file = sources.add(path, text.clone());
    let (body, found) = if name.ends_with(".json") { parse_json_file(file, &text) } else { parse_file(file, &text) };
    diags.extend(found);
    SourceFile { file, is_override: SourceFile::overrides(&name), name, body }
}

fn unreadable_file(path: &Path, e: &io::Error) -> Diagnostic {
    let what = if e.kind() == io::ErrorKind::NotFound {
        format!(
            "The configuration file {:?} could not be read: it does not exist, or is a link that leads nowhere.",
            path.display().to_string()
        )
    } else {
        format!("The configuration file {:?} could not be read: {e}.", path.display().to_string())
    };
    Diagnostic::error("Failed to read file", what)
}

/// Whether a file of that name is part of a module. What editors leave behind is not.
pub fn is_configuration(name: &str) -> bool {
    let known = [".tf", ".tf.json"].iter().any(|end| name.ends_with(end));
    known && !is_ignored(name)
}

/// Hidden files, and copies that editors make.
pub fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

/// The modules that were fetched before.
pub struct Installed(pub Manifest);

impl Installed {
    /// Reads the manifest of a data directory. Without one, nothing was fetched.
    pub fn read(tree: &dyn Tree, data_dir: &Path) -> Self {
        let text = tree.read(&Manifest::path(data_dir)).unwrap_or_default();
        Self(Manifest::parse(&text).unwrap_or_default())
    }
}

impl Modules for Installed {
    fn locate(&mut self, wanted: &Wanted<'_>) -> Result<Located, Box<Diagnostic>> {
        let fail = |summary: &'static str, what: &str| {
            let what = format!("{what} Run \"secstack init\" to install all modules required by this configuration.");
            Err(Box::new(Diagnostic::error(summary, what).at(wanted.span)))
        };
        let Some(entry) = self.0.0.get(&wanted.key) else {
            return fail("Module not installed", "This module is not yet installed.");
        };
        if ModuleSource::parse(&entry.source).as_ref() != Ok(wanted.source) {
            return fail("Module source has changed", "The source address was changed since this module was installed.");
        }
        if !install::fits(wanted.version, entry.version.as_deref()) {
            let what = format!(
                "The version requirements have changed since this module was installed and the installed version ({}) is no longer acceptable.",
                entry.version.as_deref().unwrap_or("none")
            );
            return fail("Module version requirements have changed", &what);
        }
        Ok(Located { dir: entry.dir.clone().into(), version: entry.version.clone() })
    }
}

/// The backend block of the root module, if it has one.
pub fn backend(config: &Config) -> Option<&secstack_lang::Block> {
    config.modules.get(ROOT.0)?.module.backend.as_ref()
}
