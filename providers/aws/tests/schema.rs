//! The schema of every type is that of Terraform's provider.
//!
//! `tests/aws-schema` holds facts about hashicorp/aws 5.100.0, one file a type, never edited to make this pass. For a
//! new type copy its file there; the `README.md` beside them says what they mean.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;

use secstack_aws::AwsProvider;
use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{Str, Type, Value};
use secstack_sdk::Provider;
use serde_json::{Value as Json, json};

#[test]
fn schemas_are_those_of_terraform() {
    let provider = AwsProvider::new();
    let schema = provider.schema();
    let resources = schema.resources.iter().map(|(n, s)| (n.to_string(), s));
    let data = schema.data.iter().map(|(n, s)| (format!("data.{n}"), s));
    let mut wrong = vec![];
    for (name, schema) in resources.chain(data) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/aws-schema/{name}.json"));
        let Ok(text) = std::fs::read_to_string(&path) else {
            wrong.push(format!("{name}: there are no facts; copy {name}.json to tests/aws-schema"));
            continue;
        };
        let facts: Json = serde_json::from_str(&text).unwrap();
        let mut judge = Judge { name, facts: &facts, wrong: vec![] };
        judge.schema(schema);
        wrong.extend(judge.wrong);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

struct Judge<'a> {
    name: String,
    facts: &'a Json,
    wrong: Vec<String>,
}

