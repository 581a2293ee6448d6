//! Provisioners that reach another machine, against a machine in memory. `tests/harness/ssh.py` does the same with OpenSSH.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod machine;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use machine::{Machine, Takes};
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use secstack_base::{FileId, Marks, Span, Type, Value};
use secstack_run::provision::{Provision, run};
use secstack_run::{Event, Events};

/// Names of arguments and texts for them.
type Arguments<'a> = &'a [(&'a str, &'a str)];

fn new_key() -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap()
}

fn text_of(key: &PrivateKey) -> String {
    key.to_openssh(LineEnding::LF).unwrap().to_string()
}

fn object(entries: &[(&str, &str)]) -> Value {
    Value::object(entries.iter().map(|(name, value)| (*name, Value::string(value))))
}

fn words(list: &[&str]) -> Value {
    Value::list(Type::String, list.iter().map(|w| Value::string(w)))
}

/// A connection to a machine, with these arguments besides.
fn to(machine: &Machine, more: &[(&str, &str)]) -> Value {
    let port = machine.port.to_string();
    let mut all = vec![("host", "127.0.0.1"), ("port", &*port), ("timeout", "2s")];
    all.extend(more);
    object(&all).with("agent", Value::from(false))
}

fn provision(ty: &str, arguments: Value, connection: Value) -> Provision {
    let span = Span { file: FileId(0), start: 0, end: 0 };
    Provision { ty: ty.into(), arguments, connection: Some(connection), continue_on_failure: false, span }
}

fn script(lines: &[&str], connection: Value) -> Provision {
    provision("remote-exec", Value::object([("inline", words(lines))]), connection)
}

/// Runs a provisioner: what was shown after the connection was made, and how it failed.
async fn play(p: Provision) -> (Vec<String>, Result<(), String>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let sink = shown.clone();
    let events = Events::new(move |e| {
        if let Event::ProvisionProgress { output, .. } = e {
            sink.lock().unwrap().push(output);
        }
    });
    let done = run(&[p], &"terraform_data.a".parse().unwrap(), std::path::Path::new("/"), &events).await;
    let lines = shown.lock().unwrap().clone();
    let after = lines.iter().position(|l| l == "Connected!").map_or(0, |i| i + 1);
    (lines[after..].to_vec(), done.map_err(|d| d.detail))
}

#[tokio::test]
async fn scripts_run_and_are_removed() {
    let machine = Machine::up(Takes::Password("word")).await;
    let (shown, done) = play(script(&["echo one", "echo two"], to(&machine, &[("password", "word")]))).await;
    assert_eq!((shown, done), (vec!["one".into(), "two".into()], Ok(())));
    let disk = machine.disk.lock().unwrap();
    assert_eq!(disk.ran, [("#!/bin/sh\necho one\necho two\n".to_string(), "0700".to_string())]);
    assert!(disk.files.is_empty(), "{:?}", disk.files);
}

#[tokio::test]
async fn the_code_of_a_script_is_its_failure() {
    let machine = Machine::up(Takes::Password("word")).await;
    let connection = to(&machine, &[("password", "word"), ("script_path", "/tmp/s.sh")]);
    let (shown, done) = play(script(&["echo one", "exit 3", "echo two"], connection)).await;
    assert_eq!((shown, done), (vec!["one".into()], Err("error executing \"/tmp/s.sh\": Process exited with status 3".into())));
    assert!(machine.disk.lock().unwrap().files.is_empty());
}

