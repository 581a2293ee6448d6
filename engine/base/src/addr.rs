//! Addresses: where something is in the configuration.
//!
//! Text is parsed once, at the edge; inside, an address is a type of its own.
//! The order of addresses is Terraform's: by module, then data before managed, then type,
//! name and instance key, numbers before strings.

use std::fmt;
use std::sync::Arc;

use crate::Str;

/// What kind of `resource`-like block an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// A `data` block.
    Data,
    /// A `resource` block.
    Managed,
    /// An `ephemeral` block.
    Ephemeral,
}

/// Which instance of a block with `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum InstanceKey {
    /// The only instance of a block without repetition.
    #[default]
    None,
    /// An instance made by `count`.
    Int(u64),
    /// An instance made by `for_each`.
    Str(Str),
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstanceKey::None => Ok(()),
            InstanceKey::Int(n) => write!(f, "[{n}]"),
            InstanceKey::Str(s) => write!(f, "[{}]", quote(s)),
        }
    }
}

/// Writes text as a quoted HCL string.
pub fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    let mut rest = s.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// An instance of a module: the calls that lead to it, each with its instance key. Empty for the root module.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleAddr(pub Arc<[(Str, InstanceKey)]>);

impl Default for ModuleAddr {
    fn default() -> Self {
        Self::root()
    }
}

impl ModuleAddr {
    /// The root module.
    pub fn root() -> Self {
        Self(Arc::from([]))
    }

    /// Whether this is the root module.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The instance `key` of the call `name` in this module instance.
    #[must_use]
    pub fn child(&self, name: &str, key: InstanceKey) -> Self {
        Self(self.0.iter().cloned().chain([(name.into(), key)]).collect())
    }

    /// The module instance that holds the call, and the call with its key.
    pub fn split_last(&self) -> Option<(ModuleAddr, Str, InstanceKey)> {
        let ((name, key), parent) = self.0.split_last()?;
        Some((Self(parent.into()), name.clone(), key.clone()))
    }

    /// The names of the calls, without keys: which module this is an instance of.
    pub fn path(&self) -> ModulePath {
        ModulePath(self.0.iter().map(|(n, _)| n.clone()).collect())
    }

    /// Whether `other` is this module instance or lies below it.
    pub fn contains(&self, other: &ModuleAddr) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for ModuleAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, key)) in self.0.iter().enumerate() {
            write!(f, "{}module.{name}{key}", if i > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

/// A module by the names of the calls that lead to it, whatever their instances. Empty for the root module.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ModulePath(pub Vec<Str>);

impl ModulePath {
    /// The module that the call `name` of this module leads to.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.into()]).collect())
    }

    /// The module that holds the call, and its name.
    pub fn split_last(&self) -> Option<(ModulePath, &Str)> {
        let (name, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), name))
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            write!(f, "{}module.{name}", if i > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

/// A resource block within a module: mode, type and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceName {
    /// The kind of block.
    pub mode: Mode,
    /// The resource type.
    pub ty: Str,
    /// The name.
    pub name: Str,
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.mode {
            Mode::Managed => "",
            Mode::Data => "data.",
            Mode::Ephemeral => "ephemeral.",
        };
        write!(f, "{prefix}{}.{}", self.ty, self.name)
    }
}

/// A resource block in an instance of a module.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceAddr {
    /// The module instance.
    pub module: ModuleAddr,
    /// The block.
    pub name: ResourceName,
}

impl ResourceAddr {
    /// The instance `key` of the resource.
    pub fn instance(&self, key: InstanceKey) -> Addr {
        Addr { resource: self.clone(), key }
    }
}

impl fmt::Display for ResourceAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.module.is_root() { "" } else { "." };
        write!(f, "{}{dot}{}", self.module, self.name)
    }
}

/// A resource instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addr {
    /// The resource.
    pub resource: ResourceAddr,
    /// Which instance of it.
    pub key: InstanceKey,
}

impl Addr {
    /// The module instance.
    pub fn module(&self) -> &ModuleAddr {
        &self.resource.module
    }

    /// The resource type.
    pub fn ty(&self) -> &str {
        &self.resource.name.ty
    }

    /// The kind of block.
    pub fn mode(&self) -> Mode {
        self.resource.name.mode
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.resource, self.key)
    }
}

/// What `-target`, `moved` and the state commands accept: a module, a resource or an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A module instance, or every instance of the last call when its key is `None`.
    Module(ModuleAddr),
    /// A resource, all instances.
    Resource(ResourceAddr),
    /// One instance.
    Instance(Addr),
}

