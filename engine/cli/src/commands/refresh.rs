//! `refresh`

use clap::Args;

use super::apply::Shared;
use crate::app::{App, Outcome};
use crate::view::{Task, View};

/// Update the state to match remote systems
///
/// The same as "secstack apply -refresh-only -auto-approve", which is better used with approval.
#[derive(Args)]
pub struct Refresh {
    #[command(flatten)]
    pub shared: Shared,
}

impl Refresh {
    /// Runs the command.
    pub async fn run(&mut self, app: &App) -> Outcome {
        self.shared.planning.refresh_only = true;
        let view = View::new(&app.out, self.shared.json).compact(self.shared.warnings.compact_warnings);
        self.shared.plan_and_apply(app, &view, Task::Refresh).await
    }
}
