//! A run may be cut off at any byte of its journal: whoever comes next knows all that was acknowledged.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use secstack_base::{Addr, Marks, ProviderConfigAddr, Type, Value};
use secstack_state::journal::{Move, Operation};
use secstack_state::store::{LocalBackend, MemoryStore};
use secstack_state::{Backend, Error, InstanceState, Intent, Object, OutputValue, Record, Recovered, Snapshot, Store, file};

/// A generator that gives the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn provider() -> ProviderConfigAddr {
    r#"provider["registry.terraform.io/hashicorp/aws"].west"#.parse().unwrap()
}

fn object(text: &str) -> Object {
    let value = Value::object([("id", Value::from(text)), ("secret", Value::from("é <x>").mark(Marks::SENSITIVE))]);
    Object {
        private: Some("cHJpdmF0ZQ==".into()),
        dependencies: ["module.m.aws_vpc.v".parse().unwrap()].into(),
        ..Object::encode(3, &value, &Type::object([("id", Type::String), ("secret", Type::Dynamic)])).unwrap()
    }
}

fn done(addr: &Addr, entry: InstanceState) -> Record {
    Record::Done { addr: addr.clone(), entry, provider: provider() }
}

fn intent(addr: &Addr) -> Intent {
    Intent {
        addr: addr.clone(),
        deposed: None,
        operation: Operation::Create,
        token: "t-1".into(),
        provider: provider(),
        id: None,
        began: 1_763_929_860,
        natural: Some("a name".into()),
        planned: Some(object("planned").into()),
        token_left: false,
        ahead: false,
    }
}

fn random_record(random: &mut Random, n: usize) -> Record {
    let addrs = ["aws_vpc.a", "module.m[\"x y\"].aws_vpc.a[2]", "aws_vpc.b[\"q\\\"\"]", "data.aws_vpc.d"];
    let addr: Addr = addrs[random.below(addrs.len())].parse().unwrap();
    let mut entry = InstanceState::current(object(&format!("vpc-{n}")));
    match random.below(10) {
        0 | 1 => Record::Intent(Intent {
            token: format!("t-{n}").into(),
            token_left: n.is_multiple_of(2),
            ahead: n.is_multiple_of(3),
            ..intent(&addr)
        }),
        2 => Record::Id { addr, deposed: None, id: format!("vpc-{n}").into() },
        3 => done(&addr, InstanceState::default()),
        4 => Record::Void { addr },
        9 if n.is_multiple_of(2) => Record::Settled,
        9 => Record::Moved(vec![Move { from: addrs[0].parse().unwrap(), addr: addrs[2].parse().unwrap(), entry, provider: provider() }]),
        5 => Record::Output { name: "o".into(), value: Some(OutputValue { value: Value::from(n as i64), sensitive: n.is_multiple_of(2) }) },
        6 => Record::Output { name: "o".into(), value: None },
        7 => {
            entry.deposed.insert(format!("{n:08x}").into(), object("old").with_tainted(true).into());
            done(&addr, entry)
        }
        _ => done(&addr, entry),
    }
}

/// What is known, as text.
fn known(r: &Recovered) -> (String, Vec<Intent>) {
    (file::write(&r.snapshot).unwrap(), r.open_intents.clone())
}

#[tokio::test]
async fn cut_off_at_any_byte_nothing_acknowledged_is_lost() {
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut base = Snapshot::new();
        base.set_current(&"aws_vpc.a".parse().unwrap(), &provider(), object("vpc-0"));
        let store = MemoryStore::holding(&base).unwrap();
        let journal = store.journal(&base).await.unwrap();
        let mut steps = vec![(store.journal_text().unwrap().len(), known(&store.recover().await.unwrap().unwrap()))];
        for n in 0..10 {
            journal.append(random_record(&mut random, n)).await.unwrap();
            steps.push((store.journal_text().unwrap().len(), known(&store.recover().await.unwrap().unwrap())));
        }
        let whole = store.journal_text().unwrap();
        for cut in 0..=whole.len() {
            let left = MemoryStore::left_with(store.text(), Some(whole[..cut].to_vec()));
            let got = known(&left.recover().await.unwrap().unwrap());
            // A line without its end is whole already.
            let (_, want) = steps.iter().rev().find(|(len, _)| *len <= cut + 1).unwrap_or(&steps[0]);
            assert_eq!(got, *want, "seed {seed}, byte {cut}");
            // Whoever goes on from there writes a journal that holds the same.
            if cut.is_multiple_of(97) {
                let snapshot = left.read().await.unwrap().unwrap();
                let next = left.journal(&snapshot).await.unwrap();
                assert_eq!(known(&left.recover().await.unwrap().unwrap()), got);
                assert_eq!(next.open_intents(), got.1);
            }
        }
    }
}

#[tokio::test]
async fn a_changed_byte_is_noticed() {
    let base = Snapshot::new();
    let store = MemoryStore::holding(&base).unwrap();
    let journal = store.journal(&base).await.unwrap();
    for n in 0..6 {
        let addr = format!("aws_vpc.a[{n}]").parse().unwrap();
        journal.append(done(&addr, InstanceState::current(object("x")))).await.unwrap();
    }
    let whole = store.journal_text().unwrap();
    let last_two = whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i).nth(4).unwrap();
    for at in 0..last_two {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let left = MemoryStore::left_with(store.text(), Some(changed));
        assert!(matches!(left.recover().await, Err(Error::Journal { .. })), "byte {at}");
    }
}

