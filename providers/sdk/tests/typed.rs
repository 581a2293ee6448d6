//! A declaration becomes a schema, and typed code answers the erased calls.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use secstack_base::schema::{Nesting, Presence};
use secstack_base::{Type, Value};
use secstack_sdk::typed::{Ask, Block, Configured, Context, Declared, Found, Registry, Resource, Schema, Tags};
use secstack_sdk::{Created, Error, ErrorKind, Id, Instance, ReadRequest, Result, check};

/// A thing.
#[derive(Clone, Debug, PartialEq, Schema)]
#[resource("test_thing", version = 1, timeouts(create), conflicts(a, b))]
struct Thing {
    /// What it is called.
    #[attr(forces_new, check = check::length(1, 3))]
    name: String,
    /// One.
    #[attr(computed)]
    a: Option<String>,
    /// Another.
    b: Option<i64>,
    /// Whether it is open.
    #[attr(default = true)]
    open: bool,
    /// Words.
    words: BTreeSet<String>,
    /// Never told.
    #[attr(local, sensitive)]
    secret: Option<String>,
    /// Tags of the thing.
    #[attr(tags)]
    tags: Tags,
    /// Rules.
    #[attr(block = set, max = 2)]
    rule: Vec<Rule>,
    /// Its ARN.
    #[attr(output)]
    arn: String,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Block)]
struct Rule {
    /// Its type.
    r#type: String,
    /// Refers to itself.
    #[attr(name = "self", optional)]
    this: bool,
}

#[derive(Default)]
struct Cloud {
    things: Mutex<BTreeMap<Id, Thing>>,
    reads: Mutex<Vec<usize>>,
}
impl Context for Cloud {}

impl Resource for Thing {
    type Cx = Cloud;
    const BATCH: usize = 2;

    async fn create(cx: &Cloud, want: &Self, _token: &str) -> Result<Id> {
        let id = Id(format!("t-{}", want.name).into());
        let made = Self { a: Some("chosen".into()), arn: "arn".into(), secret: None, ..want.clone() };
        cx.things.lock().unwrap().insert(id.clone(), made);
        Ok(id)
    }

    async fn read(cx: &Cloud, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        cx.reads.lock().unwrap().push(asks.len());
        let things = cx.things.lock().unwrap();
        let found = asks.iter().filter_map(|a| Some(Found::ready(a.id.clone(), things.get(&a.id)?.clone())));
        Ok(found.collect())
    }

    async fn delete(cx: &Cloud, id: &Id, _prior: &Self) -> Result<()> {
        let gone = cx.things.lock().unwrap().remove(id);
        gone.map(|_| ()).ok_or_else(|| Error::new(ErrorKind::NotFound, "no such thing"))
    }
}

#[test]
fn the_struct_is_the_schema() {
    let schema = Thing::schema();
    let presence = |name| schema.block.attribute(name).unwrap().presence;
    assert_eq!(schema.version, 1);
    assert_eq!(presence("name"), Presence::Required);
    assert_eq!(presence("a"), Presence::OptionalComputed);
    assert_eq!(presence("open"), Presence::Optional);
    assert_eq!(presence("arn"), Presence::Computed);
    assert_eq!(presence("tags_all"), Presence::OptionalComputed);
    assert_eq!(presence("id"), Presence::OptionalComputed);
    let name = schema.block.attribute("name").unwrap();
    assert_eq!(&*name.description, "What it is called.");
    assert!(name.checks[0](&"long".into()).is_err());
    let rule = schema.block.nested("rule").unwrap();
    assert_eq!((rule.nesting, rule.max), (Nesting::Set, Some(2)));
    assert_eq!(rule.block.ty(), Type::object([("self", Type::Bool), ("type", Type::String)]));
    assert!(schema.block.nested("timeouts").is_some());
    assert_eq!(schema.conflicts[0].len(), 2);
}

#[tokio::test]
async fn typed_code_answers_erased_calls() {
    let cloud = Arc::new(Cloud::default());
    let registry = Arc::new(Registry::new().resource::<Thing>());
    let instance = Configured { registry, cx: Some(cloud.clone()) };
    let rule = Value::object([("type", "x".into()), ("self", Value::null(Type::Bool))]);
    let planned = Thing::schema().block.empty_value();
    let planned = planned.with("a", Value::unknown(Type::String)).with("open", true.into()).with("secret", "s".into());
    let planned = planned.with("rule", Value::set(rule.ty(), [rule]));
    let mut asked = vec![];
    for name in ["a", "b", "c"] {
        let planned = planned.with("name", name.into());
        let Created::Id(id) = instance.create("test_thing", &planned, "").await.unwrap() else { panic!() };
        asked.push(ReadRequest::new(id, Some(planned)));
    }
    asked.push(ReadRequest::new(Id("t-missing".into()), None));
    asked.push(asked[0].clone());

    let read: Vec<_> = instance.read("test_thing", &asked).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(*cloud.reads.lock().unwrap(), [2, 2, 1]);
    assert!(read[3].is_none());
    let a = &read[0].as_ref().unwrap().value;
    assert_eq!(a.ty(), Thing::schema().block.ty());
    assert_eq!((a.get_str("id"), a.get_str("a"), a.get_str("secret")), (Some("t-a"), Some("chosen"), Some("s")));

    instance.delete("test_thing", &asked[0].id, a).await.unwrap();
    instance.delete("test_thing", &asked[0].id, a).await.unwrap();
    assert!(instance.read_data("test_thing", a).await.is_err());
}
