//! The lines of a journal, format versions 1 to 3.
//!
//! `{"crc":"89abcdef","seq":7,"batch":5,"record":{...}}`: the checksum covers all that follows it in
//! the line. Records that were made durable together share the sequence number of their first as `batch`.
//!
//! In an encrypted journal, which is of version 2, the first line is readable and says where the key comes from;
//! the record of each other line is a string with the sealed text. In any other one, which is of version 3, that is so for
//! the records with values, and the first line holds the key: what was begun and which IDs came of it is readable, and no value is. Journals of version 1 have no sealed records.

use std::borrow::Cow;
use std::collections::BTreeMap;

use secstack_base::Addr;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Intent, Move, Operation, Record};
use crate::crypt::{Sealed, Sealer};
use crate::error::Result;
use crate::file::{CheckV4, InstanceV4, Names, OutputV4, check_result, entry_from, write_checks, write_entry, write_output};
use crate::json::write_string;
use crate::model::{InstanceState, Version};

/// The version of this format in which all records are plain. It is read only.
pub(super) const PLAIN: u64 = 1;
/// The version of this format when all records are encrypted.
pub(super) const ENCRYPTED: u64 = 2;
/// The version of this format when records with values are sealed.
pub(super) const VERSION: u64 = 3;

const BEFORE_CRC: &str = "{\"crc\":\"";
const AFTER_CRC: &str = "\",";

/// The text of a record.
pub(super) struct Written {
    pub text: String,
    /// Whether there are values in it that may be secret.
    pub has_values: bool,
}

/// The lines of records that are made durable together, the first of which has the number `first`.
pub(super) fn write_batch(first: u64, records: &[Written], sealer: &Sealer) -> Result<String> {
    let mut out = String::new();
    for (seq, record) in (first..).zip(records) {
        // The first line of all is readable: it says where the key comes from.
        let is_sealed = seq > 0 && (record.has_values || sealer.sealed() == Sealed::All);
        let record = if is_sealed { Cow::Owned(sealer.seal(seq, &record.text)?) } else { Cow::Borrowed(&record.text) };
        let rest = format!("\"seq\":{seq},\"batch\":{first},\"record\":{record}}}");
        out.push_str(&format!("{BEFORE_CRC}{:08x}{AFTER_CRC}{rest}\n", crc32fast::hash(rest.as_bytes())));
    }
    Ok(out)
}

/// One whole line.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    pub seq: u64,
    pub batch: u64,
    #[serde(borrow)]
    pub record: &'a RawValue,
}

/// Whether text begins as a journal does, or could if it were not cut off.
pub(super) fn looks_like_journal(text: &[u8]) -> bool {
    let n = text.len().min(BEFORE_CRC.len());
    text[..n] == BEFORE_CRC.as_bytes()[..n]
}

/// Reads a line without its end. `None` when it was torn or changed.
pub(super) fn read_line(line: &[u8]) -> Option<Line<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (crc, rest) = line.strip_prefix(BEFORE_CRC)?.split_once(AFTER_CRC)?;
    if u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(rest.as_bytes()) {
        return None;
    }
    serde_json::from_str(line).ok()
}

/// The first record: which snapshot the journal extends.
pub(super) fn write_header(base: &Version, run: &str, sealer: &Sealer) -> Written {
    let version = if sealer.sealed() == Sealed::All { ENCRYPTED } else { VERSION };
    let mut text = format!("{{\"journal\":{version},\"lineage\":");
    write_string(&mut text, &base.lineage);
    text.push_str(&format!(",\"serial\":{},\"run\":", base.serial));
    write_string(&mut text, run);
    text.push_str(",\"meta\":{");
    let separators = std::iter::once("").chain(std::iter::repeat(","));
    for ((name, value), before) in sealer.meta().iter().zip(separators) {
        text.push_str(before);
        write_string(&mut text, name);
        text.push(':');
        write_string(&mut text, value);
    }
    text.push_str("}}");
    Written { text, has_values: false }
}

