//! States in local files, side by side with Terraform.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use secstack_base::{Addr, ProviderConfigAddr};
use secstack_state::store::{Force, LocalBackend, lock_within};
use secstack_state::{Backend, Error, LockInfo, Object, Snapshot, Store, workspace};

struct Place {
    dir: tempfile::TempDir,
    backend: LocalBackend,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { backend: LocalBackend::new(dir.path()), dir }
    }

    async fn store(&self) -> Arc<dyn Store> {
        self.backend.open("default").await.unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn with(mut s: Snapshot, name: &str) -> Snapshot {
    let addr: Addr = format!("terraform_data.{name}").parse().unwrap();
    let provider: ProviderConfigAddr = r#"provider["terraform.io/builtin/terraform"]"#.parse().unwrap();
    s.set_current(&addr, &provider, Object::default());
    s
}

/// Terraform's lock on an open file.
fn lock_as_terraform(file: &File) -> bool {
    let whole = libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file, FcntlArg::F_SETLK(&whole)).is_ok()
}

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

#[tokio::test]
async fn writes_count_up_and_leave_a_backup() {
    let place = Place::new();
    let store = place.store().await;
    assert!(store.read().await.unwrap().is_none());
    let first = with(Snapshot::new(), "a");
    assert_eq!(store.write(&first).await.unwrap().serial, 1);
    assert_eq!(place.names(), ["terraform.tfstate"]);

    let read = store.read().await.unwrap().unwrap();
    let before = fs::read_to_string(place.path("terraform.tfstate")).unwrap();
    assert_eq!(store.write(&read).await.unwrap().serial, 1, "nothing changed");

    let again = place.store().await;
    assert_eq!(again.write(&with(read.clone(), "b")).await.unwrap().serial, 2);
    assert_eq!(fs::read_to_string(place.path("terraform.tfstate.backup")).unwrap(), before);
    assert_eq!(place.names(), ["terraform.tfstate", "terraform.tfstate.backup"]);

    // A write that is based on what was there before is refused.
    let e = again.write(&with(read, "c")).await.unwrap_err();
    assert!(matches!(&e, Error::Moved { expected, found: Some(found) } if expected.serial == 1 && found.serial == 2));
    fs::remove_file(place.path("terraform.tfstate")).unwrap();
    let e = again.write(&Snapshot { serial: 2, ..first }).await.unwrap_err();
    assert!(matches!(e, Error::Moved { found: None, .. }));
}

#[tokio::test]
async fn flags_move_the_files() {
    let mut place = Place::new();
    fs::write(place.path("in.tfstate"), secstack_state::file::write(&with(Snapshot::new(), "a")).unwrap()).unwrap();
    place.backend.state = Some("in.tfstate".into());
    place.backend.state_out = Some("sub/out.tfstate".into());
    let store = place.store().await;
    let read = store.read().await.unwrap().unwrap();
    store.write(&with(read, "b")).await.unwrap();
    assert_eq!(place.names(), ["in.tfstate", "sub"]);
    assert_eq!(store.read().await.unwrap().unwrap().instances().count(), 2);
    for (backup, want) in [(None, Some("sub/out.tfstate.backup")), (Some("-"), None), (Some("b"), Some("b"))] {
        place.backend.backup = backup.map(PathBuf::from);
        assert_eq!(place.backend.paths("default").backup, want.map(|w| place.path(w)));
    }
    assert_eq!(LocalBackend::new("").paths("dev").read, Path::new("terraform.tfstate.d/dev/terraform.tfstate"));
}

#[tokio::test]
async fn workspaces_are_directories() {
    let place = Place::new();
    assert_eq!(place.backend.workspaces().await.unwrap(), ["default"]);
    place.backend.open("zeta").await.unwrap();
    place.backend.open("dev").await.unwrap();
    assert_eq!(place.backend.workspaces().await.unwrap(), ["default", "dev", "zeta"]);
    place.backend.delete("zeta").await.unwrap();
    assert_eq!(place.backend.workspaces().await.unwrap(), ["default", "dev"]);
    for bad in ["", "a/b", "..", "a b"] {
        assert!(place.backend.open(bad).await.is_err() && place.backend.delete(bad).await.is_err());
    }
    assert!(place.backend.delete("default").await.is_err());

    let data = place.path(".terraform");
    assert_eq!(workspace::selected(&data, None).unwrap(), "default");
    workspace::select(&data, "dev").unwrap();
    assert_eq!(fs::read_to_string(data.join("environment")).unwrap(), "dev");
    assert_eq!(workspace::selected(&data, None).unwrap(), "dev");
    assert_eq!(workspace::selected(&data, Some("")).unwrap(), "dev");
    assert_eq!(workspace::selected(&data, Some("other")).unwrap(), "other");
    assert!(workspace::selected(&data, Some("a/b")).is_err());
}

