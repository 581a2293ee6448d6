//! Functions on text.
//!
//! Lengths and positions count grapheme clusters, what people call characters. Case follows Unicode's
//! simple mappings, one character to one.

use secstack_base::{Data, Type, Value};

use super::{CallError, Context, Function, Outcome, Param, TypeRule, whole};
use crate::conditional::unknown_of_length;
use crate::graphemes::{count, graphemes};

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    const TEXT: TypeRule = |_| Ok(Type::String);
    const TEXTS: TypeRule = |_| Ok(Type::list(Type::String));
    const TRUTH: TypeRule = |_| Ok(Type::Bool);
    let s = |name| Param::new(name, Type::String);
    let n = |name| Param::new(name, Type::Number);
    let texts = |name| Param::new(name, Type::list(Type::String)).partly_known();
    vec![
        Function::new("chomp", [s("str")], TEXT, |_, a| Ok(text(a, 0).trim_end_matches(['\r', '\n']).into())),
        Function::new("endswith", [s("str"), s("suffix")], TRUTH, |_, a| Ok(text(a, 0).ends_with(text(a, 1)).into())),
        Function::new("indent", [n("spaces"), s("str")], TEXT, indent),
        Function::new("join", [s("separator")], TEXT, join).and_more(texts("lists")),
        Function::new("lower", [s("str").untyped()], TEXT, |_, a| Ok(text(a, 0).chars().map(lower).collect::<String>().into())),
        Function::new("sort", [Param::new("list", Type::list(Type::String)).partly_known()], TEXTS, sort),
        Function::new("split", [s("separator"), s("str")], TEXTS, split),
        Function::new("startswith", [s("str").unknowable(), s("prefix")], TRUTH, starts_with),
        Function::new("strcontains", [s("str"), s("substr")], TRUTH, |_, a| Ok(text(a, 0).contains(text(a, 1)).into())),
        Function::new("strrev", [s("str").untyped()], TEXT, |_, a| Ok(graphemes(text(a, 0)).rev().collect::<String>().into())),
        Function::new("substr", [s("str").untyped(), n("offset").untyped(), n("length").untyped()], TEXT, substr),
        Function::new("title", [s("str")], TEXT, |_, a| Ok(title(text(a, 0)).into())),
        Function::new("trim", [s("str"), s("cutset")], TEXT, |_, a| Ok(text(a, 0).trim_matches(|c| text(a, 1).contains(c)).into())),
        Function::new("trimprefix", [s("str"), s("prefix")], TEXT, |_, a| {
            Ok(text(a, 0).strip_prefix(text(a, 1)).unwrap_or(text(a, 0)).into())
        }),
        Function::new("trimspace", [s("str")], TEXT, |_, a| Ok(text(a, 0).trim().into())),
        Function::new("trimsuffix", [s("str"), s("suffix")], TEXT, |_, a| {
            Ok(text(a, 0).strip_suffix(text(a, 1)).unwrap_or(text(a, 0)).into())
        }),
        Function::new("upper", [s("str").untyped()], TEXT, |_, a| Ok(text(a, 0).chars().map(upper).collect::<String>().into())),
    ]
}

fn text(args: &[Value], i: usize) -> &str {
    args[i].as_str().unwrap_or_default()
}

fn strings(items: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    Value::list(Type::String, items.into_iter().map(|s| Value::string(s.as_ref())).collect::<Vec<_>>())
}

/// The most characters that `indent` puts before a line.
const MAX_INDENT: i64 = 1 << 16;

fn indent(_: &Context<'_>, args: &[Value]) -> Outcome {
    let spaces = whole(&args[0])?;
    let count = usize::try_from(spaces).ok().filter(|_| spaces <= MAX_INDENT);
    let count = count.ok_or_else(|| CallError::arg(0, format!("must be a number of spaces from 0 to {MAX_INDENT}")))?;
    Ok(text(args, 1).replace('\n', &format!("\n{:count$}", "")).into())
}

