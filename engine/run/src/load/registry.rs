//! Module registries: which versions of a module there are, and where a version is.

use secstack_lang::version::{Constraint, Version};
use serde::Deserialize;

#[derive(Deserialize)]
struct Services {
    #[serde(rename = "modules.v1")]
    modules: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    modules: Vec<Versions>,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    version: String,
}

#[derive(Deserialize)]
struct Location {
    location: String,
}

/// The newest version of a module that fits, and the address of its package.
pub(super) fn find(host: &str, module: &str, wanted: Option<&str>) -> Result<(String, String), String> {
    let origin = format!("https://{host}");
    let services: Services = json(host, &format!("{origin}/.well-known/terraform.json"))?;
    let base = services.modules.ok_or_else(|| format!("{host} is not a registry of modules"))?;
    let base = join(&origin, &base);
    let listed: Listed = json(host, &format!("{base}{module}/versions"))?;
    let constraint = Constraint::parse(wanted.unwrap_or("")).map_err(|e| e.to_string())?;
    let all = listed.modules.into_iter().flat_map(|m| m.versions).map(|v| v.version);
    let best = all
        .filter_map(|text| Some((text.parse::<Version>().ok()?, text)))
        .filter(|(v, _)| constraint.allows(v))
        .max_by(|a, b| a.0.cmp(&b.0));
    let Some((_, version)) = best else {
        return Err(format!("no version of {module} in the registry {host} fits {:?}", wanted.unwrap_or("")));
    };
    let at = format!("{base}{module}/{version}/download");
    let mut answer = ask(host, &at)?;
    let location = match answer.headers().get("x-terraform-get").and_then(|h| h.to_str().ok()) {
        Some(given) => given.to_string(),
        None => {
            let body = answer.body_mut().read_to_string().map_err(|e| format!("{host} did not answer to its end: {e}"))?;
            serde_json::from_str::<Location>(&body).map_err(|_| format!("{host} does not say where the package of {module} is"))?.location
        }
    };
    let relative = location.starts_with('/') || location.starts_with("./") || location.starts_with("../");
    Ok((version, if relative { join(&at, &location) } else { location }))
}

fn json<T: serde::de::DeserializeOwned>(host: &str, url: &str) -> Result<T, String> {
    let mut answer = ask(host, url)?;
    let body = answer.body_mut().read_to_string().map_err(|e| format!("{host} did not answer to its end: {e}"))?;
    serde_json::from_str(&body).map_err(|e| format!("the answer of {url} is not what a registry gives: {e}"))
}

fn ask(host: &str, url: &str) -> Result<ureq::http::Response<ureq::Body>, String> {
    let mut request = ureq::get(url).config().timeout_global(Some(std::time::Duration::from_secs(60))).build();
    // Credentials for a host, as Terraform takes them from the environment.
    let name = format!("TF_TOKEN_{}", host.replace('.', "_").replace('-', "__"));
    if let Ok(token) = std::env::var(name) {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    request.call().map_err(|e| match e {
        ureq::Error::StatusCode(404) => format!("{url} does not exist"),
        ureq::Error::StatusCode(code) => format!("{url} answered with status {code}"),
        other => format!("{host} cannot be reached: {other}"),
    })
}

/// A URL that may be relative to another.
pub(super) fn join(base: &str, url: &str) -> String {
    if url.contains("://") {
        return url.into();
    }
    let after = base.find("://").map_or(0, |i| i + 3);
    let origin_end = base[after..].find('/').map_or(base.len(), |i| after + i);
    let (origin, path) = base.split_at(origin_end);
    if url.starts_with('/') {
        return format!("{origin}{url}");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in url.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("{origin}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_are_joined() {
        for (base, url, want) in [
            ("https://h", "/v1/modules/", "https://h/v1/modules/"),
            ("https://h/a/b/download", "../x.zip", "https://h/a/x.zip"),
            ("https://h/a/b/download", "./x.zip", "https://h/a/b/x.zip"),
            ("https://h/a", "https://o/b", "https://o/b"),
        ] {
            assert_eq!(super::join(base, url), want);
        }
    }
}
