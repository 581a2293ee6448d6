//! `force-unlock`

use clap::Args;
use secstack_base::Diagnostic;

use crate::app::{App, Outcome};
use crate::flags::{StatePaths, switch};
use crate::project;
use crate::session::Session;
use crate::view::View;

/// Release a stuck lock on the current workspace
///
/// For the lock of a run that is gone. The ID is in the message that says that the state is locked.
#[derive(Args)]
pub struct ForceUnlock {
    /// The ID of the lock.
    lock_id: String,
    /// Do not ask.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
    force: bool,
}

impl ForceUnlock {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        let (place, workspace) = project::place(app, &view, &StatePaths::default())?;
        let session = Session::unread(&view, &place, &workspace, None).await?;
        if !self.force {
            let question = "Do you really want to force-unlock?\n  secstack will remove the lock on the state.\n  This will allow other commands to modify this state, even though it\n  may still be in use. Only 'yes' will be accepted to confirm.\n\n  Enter a value: ";
            if app.out.ask(question).as_deref() != Some("yes") {
                return Err(view.error(Diagnostic::error("force-unlock cancelled", "The lock is still there.")));
            }
        }
        session
            .store
            .force_unlock(&self.lock_id)
            .await
            .map_err(|e| view.error(Diagnostic::error("Failed to unlock state", e.to_string())))?;
        app.out.line("The state has been successfully unlocked!\n\nThe state has been unlocked, and secstack commands should now be able to\nobtain a new lock on it.");
        Ok(0)
    }
}
