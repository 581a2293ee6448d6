//! What the older framework of providers makes of plans, as recorded with Terraform's AWS provider.

use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_plan::diff::{Change, diff};
use secstack_plan::legacy::{When, normalize};

fn schema() -> Schema {
    let strings = || Type::set(Type::String);
    let rule = Block {
        attributes: vec![
            Attribute::new("key", Type::String, Presence::Optional),
            Attribute::new("on", Type::Bool, Presence::Optional),
            Attribute::new("ranges", Type::list(Type::String), Presence::Optional),
        ],
        ..Block::default()
    };
    let rules = NestedBlock {
        name: "rule".into(),
        nesting: Nesting::Set,
        min: 0,
        max: None,
        block: rule,
        forces_new: ForcesNew::Never,
        computed: false,
    };
    let block = Block {
        attributes: vec![
            Attribute::new("ids", strings(), Presence::Optional),
            Attribute::new("note", Type::String, Presence::Optional),
            Attribute::new("tags", Type::map(Type::String), Presence::Optional),
        ],
        blocks: vec![rules],
        ..Block::default()
    };
    Schema { block: block.sorted(), legacy: true, ..Schema::default() }
}

fn object(ids: Value, note: Value, rules: Vec<Value>, tags: Value) -> Value {
    let rule = Type::object([("key", Type::String), ("on", Type::Bool), ("ranges", Type::list(Type::String))]);
    Value::object([("ids", ids), ("note", note), ("rule", Value::set(rule, rules)), ("tags", tags)])
}

fn rule(key: Value, on: Value, ranges: Value) -> Value {
    Value::object([("key", key), ("on", on), ("ranges", ranges)])
}

fn no(ty: Type) -> Value {
    Value::null(ty)
}

fn tags(all: &[(&str, Value)]) -> Value {
    Value::map(Type::String, all.iter().map(|(k, v)| (*k, v.clone())))
}

#[track_caller]
fn planned(prior: Option<&Value>, config: &Value, want: &Value) {
    let schema = schema();
    let found = diff(&Change { schema: &schema, prior, config, hook: &|_| Diags::new() }, &mut Diags::new());
    assert!(found.planned.same(want), "{:#?}\n{want:#?}", found.planned);
}

#[test]
fn what_is_taken_away_leaves_an_empty_collection_and_no_text() {
    let ids = Value::set(Type::String, [Value::string("a")]);
    let prior = object(ids, "x".into(), vec![], tags(&[("a", "b".into())]));
    let config = object(no(Type::set(Type::String)), no(Type::String), vec![], no(Type::map(Type::String)));
    planned(Some(&prior), &config, &object(Value::set(Type::String, []), no(Type::String), vec![], tags(&[])));
    planned(None, &config, &config);
}

#[test]
fn of_sets_and_maps_all_is_known_or_nothing() {
    let unknown = || Value::unknown(Type::String);
    let ids = Value::set(Type::String, [unknown(), "a".into()]);
    let config = object(ids, no(Type::String), vec![], tags(&[("a", unknown()), ("b", "c".into())]));
    let [ids, all] = [Type::set(Type::String), Type::map(Type::String)].map(Value::unknown);
    planned(None, &config, &object(ids, no(Type::String), vec![], all));
}

#[test]
fn what_is_not_given_in_a_set_is_empty() {
    let ranges = || Type::list(Type::String);
    let given = rule(no(Type::String), no(Type::Bool), no(ranges()));
    let config = object(no(Type::set(Type::String)), no(Type::String), vec![given], no(Type::map(Type::String)));
    let filled = rule("".into(), no(Type::Bool), Value::list(Type::String, []));
    let want = object(no(Type::set(Type::String)), no(Type::String), vec![filled], no(Type::map(Type::String)));
    planned(None, &config, &want);
}

#[test]
fn nulls_in_a_list_stay_where_not_all_of_it_was_known() {
    let element = |id: Value, groups: Value| Value::object([("id", id), ("groups", groups)]);
    let ty = Type::object([("id", Type::String), ("groups", Type::set(Type::String))]);
    let list = |v| Value::list(ty.clone(), [v]);
    let planned = list(element(Value::unknown(Type::String), no(Type::set(Type::String))));
    let new = list(element("vpc-1".into(), Value::set(Type::String, [])));
    let want = list(element("vpc-1".into(), no(Type::set(Type::String))));
    assert!(normalize(&new, &planned, When::Apply).same(&want));
}
