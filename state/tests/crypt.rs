//! Encrypted states: OpenTofu's are read, ours hold nothing readable, and what does not fit is refused before anything is written.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use secstack_base::{Type, Value};
use secstack_state::crypt::{Cipher, Hash, KeyRing, KeyService, KeySource, Kind, Method, Pbkdf2, Secret};
use secstack_state::store::{Force, LocalBackend, MemoryStore};
use secstack_state::{Backend, Error, InstanceState, Object, Record, Snapshot, Store, file};

const RECORDED: &str = include_str!("encrypted/opentofu.json");
const SECRET: &str = "hunter2hunter2";

fn derived(secret: Secret, iterations: u32) -> Pbkdf2 {
    Pbkdf2 { secret, key_length: 32, iterations: NonZeroU32::new(iterations).unwrap(), salt_length: 32, hash: Hash::Sha512 }
}

/// A cipher that encrypts with the first of the keys and decrypts with any. A key reads `name:passphrase`; `-` is no encryption.
fn cipher(keys: &[&str]) -> Cipher {
    let mut ring = KeyRing::default();
    let mut method = |key: &&str| {
        let Some((name, passphrase)) = key.split_once(':') else { return Method::Unencrypted };
        let address = format!("key_provider.pbkdf2.{name}");
        let keys = ring.add(&address, &address, KeySource::Pbkdf2(derived(Secret::Passphrase(passphrase.into()), 10)));
        Method::AesGcm { keys, aad: Vec::new() }
    };
    let methods = keys.iter().map(&mut method).collect();
    Cipher::new(Arc::new(ring), methods)
}

fn store(dir: &Path, cipher: Cipher) -> LocalBackend {
    LocalBackend { cipher, ..LocalBackend::new(dir) }
}

fn with_secret(base: &Snapshot, name: &str) -> Snapshot {
    let mut snapshot = base.clone();
    let value = Value::object([("id", Value::from("x")), ("input", Value::from(SECRET))]);
    let object = Object::encode(0, &value, &Type::object([("id", Type::String), ("input", Type::String)])).unwrap();
    let provider = r#"provider["terraform.io/builtin/terraform"]"#.parse().unwrap();
    snapshot.set_instance(&format!("terraform_data.{name}").parse().unwrap(), &provider, InstanceState::current(object));
    snapshot
}