/// The first record, as read. Later versions of the format keep the first member.
#[derive(Deserialize)]
pub(super) struct Header {
    pub journal: u64,
    #[serde(default)]
    pub lineage: String,
    #[serde(default)]
    pub serial: u64,
    /// What tells the run that writes it from any other.
    #[serde(default)]
    pub run: String,
    /// Where the keys come from, or the key itself, if records are sealed.
    #[serde(default)]
    pub meta: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum RecordV1<'a> {
    Intent {
        #[serde(borrow)]
        addr: Cow<'a, str>,
        deposed: Option<Cow<'a, str>>,
        operation: Cow<'a, str>,
        token: Cow<'a, str>,
        provider: Cow<'a, str>,
        id: Option<Cow<'a, str>>,
        #[serde(default)]
        began: u64,
        #[serde(default)]
        token_left: bool,
        #[serde(default)]
        ahead: bool,
        natural: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        planned: Vec<InstanceV4<'a>>,
    },
    Id {
        addr: Cow<'a, str>,
        deposed: Option<Cow<'a, str>>,
        id: Cow<'a, str>,
    },
    Done {
        addr: Cow<'a, str>,
        provider: Cow<'a, str>,
        #[serde(borrow)]
        objects: Vec<InstanceV4<'a>>,
    },
    Void {
        addr: Cow<'a, str>,
    },
    Moved {
        #[serde(borrow)]
        moves: Vec<MoveV1<'a>>,
    },
    Settled {},
    Output {
        name: Cow<'a, str>,
        #[serde(borrow)]
        value: Option<OutputV4<'a>>,
    },
    Checks {
        #[serde(borrow)]
        results: Option<Vec<CheckV4<'a>>>,
    },
}

#[derive(Deserialize)]
struct MoveV1<'a> {
    from: Cow<'a, str>,
    addr: Cow<'a, str>,
    provider: Cow<'a, str>,
    #[serde(borrow)]
    objects: Vec<InstanceV4<'a>>,
}

impl MoveV1<'_> {
    fn read(self, names: &mut Names) -> Result<Move, String> {
        let addr = parse(&self.addr)?;
        let entry = entry_from(self.objects, &addr, names)?;
        Ok(Move { from: parse(&self.from)?, entry, provider: names.provider(&self.provider)?, addr })
    }
}

const OPERATIONS: [(Operation, &str); 3] = [(Operation::Create, "create"), (Operation::Update, "update"), (Operation::Delete, "delete")];

/// The text of a record, if the record is sound.
pub(super) fn write_record(record: &Record) -> Result<Written> {
    record.check()?;
    let mut out = String::new();
    match record {
        Record::Intent(i) => {
            let operation = OPERATIONS.iter().find(|(o, _)| *o == i.operation).map_or("update", |(_, name)| name);
            open(&mut out, "intent", "addr", &i.addr.to_string());
            optional(&mut out, "deposed", i.deposed.as_deref());
            optional(&mut out, "operation", Some(operation));
            optional(&mut out, "token", Some(&i.token));
            optional(&mut out, "provider", Some(&i.provider.to_string()));
            optional(&mut out, "id", i.id.as_deref());
            out.push_str(&format!(",\"began\":{}", i.began));
            optional(&mut out, "natural", i.natural.as_deref());
            if i.token_left {
                out.push_str(",\"token_left\":true");
            }
            if i.ahead {
                out.push_str(",\"ahead\":true");
            }
            if let Some(planned) = &i.planned {
                out.push_str(",\"planned\":");
                write_entry(&mut out, &InstanceState::current((**planned).clone()));
            }
        }
        Record::Settled => out.push_str("{\"settled\":{"),
        Record::Id { addr, deposed, id } => {
            open(&mut out, "id", "addr", &addr.to_string());
            optional(&mut out, "deposed", deposed.as_deref());
            optional(&mut out, "id", Some(id));
        }
        Record::Done { addr, entry, provider } => {
            open(&mut out, "done", "addr", &addr.to_string());
            optional(&mut out, "provider", Some(&provider.to_string()));
            out.push_str(",\"objects\":");
            write_entry(&mut out, entry);
        }
        Record::Moved(moves) => {
            out.push_str("{\"moved\":{\"moves\":[");
            for (m, before) in moves.iter().zip(std::iter::once("{").chain(std::iter::repeat(",{"))) {
                out.push_str(before);
                out.push_str("\"from\":");
                write_string(&mut out, &m.from.to_string());
                optional(&mut out, "addr", Some(&m.addr.to_string()));
                optional(&mut out, "provider", Some(&m.provider.to_string()));
                out.push_str(",\"objects\":");
                write_entry(&mut out, &m.entry);
                out.push('}');
            }
            out.push(']');
        }
        Record::Void { addr } => open(&mut out, "void", "addr", &addr.to_string()),
        Record::Output { name, value } => {
            open(&mut out, "output", "name", name);
            if let Some(value) = value {
                out.push_str(",\"value\":");
                write_output(&mut out, name, value)?;
            }
        }
        Record::Checks(results) => {
            out.push_str("{\"checks\":{\"results\":");
            write_checks(&mut out, results);
        }
    }
    out.push_str("}}");
    Ok(Written { text: out, has_values: has_values(record) })
}

