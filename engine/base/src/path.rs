//! A way into a value: attribute names and indices, outermost first.

use std::fmt;

use crate::Str;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// An attribute of an object: `.name`
    Attr(Str),
    /// An element of a list or tuple: `[0]`
    Index(usize),
    /// An element of a map: `["key"]`
    Key(Str),
}

/// Steps into a value. The empty path is the value itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The value itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path of a top-level attribute.
    pub fn attr(name: impl Into<Str>) -> Self {
        Self(vec![Step::Attr(name.into())])
    }

    /// This path and one more step.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Whether `self` is `other` or leads to something around it.
    pub fn contains(&self, other: &Path) -> bool {
        other.0.starts_with(&self.0)
    }
}

/// Writes the path as in messages: `.a[0]["k"]`, with the leading dot of a top-level attribute.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                Step::Attr(n) => write!(f, ".{n}")?,
                Step::Index(i) => write!(f, "[{i}]")?,
                Step::Key(k) => write!(f, "[{k:?}]")?,
            }
        }
        Ok(())
    }
}
