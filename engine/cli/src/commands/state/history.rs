//! The versions of a state, and what became of an object over them.

use std::time::{SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use secstack_base::{Addr, Mode, ProviderConfigAddr, Str, Value};
use secstack_eval::Schemas;
use secstack_plan::diff::mark_sensitive;
use secstack_plan::{Action, Change};
use secstack_run::ProviderSet;
use secstack_state::model::Object;
use secstack_state::past::{Opened, Past};
use secstack_state::{Error, Snapshot, Store};

use crate::clock;
use crate::text::{Colour, Style, difference};

/// How many versions are read at once.
const AT_ONCE: usize = 8;

/// A version, as far as it can be read.
pub struct Version {
    past: Past,
    opened: Result<Opened, Error>,
}

/// Reads the newest versions, newest first. One that is gone by the time it is read is left out.
///
/// # Errors
/// When the store does not tell which there are.
pub async fn read(store: &dyn Store, most: usize) -> Result<Vec<Version>, Error> {
    let past = store.versions(most).await?;
    let opening = futures::stream::iter(past).map(|past| async move {
        match store.open_version(&past.id).await {
            Ok(opened) => opened.map(|o| Version { past, opened: Ok(o) }),
            Err(e) => Some(Version { past, opened: Err(e) }),
        }
    });
    Ok(opening.buffered(AT_ONCE).filter_map(|v| async { v }).collect().await)
}

impl Version {
    fn snapshot(&self) -> Option<&Snapshot> {
        self.opened.as_ref().ok()?.snapshot.as_ref()
    }

    fn when(&self) -> String {
        let since = |t: SystemTime| t.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.past.written.map(|t| clock::at(since(t))).unwrap_or_else(|| "-".into())
    }

    /// Who wrote it, in what; `-` where that is not known.
    fn by(&self) -> String {
        let Some(a) = self.opened.as_ref().ok().and_then(|o| o.author.as_ref()) else { return "-".into() };
        let operation = if a.operation.is_empty() { String::new() } else { format!(" ({})", a.operation()) };
        let info = if a.info.is_empty() { String::new() } else { format!(", {}", a.info) };
        format!("{}{operation}{info}", a.who)
    }

    fn serial(&self) -> String {
        match &self.opened {
            Ok(o) => o.snapshot.as_ref().map_or_else(|| "-".into(), |s| s.serial.to_string()),
            Err(_) => "?".into(),
        }
    }
}

/// The versions as a table.
pub fn table(versions: &[Version], style: Style) -> String {
    let mut rows = vec![["SERIAL", "WRITTEN", "OBJECTS", "BY", "VERSION"].map(String::from)];
    for v in versions {
        let objects = v.snapshot().map_or(0, |s| s.instances().filter(|(a, ..)| a.mode() == Mode::Managed).count());
        rows.push([v.serial(), v.when(), objects.to_string(), v.by(), v.past.id.clone()]);
    }
    let widths: Vec<usize> = (0..5).map(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect::<Vec<_>>();
        let line = cells.join("  ").trim_end().to_string();
        out.push_str(&format!("{}\n", if n == 0 { style.paint(Colour::Bold, &line) } else { line }));
    }
    for v in versions {
        if let Err(e) = &v.opened {
            out.push_str(&format!("The version {} cannot be read: {}\n", v.past.id, e.diagnostic().detail));
        }
    }
    out
}

/// What became of an instance over the versions, the newest change first. `None` when none of them has it.
pub fn of(addr: &Addr, versions: &[Version], providers: &ProviderSet, style: Style) -> Option<String> {
    let readable: Vec<&Version> = versions.iter().filter(|v| v.opened.is_ok()).collect();
    let mut out = String::new();
    for (i, version) in readable.iter().enumerate() {
        let now = instance(version, addr);
        let older = readable.get(i + 1);
        let before = older.and_then(|v| instance(v, addr));
        let (words, change) = match (before, now) {
            (None, None) => continue,
            (None, Some(_)) if older.is_none() => ("is there in the oldest version that is looked at", None),
            (None, Some(_)) => ("was added", None),
            (Some(_), None) => ("was removed", None),
            (Some((was, _)), Some((is, _))) if was == is => continue,
            (Some((was, _)), Some((is, provider))) => ("changed", Some(changed(addr, was, is, provider, providers))),
        };
        let title = format!("{}  serial {}  {words}", version.when(), version.serial());
        out.push_str(&format!("{}\n", style.paint(Colour::Bold, &title)));
        if version.by() != "-" {
            out.push_str(&format!("    by {}\n", version.by()));
        }
        if let Some(change) = change {
            let schema = providers.resource(&change.provider.provider, addr.mode(), addr.ty());
            let text = difference(&change, schema.as_deref().map(|s| &s.block), style);
            out.push_str(&text);
            if change.before.same(&change.after) {
                out.push_str("      only what the state records besides: dependencies, marks\n");
            }
        }
        out.push('\n');
    }
    (!out.is_empty()).then_some(out)
}

fn instance<'a>(version: &'a Version, addr: &Addr) -> Option<(&'a Object, &'a ProviderConfigAddr)> {
    let snapshot = version.snapshot()?;
    let provider = &snapshot.resources.get(&addr.resource)?.provider;
    Some((snapshot.instance(addr)?.current.as_deref()?, provider))
}

fn changed(addr: &Addr, was: &Object, is: &Object, provider: &ProviderConfigAddr, providers: &ProviderSet) -> Change {
    let schema = providers.resource(&provider.provider, addr.mode(), addr.ty());
    let value = |o: &Object| -> Value {
        let typed = schema.as_ref().and_then(|s| o.decode(&s.block.ty()).ok().map(|v| mark_sensitive(&s.block, &v)));
        typed.or_else(|| o.decode_implied().ok()).unwrap_or(Value::NULL)
    };
    Change {
        addr: addr.clone(),
        previous: None,
        deposed: None::<Str>,
        provider: provider.clone(),
        schema_version: is.schema_version,
        action: Action::Update,
        reason: None,
        before: value(was),
        after: value(is),
        replace_paths: Vec::new(),
        importing: None,
        dependencies: is.dependencies.clone(),
        create_before_destroy: is.create_before_destroy,
    }
}
