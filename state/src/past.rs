//! Former versions of a state: when each was written, and by whom.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::lock::LockInfo;
use crate::model::Snapshot;

/// A version of a state that is still stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// What the store calls the version.
    pub id: String,
    /// When it was written.
    pub written: Option<SystemTime>,
    /// How many bytes it has.
    pub size: u64,
}

/// What such a version holds.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The state. `None` when there was none, as in a workspace that is new.
    pub snapshot: Option<Snapshot>,
    /// Who wrote it, where that is recorded: states that other programs wrote do not say.
    pub author: Option<Author>,
}

/// Who wrote a version, and in what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    /// `user@host`
    pub who: String,
    /// What the lock was held for: `OperationTypeApply`.
    pub operation: String,
    /// More about that, such as the address of the CI job.
    pub info: String,
}

/// The names of an author's parts in the metadata of an object. Values of metadata are ASCII.
const WHO: &str = "secstack-who";
const OPERATION: &str = "secstack-operation";
const INFO: &str = "secstack-info";

impl Author {
    /// The holder of a lock.
    pub fn of(lock: &LockInfo) -> Self {
        Self { who: lock.who.clone(), operation: lock.operation.clone(), info: lock.info.clone() }
    }

    /// The author as the metadata of an object.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let parts = [(WHO, &self.who), (OPERATION, &self.operation), (INFO, &self.info)];
        parts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, plain(text))).collect()
    }

    /// The author that the metadata of an object names.
    pub fn from_notes(notes: &BTreeMap<String, String>) -> Option<Self> {
        let part = |name: &str| notes.get(name).cloned().unwrap_or_default();
        let author = Self { who: part(WHO), operation: part(OPERATION), info: part(INFO) };
        (author != Self::default()).then_some(author)
    }

    /// The operation as one says it: `apply` for `OperationTypeApply`.
    pub fn operation(&self) -> String {
        self.operation.strip_prefix("OperationType").map_or_else(|| self.operation.clone(), str::to_lowercase)
    }
}

/// The text with `?` for what a header cannot hold.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_comes_back_from_its_notes() {
        let author = Author { who: "zoë@h".into(), operation: "OperationTypeApply".into(), info: "CI job https://g/1".into() };
        let notes = author.notes().into_iter().map(|(k, v)| (k.to_string(), v)).collect();
        let found = Author::from_notes(&notes).unwrap();
        assert_eq!(found, Author { who: "zo?@h".into(), ..author });
        assert_eq!(found.operation(), "apply");
        assert_eq!(Author::from_notes(&BTreeMap::new()), None);
    }
}
