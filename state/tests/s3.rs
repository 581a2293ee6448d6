//! States in S3, against an emulated one: what is stored, who may write, and what a run leaves that is cut off or stopped.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod cloud;

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloud::Cloud;
use secstack_base::{Addr, ProviderConfigAddr, Type, Value};
use secstack_state::journal::Operation;
use secstack_state::store::Force;
use secstack_state::{Backend, Error, InstanceState, Intent, LockInfo, Object, Record, Snapshot, Store};

const LEASE: Duration = Duration::from_secs(3);

fn provider() -> ProviderConfigAddr {
    r#"provider["registry.terraform.io/hashicorp/aws"]"#.parse().unwrap()
}

fn addr(n: usize) -> Addr {
    format!("aws_vpc.a[{n}]").parse().unwrap()
}

fn entry(n: usize) -> InstanceState {
    let id = format!("vpc-{n}");
    let value = Value::object([("id", Value::string(&id))]);
    InstanceState::current(Object::encode(1, &value, &Type::object([("id", Type::String)])).unwrap())
}

fn done(n: usize) -> Record {
    Record::Done { addr: addr(n), entry: entry(n), provider: provider() }
}

fn intent(n: usize) -> Record {
    Record::Intent(Intent {
        addr: addr(n),
        deposed: None,
        operation: Operation::Create,
        token: format!("t-{n}").into(),
        provider: provider(),
        id: None,
        began: 1_763_929_860,
        natural: None,
        planned: None,
        token_left: false,
        ahead: false,
    })
}

fn with(mut snapshot: Snapshot, n: usize) -> Snapshot {
    snapshot.set_instance(&addr(n), &provider(), entry(n));
    snapshot
}

async fn read(store: &Arc<dyn Store>) -> Snapshot {
    store.read().await.unwrap().unwrap()
}

