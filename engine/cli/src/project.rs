//! The configuration of the directory that a command runs in, with the values given to its variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use secstack_base::{Diags, Str, Value};
use secstack_eval::config::{Config, ROOT};
use secstack_lang::Module;
use secstack_plan::inputs::{self, Input};
use secstack_plan::{Options, Plan, Start};
use secstack_run::load::{self, DiskTree, Early, Installed, Loaded, Modules};
use secstack_run::{Events, ProviderSet};
use secstack_state::model::Snapshot;

use crate::app::{App, Told};
use crate::catalog;
use crate::encryption::{self, Ciphers};
use crate::flags::{StatePaths, Variables};
use crate::stores::{self, Place};
use crate::vars;
use crate::view::View;

/// A configuration without mistakes that need no evaluation.
pub struct Project {
    /// The modules.
    pub config: Arc<Config>,
    /// The providers.
    pub providers: Arc<ProviderSet>,
    /// The values given, before they have the types of their variables.
    pub inputs: BTreeMap<Str, Input>,
    /// The selected workspace.
    pub workspace: String,
    /// Where the state is.
    pub place: Place,
    /// There is no file of configuration at all.
    pub is_empty: bool,
}

/// Reads a configuration and whatever is wrong with it.
pub fn read(app: &App, inputs: &vars::Collected, workspace: &str, modules: &mut dyn Modules) -> Loaded {
    let files = app.files();
    let early = Early { inputs: &inputs.inputs, files: &files, workspace };
    load::load(&DiskTree::new(&app.root), modules, &early, inputs.sources.clone())
}

/// The modules that were fetched before.
pub fn installed(app: &App) -> Installed {
    Installed::read(&DiskTree::new(&app.root), &app.data_dir)
}

impl Project {
    /// Reads the configuration, the values of variables, and where the state is.
    ///
    /// # Errors
    /// When there are mistakes, which are told.
    pub fn open(app: &App, view: &View, variables: &Variables, paths: &StatePaths) -> Result<Self, Told> {
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let mut collected = vars::collect(&app.root, variables);
        let mut loaded = read(app, &collected, &workspace, &mut installed(app));
        view.know(&loaded.config.sources);
        loaded.diags.extend(std::mem::take(&mut collected.diags));
        let providers = app.providers();
        loaded.diags.extend(load::requirements::provider_versions(&loaded.config, &providers));
        view.check(&loaded.diags)?;
        let files = app.files();
        let early = Early { inputs: &collected.inputs, files: &files, workspace: &workspace };
        let mut diags = Diags::new();
        diags.extend(encryption::warning(&loaded.config, &collected));
        let ciphers = encryption::ciphers(&loaded.config, &collected, &early, &mut diags);
        let place = stores::place(app, &loaded.config, &early, paths, ciphers, &mut diags);
        view.check(&diags)?;
        let place = place.ok_or(Told)?;
        let providers = catalog::reading(&place.ciphers.remote);
        load::editions::choose(Some(&loaded.config), None, &providers);
        Ok(Self { config: Arc::new(loaded.config), providers, inputs: collected.inputs, workspace, place, is_empty: loaded.is_empty })
    }

    /// The root module.
    pub fn root(&self) -> &Module {
        &self.config.module(ROOT).module
    }

    /// The values of all root variables. Those that are missing are asked for, if that is allowed.
    ///
    /// # Errors
    /// When a value is missing or wrong, which is told.
    pub async fn values(&mut self, app: &App, view: &View, ask: bool) -> Result<BTreeMap<Str, Value>, Told> {
        let config = self.config.clone();
        if ask && !view.is_json() {
            vars::prompt(&app.out, &config.module(ROOT).module, &mut self.inputs);
        }
        let mut diags = Diags::new();
        let values = inputs::resolve(self.root(), &self.inputs, &app.files(), &mut diags);
        if diags.has_errors() && diags.iter().filter(|d| d.is_error()).all(inputs::is_late) {
            let found = self.validate(app).await;
            if found.has_errors() {
                diags = found;
            }
        }
        view.check(&diags)?;
        Ok(values)
    }

    /// Checks the whole configuration without looking at the world.
    pub async fn validate(&self, app: &App) -> Diags {
        validate(app, &self.config, &self.providers, &self.workspace).await.diags
    }
}

/// Checks a whole configuration without looking at the world.
pub async fn validate(app: &App, config: &Arc<Config>, providers: &Arc<ProviderSet>, workspace: &str) -> Plan {
    let start = Start {
        config: config.clone(),
        ambient: app.planning(workspace, true),
        providers: providers.clone(),
        options: Options { validating: true, ..Options::default() },
        inputs: BTreeMap::new(),
        given: BTreeMap::new(),
        state: Snapshot::new(),
    };
    secstack_run::plan(start, providers, &Events::none()).await
}

/// Where the state is, for commands that need no more of the configuration. Mistakes elsewhere do not matter to them.
///
/// # Errors
/// When that cannot be told.
pub fn place(app: &App, view: &View, paths: &StatePaths) -> Result<(Place, String), Told> {
    let workspace = app.workspace().map_err(|d| view.error(d))?;
    let (config, collected) = glance(app, view, &Variables::default(), &workspace)?;
    let files = app.files();
    let early = Early { inputs: &collected.inputs, files: &files, workspace: &workspace };
    let mut diags = Diags::new();
    let ciphers = encryption::ciphers(&config, &collected, &early, &mut diags);
    let place = stores::place(app, &config, &early, paths, ciphers, &mut diags);
    view.check(&diags)?;
    Ok((place.ok_or(Told)?, workspace))
}

/// What encrypts what in this directory, for commands that read a file and need nothing else of the configuration.
///
/// # Errors
/// When that cannot be told.
pub fn ciphers(app: &App, view: &View, variables: &Variables) -> Result<Ciphers, Told> {
    let workspace = app.workspace().map_err(|d| view.error(d))?;
    let (config, collected) = glance(app, view, variables, &workspace)?;
    let files = app.files();
    let early = Early { inputs: &collected.inputs, files: &files, workspace: &workspace };
    let mut diags = Diags::new();
    let ciphers = encryption::ciphers(&config, &collected, &early, &mut diags);
    view.check(&diags)?;
    Ok(ciphers)
}

/// The configuration with whatever is wrong with it, unless that may hide what is to be encrypted.
fn glance(app: &App, view: &View, variables: &Variables, workspace: &str) -> Result<(Config, vars::Collected), Told> {
    let collected = vars::collect(&app.root, variables);
    let loaded = read(app, &collected, workspace, &mut installed(app));
    view.know(&loaded.config.sources);
    view.check(&encryption::mistakes(&loaded, &collected))?;
    Ok((loaded.config, collected))
}
