//! `file`: a file or a directory put on another machine.

use std::path::{Path, PathBuf};

use super::connection::Connection;
use super::{Output, Provision, text};
use crate::ssh::{Content, Destination, Mode, Session};

/// Puts the file there. The error is what is told of a failure.
pub(super) async fn run(p: &Provision, root: &Path, output: &Output<'_>) -> Result<(), String> {
    let connection = Connection::of(p)?;
    let source = source(p, root)?;
    let Some(path) = text(&p.arguments, "destination").filter(|d| !d.is_empty()) else {
        return Err("The argument \"destination\" must be a text that is not empty.".into());
    };
    output.begin();
    // Terraform tells nothing of these connections either.
    let session = connection.open(None).await?;
    let done = upload(&session, &source, &Destination { path, windows: connection.windows }).await;
    session.close().await;
    done.map_err(|e| format!("Upload failed: {e}"))
}

enum Source {
    Text(String),
    File(PathBuf),
    /// With a slash at its end when only what is in it is meant.
    Directory(String),
}

fn source(p: &Provision, root: &Path) -> Result<Source, String> {
    if let Some(content) = text(&p.arguments, "content") {
        return Ok(Source::Text(content));
    }
    let given = text(&p.arguments, "source").unwrap_or_default();
    let path = root.join(expand(&given));
    let found = std::fs::metadata(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => format!("stat {given}: no such file or directory"),
        _ => format!("stat {given}: {e}"),
    })?;
    if !found.is_dir() {
        return Ok(Source::File(path));
    }
    let text = path.to_str().ok_or_else(|| format!("The path {} is not in UTF-8.", path.display()))?;
    let slash = if given.ends_with('/') && !text.ends_with('/') { "/" } else { "" };
    Ok(Source::Directory(format!("{text}{slash}")))
}

/// A path that begins with the user's home.
fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

async fn upload(session: &Session, source: &Source, to: &Destination) -> Result<(), String> {
    match source {
        Source::Text(text) => {
            let content = &mut Content { bytes: &mut text.as_bytes(), size: text.len() as u64, mode: Mode::File };
            session.upload(content, to).await
        }
        Source::Directory(path) => session.upload_directory(path, to).await,
        Source::File(path) => {
            let about = |e: std::io::Error| format!("{}: {e}", path.display());
            let mut file = tokio::fs::File::open(path).await.map_err(about)?;
            let size = file.metadata().await.map_err(about)?.len();
            session.upload(&mut Content { bytes: &mut file, size, mode: Mode::File }, to).await
        }
    }
}
