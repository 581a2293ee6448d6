//! `init`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use secstack_base::{Diagnostic, Diags};
use secstack_lang::parse_tfvars;
use secstack_run::load::{self, Early, Install, Progress};

use crate::app::{App, Outcome, Told};
use crate::flags::{Ask, Lock, Look, StatePaths, Variables, switch};
use crate::view::View;
use crate::{project, stores, vars};

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
    /// Forget earlier arguments of the backend.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    reconfigure: bool,
    /// Accepted; states in local files are not moved.
    #[arg(long = "migrate-state", hide = true)]
    migrate_state: bool,
    /// Accepted; states in local files are not moved.
    #[arg(long = "force-copy", hide = true)]
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
        let has_files =
            std::fs::read_dir(&app.root).into_iter().flatten().flatten().any(|e| load::is_configuration(&e.file_name().to_string_lossy()));
        if !has_files {
            view.say("secstack initialized in an empty directory!\n\nThe directory has no Terraform configuration files. You may begin working with secstack immediately by creating Terraform configuration files.");
            return Ok(0);
        }
        let loaded = self.modules(app, &view)?;
        let providers = app.providers();
        let mut diags = load::requirements::provider_versions(&loaded.1, &providers);
        if self.backend {
            self.place(app, &view, &loaded, &mut diags)?;
        }
        view.check(&diags)?;
        view.say("\nsecstack has been successfully initialized!");
        if !app.in_automation {
            view.explain("\nYou may now begin working with secstack. Try running \"secstack plan\" to see\nany changes that are required for your infrastructure.\n\nProviders are built in: unless you add a module of another package, you need not run init again.");
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

    fn place(&self, app: &App, view: &View, loaded: &(vars::Collected, secstack_eval::Config), diags: &mut Diags) -> Result<(), Told> {
        let given = self.backend_arguments(app, diags);
        view.check(diags)?;
        if !given.is_empty() && load::backend(&loaded.1).is_none() {
            let what = "The -backend-config option was given, but the configuration has no \"backend\" block to complete. A state in terraform.tfstate needs none.";
            diags.push(Diagnostic::warning("Missing backend configuration", what));
            return Ok(());
        }
        if !given.is_empty() || self.reconfigure {
            stores::save_config(app, &given).map_err(|d| view.error(d))?;
        }
        let files = app.files();
        let workspace = app.workspace().map_err(|d| view.error(d))?;
        let early = Early { inputs: &loaded.0.inputs, files: &files, workspace: &workspace };
        if stores::place(app, &loaded.1, &early, &StatePaths::default(), diags).is_some() && load::backend(&loaded.1).is_some() {
            view.say("Successfully configured the backend \"local\"!");
        }
        Ok(())
    }

    /// What `-backend-config` gives.
    fn backend_arguments(&self, app: &App, diags: &mut Diags) -> BTreeMap<String, String> {
        let mut given = BTreeMap::new();
        for text in &self.backend_config {
            if let Some((name, value)) = text.split_once('=') {
                given.insert(name.trim().to_string(), value.trim().to_string());
                continue;
            }
            let content = match std::fs::read_to_string(app.root.join(text)) {
                Ok(content) => content,
                Err(e) => {
                    diags
                        .push(Diagnostic::error("Failed to read backend configuration", format!("The file {text:?} cannot be read: {e}.")));
                    continue;
                }
            };
            let (attributes, found) = parse_tfvars(secstack_base::FileId(u32::MAX), &content);
            diags.extend(found);
            let files = app.files();
            let scope = secstack_plan::inputs::constant(&files);
            for a in attributes {
                let value = secstack_eval::evaluate(&a.expr, &scope, diags);
                if let Some(text) =
                    secstack_base::convert::convert(&value, &secstack_base::Type::String).ok().and_then(|v| v.as_str().map(String::from))
                {
                    given.insert(a.name.to_string(), text);
                }
            }
        }
        for name in given.keys().filter(|n| !["path", "workspace_dir"].contains(&n.as_str())) {
            let what = format!(
                "The backend configuration argument {name:?} given on the command line is not expected for the selected backend type."
            );
            diags.push(Diagnostic::error("Invalid backend configuration argument", what));
        }
        given
    }
}

/// Reads the configuration and fetches the modules that are not there.
pub(super) fn fetch(app: &App, view: &View, collected: &vars::Collected, workspace: &str, upgrade: bool) -> Result<load::Loaded, Told> {
    let begun = std::cell::Cell::new(false);
    let tell = |p: Progress<'_>| {
        if !begun.replace(true) {
            view.say(if upgrade { "Upgrading modules..." } else { "Initializing modules..." });
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
