//! A stored journal, and what it adds to the snapshot beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use secstack_base::{Addr, Str};

use super::line::{self, Header, looks_like_journal, read_line, read_record};
use super::{Beginning, OpenIntents, Record, Recovered, begin};
use crate::crypt::Cipher;
use crate::error::{Error, Result};
use crate::file::Names;
use crate::model::{InstanceState, OutputValue, Snapshot, Version};

/// A journal as it was stored.
#[derive(Clone)]
pub(crate) struct Stored {
    /// The snapshot it extends.
    pub base: Version,
    /// What it holds besides.
    pub records: Vec<Record>,
    /// What tells it from any other; empty in one that does not say.
    pub run: String,
    /// The snapshot beside it is the one that its run stored at its end: only what is open in it counts.
    pub is_ended: bool,
}

impl Stored {
    /// Reads a journal, which errors call `name`. `None` when not even its first line is whole.
    ///
    /// Lines of the last batch may be torn: nobody was told that they are durable. Any other line that is
    /// not whole means that the file was damaged.
    pub(crate) fn read(text: &[u8], name: &str, cipher: &Cipher) -> Result<Option<Self>> {
        let mut lines = text.split(|b| *b == b'\n').enumerate();
        let Some(header) = lines.next().and_then(|(_, l)| read_line(l)).filter(|l| l.seq == 0) else {
            return match text.contains(&b'\n') || !looks_like_journal(text) {
                true => Err(unreadable(name, 1, "This is not a journal of secstack.")),
                false => Ok(None),
            };
        };
        let Header { journal: version, lineage, serial, run, meta } = read_header(header.record.get(), name)?;
        let base = Version { lineage: lineage.into(), serial };
        if version != line::ENCRYPTED {
            cipher.accept_plain_journal(name)?;
        }
        let opener = match version {
            line::PLAIN => None,
            line::ENCRYPTED => Some(cipher.opener(&base, &meta, name)?),
            _ => Some(cipher.own_opener(&base, &meta, name)?),
        };
        let (mut names, mut records) = (Names::default(), Vec::new());
        let (mut expected, mut torn_at, mut torn_batch) = (1, None, None);
        for (i, text) in lines {
            let Some(line) = read_line(text) else {
                torn_at = torn_at.or(Some(i + 1));
                continue;
            };
            if line.seq != expected {
                torn_batch = Some(line.batch);
            }
            // What is missing must be of the last batch: no line of a later one may follow.
            if line.seq < expected || line.batch > expected || torn_batch.is_some_and(|b| b != line.batch) {
                return Err(damaged(name, torn_at.unwrap_or(i + 1)));
            }
            expected = line.seq + 1;
            let is_sealed = version == line::ENCRYPTED || line.record.get().starts_with('"');
            let text = match opener.as_ref().filter(|_| is_sealed) {
                Some(opener) => Cow::Owned(opener.open(line.seq, line.record.get())?),
                None => Cow::Borrowed(line.record.get()),
            };
            let record = read_record(&text, &mut names)
                .map_err(|e| unreadable(name, i + 1, &format!("The record was written by another version of secstack: {e}.")))?;
            records.push(record);
        }
        Ok(Some(Self { base, records, run, is_ended: false }))
    }

    fn open(&self) -> OpenIntents {
        let mut open = OpenIntents::default();
        for record in &self.records {
            open.apply(record);
        }
        open
    }
}

/// The effects of a stored journal that were begun and not ended, as records.
pub(crate) fn open_intents(journal: Option<&Stored>) -> Vec<Record> {
    journal.map_or(Vec::new(), |j| j.open().list().into_iter().map(Record::Intent).collect())
}

