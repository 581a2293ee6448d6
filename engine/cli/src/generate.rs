//! Configuration for objects that `import` blocks name and nobody has declared yet: `plan -generate-config-out`.
//!
//! The objects are imported as if they were declared without arguments; what is found is written down as configuration,
//! which is then planned like any other.

mod render;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::addr::{ResourceAddr, ResourceName};
use secstack_base::{Addr, Diagnostic, Diags, FileId, InstanceKey, Mode, ModuleAddr, Str, Value};
use secstack_eval::config::ROOT;
use secstack_eval::{Config, Schemas};
use secstack_lang::ast::{TraversalStep, as_traversal};
use secstack_lang::module::Import;
use secstack_lang::{Module, SourceFile, parse_file};
use secstack_plan::{Options, PlanMode, Start};
use secstack_run::Events;

use crate::app::{App, Told};
use crate::project::Project;
use crate::session::Session;
use crate::view::View;

/// Where configuration is generated to.
pub struct Target {
    path: PathBuf,
}

/// A block that is to be written.
struct Wanted {
    name: ResourceName,
    /// The `provider` argument, where it is not what the type implies.
    provider: Option<String>,
}

impl Target {
    /// A file that does not exist yet.
    ///
    /// # Errors
    /// When it exists, or the plan is of a kind that imports nothing.
    pub fn new(app: &App, path: &Path, mode: PlanMode) -> Result<Self, Diagnostic> {
        if mode != PlanMode::Normal {
            let what = "Config can only be generated during a normal plan operation, and not during a refresh-only or destroy plan.";
            return Err(Diagnostic::error("Invalid generate-config-out flag", what));
        }
        let path = app.root.join(path);
        if path.exists() {
            let what = "Generated configuration can only be written to a new file. Either choose a different target location or move all existing configuration out of the target file, delete it and try again.";
            return Err(Diagnostic::error("Target generated file already exists", what));
        }
        Ok(Self { path })
    }

    /// Writes configuration for what is imported and not declared, and adds it to the project. `None` when there is no such
    /// thing; otherwise the configuration of each.
    ///
    /// # Errors
    /// When an object cannot be imported, or the file cannot be written, which is told.
    pub async fn fill(
        &self,
        app: &App,
        view: &View,
        project: &mut Project,
        session: &Session,
        inputs: &BTreeMap<Str, Value>,
        options: &Options,
    ) -> Result<Option<BTreeMap<Addr, String>>, Told> {
        let wanted = wanted(&project.config);
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut bare = (*project.config).clone();
        let blocks: String = wanted.iter().map(|w| w.block("")).collect();
        let dummy = add(&mut bare, Path::new("(generated)"), &blocks).map_err(|d| view.error(*d))?;
        let start = Start {
            config: Arc::new(bare),
            ambient: app.planning(&project.workspace, false),
            providers: project.providers.clone(),
            options: options.clone(),
            inputs: inputs.clone(),
            given: BTreeMap::new(),
            state: session.snapshot.clone(),
        };
        // The plan that follows imports once more, and tells of it.
        let (found, diags) = secstack_run::walk(start, &project.providers, &Events::none()).await.into_imported();
        if wanted.iter().any(|w| !found.contains_key(&w.addr())) {
            // Arguments that are missing are missing on purpose.
            let real = diags.into_iter().filter(|d| d.span.is_none_or(|s| s.file != dummy));
            view.check(&Diags(real.collect()))?;
        }
        let mut generated = BTreeMap::new();
        let mut text = String::from(HEADER);
        for w in &wanted {
            let Some((id, value)) = found.get(&w.addr()) else { continue };
            let block = self.block(app, project, w, value);
            text.push_str(&format!("\n# __generated__ by Terraform from {}\n{block}\n", secstack_base::addr::quote(id)));
            generated.insert(w.addr(), block);
        }
        self.write(&text).map_err(|d| view.error(d))?;
        let mut config = (*project.config).clone();
        add(&mut config, &self.in_configuration(app), &text).map_err(|d| view.error(*d))?;
        view.know(&config.sources);
        project.config = Arc::new(config);
        Ok(Some(generated))
    }