fn join(_: &Context<'_>, args: &[Value]) -> Outcome {
    let lists = &args[1..];
    if lists.is_empty() {
        return Err(CallError::new("at least one list is required"));
    }
    if !lists.iter().all(Value::is_wholly_known) {
        return Ok(Value::unknown(Type::String));
    }
    let mut items = Vec::new();
    for (l, list) in lists.iter().enumerate() {
        for (i, item) in list.parts().enumerate() {
            let of = if lists.len() > 1 { format!(" of list {}", l + 1) } else { String::new() };
            let null = || CallError::arg(l + 1, format!("element {i}{of} is null; cannot concatenate null values"));
            items.push(item.as_str().ok_or_else(null)?);
        }
    }
    Ok(items.join(text(args, 0)).into())
}

fn sort(_: &Context<'_>, args: &[Value]) -> Outcome {
    if !args[0].is_wholly_known() {
        let len = args[0].parts().count();
        return Ok(unknown_of_length(&Type::list(Type::String), len));
    }
    let mut items = Vec::new();
    for (i, item) in args[0].parts().enumerate() {
        let null = || CallError::new(format!("given list element {i} is null; a null string cannot be sorted"));
        items.push(item.as_str().ok_or_else(null)?);
    }
    items.sort_unstable();
    Ok(strings(items))
}

fn split(_: &Context<'_>, args: &[Value]) -> Outcome {
    Ok(match text(args, 0) {
        "" => strings(text(args, 1).chars().map(|c| c.to_string())),
        separator => strings(text(args, 1).split(separator)),
    })
}

fn starts_with(_: &Context<'_>, args: &[Value]) -> Outcome {
    let prefix = text(args, 1);
    let Data::Unknown(_, known) = &args[0].data else { return Ok(text(args, 0).starts_with(prefix).into()) };
    let known = known.prefix.as_deref().unwrap_or_default();
    Ok(match known.len() >= prefix.len() {
        true => known.starts_with(prefix).into(),
        false => Value::unknown(Type::Bool),
    })
}

fn substr(_: &Context<'_>, args: &[Value]) -> Outcome {
    let all = text(args, 0);
    let (mut offset, length) = (whole(&args[1])?, whole(&args[2])?);
    if offset < 0 {
        offset += i64::try_from(count(all)).unwrap_or(i64::MAX);
    } else if length == 0 {
        return Ok("".into());
    }
    // An offset before the beginning is the beginning; a length below zero is all of the rest, and so,
    // after a negative offset, is a length of zero.
    let skip = usize::try_from(offset).unwrap_or(0);
    let take = usize::try_from(length).ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    Ok(graphemes(all).skip(skip).take(take).collect::<String>().into())
}

/// The only character of a mapping, or `c` where the mapping has several or none.
fn single(c: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
}

fn upper(c: char) -> char {
    match c {
        // Greek letters with iota subscript have a simple mapping beside the full one of two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(c, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(c, 9),
        _ => single(c, c.to_uppercase()),
    }
}

fn lower(c: char) -> char {
    match c {
        '\u{130}' => 'i',
        _ => single(c, c.to_lowercase()),
    }
}

fn shifted(c: char, by: u32) -> char {
    char::from_u32(u32::from(c) + by).unwrap_or(c)
}

/// Every first letter of a word in title case.
fn title(s: &str) -> String {
    let mut start = true;
    s.chars()
        .map(|c| {
            let first = std::mem::replace(&mut start, is_separator(c));
            if first { title_case(c) } else { c }
        })
        .collect()
}

fn title_case(c: char) -> char {
    match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10ff}' => c,
        _ => upper(c),
    }
}

fn is_separator(c: char) -> bool {
    match c.is_ascii() {
        true => !(c.is_ascii_alphanumeric() || c == '_'),
        false => c.is_whitespace(),
    }
}