#[tokio::test]
async fn a_run_that_is_cut_off_is_taken_up() {
    let (a, b): (Addr, Addr) = ("aws_vpc.a".parse().unwrap(), "aws_vpc.b".parse().unwrap());
    let store = MemoryStore::default();
    assert!(store.recover().await.unwrap().is_none());
    let base = Snapshot::new();
    let journal = store.journal(&base).await.unwrap();
    journal.append(Record::Intent(intent(&a))).await.unwrap();
    journal.append(done(&a, InstanceState::current(object("vpc-1")))).await.unwrap();
    journal.append(Record::Intent(intent(&b))).await.unwrap();
    journal.append(Record::Id { addr: b.clone(), deposed: None, id: "vpc-2".into() }).await.unwrap();
    store.crash();
    assert!(journal.append(Record::Void { addr: b.clone() }).await.is_err());

    let found = store.recover().await.unwrap().unwrap();
    assert!(found.from_journal);
    assert_eq!(found.snapshot.version(), base.version());
    assert!(found.snapshot.get(&a).is_some());
    assert_eq!(found.open_intents, [Intent { id: Some("vpc-2".into()), ..intent(&b) }]);

    // The snapshot is written while the second effect is still open: it stays in the journal.
    let version = store.write(&found.snapshot).await.unwrap();
    assert_eq!(version.serial, 1);
    let found = store.recover().await.unwrap().unwrap();
    assert_eq!(found.open_intents.len(), 1);
    assert_eq!(found.snapshot.version(), version);

    let journal = store.journal(&found.snapshot).await.unwrap();
    journal.append(Record::Void { addr: b }).await.unwrap();
    assert_eq!(store.write(&found.snapshot).await.unwrap(), version, "nothing changed");
    assert!(store.journal_text().is_none());
}

#[tokio::test]
async fn a_journal_that_the_snapshot_holds_already_is_spent() {
    let a: Addr = "aws_vpc.a".parse().unwrap();
    let base = Snapshot::new();
    let store = MemoryStore::holding(&base).unwrap();
    let journal = store.journal(&base).await.unwrap();
    journal.append(done(&a, InstanceState::current(object("vpc-1")))).await.unwrap();
    let old_journal = store.journal_text();
    store.write(&store.read().await.unwrap().unwrap()).await.unwrap();
    let left = MemoryStore::left_with(store.text(), old_journal.clone());
    let found = left.recover().await.unwrap().unwrap();
    assert!(!found.from_journal);
    left.journal(&found.snapshot).await.unwrap();

    // Had somebody else written the state, what the journal holds would be lost with it.
    let other = Snapshot { serial: base.serial + 1, ..base.clone() };
    let left = MemoryStore::left_with(Some(file::write(&other).unwrap()), old_journal.clone());
    let e = left.recover().await.unwrap_err().to_string();
    assert!(e.contains("the state is at serial 1") && e.contains("  aws_vpc.a"), "{e}");
    let left = MemoryStore::left_with(Some(file::write(&Snapshot::new()).unwrap()), old_journal.clone());
    assert!(left.recover().await.unwrap_err().to_string().contains("has the lineage"));
    assert!(left.push(&other, secstack_state::store::Force::No).await.is_err());
    left.push(&other, secstack_state::store::Force::Yes).await.unwrap();
    assert!(left.journal_text().is_none());
}

#[tokio::test]
async fn other_files_are_no_journal() {
    for (text, said) in [("hello", "not a journal"), ("{\"crc\":\"00000000\",\"seq\":0}\n", "not a journal"), ("{}\n{}\n", "not a journal")]
    {
        let left = MemoryStore::left_with(Some(file::write(&Snapshot::new()).unwrap()), Some(text.into()));
        let e = left.recover().await.unwrap_err().to_string();
        assert!(e.contains(said), "{e}");
    }
    let rest = "\"seq\":0,\"batch\":0,\"record\":{\"journal\":9}}";
    let newer = format!("{{\"crc\":\"{:08x}\",{rest}\n", crc32fast::hash(rest.as_bytes()));
    let left = MemoryStore::left_with(None, Some(newer.into()));
    assert!(left.recover().await.unwrap_err().to_string().contains("format version 9"));
}

#[tokio::test]
async fn an_unsound_record_is_refused() {
    let store = MemoryStore::default();
    let journal = store.journal(&Snapshot::new()).await.unwrap();
    let broken = Object { attributes: "{".into(), ..Object::default() };
    let e = journal.append(done(&"aws_vpc.a".parse().unwrap(), InstanceState::current(broken))).await.unwrap_err();
    assert!(matches!(e, Error::Unsound(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_wait_together_are_written_together() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalBackend::new(dir.path()).open("default").await.unwrap();
    let journal = store.journal(&Snapshot::new()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..2_000 {
        let addr: Addr = format!("aws_vpc.a[{n}]").parse().unwrap();
        tasks.spawn(journal.append(done(&addr, InstanceState::current(object("x")))));
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    let text = std::fs::read_to_string(dir.path().join("terraform.tfstate.journal")).unwrap();
    let batches: std::collections::BTreeSet<&str> =
        text.lines().map(|l| l.split("\"batch\":").nth(1).unwrap().split(',').next().unwrap()).collect();
    assert_eq!(text.lines().count(), 2_001);
    assert!(batches.len() < 1_500, "{} batches", batches.len());
    assert_eq!(store.read().await.unwrap().unwrap().instances().count(), 2_000);
}