impl Judge<'_> {
    fn schema(&mut self, schema: &Schema) {
        self.same("schema_version", &json!(schema.version), &self.facts["schema_version"]);
        self.block("", &schema.block, self.facts);
        self.constraints(schema);
    }

    fn same(&mut self, what: &str, ours: &Json, theirs: &Json) {
        if ours != theirs {
            self.wrong.push(format!("{}: {what} is {ours}, Terraform has {theirs}", self.name));
        }
    }

    fn block(&mut self, at: &str, block: &Block, facts: &Json) {
        let names = |facts: &Json| facts.as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect::<BTreeSet<_>>();
        let ours: BTreeSet<_> = block.attributes.iter().map(|a| a.name.to_string()).collect();
        self.same(&format!("{at}attributes"), &json!(ours), &json!(names(&facts["attributes"])));
        let ours: BTreeSet<_> = block.blocks.iter().map(|b| b.name.to_string()).collect();
        self.same(&format!("{at}blocks"), &json!(ours), &json!(names(&facts["blocks"])));
        for a in &block.attributes {
            if let Some(facts) = facts["attributes"].get(&*a.name) {
                self.attribute(&format!("{at}{}", a.name), a, facts);
            }
        }
        for b in &block.blocks {
            if let Some(facts) = facts["blocks"].get(&*b.name) {
                self.nested(&format!("{at}{}", b.name), b, facts);
            }
        }
    }

    fn attribute(&mut self, at: &str, a: &Attribute, facts: &Json) {
        self.same(&format!("{at} type"), &type_json(&a.ty), &facts["type"]);
        let presence = match a.presence {
            Presence::Required => "required",
            Presence::Optional => "optional",
            Presence::OptionalComputed => "optional computed",
            Presence::Computed => "computed",
        };
        let held = |words: &[&str]| words.iter().filter(|w| facts[**w] == true).copied().collect::<Vec<_>>().join(" ");
        self.same(&format!("{at} presence"), &json!(presence), &json!(held(&["required", "optional", "computed"])));
        let flags = [(a.sensitive, "sensitive"), (a.write_only, "write_only"), (a.deprecated.is_some(), "deprecated")];
        let ours: Vec<_> = flags.iter().filter(|(on, _)| *on).map(|(_, w)| *w).collect();
        self.same(&format!("{at} flags"), &json!(ours.join(" ")), &json!(held(&["sensitive", "write_only", "deprecated"])));
        let unprobed = listed(&self.facts["forces_new_unprobed"], at);
        if a.presence != Presence::Computed && !unprobed {
            let forces_new = !matches!(a.forces_new, ForcesNew::Never);
            let known = listed(&self.facts["forces_new"], at);
            self.same(&format!("{at} forces_new"), &json!(forces_new), &json!(known));
        }
        if let Some(default) = self.facts["planned_defaults"].get(at)
            && a.presence.is_configurable()
        {
            self.same(&format!("{at} default"), &a.default.as_ref().map_or(Json::Null, value_json), default);
        }
        for word in self.facts["enums"].get(at).and_then(Json::as_array).into_iter().flatten() {
            let value = Value::string(word.as_str().unwrap_or_default());
            let value = if a.ty == Type::String { value } else { Value::set(Type::String, [value]) };
            if let Some(e) = a.checks.iter().find_map(|check| check(&value).err()) {
                self.wrong.push(format!("{}: {at} refuses {word}: {e}", self.name));
            }
        }
    }

    fn nested(&mut self, at: &str, b: &NestedBlock, facts: &Json) {
        let nesting = match b.nesting {
            Nesting::Single => "single",
            Nesting::Group => "group",
            Nesting::List => "list",
            Nesting::Set => "set",
            Nesting::Map => "map",
        };
        let number = |name: &str| facts[name].as_u64().unwrap_or(0);
        let ours = json!([nesting, b.min, b.max.unwrap_or(0)]);
        self.same(&format!("{at} nesting"), &ours, &json!([facts["nesting"], number("min_items"), number("max_items")]));
        if at != "timeouts" {
            self.block(&format!("{at}."), &b.block, facts);
        }
    }

    /// That arguments which exclude each other do so here, and that one is asked for where one is needed.
    fn constraints(&mut self, schema: &Schema) {
        let has = |groups: &[Vec<Str>], names: &[&str]| groups.iter().any(|g| names.iter().all(|n| g.iter().any(|m| &**m == *n)));
        for text in self.facts["constraints"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            let list = |s: &'_ str| s.trim_matches(|c| "`[] ".contains(c)).split(',').map(str::to_string).collect::<Vec<_>>();
            let (names, excludes) = if let Some((a, b)) = text.split_once(" conflicts with ") {
                (vec![a.to_string(), b.to_string()], true)
            } else if let Some(rest) = text.strip_prefix("exactly one (or at most one) of ") {
                (list(rest), true)
            } else if let Some(rest) = text.strip_prefix("one required of ") {
                (list(rest), false)
            } else if let Some((_, rest)) = text.split_once("must be configured: ") {
                (list(rest), true)
            } else {
                continue;
            };
            // Rules inside blocks are checked by the type itself.
            if names.iter().any(|n| n.contains('.')) {
                continue;
            }
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let other = if excludes { &schema.conflicts } else { &schema.at_least_one };
            if !has(&schema.exactly_one, &names) && !has(other, &names) {
                self.wrong.push(format!("{}: no rule that {text}", self.name));
            }
        }
    }
}

fn listed(list: &Json, name: &str) -> bool {
    list.as_array().is_some_and(|l| l.iter().any(|n| n == name))
}

fn type_json(ty: &Type) -> Json {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(t) => json!(["list", type_json(t)]),
        Type::Set(t) => json!(["set", type_json(t)]),
        Type::Map(t) => json!(["map", type_json(t)]),
        Type::Tuple(ts) => json!(["tuple", ts.iter().map(type_json).collect::<Vec<_>>()]),
        Type::Object(o) => {
            let attrs: std::collections::BTreeMap<_, _> = o.attrs.iter().map(|(k, t)| (k.to_string(), type_json(t))).collect();
            json!(["object", attrs])
        }
    }
}

fn value_json(v: &Value) -> Json {
    match (v.as_bool(), v.as_str(), v.as_number()) {
        (Some(b), ..) => json!(b),
        (_, Some(s), _) => json!(s),
        (.., Some(n)) => serde_json::from_str(&n.to_string()).unwrap(),
        _ => Json::Null,
    }
}
