//! `state`

mod history;
mod mv;
mod query;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use secstack_base::addr::Target;
use secstack_base::{Addr, Diagnostic, ProviderAddr, ProviderConfigAddr};
use secstack_run::load::editions;
use secstack_state::Snapshot;
use secstack_state::store::Force;

use crate::app::{App, Outcome, Told};
use crate::flags::{Lock, StatePaths, switch};
use crate::session::Session;
use crate::view::View;
use crate::{project, text as human};
use query::Query;

/// Advanced state management
#[derive(Args)]
pub struct State {
    #[command(subcommand)]
    command: Sub,
}

/// What the commands that change the state share.
#[derive(Args)]
struct Change {
    #[command(flatten)]
    lock: Lock,
    #[command(flatten)]
    paths: StatePaths,
}

#[derive(Subcommand)]
enum Sub {
    /// List resources in the state
    List {
        /// Only these modules, resources or instances; "*" stands for any text.
        addresses: Vec<String>,
        #[command(flatten)]
        query: Query,
        /// Only objects with this ID.
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// Read the state from this file.
        #[arg(long, value_name = "PATH")]
        state: Option<PathBuf>,
    },
    /// Show a resource in the state
    Show {
        /// The instance, or a pattern in which "*" stands for any text.
        #[arg(required_unless_present_any = ["types", "conditions"])]
        address: Option<String>,
        #[command(flatten)]
        query: Query,
        /// Read the state from this file.
        #[arg(long, value_name = "PATH")]
        state: Option<PathBuf>,
    },
    /// Show what became of an instance over the stored versions of the state
    ///
    /// The newest change comes first. States in S3 have a history if the bucket keeps versions; a local state has its backup.
    History {
        /// The instance.
        address: String,
        /// How many versions are looked at.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// List the stored versions of the state, with who wrote each
    Versions {
        /// How many are listed.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// List what was built upon a module, resource or instance, near and far
    Dependents {
        /// The module, resource or instance.
        address: String,
        /// Read the state from this file.
        #[arg(long, value_name = "PATH")]
        state: Option<PathBuf>,
    },
    /// Move an item in the state
    Mv {
        /// What is moved: a module, a resource or an instance.
        source: String,
        /// Its new address.
        destination: String,
        /// Only say what would be moved.
        #[arg(long = "dry-run", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        dry_run: bool,
        #[command(flatten)]
        change: Change,
    },
    /// Remove instances from the state
    Rm {
        /// Modules, resources or instances. Their objects live on.
        #[arg(required = true)]
        addresses: Vec<String>,
        /// Only say what would be removed.
        #[arg(long = "dry-run", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        dry_run: bool,
        #[command(flatten)]
        change: Change,
    },
    /// Print the state
    Pull,
    /// Store a state, that of a file or, with "-", of the standard input
    Push {
        /// The file.
        path: String,
        /// Store it even if it is older, or of another lineage.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        force: bool,
        #[command(flatten)]
        lock: Lock,
    },
    /// Replace provider in the state
    ReplaceProvider {
        /// The source address of the provider that objects have now.
        from: String,
        /// The source address of the provider they get.
        to: String,
        /// Do not ask for approval.
        #[arg(long = "auto-approve", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", value_parser = switch, hide_default_value = true)]
        auto_approve: bool,
        #[command(flatten)]
        change: Change,
    },
}

impl State {
    /// Runs the command.
    pub async fn run(&self, app: &App) -> Outcome {
        let view = View::new(&app.out, false);
        match &self.command {
            Sub::List { addresses, query, id, state } => {
                let wanted = query.wanted(addresses).map_err(|d| view.error(d))?;
                let (session, _) = look(app, &view, state.as_deref()).await?;
                if let Some(nothing) = addresses.iter().find(|a| !a.contains('*') && !query::names_something(a, &session.snapshot)) {
                    return Err(view.error(text::not_there(&session.snapshot, nothing)));
                }
                for (addr, _, instance) in session.snapshot.instances() {
                    let has_id = |id: &String| {
                        instance.current.as_deref().and_then(|o| o.decode_implied().ok()).is_some_and(|v| v.get_str("id") == Some(id))
                    };
                    if wanted.contains(&addr, instance) && id.as_ref().is_none_or(has_id) {
                        app.out.line(addr.to_string());
                    }
                }
            }
            Sub::Show { address, query, state } => {
                let (session, _) = look(app, &view, state.as_deref()).await?;
                let providers = app.providers();
                editions::choose(None, Some(&session.snapshot), &providers);
                let one = address.as_ref().filter(|a| !a.contains('*') && query.is_empty());
                if let Some(address) = one {
                    let addr = existing(&view, &session.snapshot, address)?;
                    app.out.text(&human::state_show(&session.snapshot, &providers, |a, _| *a == addr, app.out.style()));
                    return Ok(0);
                }
                let wanted = query.wanted(address.as_slice()).map_err(|d| view.error(d))?;
                let shown = human::state_show(&session.snapshot, &providers, |a, i| wanted.contains(a, i), app.out.style());
                if shown.is_empty() {
                    return Err(view.error(text::nothing_found()));
                }
                app.out.text(&shown);
            }
            Sub::History { address, limit } => {
                let (session, _) = look(app, &view, None).await?;
                let addr: Addr = address.parse().map_err(|e| view.error(text::invalid(address, &e)))?;
                let versions = history::read(&*session.store, *limit).await.map_err(|e| view.error(e.diagnostic()))?;
                let providers = app.providers();
                editions::choose(None, Some(&session.snapshot), &providers);
                match history::of(&addr, &versions, &providers, app.out.style()) {
                    Some(text) => app.out.text(&text),
                    None => return Err(view.error(text::missing(&session.snapshot, &addr))),
                }
            }
            Sub::Versions { limit } => {
                let (session, _) = look(app, &view, None).await?;
                let versions = history::read(&*session.store, *limit).await.map_err(|e| view.error(e.diagnostic()))?;
                app.out.text(&history::table(&versions, app.out.style()));
            }
            Sub::Dependents { address, state } => {
                let (session, _) = look(app, &view, state.as_deref()).await?;
                let target: Target = address.parse().map_err(|e| view.error(text::invalid(address, &e)))?;
                if !session.snapshot.instances().any(|(a, ..)| target.contains(&a)) {
                    return Err(view.error(text::not_there(&session.snapshot, address)));
                }
                query::dependents(&session.snapshot, &target).iter().for_each(|a| app.out.line(a.to_string()));
            }
            Sub::Mv { source, destination, dry_run, change } => {
                let from: Target = source.parse().map_err(|e| view.error(text::invalid(source, &e)))?;
                let to: Target = destination.parse().map_err(|e| view.error(text::invalid(destination, &e)))?;
                let ends = (from, to);
                let work = |s: &mut Snapshot| mv::apply(s, &ends.0, &ends.1);
                let moved = self.change(app, &view, change, !dry_run, work).await?;
                for (from, to) in &moved {
                    app.out.line(format!("{} \"{from}\" to \"{to}\"", if *dry_run { "Would move" } else { "Move" }));
                }
                if !dry_run {
                    app.out.line(format!("Successfully moved {} object(s).", moved.len()));
                }
            }
            Sub::Rm { addresses, dry_run, change } => {
                let targets = targets(&view, addresses)?;
                let removed = self.change(app, &view, change, !dry_run, |s| remove(s, &targets)).await?;
                for addr in &removed {
                    app.out.line(format!("{} {addr}", if *dry_run { "Would remove" } else { "Removed" }));
                }
                if !dry_run {
                    app.out.line(format!("Successfully removed {} resource instance(s).", removed.len()));
                }
            }
            Sub::Pull => {
                let (place, workspace) = project::place(app, &view, &StatePaths::default())?;
                let session = Session::look(&view, &place, &workspace).await?;
                if session.exists {
                    app.out.text(&secstack_state::file::write(&session.snapshot).map_err(|e| view.error(e.diagnostic()))?);
                }
            }
            Sub::Push { path, force, lock } => push(app, &view, path, *force, lock).await?,
            Sub::ReplaceProvider { from, to, auto_approve, change } => {
                let parse = |t: &String| {
                    t.parse::<ProviderAddr>().map_err(|e| view.error(Diagnostic::error("Invalid provider address", e.to_string())))
                };
                let (from, to) = (parse(from)?, parse(to)?);
                let work = |s: &mut Snapshot| {
                    let found: Vec<String> =
                        s.resources.iter().filter(|(_, r)| r.provider.provider == from).map(|(a, _)| a.to_string()).collect();
                    if found.is_empty() || *auto_approve {
                        replace_provider(s, &from, &to);
                        return Ok(found);
                    }
                    let list: String = found.iter().map(|a| format!("\n  {a}")).collect();
                    let question = format!(
                        "The following actions will be performed:\n\n  ~ Updating provider:\n    - {from}\n    + {to}\n\nChanging {} resources:\n{list}\n\nDo you want to make these changes?\nOnly 'yes' will be accepted to continue.\n\nEnter a value: ",
                        found.len()
                    );
                    if app.out.ask(&question).as_deref() != Some("yes") {
                        return Err(Diagnostic::error("Cancelled", "Nothing was changed."));
                    }
                    replace_provider(s, &from, &to);
                    Ok(found)
                };
                let changed = self.change(app, &view, change, true, work).await?;
                if changed.is_empty() {
                    app.out.line("No matching resources found.");
                } else {
                    app.out.line(format!("\nSuccessfully replaced provider for {} resources.", changed.len()));
                }
            }
        }
        Ok(0)
    }

    /// Changes the state under its lock, and stores it.
    async fn change<T>(
        &self,
        app: &App,
        view: &View,
        change: &Change,
        store: bool,
        work: impl FnOnce(&mut Snapshot) -> Result<Vec<T>, Diagnostic>,
    ) -> Result<Vec<T>, Told> {
        let (place, workspace) = project::place(app, view, &change.paths)?;
        let session = Session::open(view, &place, &workspace, &change.lock, "state").await?;
        let ran = change_within(view, &session, store, work).await;
        session.close(view).await;
        ran
    }
}

async fn change_within<T>(
    view: &View,
    session: &Session,
    store: bool,
    work: impl FnOnce(&mut Snapshot) -> Result<Vec<T>, Diagnostic>,
) -> Result<Vec<T>, Told> {
    if !session.exists {
        return Err(view.error(text::no_state()));
    }
    let mut snapshot = session.snapshot.clone();
    let done = work(&mut snapshot).map_err(|d| view.error(d))?;
    if store && !done.is_empty() {
        session.write(view, &snapshot).await?;
    }
    Ok(done)
}

async fn look(app: &App, view: &View, state: Option<&Path>) -> Result<(Session, String), Told> {
    let paths = StatePaths { state: state.map(Path::to_path_buf), ..StatePaths::default() };
    let (place, workspace) = project::place(app, view, &paths)?;
    let session = Session::look(view, &place, &workspace).await?;
    if session.exists { Ok((session, workspace)) } else { Err(view.error(text::no_state())) }
}

/// The address of an instance that the state has.
fn existing(view: &View, state: &Snapshot, address: &str) -> Result<Addr, Told> {
    let addr: Addr = address.parse().map_err(|e| view.error(text::invalid(address, &e)))?;
    if state.get(&addr).is_none() {
        return Err(view.error(text::missing(state, &addr)));
    }
    Ok(addr)
}

fn targets(view: &View, addresses: &[String]) -> Result<Vec<Target>, Told> {
    addresses.iter().map(|a| a.parse().map_err(|e| view.error(text::invalid(a, &e)))).collect()
}

fn remove(s: &mut Snapshot, targets: &[Target]) -> Result<Vec<Addr>, Diagnostic> {
    let mut removed = Vec::new();
    for target in targets {
        let found: Vec<(Addr, ProviderConfigAddr)> =
            s.instances().filter(|(a, ..)| target.contains(a)).map(|(a, p, _)| (a, p.clone())).collect();
        if found.is_empty() && !removed.iter().any(|a| target.contains(a)) {
            let what = format!(
                "No matching objects found for {target}. To view the available instances, use \"secstack state list\". Please modify the address to reference a specific instance."
            );
            return Err(Diagnostic::error("Invalid target address", what));
        }
        for (addr, provider) in found {
            s.set_instance(&addr, &provider, Default::default());
            removed.push(addr);
        }
    }
    Ok(removed)
}

fn replace_provider(s: &mut Snapshot, from: &ProviderAddr, to: &ProviderAddr) {
    for r in s.resources.values_mut().filter(|r| r.provider.provider == *from) {
        r.provider.provider = to.clone();
        for i in r.instances.values_mut() {
            if let Some(p) = &mut i.provider {
                std::sync::Arc::make_mut(p).provider = to.clone();
            }
        }
    }
}

async fn push(app: &App, view: &View, path: &str, force: bool, lock: &Lock) -> Result<(), Told> {
    let read = if path == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = read.map_err(|e| view.error(Diagnostic::error("Failed to read the state", format!("{path:?} cannot be read: {e}."))))?;
    let (place, workspace) = project::place(app, view, &StatePaths::default())?;
    let snapshot = place.ciphers.read_copy(&bytes, path).map_err(|e| view.error(e.diagnostic()))?;
    let Some(snapshot) = snapshot else {
        return Err(view.error(Diagnostic::error("No state to push", format!("{path:?} is empty."))));
    };
    let session = Session::unread(view, &place, &workspace, Some((lock, "state push"))).await?;
    let force = if force { Force::Yes } else { Force::No };
    let pushed = session.store.push(&snapshot, force).await.map_err(|e| view.error(e.diagnostic()));
    session.close(view).await;
    pushed
}