    fn block(&self, app: &App, project: &Project, w: &Wanted, value: &Value) -> String {
        let local = w.provider.as_deref().unwrap_or(Config::implied_provider(&w.name.ty));
        let addr = project.config.provider_addr(ROOT, local.split('.').next().unwrap_or(local));
        let schema = project.providers.resource(&addr, Mode::Managed, &w.name.ty);
        let body = schema.map(|s| render::body(&s.block, value, &app.files())).unwrap_or_default();
        let text = w.block(&body);
        // What is rendered is plain configuration; were it not, the words would still be right.
        secstack_lang::fmt::format(&text).unwrap_or(text).trim_end().to_string()
    }

    /// The path under which the configuration is part of a saved plan.
    fn in_configuration(&self, app: &App) -> PathBuf {
        let inside = self.path.strip_prefix(&app.root).unwrap_or(&self.path);
        let is_root = inside.components().count() == 1 && inside.extension().is_some_and(|e| e == "tf");
        if is_root { inside.to_path_buf() } else { PathBuf::from("generated_config.tf") }
    }

    fn write(&self, text: &str) -> Result<(), Diagnostic> {
        std::fs::write(&self.path, text).map_err(|e| {
            let what = format!("The generated file {} could not be created: {e}.", self.path.display());
            Diagnostic::error("Failed to create target generated file", what)
        })
    }

    /// What to tell when the file is written.
    pub fn told(&self) -> String {
        format!(
            "\nConfiguration was generated and written to {}. Please review the configuration and edit it as necessary before adding it to version control.\n",
            self.path.strip_prefix("./").unwrap_or(&self.path).display()
        )
    }
}

const HEADER: &str = "# __generated__ by Terraform\n# Please review these resources and move them into your main configuration files.\n";

impl Wanted {
    fn addr(&self) -> Addr {
        ResourceAddr { module: ModuleAddr::root(), name: self.name.clone() }.instance(InstanceKey::None)
    }

    fn block(&self, body: &str) -> String {
        let provider = self.provider.as_ref().map(|p| format!("provider = {p}\n")).unwrap_or_default();
        format!("resource \"{}\" \"{}\" {{\n{provider}{body}}}\n", self.name.ty, self.name.name)
    }
}

/// The blocks that are missing: resources of the root module without keys.
fn wanted(config: &Config) -> Vec<Wanted> {
    let module = &config.module(ROOT).module;
    let mut all: Vec<Wanted> = Vec::new();
    for block in module.imports.iter().filter(|b| b.for_each.is_none()) {
        let Some(name) = plain_name(block) else { continue };
        if module.resources.contains_key(&name) || all.iter().any(|w| w.name == name) {
            continue;
        }
        let provider = block.provider.as_ref().map(|p| match &p.alias {
            Some(alias) => format!("{}.{alias}", p.name),
            None => p.name.to_string(),
        });
        let provider = provider.filter(|p| *p != Config::implied_provider(&name.ty));
        all.push(Wanted { name, provider });
    }
    all
}

fn plain_name(block: &Import) -> Option<ResourceName> {
    let to = as_traversal(&block.to)?;
    match &to.steps[..] {
        [TraversalStep::Attr(name, _)] if &*to.root != "module" => {
            Some(ResourceName { mode: Mode::Managed, ty: to.root.clone(), name: name.clone() })
        }
        _ => None,
    }
}

/// Adds a file to the root module.
fn add(config: &mut Config, path: &Path, text: &str) -> Result<FileId, Box<Diagnostic>> {
    let file = config.sources.add(path, text);
    let (body, mut diags) = parse_file(file, text);
    let source = SourceFile { file, name: path.display().to_string().as_str().into(), body, is_override: false };
    let (module, found) = Module::decode(vec![source]);
    diags.extend(found);
    if let Some(d) = diags.into_iter().find(Diagnostic::is_error) {
        return Err(Box::new(d));
    }
    config.modules[ROOT.0].module.resources.extend(module.resources);
    Ok(file)
}
