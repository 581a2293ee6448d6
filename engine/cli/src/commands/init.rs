//! `init`

use std::path::{Path, PathBuf};

use clap::Args;
use secstack_base::{Diagnostic, Diags, Value};
use secstack_lang::parse_tfvars;
use secstack_plan::file::SavedBackend;
use secstack_run::load::{self, Early, Install, Progress};

use super::test::files;
use crate::app::{App, Outcome, Told};
use crate::encryption::{self, Ciphers};
use crate::flags::{Ask, Lock, Look, StatePaths, Variables, switch};
use crate::stores::migrate::{self, Moving};
use crate::stores::saved::{self, Saved};
use crate::stores::{self, Arguments, Place};
use crate::view::View;
use crate::{project, vars};

/// Prepare your working directory for other commands
///
/// Fetches the modules that the configuration calls, and checks where the state is. Providers are built in: a configuration
/// without modules of other packages needs no initialisation.
#[derive(Args)]
pub struct Init {
    #[command(flatten)]
    pub look: Look,
    /// Fetch modules again, in the newest versions that are allowed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    upgrade: bool,
    /// An argument of the backend, NAME=VALUE, or a file of such. May be repeated.
    #[arg(long = "backend-config", value_name = "CONFIG")]
    backend_config: Vec<String>,
    /// Look at the backend.
    #[arg(long, alias = "cloud", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    backend: bool,
    /// Fetch modules.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", value_parser = switch)]
    get: bool,
    /// Print events as JSON, one object a line.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    json: bool,
    /// Forget earlier arguments of the backend, and leave the state where it was.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    reconfigure: bool,
    /// Move the state when the configuration names another place for it than before.
    #[arg(long = "migrate-state")]
    migrate_state: bool,
    /// The same, and replace states that are in the way without asking.
    #[arg(long = "force-copy")]
    force_copy: bool,
    /// Not supported.
    #[arg(long = "from-module", value_name = "SOURCE", hide = true)]
    from_module: Option<String>,
    /// Accepted; providers are built in.
    #[arg(long = "plugin-dir", value_name = "PATH", hide = true)]
    plugin_dir: Vec<PathBuf>,
    /// Accepted; there are no locked versions of providers.
    #[arg(long, value_name = "MODE", hide = true)]
    lockfile: Option<String>,
    /// Accepted.
    #[arg(long = "ignore-remote-version", hide = true)]
    ignore_remote_version: bool,
    /// Where tests are.
    #[arg(long = "test-directory", value_name = "PATH", hide = true)]
    test_directory: Option<PathBuf>,
    #[command(flatten)]
    ask: Ask,
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    variables: Variables,
}

