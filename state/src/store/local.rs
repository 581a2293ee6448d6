//! States in local files, side by side with Terraform: the same paths, locks and backups.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::replace::{beside, remove, replace, replace_locked, try_lock};
use super::{Backend, Force, Planned, Store, plan_push, plan_write, read_stored};
use crate::crypt::Cipher;
use crate::error::{Error, Locked, Result};
use crate::journal::{self, FileSink, Journal, Record, Recovered, Stored};
use crate::lock::LockInfo;
use crate::model::{Snapshot, Version};
use crate::past::{Opened, Past};
use crate::workspace;

/// Terraform's permissions of a new state.
const STATE_MODE: u32 = 0o666;
/// A journal is gone after the run, so that nobody else ever needs to read it.
const JOURNAL_MODE: u32 = 0o600;

/// States in local files.
#[derive(Clone, Debug)]
pub struct LocalBackend {
    /// The directory that the other paths start from.
    pub root: PathBuf,
    /// The state of the default workspace: `terraform.tfstate`.
    pub path: PathBuf,
    /// The directory with one directory for each other workspace: `terraform.tfstate.d`.
    pub workspace_dir: PathBuf,
    /// Where to read the state instead, whatever the workspace: `-state`.
    pub state: Option<PathBuf>,
    /// Where to write the state instead: `-state-out`.
    pub state_out: Option<PathBuf>,
    /// Where to write the backup instead, `-` for no backup: `-backup`.
    pub backup: Option<PathBuf>,
    /// What encrypts the states, their backups and their journals.
    pub cipher: Cipher,
}

impl LocalBackend {
    /// The backend of a configuration that names none.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            path: "terraform.tfstate".into(),
            workspace_dir: "terraform.tfstate.d".into(),
            state: None,
            state_out: None,
            backup: None,
            cipher: Cipher::default(),
        }
    }

    /// The files of a workspace.
    pub fn paths(&self, name: &str) -> Paths {
        let usual = match name {
            workspace::DEFAULT | "" => self.path.clone(),
            other => self.workspace_dir.join(other).join("terraform.tfstate"),
        };
        let read = self.state.clone().unwrap_or(usual);
        let write = self.state_out.clone().unwrap_or_else(|| read.clone());
        let backup = match &self.backup {
            Some(path) if path.as_os_str() == "-" => None,
            Some(path) => Some(path.clone()),
            None => Some(append(&write, ".backup")),
        };
        Paths { read: self.root.join(&read), shown: read, write: self.root.join(write), backup: backup.map(|b| self.root.join(b)) }
    }
}

/// The files of one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Where the state is read until it is written.
    pub read: PathBuf,
    /// The same, as the user wrote it.
    pub shown: PathBuf,
    /// Where the state is written.
    pub write: PathBuf,
    /// Where the state that was there before goes, once, when it changes.
    pub backup: Option<PathBuf>,
}

#[async_trait]
impl Backend for LocalBackend {
    async fn workspaces(&self) -> Result<Vec<String>> {
        let dir = self.root.join(&self.workspace_dir);
        let mut names = match fs::read_dir(&dir) {
            Ok(entries) => {
                entries.filter_map(|e| e.ok().filter(|e| e.path().is_dir())).map(|e| e.file_name().to_string_lossy().into_owned()).collect()
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(Error::io(format!("list the workspaces in {dir:?}"), &e)),
        };
        names.sort();
        names.insert(0, workspace::DEFAULT.into());
        Ok(names)
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Store>> {
        workspace::check(name)?;
        if name != workspace::DEFAULT {
            let dir = self.root.join(&self.workspace_dir).join(name);
            fs::create_dir_all(&dir).map_err(|e| Error::io(format!("create the directory {dir:?} of the workspace"), &e))?;
        }
        Ok(Arc::new(LocalStore::new(self.paths(name), self.cipher.clone())))
    }

    async fn delete(&self, name: &str) -> Result<()> {
        workspace::check(name)?;
        if name == workspace::DEFAULT {
            return Err(Error::Workspace("The default workspace cannot be deleted.".into()));
        }
        let dir = self.root.join(&self.workspace_dir).join(name);
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(format!("delete the workspace in {dir:?}"), &e)),
            _ => Ok(()),
        }
    }