fn done(snapshot: &Snapshot, name: &str) -> Record {
    let addr = format!("terraform_data.{name}").parse().unwrap();
    let entry = snapshot.instance(&addr).unwrap().clone();
    Record::Done { addr, entry, provider: r#"provider["terraform.io/builtin/terraform"]"#.parse().unwrap() }
}

/// Every byte of every file in a directory.
fn bytes(dir: &Path) -> Vec<u8> {
    std::fs::read_dir(dir).unwrap().flat_map(|e| std::fs::read(e.unwrap().path()).unwrap()).collect()
}

fn holds(dir: &Path, text: &str) -> bool {
    bytes(dir).windows(text.len()).any(|w| w == text.as_bytes())
}

#[track_caller]
fn check_crypt(e: &Error, summary: &str, part: &str) {
    let d = e.diagnostic();
    assert_eq!(d.summary, summary, "{e}");
    assert!(d.detail.contains(part), "{}", d.detail);
    assert!(!d.detail.contains(SECRET));
}

#[test]
fn a_state_of_opentofu_is_read() {
    let mut ring = KeyRing::default();
    let first = derived(Secret::Passphrase("correct horse battery staple".into()), 1);
    let first = ring.add("key_provider.pbkdf2.first", "key_provider.pbkdf2.first", KeySource::Pbkdf2(first));
    let second = ring.add("key_provider.pbkdf2.second", "other", KeySource::Pbkdf2(derived(Secret::Chain(first), 1)));
    let cipher = Cipher::new(Arc::new(ring), vec![Method::AesGcm { keys: second, aad: vec![1, 2, 3] }]);
    let plain = cipher.open(Kind::State, RECORDED.as_bytes(), "s").unwrap();
    let snapshot = file::read(&plain, "s").unwrap().unwrap();
    assert_eq!(snapshot.serial, 1);
    assert!(snapshot.instance(&"terraform_data.a".parse().unwrap()).is_some());
    assert!(!cipher.is_migrating());
    for (from, to, why) in [
        ("\"serial\":1", "\"serial\":2", "The serial beside the encrypted data is \"2\", the one inside is \"1\""),
        ("026a98ab", "126a98ab", "The lineage beside the encrypted data"),
        ("\"v0\"", "\"v9\"", "encryption version \"v9\""),
        ("\"other\"", "\"another\"", "It was not encrypted with other: it names another, key_provider.pbkdf2.first."),
        ("MBvQ", "MBvR", "The key of key_provider.pbkdf2.second does not open it"),
    ] {
        assert!(RECORDED.contains(from), "{from}");
        let e = cipher.open(Kind::State, RECORDED.replacen(from, to, 1).as_bytes(), "s").unwrap_err();
        check_crypt(&e, "State cannot be decrypted", why);
    }
    let e = Cipher::default().open(Kind::State, RECORDED.as_bytes(), "s").unwrap_err();
    check_crypt(&e, "State cannot be decrypted", "the configuration says nothing of encryption");
}

#[tokio::test]
async fn nothing_readable_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let backend = store(dir.path(), cipher(&["a:one"]));
    let opened = backend.open("default").await.unwrap();
    let first = with_secret(&Snapshot::new(), "a");
    let base = Snapshot { resources: Default::default(), ..first.clone() };
    let journal = opened.journal(&base).await.unwrap();
    journal.append(done(&first, "a")).await.unwrap();
    assert!(!holds(dir.path(), SECRET) && !holds(dir.path(), "terraform_data"));
    // Another process takes up what the journal holds.
    let other = store(dir.path(), cipher(&["a:one"])).open("default").await.unwrap();
    let recovered = other.recover().await.unwrap().unwrap();
    assert!(recovered.from_journal && recovered.snapshot.instance(&"terraform_data.a".parse().unwrap()).is_some());
    opened.write(&first).await.unwrap();
    let stored = opened.read().await.unwrap().unwrap();
    other.write(&with_secret(&stored, "b")).await.unwrap();
    assert!(dir.path().join("terraform.tfstate.backup").exists());
    assert!(!holds(dir.path(), SECRET) && !holds(dir.path(), "terraform_data"));
    assert!(holds(dir.path(), &format!("{{\"serial\":2,\"lineage\":\"{}\",\"meta\":{{", stored.lineage)));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let opened = store(dir.path(), cipher(&["a:one"])).open("default").await.unwrap();
    opened.write(&with_secret(&Snapshot::new(), "a")).await.unwrap();
    let stored = opened.read().await.unwrap().unwrap();
    let journal = opened.journal(&stored).await.unwrap();
    journal.append(done(&stored, "a")).await.unwrap();
    let before = bytes(dir.path());
    let next = with_secret(&stored, "b");
    for (wrong, why) in
        [(cipher(&["a:two"]), "The key of key_provider.pbkdf2.a does not open it"), (Cipher::default(), "says nothing of encryption")]
    {
        let other = store(dir.path(), wrong).open("default").await.unwrap();
        check_crypt(&other.recover().await.unwrap_err(), "State cannot be decrypted", why);
        check_crypt(&other.write(&next).await.unwrap_err(), "State cannot be decrypted", why);
        check_crypt(&other.push(&next, Force::No).await.unwrap_err(), "State cannot be decrypted", why);
        check_crypt(&other.journal(&stored).await.map(drop).unwrap_err(), "State cannot be decrypted", why);
        assert!(before == bytes(dir.path()));
    }
    // A journal whose records were exchanged fits no key.
    let path = dir.path().join("terraform.tfstate.journal");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"crc\":") && text.contains("\"record\":{\"journal\":2,"), "{text}");
    std::fs::remove_file(dir.path().join("terraform.tfstate")).unwrap();
    let e = store(dir.path(), Cipher::default()).open("default").await.unwrap().recover().await.unwrap_err();
    check_crypt(&e, "Journal cannot be decrypted", "says nothing of encryption");
    let e = store(dir.path(), cipher(&["a:two"])).open("default").await.unwrap().recover().await.unwrap_err();
    check_crypt(&e, "Journal cannot be decrypted", "does not open it");
}

/// Reads and writes with one set of methods after the other. The state is encrypted, or not, as the first method says.
async fn migrate(steps: &[&[&str]]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("terraform.tfstate");
    let mut version = 0;
    for (i, step) in steps.iter().enumerate() {
        let opened = store(dir.path(), cipher(step)).open("default").await.unwrap();
        let stored = opened.read().await.unwrap().unwrap_or(Snapshot::new());
        // Nothing changes but the key, which is reason enough to write, at the same serial.
        let next = if i == 0 { with_secret(&stored, "a") } else { stored };
        opened.write(&next).await.unwrap();
        version = version.max(1);
        let last = opened.read().await.unwrap().unwrap();
        assert_eq!(last.serial, version);
        assert_eq!(holds(dir.path(), SECRET), step[0] == "-", "step {i}");
        let again = std::fs::read(&path).unwrap();
        opened.write(&last).await.unwrap();
        assert!(again == std::fs::read(&path).unwrap(), "nothing more to do after step {i}");
    }
}