/// How the journal of a run begins that starts from `base`, which was read from `stored` and `journal`.
pub(crate) fn go_on(base: &Snapshot, stored: Option<Snapshot>, journal: Option<Stored>, name: &str, cipher: &Cipher) -> Result<Beginning> {
    let (expected, found) = (base.version(), stored.as_ref().map(Snapshot::version));
    let extends_stored = found.as_ref().map_or(expected.serial == 0, |f| *f == expected);
    if !extends_stored {
        return Err(Error::Moved { expected, found });
    }
    let records = match journal {
        // A journal that does not fit is an error here, one that is spent leaves its open intents.
        Some(journal) if recover(stored, Some(journal.clone()), name)?.is_some() && journal.base == expected => journal.records,
        journal => open_intents(journal.as_ref()),
    };
    begin(&expected, &records, cipher)
}

/// Fails if a journal holds what neither the stored snapshot nor the one to be pushed does: it must not be pushed over.
pub(crate) fn check_spent(stored: Option<Snapshot>, journal: Option<Stored>, name: &str, pushed: &Snapshot) -> Result<()> {
    let is_in_pushed = journal.as_ref().is_some_and(|j| pushed.serial > j.base.serial && Changes::of(&j.records).are_known_to(pushed));
    let Some(recovered) = recover(stored, journal, name)? else { return Ok(()) };
    if !recovered.from_journal || is_in_pushed {
        return Ok(());
    }
    Err(Error::Journal {
        file: name.into(),
        problem: "A run was cut off, and what it did stands in the journal only.".into(),
        help: "Run \"secstack apply\" or \"secstack refresh\" first, which takes the journal up; or push with -force, which drops it."
            .into(),
    })
}

/// What the first line of a journal says.
fn read_header(text: &str, name: &str) -> Result<Header> {
    let header: Header = serde_json::from_str(text).map_err(|_| unreadable(name, 1, "This is not a journal of secstack."))?;
    if ![line::PLAIN, line::ENCRYPTED, line::VERSION].contains(&header.journal) {
        let problem = format!("The journal has the format version {}, which this version of secstack does not know.", header.journal);
        return Err(unreadable(name, 1, &problem));
    }
    Ok(header)
}

fn unreadable(name: &str, line: usize, problem: &str) -> Error {
    Error::Journal {
        file: format!("{name}, line {line}"),
        problem: problem.into(),
        help: "Run the version of secstack that wrote the journal; it holds objects that the state does not.".into(),
    }
}

fn damaged(name: &str, line: usize) -> Error {
    Error::Journal {
        file: format!("{name}, line {line}"),
        problem: "The journal is damaged: a record that was complete is not any more.".into(),
        help: "Restore the journal from a copy. Without one, move it away, import what it names by ID, and plan again.".into(),
    }
}

/// Replays a journal onto the snapshot that is stored beside it.
pub(crate) fn recover(stored: Option<Snapshot>, journal: Option<Stored>, name: &str) -> Result<Option<Recovered>> {
    let Some(journal) = journal else {
        return Ok(stored.map(|snapshot| Recovered { snapshot, open_intents: Vec::new(), from_journal: false }));
    };
    let open_intents = journal.open().list();
    let Some(mut snapshot) = stored.or_else(|| first(&journal.base)) else {
        return Err(misfit(name, &journal, "there is no state"));
    };
    if journal.is_ended {
        return Ok(Some(Recovered { from_journal: !open_intents.is_empty(), snapshot, open_intents }));
    }
    let changes = Changes::of(&journal.records);
    if snapshot.version() == journal.base {
        changes.apply_to(&mut snapshot);
        return Ok(Some(Recovered { snapshot, open_intents, from_journal: !journal.records.is_empty() }));
    }
    // A state of old has no lineage until we write it.
    let found = if snapshot.lineage == journal.base.lineage || journal.base.lineage.is_empty() {
        if snapshot.serial > journal.base.serial && changes.are_in(&snapshot) {
            return Ok(Some(Recovered { from_journal: !open_intents.is_empty(), snapshot, open_intents }));
        }
        format!("the state is at serial {}", snapshot.serial)
    } else {
        format!("the state has the lineage {:?}", snapshot.lineage)
    };
    Err(misfit(name, &journal, &found))
}

