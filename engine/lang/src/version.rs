//! Versions and version constraints, by the rules of Terraform.
//!
//! A version has any number of segments. A version with a prerelease tag fits a constraint only if the constraint
//! names the same segments and a prerelease tag, too.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version: `1.2.3-beta1+build`.
#[derive(Clone, Debug)]
pub struct Version {
    /// The numbers, at least three.
    segments: Vec<u64>,
    /// How many numbers were written.
    written: usize,
    prerelease: String,
    metadata: String,
}

/// Why text is not a version or a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVersion(pub String);

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a version", self.0)
    }
}

impl std::error::Error for InvalidVersion {}

/// Conditions that a version must fulfil, all of them: `>= 1.2, != 1.3.0`. No condition at all allows every version.
#[derive(Clone, Debug, Default)]
pub struct Constraint(Vec<(Op, Version)>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Pessimistic,
}

const OPS: &[(&str, Op)] = &[
    ("!=", Op::NotEqual),
    (">=", Op::GreaterEqual),
    ("<=", Op::LessEqual),
    ("~>", Op::Pessimistic),
    ("=", Op::Equal),
    (">", Op::Greater),
    ("<", Op::Less),
];

impl Constraint {
    /// Parses conditions separated by commas.
    pub fn parse(s: &str) -> Result<Self, InvalidVersion> {
        let mut out = Vec::new();
        for part in s.split(',').map(str::trim) {
            if part.is_empty() && !s.contains(',') {
                break;
            }
            let (op, rest) = OPS.iter().find_map(|(text, op)| Some((*op, part.strip_prefix(text)?))).unwrap_or((Op::Equal, part));
            out.push((op, rest.trim().parse::<Version>()?));
        }
        Ok(Self(out))
    }

    /// Whether `v` fulfils all conditions.
    pub fn allows(&self, v: &Version) -> bool {
        self.0.iter().all(|(op, c)| fulfils(v, *op, c))
    }
}

fn fulfils(v: &Version, op: Op, c: &Version) -> bool {
    match op {
        Op::Equal => v == c,
        Op::NotEqual => v != c,
        Op::Greater => comparable(v, c) && v > c,
        Op::Less => comparable(v, c) && v < c,
        Op::GreaterEqual => comparable(v, c) && v >= c,
        Op::LessEqual => comparable(v, c) && v <= c,
        Op::Pessimistic => {
            comparable(v, c)
                && (c.prerelease.is_empty() || !v.prerelease.is_empty())
                && v >= c
                && c.segments.len() <= v.segments.len()
                && c.segments.iter().zip(&v.segments).take(c.written.saturating_sub(1)).all(|(c, v)| c == v)
        }
    }
}

/// Whether a prerelease may be compared: only with a prerelease of the same version.
fn comparable(v: &Version, c: &Version) -> bool {
    v.prerelease.is_empty() || (!c.prerelease.is_empty() && v.segments == c.segments)
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(s: &str) -> Result<Self, InvalidVersion> {
        let fail = || InvalidVersion(s.to_owned());
        let text = s.strip_prefix('v').unwrap_or(s);
        let (text, metadata) = text.split_once('+').unwrap_or((text, ""));
        let (numbers, prerelease) = text.split_once('-').unwrap_or((text, ""));
        let is_tag = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'~'));
        if !is_tag(prerelease) || !is_tag(metadata) || text.ends_with('-') || s.ends_with('+') {
            return Err(fail());
        }
        let mut segments = numbers
            .split('.')
            .map(|n| n.bytes().all(|b| b.is_ascii_digit()).then(|| n.parse().ok()).flatten())
            .collect::<Option<Vec<u64>>>()
            .ok_or_else(fail)?;
        let written = segments.len();
        segments.resize(written.max(3), 0);
        Ok(Self { segments, written, prerelease: prerelease.into(), metadata: metadata.into() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.segments.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))?;
        for (mark, tag) in [('-', &self.prerelease), ('+', &self.metadata)] {
            if !tag.is_empty() {
                write!(f, "{mark}{tag}")?;
            }
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let len = self.segments.len().max(other.segments.len());
        let numbers = |v: &Version| -> Vec<u64> { v.segments.iter().copied().chain(std::iter::repeat(0)).take(len).collect() };
        numbers(self).cmp(&numbers(other)).then_with(|| compare_tags(&self.prerelease, &other.prerelease))
    }
}

/// No tag is newest; numbers come before words.
fn compare_tags(a: &str, b: &str) -> Ordering {
    if a.is_empty() || b.is_empty() {
        return a.is_empty().cmp(&b.is_empty());
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_allow_what_terraform_allows() {
        check("~> 1.2", "1.2 1.9.9 1.2.3", "2.0 1.1.9 1.3.0-beta1");
        check("~> 1.2.3", "1.2.3 1.2.10", "1.3.0 1.2.2");
        check(">= 1.2, != 1.3.0", "1.2.0 1.4 2.0", "1.3 1.1");
        check("1.5.0", "1.5 v1.5.0", "1.5.1 1.5.0-rc1");
        check(">= 1.5.0-beta1", "1.5.0-beta2 1.5.0 1.6.0", "1.6.0-beta1 1.5.0-alpha1");
        check("", "0.1 3", "");
        for bad in ["abc", ">> 1", "1.x", ">=", "1.2,", "~> 1.2.3.", "1.0-"] {
            assert!(Constraint::parse(bad).is_err(), "{bad}");
        }
    }

    #[track_caller]
    fn check(constraint: &str, yes: &str, no: &str) {
        let c = Constraint::parse(constraint).unwrap();
        for v in yes.split_whitespace() {
            assert!(c.allows(&v.parse().unwrap()), "{constraint} should allow {v}");
        }
        for v in no.split_whitespace() {
            assert!(!c.allows(&v.parse().unwrap()), "{constraint} should not allow {v}");
        }
    }
}