impl Target {
    /// Whether the instance `addr` is meant. A call without a key in `self` stands for all its instances.
    pub fn contains(&self, addr: &Addr) -> bool {
        match self {
            Target::Module(m) => within(m, addr.module(), false),
            Target::Resource(r) => within(&r.module, addr.module(), true) && r.name == addr.resource.name,
            Target::Instance(a) => {
                within(&a.resource.module, addr.module(), true) && a.resource.name == addr.resource.name && a.key == addr.key
            }
        }
    }
}

fn within(pattern: &ModuleAddr, module: &ModuleAddr, exact: bool) -> bool {
    let fits = |(p, m): (&(Str, InstanceKey), &(Str, InstanceKey))| p.0 == m.0 && (p.1 == InstanceKey::None || p.1 == m.1);
    let long_enough = if exact { pattern.0.len() == module.0.len() } else { pattern.0.len() <= module.0.len() };
    long_enough && pattern.0.iter().zip(module.0.iter()).all(fits)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Module(m) => m.fmt(f),
            Target::Resource(r) => r.fmt(f),
            Target::Instance(a) => a.fmt(f),
        }
    }
}

/// Why text is not an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError(pub String);

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

impl std::str::FromStr for Target {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let mut parts = split(s)?.into_iter().peekable();
        let mut module = ModuleAddr::root();
        let fail = |what: &str| ParseError(format!("Invalid address {s:?}: {what}."));
        while parts.peek().is_some_and(|(n, k)| &**n == "module" && *k == InstanceKey::None) {
            parts.next();
            let (name, key) = parts.next().ok_or_else(|| fail("a module name must follow \"module\""))?;
            module = module.child(&name, key);
        }
        let Some((first, key)) = parts.next() else {
            return if module.is_root() { Err(fail("it is empty")) } else { Ok(Target::Module(module)) };
        };
        if key != InstanceKey::None {
            return Err(fail("a resource type cannot have an instance key"));
        }
        let (mode, ty) = match &*first {
            "data" | "ephemeral" => {
                let mode = if &*first == "data" { Mode::Data } else { Mode::Ephemeral };
                let (ty, _) = parts.next().ok_or_else(|| fail("a type must follow"))?;
                (mode, ty)
            }
            _ => (Mode::Managed, first),
        };
        let (name, key) = parts.next().ok_or_else(|| fail("a resource name is missing after the type"))?;
        if parts.next().is_some() {
            return Err(fail("there is more after the instance"));
        }
        let resource = ResourceAddr { module, name: ResourceName { mode, ty, name } };
        Ok(match key {
            InstanceKey::None => Target::Resource(resource),
            key => Target::Instance(Addr { resource, key }),
        })
    }
}

impl std::str::FromStr for Addr {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        match s.parse()? {
            Target::Instance(a) => Ok(a),
            Target::Resource(r) => Ok(r.instance(InstanceKey::None)),
            Target::Module(_) => Err(ParseError(format!("Invalid address {s:?}: it names a module, not a resource instance."))),
        }
    }
}

impl std::str::FromStr for ModuleAddr {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        if s.is_empty() {
            return Ok(Self::root());
        }
        match s.parse()? {
            Target::Module(m) => Ok(m),
            _ => Err(ParseError(format!("Invalid module address {s:?}."))),
        }
    }
}

/// Splits `a.b["x"].c[0]` into names with the key that follows each.
fn split(s: &str) -> Result<Vec<(Str, InstanceKey)>, ParseError> {
    let fail = |what: &str| ParseError(format!("Invalid address {s:?}: {what}."));
    let mut out = Vec::new();
    let mut rest = s.trim();
    loop {
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        if end == 0 {
            return Err(fail("a name is expected"));
        }
        let name: Str = rest[..end].into();
        rest = &rest[end..];
        let mut key = InstanceKey::None;
        if let Some(inner) = rest.strip_prefix('[') {
            let (parsed, after) = parse_key(inner).ok_or_else(|| fail("an instance key is a whole number or a quoted string"))?;
            key = parsed;
            rest = after;
        }
        out.push((name, key));
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(out),
            None => return Err(fail("unexpected text")),
        }
    }
}

fn parse_key(s: &str) -> Option<(InstanceKey, &str)> {
    if let Some(body) = s.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = body.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => return Some((InstanceKey::Str(out.into()), body[i + 1..].strip_prefix(']')?)),
                '\\' => match chars.next()?.1 {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    c => out.push(c),
                },
                '$' | '%' if body[i + 1..].starts_with(c) && body[i + 2..].starts_with('{') => {
                    chars.next();
                    out.push(c);
                }
                c => out.push(c),
            }
        }
        return None;
    }
    let (digits, rest) = s.split_once(']')?;
    Some((InstanceKey::Int(digits.parse().ok()?), rest))
}

