//! Questions to a state: which instances answer to a pattern, a type, the value of an attribute.

use clap::Args;
use secstack_base::addr::Target;
use secstack_base::{Addr, Data, Diagnostic, InstanceKey, Step, Value};
use secstack_state::model::ConfigAddr;
use secstack_state::{InstanceState, Snapshot};

use super::text;

/// Which instances are meant.
#[derive(Args, Clone, Debug, Default)]
pub struct Query {
    /// Only instances of this resource type; "*" stands for any text. May be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only instances with this value of an attribute, as in "tags.Name=web" or "cidr_block!=10.0.0.0/16"; "*" stands for any text. May be repeated; all must hold.
    #[arg(long = "where", value_name = "ATTRIBUTE=VALUE")]
    conditions: Vec<String>,
}

/// Instances that are asked for.
pub struct Wanted {
    addresses: Vec<Asked>,
    types: Vec<String>,
    conditions: Vec<Condition>,
}

/// An address of a command line.
enum Asked {
    Target(Target),
    /// Text with `*` in it.
    Pattern(String),
}

/// `attribute=value`
struct Condition {
    path: Vec<String>,
    value: String,
    equal: bool,
}

impl Query {
    /// Whether anything is asked.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.conditions.is_empty()
    }

    /// Reads the question, with the addresses beside it.
    ///
    /// # Errors
    /// When an address or a condition has no meaning.
    pub fn wanted(&self, addresses: &[String]) -> Result<Wanted, Diagnostic> {
        let asked = |a: &String| match a.contains('*') {
            true => Ok(Asked::Pattern(a.clone())),
            false => a.parse().map(Asked::Target).map_err(|e| text::invalid(a, &e)),
        };
        Ok(Wanted {
            addresses: addresses.iter().map(asked).collect::<Result<_, _>>()?,
            types: self.types.clone(),
            conditions: self.conditions.iter().map(|c| condition(c)).collect::<Result<_, _>>()?,
        })
    }
}

fn condition(text: &str) -> Result<Condition, Diagnostic> {
    let wrong = |what: &str| Diagnostic::error(format!("Invalid condition {text:?}"), format!("{what}, as in tags.Name=web."));
    let (path, value) = text.split_once('=').ok_or_else(|| wrong("A condition is an attribute, an equals sign and a value"))?;
    let (path, equal) = path.strip_suffix('!').map_or((path, true), |p| (p, false));
    let path = steps(path).filter(|p| !p.is_empty()).ok_or_else(|| wrong("The attribute is a name with parts separated by dots"))?;
    Ok(Condition { path, value: value.into(), equal })
}

/// The steps of `a.b[0]["c.d"].e`.
fn steps(path: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix("[\"") {
            let (key, after) = inner.split_once("\"]")?;
            steps.push(key.to_string());
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']')?;
            steps.push(index.to_string());
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(rest[..end].to_string());
            rest = &rest[end..];
        }
        rest = match rest.strip_prefix('.') {
            Some("") => return None,
            Some(after) => after,
            None => rest,
        };
    }
    Some(steps)
}

/// Whether an address is that of anything in the state.
pub fn names_something(address: &str, state: &Snapshot) -> bool {
    address.parse::<Target>().is_ok_and(|t| state.instances().any(|(a, ..)| t.contains(&a)))
}

impl Wanted {
    /// Whether an instance is asked for.
    pub fn contains(&self, addr: &Addr, instance: &InstanceState) -> bool {
        let named = |a: &Asked| match a {
            Asked::Target(t) => t.contains(addr),
            Asked::Pattern(p) => is_like(p, &addr.to_string()),
        };
        if !self.addresses.is_empty() && !self.addresses.iter().any(named) {
            return false;
        }
        if !self.types.is_empty() && !self.types.iter().any(|t| is_like(t, addr.ty())) {
            return false;
        }
        if self.conditions.is_empty() {
            return true;
        }
        let Some(value) = instance.current.as_deref().and_then(|o| o.decode_implied().ok()) else { return false };
        self.conditions.iter().all(|c| c.holds(&value))
    }
}