fn names(snapshot: &Snapshot) -> String {
    snapshot.instances().map(|(a, ..)| a.to_string().replace("aws_vpc.a", "")).collect::<Vec<_>>().join("")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_what_terraform_stores() {
    let cloud = Cloud::start().await;
    let backend = cloud.backend_with(&[("encrypt", true.into())]);
    let store = backend.open("default").await.unwrap();
    assert!(store.recover().await.unwrap().is_none());
    let first = with(Snapshot::new(), 0);
    assert_eq!(store.write(&first).await.unwrap().serial, 1);
    let head = cloud.client.head_object().bucket(&cloud.bucket).key("a/state").send().await.unwrap();
    assert_eq!((head.content_type(), head.server_side_encryption().map(|s| s.as_str())), (Some("application/json"), Some("AES256")));
    let read_again = read(&store).await;
    assert_eq!((read_again.serial, names(&read_again)), (1, "[0]".into()));
    assert_eq!(store.write(&read_again).await.unwrap().serial, 1, "what has not changed keeps its serial");
    let stale = store.write(&with(first, 1)).await.unwrap_err();
    assert!(matches!(stale, Error::Moved { .. }), "{stale}");
    assert_eq!(cloud.keys().await, ["a/state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_where_terraform_has_them() {
    let cloud = Cloud::start().await;
    let backend = cloud.backend();
    assert_eq!(backend.workspaces().await.unwrap(), ["default"]);
    let store = backend.open("dev").await.unwrap();
    assert!(store.recover().await.unwrap().is_none(), "a new workspace has no state");
    assert_eq!(cloud.keys().await, ["env:/dev/a/state"]);
    assert_eq!(store.write(&with(Snapshot::new(), 0)).await.unwrap().serial, 1);
    cloud.put("env:/other/b/state", b"{}").await;
    assert_eq!(backend.workspaces().await.unwrap(), ["default", "dev"]);
    assert_eq!(names(&backend.look("dev").await.unwrap().unwrap()), "[0]");
    assert!(backend.look("nobody").await.unwrap().is_none());
    backend.delete("dev").await.unwrap();
    assert_eq!(cloud.keys().await, ["env:/other/b/state"]);
    let elsewhere = cloud.backend_with(&[("workspace_key_prefix", Value::string("ws"))]);
    elsewhere.open("dev").await.unwrap();
    assert_eq!(cloud.keys().await, ["env:/other/b/state", "ws/dev/a/state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_taken_up_on_another_machine() {
    let cloud = Cloud::start().await;
    let (first, second) = (cloud.backend().open("default").await.unwrap(), cloud.backend().open("default").await.unwrap());
    let base = with(Snapshot::new(), 0);
    first.write(&base).await.unwrap();
    let journal = first.journal(&read(&first).await).await.unwrap();
    for record in [done(1), intent(2), intent(3), Record::Id { addr: addr(3), deposed: None, id: "vpc-3".into() }] {
        journal.append(record).await.unwrap();
    }
    let found = second.recover().await.unwrap().unwrap();
    assert_eq!((names(&found.snapshot), found.snapshot.serial, found.from_journal), ("[0][1]".into(), 1, true));
    let open: Vec<_> = found.open_intents.iter().map(|i| (i.addr.to_string(), i.id.clone())).collect();
    assert_eq!(open, [("aws_vpc.a[2]".into(), None), ("aws_vpc.a[3]".into(), Some("vpc-3".into()))]);

    // The second run goes on, and dies too; a third one finds what both did.
    let id = second.lock(LockInfo::new("test")).await.unwrap();
    let journal = second.journal(&found.snapshot).await.unwrap();
    journal.append(done(2)).await.unwrap();
    let third = cloud.backend().open("default").await.unwrap();
    assert_eq!(names(&read(&third).await), "[0][1][2]");

    // What is written ends the journal, but for what is open.
    let now = read(&second).await;
    assert_eq!(second.write(&now).await.unwrap().serial, 2);
    let found = third.recover().await.unwrap().unwrap();
    assert_eq!((found.snapshot.serial, found.open_intents.len(), found.from_journal), (2, 1, true));
    let journal = second.journal(&found.snapshot).await.unwrap();
    journal.append(Record::Void { addr: addr(3) }).await.unwrap();
    second.write(&found.snapshot).await.unwrap();
    second.unlock(&id).await.unwrap();
    let left = cloud.keys().await;
    let fences = left.iter().filter(|k| k.starts_with("a/state.journal/")).count();
    // The first run may have been about to add to its epoch, or to begin the next one.
    assert_eq!((left.len(), fences), (3, 2), "the state, and the fences that keep the first run out: {left:?}");
    assert!(third.recover().await.unwrap().unwrap().open_intents.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_lock_is_shut_out_by_the_next_one_with_it() {
    let cloud = Cloud::start().await;
    let (old, new) = (cloud.backend().open("default").await.unwrap(), cloud.backend().open("default").await.unwrap());
    let base = Snapshot::new();
    let journal = old.journal(&base).await.unwrap();
    journal.append(done(0)).await.unwrap();
    // The state was never written: even then the old run must not be able to be the first.
    let id = new.lock(LockInfo::new("test")).await.unwrap();
    let refused = journal.append(done(1)).await.unwrap_err();
    assert!(matches!(refused, Error::LockLost(_)), "{refused}");
    let refused = old.write(&with(with(base, 0), 1)).await.unwrap_err();
    assert!(matches!(refused, Error::LockLost(_) | Error::Moved { .. }), "{refused}");
    let taken_up = read(&new).await;
    assert_eq!(names(&taken_up), "[0]");
    assert_eq!(new.write(&taken_up).await.unwrap().serial, 1);
    new.unlock(&id).await.unwrap();

    // The same with a state that is there, by the mere fact that a run was begun.
    let journal = old.journal(&read(&old).await).await.unwrap();
    let read_by_old = read(&old).await;
    let id = new.lock(LockInfo::new("test")).await.unwrap();
    assert!(journal.append(done(2)).await.is_err());
    let refused = old.write(&with(read_by_old, 2)).await.unwrap_err();
    assert!(matches!(refused, Error::LockLost(_)), "{refused}");
    assert_eq!(names(&read(&new).await), "[0]");
    new.unlock(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_stopped_for_longer_than_its_lease_writes_nothing() {
    let cloud = Cloud::start().await;
    let line = cloud.line().await;
    let old = cloud.backend_at(line.port, &[]).with_lease(LEASE).open("default").await.unwrap();
    let new = cloud.backend().with_lease(LEASE).open("default").await.unwrap();
    old.write(&with(Snapshot::new(), 0)).await.unwrap();
    let id = old.lock(LockInfo::new("OperationTypeApply")).await.unwrap();
    let base = read(&old).await;
    let journal = old.journal(&base).await.unwrap();
    journal.append(done(1)).await.unwrap();

    // As long as the lock is renewed, it lasts longer than the lease.
    let began = Instant::now();
    while began.elapsed() < LEASE + Duration::from_secs(4) {
        let e = new.lock(LockInfo::new("test")).await.unwrap_err();
        assert!(e.is_locked() && e.to_string().contains(&id), "{e}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    line.hold();
    let late = tokio::spawn(journal.append(done(2)));
    let new_id = loop {
        match new.lock(LockInfo::new("test")).await {
            Ok(id) => break id,
            Err(e) => assert!(e.is_locked(), "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let notice = new.notices().remove(0);
    assert_eq!(notice.summary, "Lock taken over");
    assert!(notice.detail.contains(&id), "{}", notice.detail);
    let lost = tokio::time::timeout(Duration::from_secs(5), old.lost()).await.unwrap();
    assert!(matches!(lost, Error::LockLost(_)), "{lost}");

    // The old run goes on, and what it had sent arrives.
    line.open();
    assert!(late.await.unwrap().is_err());
    assert!(journal.append(done(3)).await.is_err());
    assert!(matches!(old.write(&with(with(base, 2), 3)).await.unwrap_err(), Error::LockLost(_)));
    assert!(old.unlock(&id).await.is_err());
    let taken_up = read(&new).await;
    assert_eq!(names(&taken_up), "[0][1]");
    assert_eq!(new.write(&taken_up).await.unwrap().serial, 2);
    assert_eq!(names(&read(&new).await), "[0][1]");
    new.unlock(&new_id).await.unwrap();
    assert!(!cloud.keys().await.iter().any(|k| k.ends_with(".tflock")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_terraform_is_never_taken_over() {
    let cloud = Cloud::start().await;
    let store = cloud.backend().with_lease(Duration::from_secs(1)).open("default").await.unwrap();
    cloud.put("a/state.tflock", br#"{"ID":"tf-1","Operation":"OperationTypeApply","Info":"","Who":"a@b","Version":"1.11.4","Created":"2025-11-23T20:31:00Z","Path":"b/a/state"}"#).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let e = store.lock(LockInfo::new("test")).await.unwrap_err();
    assert!(e.is_locked() && e.to_string().contains("a@b"), "{e}");
    let e = store.force_unlock("other").await.unwrap_err();
    assert!(e.to_string().contains("does not match"), "{e}");
    store.force_unlock("tf-1").await.unwrap();
    let id = store.lock(LockInfo::new("test")).await.unwrap();
    let lock: serde_json::Value = serde_json::from_slice(&cloud.get("a/state.tflock").await).unwrap();
    assert_eq!((lock["ID"].as_str(), lock["Lease"]["Seconds"].as_u64()), (Some(id.as_str()), Some(1)));
    store.unlock(&id).await.unwrap();
    assert!(store.force_unlock(&id).await.unwrap_err().to_string().contains("not locked"));

    cloud.put("a/state.tflock", b"").await;
    let e = store.lock(LockInfo::new("test")).await.unwrap_err();
    assert!(e.is_locked() && e.to_string().contains("does not say who holds it"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn breaking_a_lock_shuts_its_holder_out() {
    let cloud = Cloud::start().await;
    let (old, new) = (cloud.backend().open("default").await.unwrap(), cloud.backend().open("default").await.unwrap());
    old.write(&with(Snapshot::new(), 0)).await.unwrap();
    let id = old.lock(LockInfo::new("test")).await.unwrap();
    let base = read(&old).await;
    new.force_unlock(&id).await.unwrap();
    assert!(old.write(&with(base, 1)).await.is_err());
    assert_eq!(names(&read(&new).await), "[0]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_known_again() {
    let cloud = Cloud::start().await;
    let line = cloud.line().await;
    let store = cloud.backend_at(line.port, &[]).open("default").await.unwrap();
    assert!(store.recover().await.unwrap().is_none());
    line.lose_an_answer();
    assert_eq!(store.write(&with(Snapshot::new(), 0)).await.unwrap().serial, 1);
    let base = read(&store).await;
    line.lose_an_answer();
    let id = store.lock(LockInfo::new("test")).await.unwrap();
    let journal = store.journal(&base).await.unwrap();
    line.lose_an_answer();
    journal.append(done(1)).await.unwrap();
    assert_eq!(names(&read(&store).await), "[0][1]");
    store.unlock(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_named_and_the_rest_stays_readable() {
    let cloud = Cloud::start().await;
    let backend = cloud.backend();
    let store = backend.open("default").await.unwrap();
    let base = with(Snapshot::new(), 0);
    store.write(&base).await.unwrap();
    let journal = store.journal(&read(&store).await).await.unwrap();
    for n in 1..4 {
        journal.append(done(n)).await.unwrap();
    }
    let check = async |summary: &str, text: &str| {
        let d = store.recover().await.unwrap_err().diagnostic();
        assert_eq!(d.summary, summary);
        assert!(d.detail.contains(text), "{}", d.detail);
    };
    let (second, last) = ("a/state.journal/00000001/00000002", "a/state.journal/00000001/00000003");
    let (kept, kept_last) = (cloud.get(second).await, cloud.get(last).await);
    cloud.delete(second).await;
    check("Journal does not fit", "is missing").await;
    cloud.put(second, &kept).await;
    assert_eq!(names(&read(&store).await), "[0][1][2][3]");
    cloud.put(last, &kept_last[..kept_last.len() - 5]).await;
    check("Journal does not fit", last).await;
    assert_eq!(names(&backend.look("default").await.unwrap().unwrap()), "[0]");
    cloud.put(last, &kept_last).await;

    let state = cloud.get("a/state").await;
    cloud.put("a/state", &state[..state.len() / 2]).await;
    let e = store.recover().await.unwrap_err();
    assert!(matches!(e, Error::Format { .. }), "{e}");
    let future = String::from_utf8(state.clone()).unwrap().replacen("\"version\": 4", "\"version\": 9", 1);
    cloud.put("a/state", future.as_bytes()).await;
    let e = store.recover().await.unwrap_err();
    assert!(e.to_string().contains('9'), "{e}");
    cloud.put("a/state", &state).await;
    assert_eq!(names(&read(&store).await), "[0][1][2][3]");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_place_lacks_is_told() {
    let cloud = Cloud::start().await;
    let backend = cloud.backend();
    for (status, warnings) in [("Suspended", 1), ("Enabled", 0)] {
        let versioning = aws_sdk_s3::types::VersioningConfiguration::builder().status(status.into()).build();
        cloud.client.put_bucket_versioning().bucket(&cloud.bucket).versioning_configuration(versioning).send().await.unwrap();
        let found = backend.check().await.unwrap();
        assert_eq!(found.iter().filter(|d| d.summary == "Bucket without versioning").count(), warnings);
    }
    let nowhere = cloud.backend_with(&[("bucket", Value::string("no-such-bucket-of-ours"))]);
    let d = nowhere.workspaces().await.unwrap_err().diagnostic();
    assert_eq!(d.summary, "No such bucket");
    assert!(d.detail.contains("no-such-bucket-of-ours") && d.help.is_some(), "{}", d.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_assumed() {
    let cloud = Cloud::start().await;
    let endpoint = Value::string(&cloud.endpoint());
    let endpoints = ("endpoints", Value::object([("s3", endpoint.clone()), ("sts", endpoint)]));
    let arn = "arn:aws:iam::123456789012:role/state";
    let role = Value::object([("role_arn", Value::string(arn)), ("duration", Value::string("15m"))]);
    let store = cloud.backend_with(&[endpoints.clone(), ("assume_role", role.clone())]).open("default").await.unwrap();
    assert_eq!(store.write(&with(Snapshot::new(), 0)).await.unwrap().serial, 1);

    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "a.b.c").unwrap();
    let with_token = Value::object([("role_arn", Value::string(arn)), ("web_identity_token_file", Value::string(token.to_str().unwrap()))]);
    let backend = cloud.backend_with(&[endpoints.clone(), ("assume_role_with_web_identity", with_token)]);
    assert_eq!(names(&backend.look("default").await.unwrap().unwrap()), "[0]");
    std::fs::remove_file(&token).unwrap();
    let with_token = Value::object([("role_arn", Value::string(arn)), ("web_identity_token_file", Value::string(token.to_str().unwrap()))]);
    let backend = cloud.backend_with(&[endpoints.clone(), ("assume_role_with_web_identity", with_token)]);
    let d = backend.look("default").await.unwrap_err().diagnostic();
    assert!(d.summary == "No valid credential sources found" && d.detail.contains("cannot be read"), "{}: {}", d.summary, d.detail);

    let accounts = Value::list(Type::String, [Value::string("999999999999")]);
    let backend = cloud.backend_with(&[endpoints, ("assume_role", role), ("allowed_account_ids", accounts)]);
    let e = backend.look("default").await.unwrap_err();
    assert!(e.to_string().contains("123456789012"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_takes_the_place_of_what_it_holds() {
    let cloud = Cloud::start().await;
    let store = cloud.backend().open("default").await.unwrap();
    store.write(&with(Snapshot::new(), 0)).await.unwrap();
    let base = read(&store).await;
    let journal = store.journal(&base).await.unwrap();
    journal.append(done(1)).await.unwrap();
    journal.append(intent(2)).await.unwrap();
    let next = |s: Snapshot| Snapshot { serial: s.serial + 1, ..s };
    let e = store.push(&next(base.clone()), Force::No).await.unwrap_err();
    assert!(matches!(e, Error::Journal { .. }), "{e}");
    store.push(&next(with(base, 1)), Force::No).await.unwrap();
    let found = store.recover().await.unwrap().unwrap();
    assert_eq!((names(&found.snapshot), found.snapshot.serial, found.open_intents.len()), ("[0][1]".into(), 2, 1));
    store.push(&Snapshot::new(), Force::Yes).await.unwrap();
    assert_eq!(cloud.keys().await, ["a/state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_costs_in_proportion_to_what_it_does() {
    let (few, many) = (cost(100).await, cost(1000).await);
    assert!(many.1 < few.1 * 11, "{} bytes for 100 objects and {} for 1000", few.1, many.1);
    assert!(many.0 < 2500, "3000 records took {} objects: those that wait together go together", many.0);
}

/// The objects and bytes of the journal of a run on `n` objects, ten at a time.
async fn cost(n: usize) -> (usize, i64) {
    let cloud = Cloud::start().await;
    let store = cloud.backend().open("default").await.unwrap();
    let journal = store.journal(&Snapshot::new()).await.unwrap();
    let mut running = tokio::task::JoinSet::new();
    for worker in 0..10 {
        let journal = journal.clone();
        running.spawn(async move {
            for n in (worker..n).step_by(10) {
                journal.append(intent(n)).await.unwrap();
                journal.append(Record::Id { addr: addr(n), deposed: None, id: format!("vpc-{n}").into() }).await.unwrap();
                journal.append(done(n)).await.unwrap();
            }
        });
    }
    running.join_all().await;
    let mut objects = Vec::new();
    let mut pages = cloud.client.list_objects_v2().bucket(&cloud.bucket).into_paginator().send();
    while let Some(page) = pages.next().await {
        objects.extend(page.unwrap().contents().iter().filter_map(|o| o.size()));
    }
    let snapshot = read(&store).await;
    assert_eq!(snapshot.instances().count(), n);
    store.write(&snapshot).await.unwrap();
    assert_eq!(cloud.keys().await, ["a/state"]);
    (objects.len(), objects.iter().sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_when_a_run_died_counts_as_far_as_it_is_whole() {
    let cloud = Cloud::start().await;
    let (old, new) = (cloud.backend().open("default").await.unwrap(), cloud.backend().open("default").await.unwrap());
    let journal = old.journal(&Snapshot::new()).await.unwrap();
    journal.append(done(0)).await.unwrap();
    // Two objects were on their way together, and the second one arrived: nobody was told of either.
    let sent = |text: Vec<u8>, after: &str| {
        let put = cloud.client.put_object().bucket(&cloud.bucket).key("a/state.journal/00000001/00000003");
        put.metadata("secstack-after", after).body(text.into()).send()
    };
    let one = cloud.get("a/state.journal/00000001/00000001").await;
    sent(one.clone(), "2").await.unwrap();
    assert_eq!(names(&read(&new).await), "[0]");
    let id = new.lock(LockInfo::new("test")).await.unwrap();
    assert!(journal.append(done(1)).await.is_err(), "what comes late does not fill the gap");
    assert_eq!(names(&read(&new).await), "[0]");
    new.unlock(&id).await.unwrap();

    // Had that run known of the one that is missing, somebody was told of it.
    cloud.delete("a/state.journal/00000001/00000002").await;
    sent(one, "3").await.unwrap();
    assert!(matches!(new.recover().await.unwrap_err(), Error::Journal { .. }));
}