/// The source address of a provider: `registry.terraform.io/hashicorp/aws`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderAddr {
    /// The registry's host name.
    pub host: Str,
    /// The namespace.
    pub namespace: Str,
    /// The type, which is also the default local name.
    pub name: Str,
}

impl ProviderAddr {
    /// A provider of the `hashicorp` namespace on the default registry.
    pub fn hashicorp(name: &str) -> Self {
        Self { host: "registry.terraform.io".into(), namespace: "hashicorp".into(), name: name.into() }
    }

    /// A provider that is part of the program: `terraform.io/builtin/terraform`.
    pub fn builtin(name: &str) -> Self {
        Self { host: "terraform.io".into(), namespace: "builtin".into(), name: name.into() }
    }
}

impl std::str::FromStr for ProviderAddr {
    type Err = ParseError;
    /// Accepts `name`, `namespace/name` and `host/namespace/name`.
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let fail = || ParseError(format!("Invalid provider source address {s:?}."));
        let parts: Vec<&str> = s.split('/').collect();
        if parts.len() > 3 || parts.iter().any(|p| p.is_empty()) {
            return Err(fail());
        }
        let name = parts[parts.len() - 1].to_lowercase();
        let namespace = if parts.len() > 1 { parts[parts.len() - 2].to_lowercase() } else { "hashicorp".into() };
        let host = if parts.len() > 2 { parts[0].to_lowercase() } else { "registry.terraform.io".into() };
        Ok(Self { host: host.into(), namespace: namespace.into(), name: name.into() })
    }
}

impl fmt::Display for ProviderAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.host, self.namespace, self.name)
    }
}

/// A provider configuration as the state names it: `module.a.provider["host/ns/name"].alias`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderConfigAddr {
    /// The module whose block configures the provider.
    pub module: ModulePath,
    /// The provider.
    pub provider: ProviderAddr,
    /// The alias, if the block has one.
    pub alias: Option<Str>,
    /// The instance of a configuration with `for_each`.
    pub key: InstanceKey,
}

impl ProviderConfigAddr {
    /// The default configuration of `provider` in the root module.
    pub fn root(provider: ProviderAddr) -> Self {
        Self { module: ModulePath::default(), provider, alias: None, key: InstanceKey::None }
    }
}

impl fmt::Display for ProviderConfigAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.module.0.is_empty() { "" } else { "." };
        write!(f, "{}{dot}provider[\"{}\"]", self.module, self.provider)?;
        if let Some(alias) = &self.alias {
            write!(f, ".{alias}")?;
        }
        self.key.fmt(f)
    }
}

impl std::str::FromStr for ProviderConfigAddr {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let fail = || ParseError(format!("Invalid provider configuration address {s:?}."));
        let (before, rest) = s.split_once("provider[\"").ok_or_else(fail)?;
        let module: ModuleAddr = before.trim_end_matches('.').parse().map_err(|_| fail())?;
        let (provider, rest) = rest.split_once("\"]").ok_or_else(fail)?;
        let (mut alias, mut key) = (None, InstanceKey::None);
        if let Some(name) = rest.strip_prefix('.') {
            let mut parts = split(name)?.into_iter();
            let (a, k) = parts.next().ok_or_else(fail)?;
            (alias, key) = (Some(a), k);
        } else if !rest.is_empty() {
            return Err(fail());
        }
        Ok(Self { module: module.path(), provider: provider.parse()?, alias, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parsed_is_written_the_same() {
        for text in [
            "aws_vpc.a",
            "aws_vpc.a[0]",
            "module.m[\"x y\"].data.aws_vpc.a[\"q\\\"$${\"]",
            "module.m.module.n[3]",
            "ephemeral.random_password.p",
        ] {
            assert_eq!(text.parse::<Target>().map(|t| t.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "aws_vpc", "aws_vpc.a.b", "module", "a.b[x]", "a.b[\"x]", "a..b"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn provider_addresses_survive() {
        let text = "module.m.provider[\"registry.terraform.io/hashicorp/aws\"].west";
        let parsed: ProviderConfigAddr = text.parse().unwrap();
        assert_eq!(parsed.to_string(), text);
        assert_eq!("hashicorp/aws".parse::<ProviderAddr>().unwrap(), ProviderAddr::hashicorp("aws"));
    }

    #[test]
    fn a_call_without_key_means_all_its_instances() {
        let addr: Addr = "module.m[1].a.b[2]".parse().unwrap();
        for (target, want) in [
            ("module.m", true),
            ("module.m[1]", true),
            ("module.m[0]", false),
            ("module.m.a.b", true),
            ("module.m[1].a.b[2]", true),
            ("module.m.a.b[1]", false),
            ("a.b", false),
        ] {
            assert_eq!(target.parse::<Target>().unwrap().contains(&addr), want, "{target}");
        }
    }
}
