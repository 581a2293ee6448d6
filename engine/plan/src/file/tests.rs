use std::collections::BTreeMap;

use secstack_base::{Data, Diags, Marks, Number, Path, Refinement, Step, Type, Value};
use secstack_state::model::{CheckObject, CheckResult, CheckStatus, Object, Snapshot};

use super::*;
use crate::plan::{Action, Change, OutputChange, PlanMode, Reason, RelevantAttribute};

fn change(addr: &str, after: Value) -> Change {
    Change {
        addr: addr.parse().unwrap(),
        previous: None,
        deposed: None,
        provider: "provider[\"registry.terraform.io/hashicorp/aws\"].west".parse().unwrap(),
        schema_version: 3,
        action: Action::Update,
        reason: None,
        before: Value::NULL,
        after,
        replace_paths: Vec::new(),
        importing: None,
        dependencies: std::sync::Arc::from([]),
        create_before_destroy: false,
    }
}

fn saved(changes: Vec<Change>) -> SavedPlan {
    let mut state = Snapshot::new();
    state.lineage = "3f0a".into();
    state.serial = 4;
    let plan = Plan {
        mode: PlanMode::Normal,
        variables: BTreeMap::from([("v".into(), Value::from("x").mark(Marks::SENSITIVE))]),
        ephemeral_variables: vec!["e".into()],
        changes,
        drift: Vec::new(),
        outputs: BTreeMap::new(),
        checks: Vec::new(),
        previous_state: state.clone(),
        prior_state: state,
        targets: vec!["a.b".into()],
        excludes: Vec::new(),
        replace: Vec::new(),
        relevant: Vec::new(),
        timestamp: "2026-01-01T00:00:00Z".into(),
        applyable: true,
        complete: false,
        errored: false,
        diags: Diags::new(),
    };
    SavedPlan {
        plan,
        files: vec![("main.tf".into(), "a = 1\n".into()), ("m/é.tf".into(), String::new())],
        modules: "{}".into(),
        workspace: "default".into(),
        backend: SavedBackend { ty: "local".into(), config: Value::object([("path", Value::from("x"))]) },
        root: "/w".into(),
        lineage: "3f0a".into(),
        serial: 4,
        version: "0.1.0".into(),
    }
}

/// Every kind of value, marked and not.
fn every_value() -> Value {
    let secret = |v: Value| v.mark(Marks::SENSITIVE);
    let object_type = Type::Object(std::sync::Arc::new(ObjectTypeOf::optional()));
    let refined = Data::Unknown(Type::String, Refinement { not_null: true, prefix: Some("arn:".into()) });
    Value::object([
        ("null", Value::NULL),
        ("typed", Value::null(object_type.clone())),
        ("again", secret(Value::null(object_type))),
        ("unknown", Value::unknown(Type::tuple([Type::Bool, Type::map(Type::Number)]))),
        ("refined", secret(refined.into())),
        ("bools", Value::tuple([true.into(), secret(false.into())])),
        ("numbers", Value::tuple(["0.1", "-0", "12345678901234567890.5", "1e100", "-Inf"].map(|n| Value::from(Number::parse(n).unwrap())))),
        ("list", Value::list(Type::String, ["b".into(), secret("a".into()), Value::unknown(Type::String)])),
        ("set", secret(Value::set(Type::Number, [Value::from(10), Value::from(9)]))),
        ("map", Value::map(Type::String, [("k \"é\"", "v\n".into()), ("", secret(Value::null(Type::String)))])),
        ("empty", Value::tuple([Value::tuple([]), Value::object::<Str>([]), Value::list(Type::Dynamic, [])])),
    ])
}

/// An object type with an optional attribute, as only constraints have.
struct ObjectTypeOf;

impl ObjectTypeOf {
    fn optional() -> secstack_base::ObjectType {
        let attrs = BTreeMap::from([("a".into(), Type::set(Type::Dynamic)), ("b".into(), Type::String)]);
        secstack_base::ObjectType { attrs, optional: ["b".into()].into() }
    }
}

