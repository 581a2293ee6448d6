//! Source addresses of modules: what the `source` argument names.

use std::fmt;

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleSource {
    /// A directory below or beside the calling module: `./net`.
    Local(String),
    /// A module in a registry: `terraform-aws-modules/vpc/aws`.
    Registry {
        /// The host name, `registry.terraform.io` unless given.
        host: String,
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
        /// The target system.
        system: String,
        /// The directory in the package, without slashes around it.
        subdir: Option<String>,
    },
    /// A package fetched by a program or a protocol.
    Remote {
        /// How it is fetched.
        getter: Getter,
        /// The address for the getter, without `//subdir` and without the query parts below.
        url: String,
        /// The directory in the package, without slashes around it.
        subdir: Option<String>,
        /// The branch, tag or commit: `?ref=` of Git, `?rev=` of Mercurial.
        reference: Option<String>,
    },
}

/// How a package is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Getter {
    /// A Git repository.
    Git,
    /// A Mercurial repository.
    Mercurial,
    /// An archive, or a page that names one, over HTTP.
    Http,
    /// An archive in S3.
    S3,
    /// An archive in Google Cloud Storage.
    Gcs,
    /// A directory or archive on this machine, by its absolute path.
    File,
    /// An artifact in an OCI registry (OpenTofu).
    Oci,
}

/// Why text is not a source address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSource(pub String);

impl fmt::Display for InvalidSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSource {}

const GETTERS: &[(&str, Getter)] = &[
    ("git::", Getter::Git),
    ("hg::", Getter::Mercurial),
    ("http::", Getter::Http),
    ("https::", Getter::Http),
    ("s3::", Getter::S3),
    ("gcs::", Getter::Gcs),
    ("file::", Getter::File),
];

impl ModuleSource {
    /// Parses the value of a `source` argument.
    pub fn parse(text: &str) -> Result<Self, InvalidSource> {
        if text.is_empty() {
            return Err(InvalidSource("module address cannot be empty".into()));
        }
        let is_local = ["./", "../", ".\\", "..\\"].iter().any(|p| text.starts_with(p)) || matches!(text, "." | "..");
        if is_local {
            if matches!(text, "." | "..") {
                return Err(InvalidSource("Terraform cannot detect a supported external module source type".into()));
            }
            return Ok(Self::Local(clean(&text.replace('\\', "/"))));
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            return Ok(remote(Getter::Oci, &format!("oci://{rest}")));
        }
        for (prefix, getter) in GETTERS {
            if let Some(rest) = text.strip_prefix(prefix) {
                return Ok(remote(*getter, &expand_scp(rest)));
            }
        }
        if let Some(source) = by_host(text) {
            return Ok(source);
        }
        if text.contains("://") {
            return by_scheme(text);
        }
        if text.starts_with('/') {
            return Ok(remote(Getter::File, text));
        }
        if is_scp(text) {
            return Ok(remote(Getter::Git, &expand_scp(text)));
        }
        registry(text)
    }

    /// Whether the module is part of the same package as the module that calls it.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }
}

fn by_scheme(text: &str) -> Result<ModuleSource, InvalidSource> {
    let (scheme, _) = text.split_once("://").unwrap_or((text, ""));
    Ok(match scheme {
        "http" | "https" => remote(Getter::Http, text),
        "git" | "ssh" => remote(Getter::Git, text),
        "file" => remote(Getter::File, text),
        "s3" => remote(Getter::S3, text),
        "gcs" | "gs" => remote(Getter::Gcs, text),
        "hg" => remote(Getter::Mercurial, text),
        other => return Err(InvalidSource(format!("download not supported for scheme {other:?}"))),
    })
}

/// Hosts whose repositories are known by their name.
fn by_host(text: &str) -> Option<ModuleSource> {
    for host in ["github.com/", "bitbucket.org/", "gitlab.com/"] {
        let Some(rest) = text.strip_prefix(host) else { continue };
        let (path, query) = rest.split_once('?').map_or((rest, ""), |(p, q)| (p, q));
        let mut parts = path.splitn(3, '/');
        let (owner, name) = (parts.next()?, parts.next()?);
        let subdir = parts.next().map(|s| s.trim_matches('/')).filter(|s| !s.is_empty());
        let git = if name.ends_with(".git") { "" } else { ".git" };
        let subdir = subdir.map_or(String::new(), |s| format!("//{s}"));
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        return Some(remote(Getter::Git, &format!("https://{host}{owner}/{name}{git}{subdir}{query}")));
    }
    let first = text.split('/').next()?;
    let is_s3 = first.ends_with(".amazonaws.com") && first.contains("s3");
    is_s3.then(|| remote(Getter::S3, &format!("https://{text}")))
}

/// `git@host:owner/name`
fn is_scp(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    !user.contains('/') && rest.split('/').next().is_some_and(|host| host.contains(':'))
}