impl Init {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, self.json);
        if self.from_module.is_some() {
            let what = "This version does not copy modules into the working directory. Fetch the module with git, and run init there.";
            return Err(view.error(Diagnostic::error("Unsupported option -from-module", what)));
        }
        if self.migrates() && self.reconfigure {
            let option = if self.migrate_state { "-migrate-state" } else { "-force-copy" };
            let what = format!("The {option} and -reconfigure options are mutually-exclusive.");
            return Err(view.error(Diagnostic::error("Invalid init options", what)));
        }
        if self.migrate_state && self.json {
            let what = "The -migrate-state option asks questions, which the -json option leaves no room for.";
            return Err(view.error(Diagnostic::error("The -migrate-state and -json options are mutually-exclusive", what)));
        }
        let has_files =
            std::fs::read_dir(&app.root).into_iter().flatten().flatten().any(|e| load::is_configuration(&e.file_name().to_string_lossy()));
        if !has_files {
            view.stage("output_init_empty_message", "secstack initialized in an empty directory!\n\nThe directory has no Terraform configuration files. You may begin working with secstack immediately by creating Terraform configuration files.");
            return Ok(0);
        }
        let mut loaded = self.modules(app, &view)?;
        let mut tests = Diags::new();
        let dir = self.test_directory.as_deref().unwrap_or(Path::new("tests"));
        files::read(app, dir, &[], &mut loaded.1.sources, &mut tests);
        view.know(&loaded.1.sources);
        view.check(&tests)?;
        let providers = app.providers();
        let mut diags = load::requirements::provider_versions(&loaded.1, &providers);
        if self.backend {
            view.stage("initializing_backend_message", "Initializing the backend...");
            self.place(app, &view, &loaded, &mut diags).await?;
        }
        diags.extend(secstack_plan::unknown_providers(&loaded.1, &*providers));
        view.check(&diags)?;
        view.stage(
            "initializing_provider_plugin_message",
            "Initializing provider plugins...\nProviders are built in: there is nothing to install.",
        );
        view.stage("output_init_success_message", "\nsecstack has been successfully initialized!");
        if !app.in_automation {
            view.stage("output_init_success_cli_message", "\nYou may now begin working with secstack. Try running \"secstack plan\" to see\nany changes that are required for your infrastructure.\n\nProviders are built in: unless you add a module of another package, you need not run init again.");
        }
        Ok(0)
    }

    fn modules(&self, app: &App, view: &View) -> Result<(vars::Collected, secstack_eval::Config), Told> {
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let collected = vars::collect(&app.root, &self.variables);
        let loaded = if self.get {
            fetch(app, view, &collected, &workspace, self.upgrade)?
        } else {
            project::read(app, &collected, &workspace, &mut project::installed(app))
        };
        view.know(&loaded.config.sources);
        view.check(&loaded.diags)?;
        Ok((collected, loaded.config))
    }

    async fn place(
        &self,
        app: &App,
        view: &View,
        loaded: &(vars::Collected, secstack_eval::Config),
        diags: &mut Diags,
    ) -> Result<(), Told> {
        let files = app.files();
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let early = Early { inputs: &loaded.0.inputs, files: &files, workspace: &workspace };
        let has_block = load::backend(&loaded.1).is_some();
        if !has_block && !self.backend_config.is_empty() {
            let what = "The -backend-config option was given, but the configuration has no \"backend\" block to complete. A state in terraform.tfstate needs none.";
            diags.push(Diagnostic::warning("Missing backend configuration", what));
        }
        let written = stores::written(&loaded.1, &early, diags);
        let given =
            if has_block { self.backend_arguments(app, written.as_ref().map_or("local", |w| &w.ty), diags) } else { Arguments::new() };
        let ciphers = encryption::ciphers(&loaded.1, &loaded.0, &early, diags);
        view.check(diags)?;
        let written = written.ok_or(Told)?;
        let saved = Saved::read(app).filter(|_| !self.reconfigure);
        let complete = match &saved {
            // What was given on an earlier command line still counts.
            Some(saved) if given.is_empty() => saved::merged(&written, Some(saved)).unwrap_or_else(|_| written.arguments.clone()),
            _ => written.arguments.clone(),
        };
        let arguments: Arguments = complete.into_iter().chain(given).collect();
        let place = stores::open(app, &written, arguments.clone(), &StatePaths::default(), ciphers.clone(), diags);
        view.check(diags)?;
        let place = place.ok_or(Told)?;
        let is_elsewhere = saved.as_ref().is_some_and(|s| !s.is_place_of(&written.ty, &arguments));
        if is_elsewhere && !self.migrates() {
            let what = "The configuration names another place for the state than before. The state may have to be moved.";
            let help = "To move the state, run \"secstack init -migrate-state\". To use the new configuration as it is and leave the state where it was, run \"secstack init -reconfigure\".";
            return Err(view.error(Diagnostic::error("Backend configuration changed", what).help(help)));
        }
        let from = match (&saved, is_elsewhere) {
            (Some(saved), true) => Some(self.former(app, view, saved, ciphers)?),
            // A state beside the configuration, from before there was a backend block.
            (None, _) if has_block && place.ty != "local" && !self.reconfigure => {
                stores::left_behind(app).map(|_| stores::beside(app, ciphers))
            }
            _ => None,
        };
        place.backend.workspaces().await.map_err(|e| view.error(e.diagnostic()))?;
        diags.extend(Diags(place.backend.check().await.map_err(|e| view.error(e.diagnostic()))?));
        if let Some(from) = &from {
            self.migrate(app, view, from, &place).await?;
        }
        if !has_block {
            Saved::forget(app);
            return Ok(());
        }
        if place.ty != "local" || !arguments.is_empty() || self.reconfigure {
            Saved::write(app, &written, &arguments).map_err(|d| view.error(d))?;
        }
        view.stage("backend_configured_success", &format!("Successfully configured the backend {:?}!", place.ty));
        Ok(())
    }

    fn migrates(&self) -> bool {
        self.migrate_state || self.force_copy
    }

    /// The place that was noted last.
    fn former(&self, app: &App, view: &View, saved: &Saved, ciphers: Ciphers) -> Result<Place, Told> {
        let config = secstack_base::Value::object(saved.arguments.clone());
        let backend = SavedBackend { ty: saved.ty.clone(), config };
        stores::place_of_plan(app, &backend, &StatePaths::default(), ciphers).map_err(|d| view.error(d))
    }

    async fn migrate(&self, app: &App, view: &View, from: &Place, to: &Place) -> Result<(), Told> {
        if !self.migrates() {
            let question = format!(
                "Do you want to copy the existing state to the new backend?\n  There is a state in the backend {:?}, and the configuration names the backend {:?}.\n  Enter 'yes' to copy it, 'no' to start with what is there.\n\n  Enter a value: ",
                from.ty, to.ty
            );
            if !self.ask.allowed() {
                let what = "There is a state in a local file, and the configuration names another place for it.";
                let help =
                    "To copy the state, run \"secstack init -migrate-state\". To leave it where it is, run \"secstack init -reconfigure\".";
                return Err(view.error(Diagnostic::error("State not moved", what).help(help)));
            }
            match app.out.ask(&question).as_deref() {
                Some("yes") => {}
                Some("no") => return Ok(()),
                _ => return Err(view.error(Diagnostic::error("Initialisation cancelled", "Nothing was changed."))),
            }
        }
        let moving = Moving { from, to, lock: &self.lock, ask: self.ask.allowed(), force: self.force_copy };
        let moved = migrate::run(app, view, moving).await?;
        view.say(&format!("{moved} {} moved to the backend {:?}.", if moved == 1 { "state was" } else { "states were" }, to.ty));
        Ok(())
    }

    /// What `-backend-config` gives: files of arguments, and single ones.
    fn backend_arguments(&self, app: &App, ty: &str, diags: &mut Diags) -> Arguments {
        let known = stores::known_arguments(ty).unwrap_or_default();
        let mut given = Arguments::new();
        for text in &self.backend_config {
            if let Some((name, value)) = text.split_once('=') {
                let (name, value) = (name.trim(), value.trim());
                // Only what cannot be plain text is written as in a file.
                match value.starts_with(['{', '[']) {
                    true => given.extend(values(app, &format!("{name} = {value}"), diags)),
                    false => drop(given.insert(name.into(), Value::string(value))),
                }
                continue;
            }
            match std::fs::read_to_string(app.root.join(text)) {
                Ok(content) => given.extend(values(app, &content, diags)),
                Err(e) => {
                    let what = format!("The file {text:?} cannot be read: {e}.");
                    diags.push(Diagnostic::error("Failed to read backend configuration", what));
                }
            }
        }
        given.retain(|_, v| !v.is_null());
        for name in given.keys().filter(|n| !known.contains(&&***n)) {
            let what = format!(
                "The backend configuration argument {name:?} given on the command line is not expected for the selected backend type."
            );
            diags.push(Diagnostic::error("Invalid backend configuration argument", what));
        }
        given
    }
}