    async fn look(&self, name: &str) -> Result<Option<Snapshot>> {
        let path = self.paths(name).read;
        let bytes = read_bytes(&path, "state")?.unwrap_or_default();
        read_stored(&bytes, &path.display().to_string(), &self.cipher)
    }
}

/// A state in a local file. Its work is done on the caller's thread: a run reads and writes the state a few times only.
pub struct LocalStore {
    paths: Paths,
    cipher: Cipher,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    lock: Option<Held>,
    backed_up: bool,
    written: bool,
    journal: Option<Journal>,
}

/// A lock that we hold.
struct Held {
    id: String,
    file: File,
    info_path: PathBuf,
    state_path: PathBuf,
    /// We made the file in order to lock it.
    created: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.info_path);
        if self.created && self.file.metadata().is_ok_and(|m| m.len() == 0) {
            let _ = fs::remove_file(&self.state_path);
        }
    }
}

impl LocalStore {
    /// The state in the given files.
    pub fn new(paths: Paths, cipher: Cipher) -> Self {
        Self { paths, cipher, session: Mutex::default() }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal_path(&self) -> PathBuf {
        append(&self.paths.write, ".journal")
    }

    fn read_path(&self, session: &Session) -> &Path {
        if session.written { &self.paths.write } else { &self.paths.read }
    }

    /// The snapshot and the journal as they stood at one instant.
    fn load(&self, session: &Session) -> Result<(Option<Snapshot>, Option<Stored>)> {
        let path = self.read_path(session);
        let (state, journal) = loop {
            let before = identity(path);
            let state = read_bytes(path, "state")?;
            let journal = read_bytes(&self.journal_path(), "journal")?;
            // Whoever writes a snapshot removes its journal afterwards.
            if identity(path) == before {
                break (state, journal);
            }
        };
        if journal.is_none() && state.as_ref().is_some_and(Vec::is_empty) {
            self.check_empty(path, session)?;
        }
        let snapshot = read_stored(&state.unwrap_or_default(), &path.display().to_string(), &self.cipher)?;
        let journal = match journal {
            Some(bytes) => Stored::read(&bytes, &self.journal_name(), &self.cipher)?,
            None => None,
        };
        Ok((snapshot, journal))
    }

    /// A file without any content is a state only as long as nothing was stored in it. We make such a file ourselves, in
    /// order to lock it.
    fn check_empty(&self, path: &Path, session: &Session) -> Result<()> {
        let made_by_us = session.lock.as_ref().is_some_and(|l| l.created && l.state_path == path);
        let Some(backup) = self.paths.backup.as_ref().filter(|_| !made_by_us) else { return Ok(()) };
        if read_bytes(backup, "backup of the state")?.is_none_or(|b| b.is_empty()) {
            return Ok(());
        }
        Err(Error::Format {
            file: path.display().to_string(),
            line: None,
            summary: "Empty state file",
            problem:
                "The state file is empty, and there is a backup of an earlier state. The state was lost while it was written or copied."
                    .into(),
            help: format!(
                "Restore the state from {:?}, or remove the empty file if there is nothing to keep.",
                backup.display().to_string()
            ),
        })
    }

    fn journal_name(&self) -> String {
        self.journal_path().display().to_string()
    }

    fn stored_journal(&self) -> Result<Option<Stored>> {
        read_bytes(&self.journal_path(), "journal")?.map_or(Ok(None), |bytes| Stored::read(&bytes, &self.journal_name(), &self.cipher))
    }

    /// Puts a new text in the place of the state, after a backup of what was there.
    fn store(&self, session: &mut Session, text: &[u8]) -> Result<()> {
        let path = &self.paths.write;
        let fail = |what: &str, at: &Path, e: io::Error| match Error::io(format!("write the {what} {at:?}"), &e) {
            Error::Io { action, kind, message, .. } => {
                let kept = Some(format!("The state in {path:?} is still the one from before."));
                Error::Io { action, kind, message, kept }
            }
            other => other,
        };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(|e| fail("directory", dir, e))?;
        }
        if let (Some(backup), false) = (&self.paths.backup, session.backed_up) {
            if let Some(old) = read_bytes(path, "state")?.filter(|old| !old.is_empty()) {
                let old = self.cipher.backup(old, &path.display().to_string())?;
                replace(backup, &old, STATE_MODE).map_err(|e| fail("backup", backup, e))?;
            }
            session.backed_up = true;
        }
        match &mut session.lock {
            None => replace(path, text, STATE_MODE).map_err(|e| fail("state", path, e))?,
            Some(held) => {
                let new = replace_locked(path, text, STATE_MODE, &mut held.file).map_err(|e| fail("state", path, e))?;
                if let Some(file) = new {
                    held.file = file;
                }
            }
        }
        session.written = true;
        Ok(())
    }