/// Whether a record has values of objects or outputs. Which of them are secret is told by marks and by schemas, and schemas are
/// not known here. What is planned stands in an intent without its secrets.
fn has_values(record: &Record) -> bool {
    matches!(record, Record::Done { .. } | Record::Moved(_) | Record::Output { .. })
}

fn open(out: &mut String, kind: &str, name: &str, value: &str) {
    out.push_str(&format!("{{\"{kind}\":{{\"{name}\":"));
    write_string(out, value);
}

fn optional(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(&format!(",\"{name}\":"));
        write_string(out, value);
    }
}

/// Reads a record, or says why it is none of this version.
pub(super) fn read_record(text: &str, names: &mut Names) -> Result<Record, String> {
    let parsed: RecordV1<'_> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Ok(match parsed {
        RecordV1::Settled {} => Record::Settled,
        RecordV1::Intent { addr, deposed, operation, token, provider, id, began, token_left, ahead, natural, planned } => {
            let addr = parse(&addr)?;
            Record::Intent(Intent {
                planned: entry_from(planned, &addr, names)?.current,
                addr,
                deposed: deposed.map(Into::into),
                operation: OPERATIONS.iter().find(|(_, name)| *name == operation).map(|(o, _)| *o).ok_or("unknown operation")?,
                token: token.into(),
                provider: names.provider(&provider)?,
                id: id.map(Into::into),
                began,
                natural: natural.map(Into::into),
                token_left,
                ahead,
            })
        }
        RecordV1::Id { addr, deposed, id } => Record::Id { addr: parse(&addr)?, deposed: deposed.map(Into::into), id: id.into() },
        RecordV1::Done { addr, provider, objects } => {
            let addr = parse(&addr)?;
            Record::Done { entry: entry_from(objects, &addr, names)?, provider: names.provider(&provider)?, addr }
        }
        RecordV1::Moved { moves } => Record::Moved(moves.into_iter().map(|m| m.read(names)).collect::<Result<_, _>>()?),
        RecordV1::Void { addr } => Record::Void { addr: parse(&addr)? },
        RecordV1::Output { name, value } => {
            let value = value.map(|v| v.convert()).transpose().map_err(|e| e.to_string())?;
            Record::Output { name: name.into(), value }
        }
        RecordV1::Checks { results } => Record::Checks(results.unwrap_or_default().into_iter().map(check_result).collect()),
    })
}

fn parse(addr: &str) -> Result<Addr, String> {
    addr.parse().map_err(|e: secstack_base::addr::ParseError| e.0)
}
