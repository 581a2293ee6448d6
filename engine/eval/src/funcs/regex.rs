//! Regular expressions in RE2's syntax.

use regex::{Captures, Regex, RegexBuilder};
use secstack_base::{Type, Value};

use super::{CallError, Function, Outcome, Param};

mod syntax;

/// The functions of this family.
pub fn functions() -> Vec<Function> {
    let string = |name| Param::new(name, Type::String);
    let of = |name, params, result, run| Function { name, params, variadic: None, result, run, not_null: true };
    vec![
        of("regex", vec![string("pattern"), string("string")], |args| known_type(args, |t| t), |_, args| find(args)),
        of("regexall", vec![string("pattern"), string("string")], |args| known_type(args, Type::list), |_, args| find_all(args)),
        of("replace", vec![string("str"), string("substr"), string("replace")], |_| Ok(Type::String), |_, args| replace(args)),
    ]
}

fn text(args: &[Value], i: usize) -> &str {
    args[i].as_str().unwrap_or_default()
}

/// A compiled pattern with the names of its groups.
struct Pattern {
    regex: Regex,
    names: Vec<Option<String>>,
}

/// A compiled pattern may take this much memory.
const MOST_MEMORY: usize = 64 << 20;

impl Pattern {
    fn compile(text: &str) -> Result<Pattern, String> {
        let invalid = |why: String| format!("invalid regexp pattern: {why}");
        let pattern = syntax::translate(text).map_err(invalid)?;
        let regex = RegexBuilder::new(&pattern.text).size_limit(MOST_MEMORY).nest_limit(500).build().map_err(|e| invalid(e.to_string()))?;
        Ok(Pattern { regex, names: pattern.names })
    }

    /// A pattern whose groups all have names or have none, and the type of its matches.
    fn for_matches(text: &str) -> Result<(Pattern, Type), CallError> {
        let pattern = Pattern::compile(text).map_err(|e| CallError::arg(0, e))?;
        let named = pattern.names.iter().flatten().count();
        let ty = match (named, pattern.names.len()) {
            (0, 0) => Type::String,
            (0, groups) => Type::tuple(vec![Type::String; groups]),
            (named, groups) if named == groups => Type::object(pattern.names.iter().flatten().map(|n| (n.as_str(), Type::String))),
            _ => return Err(CallError::arg(0, "invalid regexp pattern: cannot mix both named and unnamed capture groups")),
        };
        Ok((pattern, ty))
    }

    fn result(&self, found: &Captures<'_>) -> Value {
        let group = |i: usize| found.get(i).map_or_else(|| Value::null(Type::String), |m| Value::string(m.as_str()));
        match self.names.first() {
            None => group(0),
            Some(None) => Value::tuple((1..=self.names.len()).map(group)),
            Some(Some(_)) => Value::object(self.names.iter().flatten().enumerate().map(|(i, n)| (n.as_str(), group(i + 1)))),
        }
    }
}

/// The type of the result when the pattern is known and the text is not.
fn known_type(args: &[Value], wrap: fn(Type) -> Type) -> Result<Type, CallError> {
    match args[0].as_str() {
        Some(pattern) => Pattern::for_matches(pattern).map(|(_, ty)| wrap(ty)),
        None => Ok(wrap(Type::Dynamic)),
    }
}

fn find(args: &[Value]) -> Outcome {
    let (pattern, _) = Pattern::for_matches(text(args, 0))?;
    let found = pattern.regex.captures(text(args, 1));
    let found = found.ok_or_else(|| CallError::new("pattern did not match any part of the given string"))?;
    Ok(pattern.result(&found))
}

fn find_all(args: &[Value]) -> Outcome {
    let (pattern, ty) = Pattern::for_matches(text(args, 0))?;
    let found: Vec<Value> = pattern.regex.captures_iter(text(args, 1)).map(|m| pattern.result(&m)).collect();
    Ok(Value::list(ty, found))
}

/// Replaces text, or what a pattern between slashes matches.
fn replace(args: &[Value]) -> Outcome {
    let (str, substr, replacement) = (text(args, 0), text(args, 1), text(args, 2));
    let Some(pattern) = substr.strip_prefix('/').and_then(|s| s.strip_suffix('/')) else {
        return Ok(Value::from(str.replace(substr, replacement)));
    };
    let pattern = Pattern::compile(pattern).map_err(CallError::new)?;
    let replaced = pattern.regex.replace_all(str, |found: &Captures<'_>| expand(&pattern, found, replacement));
    Ok(Value::from(replaced.into_owned()))
}

/// The replacement with `$1`, `$name` and `${name}` filled in. A name goes on as far as letters, digits and
/// underscores do; `$$` is a dollar, and so is one that no name follows.
fn expand(pattern: &Pattern, found: &Captures<'_>, template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(after) else {
            out.push('$');
            rest = after;
            continue;
        };
        out.push_str(group(pattern, found, name));
        rest = after;
    }
    out + rest
}