    /// Removes the journal, but for the effects whose end is not known: those of the journal of this run, or of the stored one.
    fn end_journal(&self, version: &Version, ended: Option<Vec<Record>>) -> Result<()> {
        let open = match ended {
            Some(open) => open,
            None => journal::open_intents(self.stored_journal()?.as_ref()),
        };
        let path = self.journal_path();
        let ended = match open.is_empty() {
            true => remove(&path),
            false => replace(&path, journal::begin(version, &open, &self.cipher)?.text.as_bytes(), JOURNAL_MODE),
        };
        ended.map_err(|e| Error::io(format!("end the journal {path:?}"), &e))
    }

    /// Waits for what the journal of this run has under way, and gives what is open in it.
    async fn close_journal(&self) -> Option<Vec<Record>> {
        let journal = self.session().journal.take()?;
        Some(journal.end().await)
    }

    fn info_path(&self) -> PathBuf {
        beside(&self.paths.write, "lock.info")
    }

    fn holder(&self) -> Option<LockInfo> {
        serde_json::from_slice(&fs::read(self.info_path()).ok()?).ok()
    }

    fn locked(&self) -> Error {
        Error::Locked(Box::new(Locked { holder: self.holder(), cause: "resource temporarily unavailable".into() }))
    }

    /// Opens and locks the file that stands at the state's path.
    fn open_locked(&self) -> Result<(File, bool)> {
        let path = &self.paths.write;
        let fail = |e: io::Error| Error::io(format!("lock the state {path:?}"), &e);
        loop {
            let created = !path.exists();
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir).map_err(fail)?;
            }
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
            if !try_lock(&file).map_err(fail)? {
                return Err(self.locked());
            }
            // The file may have been replaced or removed between opening and locking it.
            let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
            if let (Ok(opened), Ok(named)) = (file.metadata(), fs::metadata(path))
                && same(opened, named)
            {
                return Ok((file, created));
            }
        }
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn recover(&self) -> Result<Option<Recovered>> {
        let (stored, journal) = self.load(&self.session())?;
        journal::recover(stored, journal, &self.journal_name())
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<Version> {
        let ended = self.close_journal().await;
        let mut session = self.session();
        let path = self.read_path(&session).to_path_buf();
        let stored = read_bytes(&path, "state")?;
        let version = match plan_write(snapshot, stored.as_deref(), &path.display().to_string(), &self.cipher)? {
            Planned::Same(version) if path == self.paths.write => version,
            Planned::Same(version) => {
                self.store(&mut session, stored.as_deref().unwrap_or_default())?;
                version
            }
            Planned::Replace(text, version) => {
                self.store(&mut session, text.as_bytes())?;
                version
            }
        };
        self.end_journal(&version, ended)?;
        Ok(version)
    }

    async fn push(&self, snapshot: &Snapshot, force: Force) -> Result<()> {
        self.close_journal().await;
        let mut session = self.session();
        let stored = match force {
            Force::No => {
                let (stored, journal) = self.load(&session)?;
                journal::check_spent(stored.clone(), journal, &self.journal_name(), snapshot)?;
                stored
            }
            // What stands there may be broken, which is why it is replaced.
            Force::Yes => None,
        };
        let text = plan_push(snapshot, stored, force, &self.paths.write.display().to_string(), &self.cipher)?;
        self.store(&mut session, text.as_bytes())?;
        if force == Force::No {
            return self.end_journal(&snapshot.version(), None);
        }
        let path = self.journal_path();
        remove(&path).map_err(|e| Error::io(format!("end the journal {path:?}"), &e))
    }

    async fn journal(&self, base: &Snapshot) -> Result<Journal> {
        self.close_journal().await;
        let mut session = self.session();
        let (stored, journal) = self.load(&session)?;
        let beginning = journal::go_on(base, stored, journal, &self.journal_name(), &self.cipher)?;
        let path = self.journal_path();
        let fail = |e: io::Error| Error::io(format!("begin the journal {path:?}"), &e);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(fail)?;
        }
        replace(&path, beginning.text.as_bytes(), JOURNAL_MODE).map_err(fail)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(fail)?;
        let journal = Journal::threaded(FileSink::new(file, path.clone(), beginning.text.len() as u64), beginning)?;
        session.journal = Some(journal.clone());
        Ok(journal)
    }

    async fn lock(&self, info: LockInfo) -> Result<String> {
        let mut session = self.session();
        if session.lock.is_some() {
            return Err(self.locked());
        }
        let (file, created) = self.open_locked()?;
        let info = LockInfo { path: self.paths.shown.display().to_string(), ..info };
        let info_path = self.info_path();
        let held = Held { id: info.id.clone(), file, info_path, state_path: self.paths.write.clone(), created };
        let text = serde_json::to_string(&info).map_err(|e| Error::Lock(e.to_string()))?;
        let mut options = OpenOptions::new();
        let written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&held.info_path)
            .and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|e| Error::io(format!("write the lock info {:?}", held.info_path), &e))?;
        session.lock = Some(held);
        Ok(info.id)
    }

    async fn unlock(&self, id: &str) -> Result<()> {
        let mut session = self.session();
        match session.lock.take_if(|held| held.id == id) {
            Some(_) => Ok(()),
            None => Err(Error::Lock(match &session.lock {
                Some(held) => format!("invalid lock id: {id:?}. current id: {:?}", held.id),
                None => "The state is not locked by this run.".into(),
            })),
        }
    }

    async fn force_unlock(&self, id: &str) -> Result<()> {
        let Some(holder) = self.holder() else {
            return Err(Error::Lock("The state is not locked.".into()));
        };
        if holder.id != id {
            return Err(Error::Lock(format!("The lock ID {id:?} does not match the existing lock.\n{holder}")));
        }
        match self.open_locked() {
            // Whoever held the lock is gone, and so is the lock. Only what it said of itself is left.
            Ok((file, created)) => {
                drop(Held { id: holder.id, file, info_path: self.info_path(), state_path: self.paths.write.clone(), created });
                Ok(())
            }
            Err(Error::Locked(_)) => Err(Error::Lock(format!(
                "Local state cannot be unlocked by another process. The run that holds the lock is still there; stop it.\n{holder}"
            ))),
            Err(e) => Err(e),
        }
    }

    /// The state and its backup: local states have no other history.
    async fn versions(&self, most: usize) -> Result<Vec<Past>> {
        let files = [Some(&self.paths.read), self.paths.backup.as_ref()];
        let past = files.into_iter().flatten().filter_map(|path| {
            let meta = fs::metadata(path).ok().filter(|m| m.len() > 0)?;
            Some(Past { id: path.display().to_string(), written: meta.modified().ok(), size: meta.len() })
        });
        Ok(past.take(most).collect())
    }

    async fn open_version(&self, id: &str) -> Result<Option<Opened>> {
        let Some(bytes) = read_bytes(Path::new(id), "state")? else { return Ok(None) };
        Ok(Some(Opened { snapshot: read_stored(&bytes, id, &self.cipher)?, author: None }))
    }
}

fn append(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// What tells one content of a file from the next.
fn identity(path: &Path) -> Option<(u64, u64, u64, i64, i64)> {
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec()))
}

fn read_bytes(path: &Path, what: &str) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(format!("read the {what} {path:?}"), &e)),
    }
}
