//! What can go wrong with a state, in words for the user.

use std::fmt;
use std::io;
use std::path::Path;

use secstack_base::{Diagnostic, Str};

use crate::lock::LockInfo;
use crate::model::Version;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the state could not be read, written or locked.
#[derive(Clone, Debug)]
pub enum Error {
    /// The system refused.
    Io {
        /// What was tried, with names: `write the state to "terraform.tfstate"`.
        action: String,
        /// The kind of refusal.
        kind: io::ErrorKind,
        /// What the system said.
        message: String,
        /// What holds after the failure: what was kept.
        kept: Option<String>,
    },
    /// A file is not what it should be.
    Format {
        /// The file, or another name for where the text came from.
        file: String,
        /// The line, counted from 1, if one is to blame.
        line: Option<usize>,
        /// Two to five words.
        summary: &'static str,
        /// What is wrong, in sentences.
        problem: String,
        /// What to do.
        help: String,
    },
    /// The state is not sound. Each entry is a sentence.
    Unsound(Vec<String>),
    /// Another run holds the lock.
    Locked(Box<Locked>),
    /// The lock is not what the caller thinks.
    Lock(String),
    /// Somebody wrote the state since it was read.
    Moved {
        /// What the write was based on.
        expected: Version,
        /// What is stored now.
        found: Option<Version>,
    },
    /// A snapshot cannot take the place of the stored one.
    Unrelated(String),
    /// The journal and the snapshot beside it do not fit together.
    Journal {
        /// The journal.
        file: String,
        /// What does not fit.
        problem: String,
        /// What to do.
        help: String,
    },
    /// Something about a workspace.
    Workspace(String),
    /// Something encrypted cannot be opened, or something cannot be encrypted.
    Crypt {
        /// Two to five words.
        summary: &'static str,
        /// The file, or another name for where the text came from.
        file: String,
        /// What is wrong, in sentences.
        problem: String,
        /// What to do.
        help: String,
    },
    /// A store that is not on this machine refused, or cannot be reached.
    Remote {
        /// Two to five words.
        summary: &'static str,
        /// What was tried and what came of it, in sentences.
        problem: String,
        /// What to do.
        help: Option<String>,
    },
    /// This run does not hold the lock any more, so that it may not write.
    LockLost(String),
}

/// Another run holds the lock.
#[derive(Clone, Debug)]
pub struct Locked {
    /// Who holds it, if that is known.
    pub holder: Option<LockInfo>,
    /// What the store said.
    pub cause: Str,
}

impl Error {
    /// A refusal of the system.
    pub fn io(action: impl Into<String>, e: &io::Error) -> Self {
        Error::Io { action: action.into(), kind: e.kind(), message: describe(e), kept: None }
    }

    /// Whether trying again later may help: somebody else holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(self, Error::Locked(_))
    }

    /// The same error with the file that the text came from.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        if let Error::Format { file, .. } = &mut self {
            *file = path.display().to_string();
        }
        self
    }

    /// As a diagnostic.
    pub fn diagnostic(&self) -> Diagnostic {
        let d = Diagnostic::error(self.summary(), self.to_string());
        match self {
            Error::Format { help, .. } | Error::Journal { help, .. } | Error::Crypt { help, .. } => d.help(help.clone()),
            Error::Remote { help: Some(help), .. } => d.help(help.clone()),
            Error::LockLost(_) => d.help("Nothing was written after that. Plan again: the next run starts from what the other one left."),
            Error::Moved { .. } => d.help("Plan again, so that the plan starts from the state as it is now."),
            Error::Unsound(_) => {
                d.help("This is a bug in secstack if nobody edited the state by hand. Restore the last backup of the state.")
            }
            _ => d,
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Error::Io { kind: io::ErrorKind::StorageFull, .. } => "No space for the state",
            Error::Io { .. } => "State file not accessible",
            Error::Format { summary, .. } => summary,
            Error::Unsound(_) => "Unsound state",
            Error::Locked(_) => "Error acquiring the state lock",
            Error::Lock(_) => "Error releasing the state lock",
            Error::Moved { .. } => "State has moved on",
            Error::Unrelated(_) => "Unrelated state",
            Error::Journal { .. } => "Journal does not fit",
            Error::Workspace(_) => "Invalid workspace",
            Error::Crypt { summary, .. } => summary,
            Error::Remote { summary, .. } => summary,
            Error::LockLost(_) => "State lock lost",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { action, message, kept, .. } => {
                write!(f, "Cannot {action}: {message}.")?;
                kept.as_ref().map_or(Ok(()), |k| write!(f, " {k}"))
            }
            Error::Format { file, line: Some(line), problem, .. } => write!(f, "{file}, line {line}: {problem}"),
            Error::Format { file, line: None, problem, .. } => write!(f, "{file}: {problem}"),
            Error::Unsound(problems) => f.write_str(&problems.join("\n")),
            Error::Locked(l) => write!(
                f,
                "Error message: {l}\n\nThe state is locked to protect it from being written by two runs at the same time. \
                 Resolve the issue above and try again. For most commands, \"-lock=false\" leaves the lock out, which is not recommended."
            ),
            Error::Remote { problem, .. } => f.write_str(problem),
            Error::Lock(m) | Error::Unrelated(m) | Error::Workspace(m) | Error::LockLost(m) => f.write_str(m),
            Error::Moved { expected, found: Some(found) } if expected.lineage == found.lineage => write!(
                f,
                "The state was at serial {} when it was read and is at serial {} now: another run wrote it in between. Nothing was written.",
                expected.serial, found.serial
            ),
            Error::Moved { expected, found: Some(found) } => write!(
                f,
                "The state that was read has the lineage {:?}, the one stored now has {:?}: it was replaced in between. Nothing was written.",
                expected.lineage, found.lineage
            ),
            Error::Moved { expected, found: None } => {
                write!(f, "The state was at serial {} when it was read and is gone now. Nothing was written.", expected.serial)
            }
            Error::Journal { file, problem, .. } | Error::Crypt { file, problem, .. } => write!(f, "{file}: {problem}"),
        }
    }
}

impl std::error::Error for Error {}

/// Writes as Terraform does, so that people and scripts find the lock's identity where they look for it.
impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        self.holder.as_ref().map_or(Ok(()), |h| write!(f, "\n{h}"))
    }
}

/// The system's words without Rust's `(os error 28)`.
fn describe(e: &io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}
