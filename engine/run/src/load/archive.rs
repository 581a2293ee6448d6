//! Packages that are archives: over HTTP, from S3, on disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secstack_lang::source::ModuleSource;

use super::{install, registry};

const LARGEST: u64 = 1 << 30;

/// Fetches an archive, or the package that a page names in `X-Terraform-Get` or in a `meta` element.
pub(super) fn over_http(url: &str, target: &Path) -> Result<(), String> {
    if is_archive(url) {
        let file = beside(target);
        let done = download(url, &file).and_then(|()| unpack(&file, url, target));
        let _ = std::fs::remove_file(&file);
        return done;
    }
    let asked = format!("{url}{}terraform-get=1", if url.contains('?') { '&' } else { '?' });
    let mut page = call(&asked)?;
    let named = page.headers().get("x-terraform-get").and_then(|h| h.to_str().ok()).map(str::to_string);
    let named = match named {
        Some(named) => named,
        None => {
            let text = page.body_mut().read_to_string().map_err(|e| e.to_string())?;
            meta(&text).ok_or_else(|| format!("{url} is not an archive and names no package"))?
        }
    };
    match ModuleSource::parse(&registry::join(url, &named)) {
        Ok(ModuleSource::Remote { getter, url, subdir, reference }) => {
            let Some(subdir) = subdir else { return install::get(getter, &url, reference.as_deref(), target) };
            let whole = beside(target);
            install::get(getter, &url, reference.as_deref(), &whole)?;
            let moved = std::fs::rename(whole.join(&subdir), target).map_err(|e| format!("the package has no directory {subdir}: {e}"));
            let _ = std::fs::remove_dir_all(&whole);
            moved
        }
        _ => Err(format!("{url} names a package with an address that is not valid: {named:?}")),
    }
}

/// Fetches an archive or a folder with the `aws` program, which finds credentials as its user is used to.
pub(super) fn from_s3(url: &str, target: &Path) -> Result<(), String> {
    let path = url.split('?').next().unwrap_or(url);
    let rest = path.strip_prefix("https://").or_else(|| path.strip_prefix("s3://")).unwrap_or(path);
    let (host, key) = rest.split_once('/').ok_or_else(|| format!("{url} names no object"))?;
    // `s3-region.amazonaws.com/bucket/key` or `bucket.s3.region.amazonaws.com/key`
    let (bucket, key) = if path.starts_with("s3://") || !host.starts_with("s3") {
        (host.split(".s3").next().unwrap_or(host), key)
    } else {
        key.split_once('/').ok_or_else(|| format!("{url} names no object"))?
    };
    let object = format!("s3://{bucket}/{key}");
    if !is_archive(key) {
        let target = target.display().to_string();
        return install::run("aws", &["s3", "cp", "--recursive", "--quiet", &object, &target]);
    }
    let file = beside(target);
    let at = file.display().to_string();
    let done = install::run("aws", &["s3", "cp", "--quiet", &object, &at]).and_then(|()| unpack(&file, key, target));
    let _ = std::fs::remove_file(&file);
    done
}

/// Unpacks an archive, whose kind is told by its name.
pub(super) fn unpack(file: &Path, name: &str, target: &Path) -> Result<(), String> {
    std::fs::create_dir_all(target).map_err(|e| e.to_string())?;
    match kind(name) {
        Some("zip") => {
            let opened = File::open(file).map_err(|e| e.to_string())?;
            let mut zip = zip::ZipArchive::new(opened).map_err(|e| format!("the archive is broken: {e}"))?;
            zip.extract(target).map_err(|e| format!("the archive cannot be unpacked: {e}"))
        }
        Some(_) => install::run("tar", &["-xf", &file.display().to_string(), "-C", &target.display().to_string()]),
        None => Err(format!("{name} is not an archive of a known kind")),
    }
}

fn is_archive(url: &str) -> bool {
    kind(url).is_some()
}

fn kind(url: &str) -> Option<&'static str> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let asked = query.split('&').find_map(|q| q.strip_prefix("archive="));
    let all = ["zip", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar.xz", "txz", "tar"];
    all.into_iter().find(|k| match asked {
        Some(asked) => asked == *k,
        None => path.ends_with(&format!(".{k}")),
    })
}

fn beside(target: &Path) -> PathBuf {
    target.with_file_name(format!(".{}.download", target.file_name().map(|n| n.to_string_lossy()).unwrap_or_default()))
}

fn call(url: &str) -> Result<ureq::http::Response<ureq::Body>, String> {
    let request = ureq::get(url).config().timeout_global(Some(Duration::from_secs(300))).build();
    request.call().map_err(|e| format!("{url} cannot be fetched: {e}"))
}

fn download(url: &str, to: &Path) -> Result<(), String> {
    let mut answer = call(url)?;
    let mut reader = answer.body_mut().with_config().limit(LARGEST).reader();
    let mut file = File::create(to).map_err(|e| e.to_string())?;
    io::copy(&mut reader, &mut file).map(drop).map_err(|e| format!("{url} cannot be fetched: {e}"))
}

/// The content of `<meta name="terraform-get" content="...">`.
fn meta(page: &str) -> Option<String> {
    let from = page.find("name=\"terraform-get\"")?;
    let element = &page[page[..from].rfind('<')?..];
    let element = &element[..element.find('>')?];
    let content = element.split_once("content=\"")?.1;
    Some(content.split_once('"')?.0.into())
}