#[tokio::test]
async fn migrations() {
    migrate(&[&["-"], &["a:one", "-"], &["a:one"], &["b:two", "a:one"], &["b:two"]]).await;
}

#[tokio::test]
async fn back_to_plain() {
    let dir = tempfile::tempdir().unwrap();
    let opened = store(dir.path(), cipher(&["a:one"])).open("default").await.unwrap();
    opened.write(&with_secret(&Snapshot::new(), "a")).await.unwrap();
    let opened = store(dir.path(), cipher(&["-", "a:one"])).open("default").await.unwrap();
    let stored = opened.read().await.unwrap().unwrap();
    opened.write(&stored).await.unwrap();
    assert!(holds(dir.path(), SECRET));
    // The backup keeps the form that it had.
    assert!(!std::fs::read_to_string(dir.path().join("terraform.tfstate.backup")).unwrap().contains(SECRET));
    let plain = LocalBackend::new(dir.path()).open("default").await.unwrap().read().await.unwrap().unwrap();
    assert_eq!(plain.serial, 1);
}

#[tokio::test]
async fn plain_where_it_must_not_be() {
    let plain = MemoryStore::default();
    plain.write(&with_secret(&Snapshot::new(), "a")).await.unwrap();
    let e = plain.with_cipher(cipher(&["a:one"])).recover().await.unwrap_err();
    check_crypt(&e, "State cannot be decrypted", "The state is not encrypted, and the configuration only allows one that is.");
    assert!(plain.with_cipher(cipher(&["a:one", "-"])).recover().await.is_ok());
}

/// A service that refuses once it is told to.
struct Service(std::sync::atomic::AtomicBool);

impl KeyService for Service {
    fn generate(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        if self.0.load(std::sync::atomic::Ordering::Relaxed) {
            return Err("DisabledException: the key is disabled.".into());
        }
        Ok((vec![7; 32], b"blob".to_vec()))
    }
    fn decrypt(&self, encrypted: &[u8], context: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
        assert_eq!((encrypted, context.get("for").map(String::as_str)), (&b"blob"[..], Some("tests")));
        self.generate().map(|(key, _)| key)
    }
    fn context(&self) -> BTreeMap<String, String> {
        [("for".to_string(), "tests".to_string())].into()
    }
}

#[test]
fn a_service_that_refuses() {
    let with = |service: Arc<Service>| {
        let mut ring = KeyRing::default();
        let keys = ring.add("key_provider.aws_kms.k", "key_provider.aws_kms.k", KeySource::Service(service));
        Cipher::new(Arc::new(ring), vec![Method::AesGcm { keys, aad: Vec::new() }])
    };
    let service = Arc::new(Service(false.into()));
    let cipher = with(service.clone());
    let sealed = cipher.seal(Kind::Plan, b"plan", "p").unwrap();
    assert_eq!(&*with(service.clone()).open(Kind::Plan, &sealed, "p").unwrap(), b"plan");
    service.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let why = "key_provider.aws_kms.k: DisabledException: the key is disabled.";
    check_crypt(&with(service.clone()).open(Kind::Plan, &sealed, "p").unwrap_err(), "Plan cannot be decrypted", why);
    check_crypt(&with(service).prepare(Kind::State, "s").unwrap_err(), "State cannot be encrypted", why);
    // A run that has its key goes on.
    assert!(cipher.seal(Kind::Plan, b"more", "p").is_ok());
}

#[test]
fn without_a_method_nothing_passes() {
    let cipher = Cipher::new(Arc::default(), Vec::new());
    check_crypt(&cipher.seal(Kind::State, b"{}", "s").unwrap_err(), "State cannot be encrypted", "There is no method");
    check_crypt(&cipher.open(Kind::State, b"{}", "s").unwrap_err(), "State cannot be decrypted", "only allows one that is");
}

#[test]
fn two_providers_of_one_name() {
    let mut ring = KeyRing::default();
    let first = ring.add("a", "same", KeySource::Pbkdf2(derived(Secret::Passphrase("one".into()), 1)));
    let second = ring.add("b", "same", KeySource::Pbkdf2(derived(Secret::Chain(first), 1)));
    let cipher = Cipher::new(Arc::new(ring), vec![Method::AesGcm { keys: second, aad: Vec::new() }]);
    check_crypt(&cipher.prepare(Kind::State, "s").unwrap_err(), "State cannot be encrypted", "encrypted_metadata_alias");
}