/// What a journal of the very first run extends.
fn first(base: &Version) -> Option<Snapshot> {
    (base.serial == 0).then(|| Snapshot { lineage: base.lineage.clone(), ..Snapshot::new() })
}

fn misfit(name: &str, journal: &Stored, found: &str) -> Error {
    let changes = Changes::of(&journal.records);
    let names: Vec<String> = changes.entries.keys().take(10).map(|a| format!("  {a}")).collect();
    let more = changes.entries.len().saturating_sub(names.len());
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Error::Journal {
        file: name.into(),
        problem: format!(
            "A run was cut off that started from serial {} of the lineage {:?}, but {found}: something else wrote the state since. \
             What that run did to these objects stands in the journal only:\n{}{more}",
            journal.base.serial,
            journal.base.lineage,
            names.join("\n")
        ),
        help: "Restore the state that the run started from, so that the journal can be taken up; or move the journal away, import what it names, and plan again.".into(),
    }
}

/// What is left of an instance that went.
static NOTHING: LazyLock<InstanceState> = LazyLock::new(InstanceState::default);

/// Where everything stands after the records.
struct Changes<'a> {
    entries: BTreeMap<&'a Addr, (&'a InstanceState, &'a secstack_base::ProviderConfigAddr)>,
    outputs: BTreeMap<&'a Str, Option<&'a OutputValue>>,
    checks: Option<&'a Vec<crate::model::CheckResult>>,
}

impl<'a> Changes<'a> {
    fn of(records: &'a [Record]) -> Self {
        let mut changes = Changes { entries: BTreeMap::new(), outputs: BTreeMap::new(), checks: None };
        for record in records {
            match record {
                Record::Done { addr, entry, provider } => drop(changes.entries.insert(addr, (entry, provider))),
                Record::Moved(moves) => {
                    for m in moves {
                        changes.entries.insert(&m.from, (&NOTHING, &m.provider));
                    }
                    for m in moves {
                        changes.entries.insert(&m.addr, (&m.entry, &m.provider));
                    }
                }
                Record::Output { name, value } => drop(changes.outputs.insert(name, value.as_ref())),
                Record::Checks(results) => changes.checks = Some(results),
                Record::Intent(_) | Record::Id { .. } | Record::Void { .. } | Record::Settled => {}
            }
        }
        changes
    }

    fn apply_to(&self, snapshot: &mut Snapshot) {
        for (addr, (entry, provider)) in &self.entries {
            snapshot.set_instance(addr, provider, (*entry).clone());
        }
        for (name, value) in &self.outputs {
            match value {
                Some(value) => drop(snapshot.outputs.insert((*name).clone(), (*value).clone())),
                None => drop(snapshot.outputs.remove(*name)),
            }
        }
        if let Some(results) = self.checks {
            snapshot.checks.clone_from(results);
        }
    }

    /// Whether the snapshot is of the same run and goes further: it has every instance, as it is or as it became.
    fn are_known_to(&self, snapshot: &Snapshot) -> bool {
        self.entries.iter().all(|(addr, (entry, _))| entry.is_empty() || snapshot.instance(addr).is_some())
    }

    /// Whether the snapshot already holds them: the run was cut off after writing it, before removing its journal.
    fn are_in(&self, snapshot: &Snapshot) -> bool {
        let entry_in = |(addr, (entry, _)): (&&Addr, &(&InstanceState, _))| match snapshot.instance(addr) {
            Some(stored) => stored.current == entry.current && stored.deposed == entry.deposed,
            None => entry.is_empty(),
        };
        let output_in = |(name, value): (&&Str, &Option<&OutputValue>)| match (snapshot.outputs.get(*name), value) {
            (Some(a), Some(b)) => a.sensitive == b.sensitive && a.value.same_unmarked(&b.value),
            (a, b) => a.is_none() && b.is_none(),
        };
        self.entries.iter().all(entry_in) && self.outputs.iter().all(output_in)
    }
}