#[tokio::test]
async fn every_method_logs_in_and_says_when_it_does_not() {
    let (key, other, authority) = (new_key(), new_key(), new_key());
    let mut builder = Builder::new_with_random_nonce(&mut safe_rng(), key.public_key().clone(), 0, u64::MAX - 1).unwrap();
    builder.cert_type(CertType::User).unwrap().valid_principal("root").unwrap().key_id("k").unwrap();
    let certificate = builder.sign(&authority).unwrap().to_openssh().unwrap();
    let (key_text, other_text) = (text_of(&key), text_of(&other));
    let with_key = [("private_key", &*key_text)];
    let with_certificate = [("private_key", &*key_text), ("certificate", &*certificate)];
    let takes_key = || Takes::Key(key.public_key().clone());
    let takes_certificate = || Takes::Authority(authority.public_key().clone());
    let cases: &[(Takes, Arguments<'_>, &str)] = &[
        (takes_key(), &with_key, ""),
        (takes_key(), &[("private_key", &other_text)], "attempted methods [none publickey]"),
        (takes_key(), &[("password", "word")], "attempted methods [none]"),
        (takes_certificate(), &with_certificate, ""),
        (takes_certificate(), &with_key, "attempted methods [none publickey]"),
        (Takes::Password("word"), &[("password", "word")], ""),
        (Takes::Password("word"), &[("password", "other")], "attempted methods [none password]"),
        (Takes::Answer("word"), &[("password", "word")], ""),
        (Takes::Answer("word"), &[("password", "other")], "attempted methods [none keyboard-interactive]"),
    ];
    for (takes, arguments, failure) in cases {
        let machine = Machine::up(takes.clone()).await;
        let mut arguments = arguments.to_vec();
        arguments.push(("timeout", "900ms"));
        let (_, done) = play(script(&["echo x"], to(&machine, &arguments))).await;
        let wanted = format!(
            "SSH authentication failed (root@127.0.0.1:{}): ssh: handshake failed: ssh: unable to authenticate, {failure}",
            machine.port
        );
        match done {
            Ok(()) => assert_eq!(*failure, "", "{arguments:?}"),
            Err(e) => assert!(!failure.is_empty() && e.contains(&wanted), "{e}"),
        }
    }
}

#[tokio::test]
async fn a_machine_must_show_the_key_that_is_expected_of_it() {
    let machine = Machine::up(Takes::Password("word")).await;
    let (own, other) = (machine.key.to_openssh().unwrap(), new_key().public_key().to_openssh().unwrap());
    let (_, done) = play(script(&["echo x"], to(&machine, &[("password", "word"), ("host_key", &own)]))).await;
    assert_eq!(done, Ok(()));
    let (_, done) = play(script(&["echo x"], to(&machine, &[("password", "word"), ("host_key", &other), ("timeout", "500ms")]))).await;
    assert!(done.unwrap_err().ends_with("ssh: handshake failed: knownhosts: key mismatch"));
    assert_eq!(machine.disk.lock().unwrap().ran.len(), 1);
}

#[tokio::test]
async fn a_bastion_leads_to_the_machine() {
    let (machine, bastion) = (Machine::up(Takes::Password("word")).await, Machine::up(Takes::Password("gate")).await);
    let port = bastion.port.to_string();
    let through =
        |word| to(&machine, &[("password", "word"), ("bastion_host", "127.0.0.1"), ("bastion_port", &port), ("bastion_password", word)]);
    let (shown, done) = play(script(&["echo x"], through("gate"))).await;
    assert_eq!((shown, done), (vec!["x".into()], Ok(())));
    let (_, done) = play(script(&["echo x"], through("other"))).await;
    assert!(done.unwrap_err().contains("Error connecting to bastion: ssh: handshake failed"));
}

#[tokio::test]
async fn a_machine_that_comes_up_late_is_waited_for() {
    let machine = Machine::up_after(Duration::from_millis(700), Takes::Password("word")).await;
    let (_, done) = play(script(&["echo x"], to(&machine, &[("password", "word"), ("timeout", "30s")]))).await;
    assert_eq!(done, Ok(()));
}

#[tokio::test]
async fn a_machine_that_is_not_there_is_given_up() {
    let machine = Machine::up_after(Duration::from_secs(3600), Takes::Password("word")).await;
    let (_, done) = play(script(&["echo x"], to(&machine, &[("password", "word"), ("timeout", "500ms")]))).await;
    assert_eq!(done.unwrap_err(), format!("timeout - last error: dial tcp 127.0.0.1:{}: connect: connection refused", machine.port));
}

#[tokio::test]
async fn files_and_directories_are_put_there() {
    let local = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(local.path().join("d/sub")).unwrap();
    std::fs::write(local.path().join("d/one"), "1").unwrap();
    std::fs::write(local.path().join("d/sub/two"), "2".repeat(100_000)).unwrap();
    let source = local.path().join("d").display().to_string();
    let (slash, one) = (format!("{source}/"), format!("{source}/one"));
    let cases: &[(Arguments<'_>, &str, &[&str], &str)] = &[
        (&[("content", "hi"), ("destination", "/x/a")], "", &["/x/a"], ""),
        (&[("content", ""), ("destination", "/x/empty")], "", &["/x/empty"], ""),
        (&[("source", &one), ("destination", "/x/b")], "", &["/x/b"], ""),
        (&[("source", &source), ("destination", "/x")], "", &["/x/d/one", "/x/d/sub/two"], ""),
        (&[("source", &slash), ("destination", "/x")], "", &["/x/one", "/x/sub/two"], ""),
        (&[("content", "hi"), ("destination", "/missing/a")], "", &[], "Upload failed: scp: /missing: No such file or directory"),
        (&[("source", "/nothing"), ("destination", "/x/a")], "", &[], "stat /nothing: no such file or directory"),
        (&[("content", "hi"), ("destination", "")], "", &[], "The argument \"destination\" must be a text that is not empty."),
        (&[("content", "hi"), ("destination", "C:\\x\\a")], "windows", &["\"C:/x\"/a"], ""),
    ];
    for (arguments, platform, files, failure) in cases {
        let machine = Machine::up(Takes::Password("word")).await;
        let connection = to(&machine, &[("password", "word"), ("target_platform", platform)]);
        let (shown, done) = play(provision("file", object(arguments), connection)).await;
        assert_eq!(done.err().unwrap_or_default(), *failure);
        assert!(shown.is_empty(), "{shown:?}");
        let found: Vec<String> = machine.disk.lock().unwrap().files.keys().cloned().collect();
        assert_eq!(found, *files);
        if let Some(long) = machine.file("/x/d/sub/two") {
            assert_eq!(long, "2".repeat(100_000));
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_said_before_it_is_tried() {
    let locked = new_key().encrypt(&mut safe_rng(), "secret").unwrap();
    let (locked, key, stranger) = (text_of(&locked), text_of(&new_key()), new_key().public_key().to_openssh().unwrap());
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    let passphrase = "Failed to parse ssh private key: ssh: this private key is passphrase protected";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("host", "")], "host for provisioner cannot be empty"),
        (&[("type", "winrm")], "connection type 'winrm' not supported"),
        (&[("target_platform", "beos")], "target_platform for provisioner has to be either unix or windows"),
        (&[("private_key", "text")], "Failed to read ssh private key: no key found"),
        (&[("private_key", &locked)], passphrase),
        (&[("private_key", pem)], passphrase),
        (&[("private_key", &key), ("certificate", &stranger)], "failed to parse certificate"),
        (&[("host_key", "text")], "The host key is no public key"),
        (&[("port", "70000")], "The argument port must be a port between 1 and 65535, not 70000."),
        (&[("proxy_host", "p")], "The argument proxy_port is required with proxy_host."),
        (&[("proxy_host", "p"), ("proxy_scheme", "ftp")], "proxy: unknown scheme: ftp"),
    ];
    for (arguments, failure) in cases {
        let mut all = vec![("host", "127.0.0.1"), ("port", "1"), ("timeout", "1ms")];
        all.extend(*arguments);
        let connection = object(&all).with("agent", Value::from(false));
        let failed = play(script(&["echo x"], connection)).await.1.unwrap_err();
        assert!(failed.starts_with(failure), "{failed}");
    }
    let mut alone = script(&["echo x"], Value::NULL);
    alone.connection = None;
    assert_eq!(play(alone).await.1.unwrap_err(), "Missing connection configuration for provisioner.");
}

#[tokio::test]
async fn nothing_is_shown_of_a_command_with_a_secret() {
    let mut p = script(&[], Value::NULL);
    p.ty = "local-exec".into();
    p.connection = None;
    p.arguments = object(&[("command", "echo hunter2; exit 3")]).mark(Marks::SENSITIVE);
    let (shown, done) = play(p).await;
    assert_eq!(shown, ["(output suppressed due to sensitive value in config)"]);
    let wrong = done.unwrap_err();
    assert!(wrong.contains("exit status 3") && !wrong.contains("hunter2"), "{wrong}");
}

#[tokio::test]
async fn nothing_is_shown_of_a_script_with_a_secret() {
    let machine = Machine::up(Takes::Password("word")).await;
    let mut p = script(&["echo x", "exit 1"], to(&machine, &[("password", "word")]));
    p.arguments = p.arguments.mark(Marks::SENSITIVE);
    let (shown, done) = play(p).await;
    assert_eq!(shown, ["(output suppressed due to sensitive value in config)"]);
    assert!(done.unwrap_err().ends_with("Process exited with status 1"));
}

#[tokio::test]
async fn a_provisioner_that_is_given_up_leaves_no_session() {
    let machine = Machine::up(Takes::Password("word")).await;
    let p = script(&["echo x", "sleep 1"], to(&machine, &[("password", "word")]));
    let running = tokio::spawn(play(p));
    let wait_for = async |open| {
        for _ in 0..200 {
            let found = {
                let disk = machine.disk.lock().unwrap();
                (disk.ran.len(), disk.open)
            };
            if found == (1, open) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} sessions are open", machine.disk.lock().unwrap().open);
    };
    wait_for(1).await;
    running.abort();
    wait_for(0).await;
}
