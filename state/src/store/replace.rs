//! Replaces a file so that it is whole at every instant, for whoever reads it.
//!
//! The new text goes to a file beside it, is made durable, and is renamed into place: when the disk is
//! full or the machine stops, the old text stays.
//!
//! A lock complicates that. Terraform locks the file it has opened, and one that waits for our lock
//! keeps the file open. Were the file replaced for good, that run would get the lock of a file without
//! a name when we are done, and write its state into nowhere. So once the new text is safe, the
//! locked file gets it too, and its name back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Locks a file for this process against every other. `false` when another holds the lock.
///
/// The lock belongs to the open file where the system has such locks, so that closing some other
/// handle of the same file does not give it up.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    let whole = libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
    #[cfg(target_os = "linux")]
    let how = FcntlArg::F_OFD_SETLK(&whole);
    #[cfg(not(target_os = "linux"))]
    let how = FcntlArg::F_SETLK(&whole);
    match fcntl(file, how) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Gives the file at `path`, which nobody has locked, the content `text`. A file that is new gets the
/// permissions `mode`, less those that the user's mask takes away.
pub(super) fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let path = &resolve(path);
    write_beside(path, text, mode)?;
    rename(&beside(path, "new"), path)
}

/// The same for a file that stands there and is locked by us. If that one could not be kept, the file
/// that stands there now is returned, locked.
pub(super) fn replace_locked(path: &Path, text: &[u8], mode: u32, locked: &mut File) -> io::Result<Option<File>> {
    let path = &resolve(path);
    let fresh = write_beside(path, text, mode)?;
    // Nobody else knows the file yet, so this fails only where locks do not work at all.
    try_lock(&fresh)?;
    let kept = beside(path, "locked");
    let _ = fs::remove_file(&kept);
    let linked = fs::hard_link(path, &kept).and_then(|()| same_file(locked, &kept));
    rename(&beside(path, "new"), path)?;
    // From here on the new text is safe, and what fails only costs the locked file its name.
    let rewritten = linked.and_then(|()| rewrite(locked, text)).and_then(|()| rename(&kept, path));
    if rewritten.is_ok() {
        return Ok(None);
    }
    let _ = fs::remove_file(&kept);
    Ok(Some(fresh))
}

/// The file that a link stands for: the link itself is to stay.
fn resolve(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Whether an open file is the one at a path. Another program may have put its own there in spite of the lock.
fn same_file(file: &File, path: &Path) -> io::Result<()> {
    let (a, b) = (file.metadata()?, fs::metadata(path)?);
    if (a.dev(), a.ino()) == (b.dev(), b.ino()) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn write_beside(path: &Path, text: &[u8], mode: u32) -> io::Result<File> {
    let beside = beside(path, "new");
    let _ = fs::remove_file(&beside);
    let written = (|| {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&beside)?;
        if let Ok(old) = fs::metadata(path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        Ok(file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn rewrite(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Renames durably: the directory is made durable too.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_dir(to)
}

/// Removes a file durably. It need not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(()) => sync_dir(path),
        Err(e) => Err(e),
    }
}

fn sync_dir(of: &Path) -> io::Result<()> {
    let dir = of.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

/// `.NAME.what` in the directory of the file NAME.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{}.{what}", name.trim_start_matches('.')))
}
