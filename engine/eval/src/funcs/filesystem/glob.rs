//! Patterns of file names: `*`, `?`, `[a-z]`, `{a,b}` within a name, and `**` for any number of directories.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::Files;

/// A pattern with a mistake. It is only noticed when a name is compared with it.
type Matched<T> = Result<T, ()>;

/// A directory by name of entry; a file has no tree.
#[derive(Default)]
struct Tree(BTreeMap<String, Option<Tree>>);

/// All files that match a cleaned pattern.
pub fn files(files: &dyn Files, pattern: &str) -> Matched<Vec<String>> {
    let components = split(pattern, '/');
    let plain = components.iter().take_while(|c| !c.contains(['*', '?', '[', '{', '\\'])).count();
    let base = components[..plain].join("/");
    let base = match base.as_str() {
        "" if plain > 0 => "/",
        "" => ".",
        base => base,
    };
    if plain == components.len() {
        let found = files.exists(Path::new(base)).unwrap_or(false);
        return Ok(if found { vec![base.to_owned()] } else { Vec::new() });
    }
    let mut tree = Tree::default();
    for file in files.list(Path::new(base)).unwrap_or_default() {
        tree.insert(&file);
    }
    let mut found = Vec::new();
    walk(&tree, base, &components[plain..], &mut found)?;
    Ok(found)
}

impl Tree {
    fn insert(&mut self, path: &str) {
        let (first, rest) = path.split_once('/').map_or((path, None), |(a, b)| (a, Some(b)));
        let entry = self.0.entry(first.to_owned()).or_default();
        if let Some(rest) = rest {
            entry.get_or_insert_default().insert(rest);
        }
    }
}

fn walk(tree: &Tree, dir: &str, components: &[String], found: &mut Vec<String>) -> Matched<()> {
    let below = |name: &str| match dir {
        "." => name.to_owned(),
        "/" => format!("/{name}"),
        dir => format!("{dir}/{name}"),
    };
    let Some((mut first, mut rest)) = components.split_first() else { return Ok(()) };
    if first == "**" {
        for (name, inner) in &tree.0 {
            match inner {
                Some(inner) => walk(inner, &below(name), components, found)?,
                None if rest.is_empty() => found.push(below(name)),
                None => {}
            }
        }
        match rest.split_first() {
            None => return Ok(()),
            Some(next) => (first, rest) = next,
        }
    }
    for (name, inner) in &tree.0 {
        if !matches(first, name)? {
            continue;
        }
        match inner {
            None if rest.is_empty() => found.push(below(name)),
            Some(inner) => walk(inner, &below(name), rest, found)?,
            None => {}
        }
    }
    Ok(())
}

/// Splits at a character that no backslash is in front of.
fn split(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == at && !escaped {
            parts.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

/// Whether a name matches one component of a pattern.
fn matches(pattern: &str, name: &str) -> Matched<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    component(&pattern, &name, &mut 100_000)
}

fn component(mut pattern: &[char], mut name: &[char], steps: &mut u32) -> Matched<bool> {
    *steps = steps.checked_sub(1).ok_or(())?;
    if name.is_empty() && !pattern.is_empty() && pattern != ['*'] {
        return Ok(false);
    }
    while let (Some((p, after)), Some((n, rest))) = (pattern.split_first(), name.split_first()) {
        match p {
            '\\' => {
                let (escaped, after) = after.split_first().ok_or(())?;
                if escaped != n {
                    return Ok(false);
                }
                pattern = after;
            }
            '*' if after.is_empty() => return Ok(true),
            '*' => return Ok((0..name.len()).any(|i| component(after, &name[i..], steps).unwrap_or(false))),
            '[' => {
                let end = closing(after, ']').ok_or(())?;
                if !class(&after[..end], *n)? {
                    return Ok(false);
                }
                pattern = &after[end + 1..];
            }
            '{' => return alternatives(after, name, steps),
            '?' => pattern = after,
            p if p == n => pattern = after,
            _ => return Ok(false),
        }
        name = rest;
    }
    Ok(name.is_empty() && (pattern.is_empty() || pattern == ['*']) || pattern == ['*', '*'])
}

fn alternatives(pattern: &[char], name: &[char], steps: &mut u32) -> Matched<bool> {
    let end = closing(pattern, '}').ok_or(())?;
    let options: String = pattern[..end].iter().collect();
    for option in split(&options, ',') {
        let whole: Vec<char> = option.chars().chain(pattern[end + 1..].iter().copied()).collect();
        if component(&whole, name, steps)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn closing(pattern: &[char], close: char) -> Option<usize> {
    let mut escaped = false;
    pattern.iter().position(|c| {
        let found = *c == close && !escaped;
        escaped = *c == '\\' && !escaped;
        found
    })
}

/// Whether a set of characters holds `c`.
fn class(set: &[char], c: char) -> Matched<bool> {
    let (negated, mut set) = match set {
        [] => return Err(()),
        ['^', set @ ..] => (true, set),
        set => (false, set),
    };
    let mut found = false;
    while !set.is_empty() {
        let (low, after) = class_char(set)?;
        let (high, after) = match after {
            ['-', after @ ..] => class_char(after)?,
            after => (low, after),
        };
        found |= (low..=high).contains(&c);
        set = after;
    }
    Ok(found != negated)
}

fn class_char(set: &[char]) -> Matched<(char, &[char])> {
    match set {
        [] | ['-', ..] | ['\\'] => Err(()),
        ['\\', c, rest @ ..] | [c, rest @ ..] => Ok((*c, rest)),
    }
}
