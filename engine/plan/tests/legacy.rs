//! What the older framework of providers makes of plans, as recorded with Terraform's AWS provider.

use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{Diags, Type, Value};
use secstack_plan::diff::{Change, diff};
use secstack_plan::legacy::{When, emptied, normalize};

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

#[test]
fn an_empty_map_is_none_where_there_was_none() {
    let nothing = || no(Type::map(Type::String));
    let config = object(no(Type::set(Type::String)), no(Type::String), vec![], tags(&[]));
    let want = object(no(Type::set(Type::String)), no(Type::String), vec![], nothing());
    planned(None, &config, &want);
    planned(Some(&want), &config, &want);
}

#[test]
fn zeros_alone_are_no_change_and_come_with_another() {
    let prior = object(no(Type::set(Type::String)), no(Type::String), vec![], tags(&[("a", "b".into())]));
    let same = object(no(Type::set(Type::String)), "".into(), vec![], tags(&[("a", "b".into())]));
    planned(Some(&prior), &same, &prior);
    let other = object(no(Type::set(Type::String)), "".into(), vec![], tags(&[("a", "c".into())]));
    planned(Some(&prior), &other, &other);
}

#[test]
fn timeouts_alone_are_no_change() {
    let timeouts = Block { attributes: vec![Attribute::new("create", Type::String, Presence::Optional)], ..Block::default() };
    let nested = NestedBlock {
        name: "timeouts".into(),
        nesting: Nesting::Single,
        min: 0,
        max: None,
        block: timeouts,
        forces_new: ForcesNew::Never,
        computed: false,
    };
    let block =
        Block { attributes: vec![Attribute::new("note", Type::String, Presence::Optional)], blocks: vec![nested], ..Block::default() };
    let schema = Schema { block, legacy: true, ..Schema::default() };
    let of =
        |note: &str, create: &str| Value::object([("note", note.into()), ("timeouts", Value::object([("create", Value::string(create))]))]);
    let prior = of("a", "5m");
    let plan = |config: &Value| diff(&Change { schema: &schema, prior: Some(&prior), config, hook: &|_| Diags::new() }, &mut Diags::new());
    let alone = plan(&of("a", "6m"));
    assert!(!alone.changed && alone.planned.same(&prior), "{:#?}", alone.planned);
    assert!(plan(&of("b", "6m")).planned.same(&of("b", "6m")));
}

#[test]
fn what_an_update_takes_away_is_zero_from_then_on() {
    let prior = object(no(Type::set(Type::String)), "x".into(), vec![], no(Type::map(Type::String)));
    let new = object(no(Type::set(Type::String)), no(Type::String), vec![], no(Type::map(Type::String)));
    let want = object(no(Type::set(Type::String)), "".into(), vec![], no(Type::map(Type::String)));
    assert!(emptied(&new, &prior, &schema().block).same(&want));
    assert!(emptied(&new, &new, &schema().block).same(&new));
}

#[track_caller]
fn alone(attribute: Attribute, prior: Option<Value>, given: Value, want: &Value) {
    let block = Block { attributes: vec![attribute], ..Block::default() };
    let schema = Schema { block, legacy: true, ..Schema::default() };
    let of = |v: Value| Value::object([("a", v)]);
    let (prior, config) = (prior.map(of), of(given));
    let found = diff(&Change { schema: &schema, prior: prior.as_ref(), config: &config, hook: &|_| Diags::new() }, &mut Diags::new());
    assert!(found.planned.get("a").is_some_and(|v| v.same(want)), "{:#?}", found.planned);
}

#[test]
fn empty_text_leaves_the_choice_to_the_provider() {
    let attribute = || Attribute::new("a", Type::String, Presence::OptionalComputed);
    alone(attribute(), None, "".into(), &Value::unknown(Type::String));
    alone(attribute(), Some("old".into()), "".into(), &"old".into());
    alone(attribute(), Some("old".into()), "new".into(), &"new".into());
}

#[test]
fn sets_inside_of_objects_are_known_as_a_whole_or_not_at_all() {
    let element = Type::object([("ids", Type::set(Type::String)), ("port", Type::Number)]);
    let attribute = Attribute { as_blocks: true, ..Attribute::new("a", Type::set(element.clone()), Presence::Optional) };
    let of = |ids: Value| Value::set(element.clone(), [Value::object([("ids", ids), ("port", 1.into())])]);
    let given = of(Value::set(Type::String, ["x".into(), Value::unknown(Type::String)]));
    alone(attribute, None, given, &of(Value::unknown(Type::set(Type::String))));
}

#[test]
fn zeros_in_a_list_are_taken_as_they_are_told() {
    let list = |n: Value| Value::list(Type::object([("n", Type::Number)]), [Value::object([("n", n)])]);
    assert!(normalize(&list(0.into()), &list(no(Type::Number)), When::Apply).same(&list(0.into())));
    let set = |n: Value| Value::set(Type::object([("n", Type::Number)]), [Value::object([("n", n)])]);
    assert!(normalize(&set(0.into()), &set(no(Type::Number)), When::Apply).same(&set(no(Type::Number))));
}
