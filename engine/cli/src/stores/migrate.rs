//! Moves states from one place to another: `init -migrate-state`.

use secstack_base::Diagnostic;
use secstack_state::store::{Force, lock_within};
use secstack_state::workspace::DEFAULT;
use secstack_state::{LockInfo, Store};

use super::Place;
use crate::app::{App, Told};
use crate::flags::Lock;
use crate::view::View;

/// How a state is moved.
pub struct Moving<'a> {
    /// Where the states are.
    pub from: &'a Place,
    /// Where they go.
    pub to: &'a Place,
    /// Whether states are locked meanwhile.
    pub lock: &'a Lock,
    /// Whether a state that stands in the way is asked about. Without it none may.
    pub ask: bool,
    /// Whether a state that stands in the way is replaced without asking.
    pub force: bool,
}

/// Copies every state. What was there stays where it was, but for a local state, which is put aside.
///
/// # Errors
/// When a state cannot be read or written, or may not be replaced, which is told.
pub async fn run(app: &App, view: &View, m: Moving<'_>) -> Result<usize, Told> {
    let fail = |e: secstack_state::Error| view.error(e.diagnostic());
    let mut moved = 0;
    for workspace in m.from.backend.workspaces().await.map_err(fail)? {
        if m.from.backend.look(&workspace).await.map_err(fail)?.is_none() {
            continue;
        }
        let (source, target) = (m.from.backend.open(&workspace).await.map_err(fail)?, m.to.backend.open(&workspace).await.map_err(fail)?);
        let held = lock(view, &m, &*source).await?;
        let copied = match lock(view, &m, &*target).await {
            Ok(there) => {
                let copied = copy(app, view, &m, &workspace, &*source, &*target).await;
                unlock(view, &*target, there).await;
                copied
            }
            Err(told) => Err(told),
        };
        unlock(view, &*source, held).await;
        if copied? {
            moved += 1;
        }
    }
    if moved > 0 && m.from.ty == "local" {
        put_aside(app, view, m.from)?;
    }
    Ok(moved)
}

async fn lock(view: &View, m: &Moving<'_>, store: &dyn Store) -> Result<Option<String>, Told> {
    if !m.lock.lock {
        return Ok(None);
    }
    let locked = lock_within(store, LockInfo::new("migration"), m.lock.lock_timeout).await;
    view.diags(&secstack_base::Diags(store.notices()));
    locked.map(Some).map_err(|e| view.error(e.diagnostic()))
}

async fn unlock(view: &View, store: &dyn Store, id: Option<String>) {
    if let Some(id) = id
        && let Err(e) = store.unlock(&id).await
    {
        view.error(e.diagnostic());
    }
}

async fn copy(app: &App, view: &View, m: &Moving<'_>, workspace: &str, from: &dyn Store, to: &dyn Store) -> Result<bool, Told> {
    let fail = |e: secstack_state::Error| view.error(e.diagnostic());
    let Some(source) = from.recover().await.map_err(fail)? else { return Ok(false) };
    if source.from_journal || !source.open_intents.is_empty() {
        let what = format!("A run on the workspace {workspace:?} was cut off, and what it did stands in its journal.");
        let help = "Restore the former backend block, run \"secstack recover\", and move the state then.";
        return Err(view.error(Diagnostic::error("State not ready to be moved", what).help(help)));
    }
    let there = to.recover().await.map_err(fail)?.map(|r| r.snapshot).filter(|s| !s.is_empty());
    let Some(there) = there else {
        to.push(&source.snapshot, Force::Yes).await.map_err(fail)?;
        return Ok(true);
    };
    if there.version() == source.snapshot.version() {
        return Ok(true);
    }
    if !m.force {
        let question = format!(
            "\nDo you want to overwrite the state of the workspace {workspace:?} in the new place?\n  There is one at serial {} of the lineage {}, and the one to be moved is at serial {} of the lineage {}.\n  Only 'yes' will be accepted to replace it.\n\n  Enter a value: ",
            there.serial, there.lineage, source.snapshot.serial, source.snapshot.lineage
        );
        if !m.ask || app.out.ask(&question).as_deref() != Some("yes") {
            let what = format!("The new place has a state of the workspace {workspace:?} already. Nothing of that workspace was moved.");
            let help = "To use the state that is there, run \"secstack init -reconfigure\". To replace it, use -force-copy.";
            return Err(view.error(Diagnostic::error("State in the way", what).help(help)));
        }
    }
    to.push(&source.snapshot, Force::Yes).await.map_err(fail)?;
    Ok(true)
}

/// A local state that was moved must not be taken for the current one.
fn put_aside(app: &App, view: &View, place: &Place) -> Result<(), Told> {
    let path = app.root.join(place.config.get_str("path").unwrap_or("terraform.tfstate"));
    let mut aside = path.clone().into_os_string();
    aside.push(".backup");
    match std::fs::rename(&path, &aside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            let what = format!("The state was moved, and its old file {} cannot be renamed: {e}.", path.display());
            Err(view.error(Diagnostic::error("Old state not put aside", what).help("Rename or remove the file.")))
        }
        Ok(()) => {
            view.say(&format!("The state of the workspace {DEFAULT:?} that was in {} is kept as {}.", path.display(), aside.display()));
            Ok(())
        }
        Err(_) => Ok(()),
    }
}
