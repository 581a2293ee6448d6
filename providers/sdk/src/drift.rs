//! What was changed outside: what it means for security, and what appeared where only we should make objects.
//!
//! Comparing objects is the engine's work. What only a provider can know is here: that an opened port is worse than
//! a changed tag, that a rule of a security group shows up in the group as well, and that a subnet nobody planned
//! stands in a network of ours.

use std::collections::BTreeSet;
use std::fmt;

use secstack_base::{Data, Str, Value};

use crate::Id;

/// How grave a weakness is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A protection that is one of several is weaker.
    Low,
    /// A protection is weaker.
    Medium,
    /// Somebody may do what nobody but us could before, or would not be seen doing it.
    High,
    /// Anybody may.
    Critical,
}

impl Severity {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A way in which a change weakens what guards a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// How grave it is.
    pub severity: Severity,
    /// The attribute that says so; empty when the object as a whole is meant.
    pub attribute: Str,
    /// What is weaker now, in words that begin with a small letter and end without a full stop.
    pub text: String,
}

impl Weakness {
    /// A weakness that an attribute tells of.
    pub fn new(severity: Severity, attribute: &str, text: impl Into<String>) -> Self {
        Self { severity, attribute: attribute.into(), text: text.into() }
    }

    /// A weakness if something holds.
    pub fn when(holds: bool, severity: Severity, attribute: &str, text: &str) -> Option<Self> {
        holds.then(|| Self::new(severity, attribute, text))
    }
}

/// The objects of the state that one provider manages, as they are now.
#[derive(Clone, Debug, Default)]
pub struct Known {
    objects: Vec<(Str, Value)>,
    words: BTreeSet<Str>,
}

impl Known {
    /// Objects, each with its type.
    pub fn new(objects: impl IntoIterator<Item = (Str, Value)>) -> Self {
        let objects: Vec<_> = objects.into_iter().collect();
        let mut words = BTreeSet::new();
        objects.iter().for_each(|(_, object)| gather(object, &mut words));
        Self { objects, words }
    }

    /// The objects of a type.
    pub fn of<'a>(&'a self, ty: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |(t, _)| **t == *ty).map(|(_, object)| object)
    }

    /// Whether an object of a type has this text as an attribute.
    pub fn has(&self, ty: &str, attribute: &str, text: &str) -> bool {
        self.of(ty).any(|object| object.get_str(attribute) == Some(text))
    }

    /// Whether any attribute of any object is this text. What an object of ours names was made by it or is used by it.
    pub fn mentions(&self, text: &str) -> bool {
        self.words.contains(text)
    }
}

fn gather(value: &Value, words: &mut BTreeSet<Str>) {
    if let Data::String(text) = &value.data {
        words.insert(text.clone());
    }
    value.parts().for_each(|part| gather(part, words));
}

/// An attribute of an object that shows what objects of other types make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The attribute. A difference in it is no news: the other objects tell of theirs.
    pub attribute: &'static str,
    /// What none of the other objects made.
    pub unmanaged: Vec<Unmanaged>,
}

impl Shared {
    /// An attribute of which nothing more is to be said.
    pub fn silent(attribute: &'static str) -> Self {
        Self { attribute, unmanaged: Vec::new() }
    }
}

/// An object that nobody manages, in the scope of one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmanaged {
    /// The object of ours.
    pub owner: Id,
    /// The type that would manage it.
    pub ty: Str,
    /// What it is imported by; empty when that is not known.
    pub id: Str,
    /// What it is, in a few words.
    pub text: String,
    /// What it weakens, and how gravely.
    pub weakens: Option<(Severity, String)>,
}
