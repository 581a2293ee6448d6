//! What every command starts from: where it runs, and how it speaks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secstack_base::Diagnostic;
use secstack_eval::funcs::Files;
use secstack_eval::world::Ambient;
use secstack_run::{DiskFiles, ProviderSet};
use secstack_state::workspace;

use crate::catalog;
use crate::clock;
use crate::output::Out;

/// Something went wrong and was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told;

/// What a command comes to: an exit code.
pub type Outcome = Result<u8, Told>;

/// Where a command runs.
pub struct App {
    /// Where text goes.
    pub out: Out,
    /// The directory of the root module.
    pub root: PathBuf,
    /// The directory the program was started in, if `-chdir` led away from it.
    pub started_in: Option<PathBuf>,
    /// The directory for what is this machine's own: `.terraform`.
    pub data_dir: PathBuf,
    /// Questions may be asked, and hints for people at a terminal given.
    pub in_automation: bool,
}

impl App {
    /// The environment of a command.
    pub fn new(colour: bool, started_in: Option<PathBuf>) -> Self {
        let data_dir = std::env::var_os("TF_DATA_DIR").filter(|d| !d.is_empty()).map_or(".terraform".into(), PathBuf::from);
        let in_automation = std::env::var_os("TF_IN_AUTOMATION").is_some_and(|v| !v.is_empty());
        Self { out: Out::new(colour), root: ".".into(), started_in, data_dir, in_automation }
    }

    /// The providers of this program.
    pub fn providers(&self) -> Arc<ProviderSet> {
        catalog::providers()
    }

    /// The workspace that `TF_WORKSPACE` names.
    pub fn forced_workspace() -> Option<String> {
        std::env::var("TF_WORKSPACE").ok().filter(|w| !w.is_empty())
    }

    /// The selected workspace.
    ///
    /// # Errors
    /// When its name is not allowed, or it cannot be read.
    pub fn workspace(&self) -> Result<String, Diagnostic> {
        workspace::selected(&self.root.join(&self.data_dir), Self::forced_workspace().as_deref()).map_err(|e| e.diagnostic())
    }

    /// The door to files for functions.
    pub fn files(&self) -> AppFiles {
        AppFiles { disk: DiskFiles::new(&self.root), cwd: self.started_in.clone() }
    }

    /// What is the same for every expression of a plan.
    pub fn planning(&self, workspace: &str, validating: bool) -> Ambient {
        Ambient {
            files: Arc::new(self.files()),
            workspace: workspace.into(),
            plan_timestamp: clock::now().into(),
            timestamp: None,
            random: None,
            validating,
        }
    }

    /// What is the same for every expression of an apply of a plan that was begun at `planned`.
    pub fn applying(&self, workspace: &str, planned: &str) -> Ambient {
        Ambient {
            plan_timestamp: planned.into(),
            timestamp: Some(clock::now().into()),
            random: Some(Box::new(random)),
            ..self.planning(workspace, false)
        }
    }
}

fn random(bytes: &mut [u8]) {
    // Without a source of randomness nothing else on the system works either; zeros are then as good.
    let _ = getrandom::fill(bytes);
}

/// Files, with the directory that the program was started in as `path.cwd`.
pub struct AppFiles {
    disk: DiskFiles,
    cwd: Option<PathBuf>,
}

impl Files for AppFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.disk.read(path)
    }
    fn exists(&self, path: &Path) -> Result<bool, String> {
        self.disk.exists(path)
    }
    fn list(&self, dir: &Path) -> Result<Vec<String>, String> {
        self.disk.list(dir)
    }
    fn home(&self) -> Option<String> {
        self.disk.home()
    }
    fn current_dir(&self) -> String {
        self.cwd.as_ref().map_or_else(|| self.disk.current_dir(), |d| d.display().to_string())
    }
}