fn expand_scp(text: &str) -> String {
    if text.contains("://") || !is_scp(text) {
        return text.to_owned();
    }
    format!("ssh://{}", text.replacen(':', "/", 1))
}

fn remote(getter: Getter, text: &str) -> ModuleSource {
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let after_scheme = address.find("://").map_or(0, |i| i + 3);
    let (url, subdir) = match address[after_scheme..].find("//") {
        Some(i) => (&address[..after_scheme + i], Some(address[after_scheme + i..].trim_matches('/').to_owned())),
        None => (address, None),
    };
    let key = match getter {
        Getter::Git => "ref=",
        Getter::Mercurial => "rev=",
        _ => "\0",
    };
    let (mut reference, mut rest) = (None, Vec::new());
    for part in query.split('&').filter(|p| !p.is_empty()) {
        match part.strip_prefix(key) {
            Some(r) => reference = Some(r.to_owned()),
            None => rest.push(part),
        }
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    let subdir = subdir.filter(|s| !s.is_empty());
    ModuleSource::Remote { getter, url: format!("{url}{query}"), subdir, reference }
}

fn registry(text: &str) -> Result<ModuleSource, InvalidSource> {
    let (address, subdir) = match text.split_once("//") {
        Some((address, subdir)) => (address, Some(subdir.trim_matches('/').to_owned()).filter(|s| !s.is_empty())),
        None => (text, None),
    };
    let parts: Vec<&str> = address.split('/').collect();
    let fail = |why: &str| Err(InvalidSource(why.to_owned()));
    let (host, rest) = match parts[..] {
        [_, _, _] => ("registry.terraform.io", &parts[..]),
        [host, _, _, _] => (host, &parts[1..]),
        _ => return fail("a module registry source address must have either three or four slash-separated components"),
    };
    let is_name = |s: &str| {
        !s.is_empty()
            && s.len() <= 64
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !s.starts_with(['-', '_'])
            && !s.ends_with(['-', '_'])
    };
    let is_host = |s: &str| s.contains('.') && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'));
    if !is_host(host) {
        return fail("invalid module registry hostname: must contain at least one dot");
    }
    if let Some(bad) = rest.iter().find(|s| !is_name(s)) {
        return fail(&format!(
            "invalid component {bad:?}: must be between one and 64 characters, including ASCII letters or digits, dashes, and underscores, where dashes and underscores may not be the prefix or suffix"
        ));
    }
    Ok(ModuleSource::Registry {
        host: host.to_lowercase(),
        namespace: rest[0].into(),
        name: rest[1].into(),
        system: rest[2].into(),
        subdir,
    })
}

/// The path without `.` and `..` in its middle.
fn clean(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|p| !p.is_empty() && *p != ".") {
        match out.last() {
            Some(last) if part == ".." && *last != ".." => drop(out.pop()),
            _ => out.push(part),
        }
    }
    let prefix = if out.first() == Some(&"..") { "" } else { "./" };
    format!("{prefix}{}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_in_terraform() {
        check("./a/../b", "local ./b");
        check("../x/", "local ../x");
        check("hashicorp/consul/aws", "registry.terraform.io hashicorp consul aws");
        check("app.terraform.io/org/vpc/aws//modules/x", "app.terraform.io org vpc aws //modules/x");
        check("git::https://e.com/v.git//sub?ref=v1.2.0", "Git https://e.com/v.git //sub @v1.2.0");
        check("git::ssh://git@e.com/v.git?depth=1&ref=x", "Git ssh://git@e.com/v.git?depth=1 @x");
        check("git@github.com:h/x.git", "Git ssh://git@github.com/h/x.git");
        check("github.com/h/x//s?ref=1", "Git https://github.com/h/x.git //s @1");
        check("https://e.com/m.zip//a/b", "Http https://e.com/m.zip //a/b");
        check("s3::https://s3-eu.amazonaws.com/b/m.zip", "S3 https://s3-eu.amazonaws.com/b/m.zip");
        check("/abs/path", "File /abs/path");
        for bad in ["", "a", "a/b", "a/b/c/d/e", "a/b/-c", "nodot/a/b/c", "foo://x"] {
            assert!(ModuleSource::parse(bad).is_err(), "{bad}");
        }
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        let dir = |s: &Option<String>| s.as_ref().map_or(String::new(), |s| format!(" //{s}"));
        let got = match ModuleSource::parse(text).unwrap() {
            ModuleSource::Local(p) => format!("local {p}"),
            ModuleSource::Registry { host, namespace, name, system, subdir } => {
                format!("{host} {namespace} {name} {system}{}", dir(&subdir))
            }
            ModuleSource::Remote { getter, url, subdir, reference } => {
                format!("{getter:?} {url}{}{}", dir(&subdir), reference.map_or(String::new(), |r| format!(" @{r}")))
            }
        };
        assert_eq!(got, want);
    }
}
