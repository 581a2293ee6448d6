//! Where a piece of configuration text stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which file of a [`Sources`] a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileId(pub u32);

/// A byte range in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span of `file` from `start` to `end`, in bytes.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that holds both; `other` must be of the same file.
    pub fn to(self, other: Span) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// One file that was read: its path as the user would name it, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path, relative to the root module where it lies below it.
    pub path: PathBuf,
    /// The text.
    pub text: Arc<str>,
}

/// All files that were read in a run. Spans point into it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// A place as people count it: lines and columns from 1, columns in grapheme clusters where known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The byte offset, from 0.
    pub byte: usize,
}

impl Sources {
    /// Adds a file and returns its identity.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), text: text.into() });
        id
    }

    /// The file of that identity.
    pub fn get(&self, id: FileId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// The path of the file of a span, if the span belongs to a file.
    pub fn path(&self, span: Span) -> Option<&Path> {
        self.get(span.file).map(|f| f.path.as_path())
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> Option<&str> {
        self.get(span.file)?.text.get(span.start as usize..span.end as usize)
    }

    /// All files with their identities, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(u32::try_from(i).unwrap_or(u32::MAX)), f))
    }

    /// The position of a byte offset of a file.
    pub fn position(&self, file: FileId, byte: u32) -> Position {
        let Some(source) = self.get(file) else { return Position { line: 1, column: 1, byte: 0 } };
        let mut byte = (byte as usize).min(source.text.len());
        while !source.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let before = &source.text[..byte];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Position { line: before.bytes().filter(|b| *b == b'\n').count() + 1, column: before[line_start..].chars().count() + 1, byte }
    }
}