#[test]
fn everything_survives() {
    let addr = "module.m[1].module.n[\"x\"].data.t.n[\"k\\\"\"]";
    let mut full = change(addr, every_value());
    full.previous = "a.b[0]".parse().ok();
    full.deposed = Some("0badcafe".into());
    full.action = Action::CreateThenDelete;
    full.reason = Some(Reason::ReadBecauseCheckNested);
    full.before = every_value();
    full.replace_paths = vec![Path(vec![Step::Attr("a".into()), Step::Index(300), Step::Key("k".into())]), Path::root()];
    full.importing = Some("i-1".into());
    full.dependencies = ["module.m.a.b", "data.c.d"].map(|d| d.parse().unwrap()).into();
    full.create_before_destroy = true;
    let mut s = saved(vec![full.clone(), change("a.b", every_value())]);
    s.plan.drift = vec![full];
    s.plan.mode = PlanMode::RefreshOnly;
    s.plan.outputs.insert(
        "o".into(),
        OutputChange { before: every_value(), after: Value::NULL, sensitive: true, before_sensitive: false, action: Action::Delete },
    );
    s.plan.relevant = vec![RelevantAttribute { resource: "a.b".into(), path: Path::attr("x") }];
    s.plan.checks = vec![CheckResult {
        kind: "check".into(),
        config_addr: "check.c".into(),
        status: CheckStatus::Fail,
        objects: vec![CheckObject { addr: "check.c".into(), status: CheckStatus::Error, failures: vec!["no".into()] }],
    }];
    let object = Object { attributes: "{\"a\":1}".into(), ..Object::default() };
    s.plan.prior_state.set_current(&"a.b".parse().unwrap(), &"provider[\"terraform.io/builtin/terraform\"]".parse().unwrap(), object);

    let bytes = write(&s).unwrap();
    let back = read(&bytes).unwrap();
    assert_eq!(write(&back).unwrap(), bytes);
    assert_eq!(format!("{:?}", strip(&back)), format!("{:?}", strip(&s)));
    let all = |s: &SavedPlan| s.plan.changes.iter().flat_map(|c| [c.before.clone(), c.after.clone()]).collect::<Vec<_>>();
    assert!(all(&s).iter().zip(all(&back)).all(|(a, b)| a.same(&b)));
    assert_eq!(back.sources().iter().count(), 2);
}

/// Values are compared on their own: numbers remember how they were made.
fn strip(s: &SavedPlan) -> SavedPlan {
    let mut s = s.clone();
    for c in s.plan.changes.iter_mut().chain(&mut s.plan.drift) {
        c.before = Value::NULL;
        c.after = Value::NULL;
    }
    for o in s.plan.outputs.values_mut() {
        o.before = Value::NULL;
    }
    s
}

#[test]
fn other_files_are_refused_in_words() {
    let bytes = write(&saved(vec![change("a.b", every_value())])).unwrap();
    for n in [1, 10, 15, 20, 50, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(read(&bytes[..n]).err(), Some(FileError::Truncated), "{n}");
    }
    for at in [20, 60, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(matches!(read(&damaged), Err(FileError::Damaged)), "{at}");
    }
    let longer = [&bytes[..], b"x"].concat();
    for (bytes, want) in [
        (&b""[..], "The file is empty, not"),
        (b"PK\x03\x04...", "The file is a plan that Terraform or OpenTofu saved, not"),
        (b"{\"format_version\":", "The file is a JSON document, not"),
        (b"resource", "The file is something else, not"),
        (b"secstack plan 7\n...", "The plan was saved in format 7 by a later version"),
        (b"secstack plan x\n...", "The plan file was changed"),
        (&longer, "The plan file was changed"),
    ] {
        let error = read(bytes).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
    }
}

/// Whatever the content says, reading it ends with an error and not with a panic or without memory.
#[test]
fn content_that_makes_no_sense_is_refused() {
    let bytes = write(&saved(vec![change("a.b", every_value())])).unwrap();
    let content = &bytes[MAGIC.len() + 2 + CHECKSUM + 8..];
    for at in 0..content.len() {
        for byte in [0, 1, 0x0a, 0x7f, 0x80, 0xff] {
            let mut changed = content.to_vec();
            changed[at] = byte;
            let _ = read::content(&changed);
        }
        assert!(read::content(&content[..at]).is_err());
    }
    assert!(read::content(&[&[0, 0, 0, 0][..], &[8, 1].repeat(100_000)].concat()).is_err());
}

#[test]
fn time_and_size_grow_with_the_number_of_changes() {
    let one = every_value();
    let size = |n: usize| write(&saved((0..n).map(|i| change(&format!("a.b[{i}]"), one.clone())).collect())).unwrap().len();
    let (a, b, c) = (size(100), size(200), size(400));
    assert!((c - b) < (b - a) * 2 + 500, "{a} {b} {c}");
}