#[tokio::test]
async fn a_lock_excludes_others_and_says_who_holds_it() {
    let place = Place::new();
    let (ours, theirs) = (place.store().await, place.store().await);
    let id = ours.lock(LockInfo::new("OperationTypeApply")).await.unwrap();
    assert_eq!(place.names(), [".terraform.tfstate.lock.info", "terraform.tfstate"]);
    let e = theirs.lock(LockInfo::new("OperationTypePlan")).await.unwrap_err();
    assert_eq!(e.diagnostic().summary, "Error acquiring the state lock");
    for part in ["resource temporarily unavailable\nLock Info:\n", &id, "Path:      terraform.tfstate\n", "Operation: OperationTypeApply\n"]
    {
        assert!(e.to_string().contains(part), "{e}");
    }
    assert!(!lock_as_terraform(&open(&place.path("terraform.tfstate"))));
    // Reading and closing the file does not give the lock up.
    assert!(ours.read().await.unwrap().is_none());
    assert!(!lock_as_terraform(&open(&place.path("terraform.tfstate"))));
    assert!(theirs.force_unlock(&id).await.unwrap_err().to_string().contains("cannot be unlocked by another process"));
    assert!(ours.unlock("other").await.is_err());

    let waiting = tokio::spawn(async move { lock_within(&*theirs, LockInfo::new("x"), Duration::from_secs(20)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    ours.unlock(&id).await.unwrap();
    waiting.await.unwrap().unwrap();
    assert!(place.names().is_empty(), "a state that was never written leaves no file");
}

#[tokio::test]
async fn terraforms_lock_excludes_us() {
    let place = Place::new();
    let file = open(&place.path("terraform.tfstate"));
    // Terraform's own kind of lock would be lost when we, the same process here, close the file.
    let whole = libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)).unwrap();
    let store = place.store().await;
    assert!(store.lock(LockInfo::new("x")).await.unwrap_err().is_locked());
    let e = lock_within(&*store, LockInfo::new("x"), Duration::from_millis(30)).await.unwrap_err();
    assert!(e.is_locked());
    drop(file);
    store.lock(LockInfo::new("x")).await.unwrap();
}

#[tokio::test]
async fn who_waits_for_the_lock_gets_the_file_that_was_written() {
    let place = Place::new();
    let path = place.path("terraform.tfstate");
    let store = place.store().await;
    store.write(&with(Snapshot::new(), "a")).await.unwrap();
    let id = store.lock(LockInfo::new("x")).await.unwrap();
    // Terraform opens the state once and then asks for its lock again and again.
    let waiting = open(&path);
    for name in ["b", "c"] {
        let read = store.read().await.unwrap().unwrap();
        store.write(&with(read, name)).await.unwrap();
        assert!(!lock_as_terraform(&waiting) && !lock_as_terraform(&open(&path)));
    }
    store.unlock(&id).await.unwrap();
    assert!(lock_as_terraform(&waiting));
    assert_eq!(waiting.metadata().unwrap().ino(), fs::metadata(&path).unwrap().ino());
    assert!(std::io::read_to_string(&waiting).unwrap().contains("\"serial\": 3,"));
    assert_eq!(place.names(), ["terraform.tfstate"]);
}

#[tokio::test]
async fn the_lock_of_a_run_that_is_gone_is_no_obstacle() {
    let place = Place::new();
    fs::write(place.path(".terraform.tfstate.lock.info"), r#"{"ID":"dead","Operation":"x"}"#).unwrap();
    let store = place.store().await;
    assert!(store.force_unlock("other").await.unwrap_err().to_string().contains("does not match"));
    store.force_unlock("dead").await.unwrap();
    assert!(place.names().is_empty());
    assert!(store.force_unlock("dead").await.is_err());
}

#[tokio::test]
async fn a_link_stays_a_link() {
    let place = Place::new();
    fs::create_dir(place.path("elsewhere")).unwrap();
    fs::write(place.path("elsewhere/real"), "").unwrap();
    std::os::unix::fs::symlink("elsewhere/real", place.path("terraform.tfstate")).unwrap();
    let store = place.store().await;
    let id = store.lock(LockInfo::new("x")).await.unwrap();
    store.write(&with(Snapshot::new(), "a")).await.unwrap();
    store.unlock(&id).await.unwrap();
    assert!(fs::symlink_metadata(place.path("terraform.tfstate")).unwrap().is_symlink());
    assert!(fs::read_to_string(place.path("elsewhere/real")).unwrap().contains("terraform_data"));
}

#[tokio::test]
async fn what_cannot_be_written_leaves_the_state_as_it_was() {
    let place = Place::new();
    let store = place.store().await;
    store.write(&with(Snapshot::new(), "a")).await.unwrap();
    let before = fs::read(place.path("terraform.tfstate")).unwrap();
    // A directory stands where the new text would go.
    fs::create_dir(place.path(".terraform.tfstate.new")).unwrap();
    let read = store.read().await.unwrap().unwrap();
    let e = store.write(&with(read, "b")).await.unwrap_err().to_string();
    assert!(e.contains("is still the one from before"), "{e}");
    assert_eq!(fs::read(place.path("terraform.tfstate")).unwrap(), before);
}

#[tokio::test]
async fn a_push_goes_forward_unless_forced() {
    let place = Place::new();
    let store = place.store().await;
    store.write(&with(Snapshot::new(), "a")).await.unwrap();
    let stored = store.read().await.unwrap().unwrap();
    for (pushed, said) in [
        (with(Snapshot::new(), "x"), "over unrelated state with lineage"),
        (Snapshot { serial: 0, ..stored.clone() }, "cannot import state with serial 0 over newer state with serial 1"),
        (with(stored.clone(), "b"), "a different state that has the same serial"),
    ] {
        let e = store.push(&pushed, Force::No).await.unwrap_err().to_string();
        assert!(e.contains(said), "{e}");
        store.push(&pushed, Force::Yes).await.unwrap();
        store.push(&stored, Force::Yes).await.unwrap();
    }
    store.push(&Snapshot { serial: 7, ..with(stored.clone(), "b") }, Force::No).await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().serial, 7);
    fs::write(place.path("terraform.tfstate"), "broken").unwrap();
    assert!(store.push(&stored, Force::No).await.is_err());
    store.push(&stored, Force::Yes).await.unwrap();
}