impl Condition {
    fn holds(&self, object: &Value) -> bool {
        let mut found = Vec::new();
        reach(object, &self.path, &mut found);
        found.iter().any(|text| is_like(&self.value, text)) == self.equal
    }
}

/// The texts at a path. `*` as a step stands for every part; a list of blocks may be passed without a step of its own.
fn reach(value: &Value, path: &[String], found: &mut Vec<String>) {
    let Some((first, rest)) = path.split_first() else {
        match &value.data {
            Data::String(s) => found.push(s.to_string()),
            Data::Number(n) => found.push(n.to_string()),
            Data::Bool(b) => found.push(b.to_string()),
            Data::Null(_) => found.push("null".into()),
            _ => value.parts().for_each(|part| reach(part, path, found)),
        }
        return;
    };
    if first == "*" {
        value.parts().for_each(|part| reach(part, rest, found));
        return;
    }
    if value.as_slice().is_some() {
        let Ok(index) = first.parse::<usize>() else {
            return value.parts().for_each(|part| reach(part, path, found));
        };
        return value.parts().nth(index).into_iter().for_each(|part| reach(part, rest, found));
    }
    let _ = value.map_parts(|step, part| {
        if matches!(&step, Step::Attr(n) | Step::Key(n) if **n == **first) {
            reach(part, rest, found);
        }
        part.clone()
    });
}

/// Whether a text is of a pattern in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The instances that were built upon a resource or an instance of it, in order of address. The state tells of resources,
/// and of all that something was built upon, near and far.
pub fn dependents(state: &Snapshot, of: &Target) -> Vec<Addr> {
    let matches = |d: &ConfigAddr| match of {
        Target::Module(m) => d.to_string().starts_with(&format!("{}.", without_keys(&m.to_string()))),
        Target::Resource(r) => d.to_string() == without_keys(&Addr { resource: r.clone(), key: InstanceKey::None }.to_string()),
        Target::Instance(i) => d.to_string() == without_keys(&Addr { resource: i.resource.clone(), key: InstanceKey::None }.to_string()),
    };
    let depends = |i: &InstanceState| i.current.iter().chain(i.deposed.values()).any(|o| o.dependencies.iter().any(&matches));
    state.instances().filter(|(_, _, i)| depends(i)).map(|(a, ..)| a).collect()
}

/// An address without the keys of module instances: dependencies are recorded so.
fn without_keys(addr: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    for c in addr.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use secstack_base::Type;

    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, want) in [
            ("aws_*.a", "aws_vpc.a", true),
            ("module.*.aws_vpc.*", "module.x[\"a\"].aws_vpc.b[0]", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a", "ab", false),
            ("*b*", "abc", true),
        ] {
            assert_eq!(is_like(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn conditions_reach_into_objects() {
        let rule =
            |port: i64, range: &str| Value::object([("port", Value::from(port)), ("ranges", Value::list(Type::String, [range.into()]))]);
        let rules = Value::list(rule(1, "").ty(), [rule(22, "10.0.0.0/8"), rule(443, "0.0.0.0/0")]);
        let tags = Value::object([("Name", Value::from("web")), ("a.b", Value::from("c"))]);
        let object = Value::object([("rule", rules), ("tags", tags), ("on", Value::from(true)), ("none", Value::null(Type::String))]);
        for (text, want) in [
            ("tags.Name=web", true),
            ("tags.Name=w*", true),
            ("tags.Name!=web", false),
            ("tags[\"a.b\"]=c", true),
            ("rule.port=443", true),
            ("rule[0].port=443", false),
            ("rule.ranges=0.0.0.0/0", true),
            ("rule[*].ranges[0]=10.*", true),
            ("on=true", true),
            ("none=null", true),
            ("missing=1", false),
            ("missing!=1", true),
        ] {
            assert_eq!(condition(text).unwrap().holds(&object), want, "{text}");
        }
        for bad in ["a", "=1", "a..b=1", "a.=1", "a[0=1"] {
            assert!(condition(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_left_out() {
        assert_eq!(without_keys("module.a[\"x]\\\"\"].b.c[0]"), "module.a.b.c");
    }
}