/// The name after a dollar, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let inner = braced.unwrap_or(text);
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    let after = if braced.is_some() { after.strip_prefix('}')? } else { after };
    (!name.is_empty()).then_some((name, after))
}

/// The text of a group by its number, or of the first by its name that took part in the match.
fn group<'t>(pattern: &Pattern, found: &Captures<'t>, name: &str) -> &'t str {
    let text = |i: usize| found.get(i).map(|m| m.as_str());
    if name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0')) {
        return name.parse().ok().and_then(text).unwrap_or_default();
    }
    let named = pattern.names.iter().enumerate().filter(|(_, n)| n.as_deref() == Some(name));
    named.filter_map(|(i, _)| text(i + 1)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::filesystem::testing::run;
    use secstack_base::Value;

    #[test]
    fn matches_take_the_shape_of_the_groups() {
        check("regex", &["[a-z]+", "123abc"], "abc");
        check("regex", &["(?P<x>a)(?<2y>b)?", "a"], r#"{"2y":null,"x":"a"}"#);
        check("regex", &["0*(\\d+)", "007"], r#"["7"]"#);
        check("regexall", &["a*", "baaac"], r#"["","aaa",""]"#);
        check("regexall", &["(x)", "a"], "[]");
        check("regex", &["a", "b"], "error");
    }

    #[test]
    fn the_syntax_is_re2s() {
        for (pattern, text, want) in [
            ("[\\d-x]", "-", "-"),
            ("\\Qa.b\\E+", "a.bb", "a.bb"),
            ("a{,2}", "a{,2}", "a{,2}"),
            ("\\101\\x42\\x{43}", "ABC", "ABC"),
            ("[[:^alpha:]\\]]+", "a1]b", "1]"),
            ("[]a]+", "]a", "]a"),
            ("\\pL+", "1é", "é"),
            ("\\p{Greek}", "aα", "α"),
            ("(?i)É", "é", "é"),
            ("\\bé", "aé", "é"),
            ("\\w+", "éa", "a"),
            ("(?U)a+", "aa", "a"),
            ("(?s).$", "a\n", "\n"),
            ("x{2}", "xxx", "xx"),
            ("[a&&b]+", "&", "&"),
            ("\\_", "_", "_"),
            ("(?i:A)b", "ab", "ab"),
            ("a|", "b", ""),
            ("[^\\n]+", "\na", "a"),
            ("\\$\\.", "$.", "$."),
        ] {
            check("regex", &[pattern, text], want);
        }
        for bad in [
            "(?x)a",
            "(?<!a)b",
            "(?=a)",
            "(a)\\1",
            "\\q",
            "\\p{Nope}",
            "\\p{greek}",
            "a**",
            "*",
            "a{1001}",
            "(a{100}){11}",
            "a{2,1}",
            "(",
            ")",
            "[a",
            "[b-a]",
            "[[:nope:]]",
            "\\C",
            "\\Z",
            "a\\",
            "(?P<n>a)(b)",
            "\\u0041",
            "\\x{110000}",
            "(?i-)a",
            "a{2}{3}",
        ] {
            check("regex", &[bad, "a"], "error");
        }
        check("regex", &[&"(".repeat(100_000), "a"], "error");
    }

    #[test]
    fn replacements_name_groups() {
        check("replace", &["a.b.c", ".", "-"], "a-b-c");
        check("replace", &["ab", "", "-"], "-a-b-");
        check("replace", &["hello", "/(l+)(o)/", "[$2$1]"], "he[oll]");
        check("replace", &["ab", "/(a)/", "${1}x$1x$$$"], "ax$$b");
        check("replace", &["ab", "/(?P<n>a)/", "$n-${n}-${n"], "a-a-${nb");
        check("replace", &["xb", "/(?P<n>a)?(?P<n>b)/", "<$n>"], "x<b>");
        check("replace", &["ab", "/(/", ""], "error");
        check("replace", &["a/b", "/", "-"], "a-b");
        check("replace", &["ab", "//", "-"], "-a-b-");
    }

    #[track_caller]
    fn check(name: &str, args: &[&str], want: &str) {
        let args: Vec<Value> = args.iter().map(|a| Value::string(a)).collect();
        assert_eq!(run(name, &args), want, "{name} {args:?}");
    }
}