/// The arguments that a text assigns.
fn values(app: &App, text: &str, diags: &mut Diags) -> Arguments {
    let (attributes, found) = parse_tfvars(secstack_base::FileId(u32::MAX), text);
    diags.extend(found);
    let files = app.files();
    let scope = secstack_plan::inputs::constant(&files);
    attributes.iter().map(|a| (a.name.clone(), secstack_eval::evaluate(&a.expr, &scope, diags))).collect()
}

/// Reads the configuration and fetches the modules that are not there.
pub(super) fn fetch(app: &App, view: &View, collected: &vars::Collected, workspace: &str, upgrade: bool) -> Result<load::Loaded, Told> {
    let begun = std::cell::Cell::new(false);
    let tell = |p: Progress<'_>| {
        if !begun.replace(true) {
            match upgrade {
                true => view.stage("upgrading_modules_message", "Upgrading modules..."),
                false => view.stage("initializing_modules_message", "Initializing modules..."),
            }
        }
        match p {
            Progress::Download { key, from, version } => {
                let version = version.map(|v| format!(" {v}")).unwrap_or_default();
                view.say(&format!("Downloading {from}{version} for {key}..."));
            }
            Progress::Installed { key, dir } => view.say(&format!("- {key} in {}", dir.display())),
        }
    };
    let mut install = Install::new(&app.root, &app.data_dir, upgrade, &tell);
    let loaded = project::read(app, collected, workspace, &mut install);
    if !loaded.diags.has_errors() {
        install.finish().map_err(|e| {
            view.error(Diagnostic::error(
                "Failed to save the list of modules",
                format!("The file modules.json in {} cannot be written: {e}.", app.data_dir.display()),
            ))
        })?;
    }
    Ok(loaded)
}
