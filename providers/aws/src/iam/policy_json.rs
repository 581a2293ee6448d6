//! The JSON of policy documents, in the shape and order of Terraform's provider.

use std::collections::BTreeMap;

use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value as Json};

use crate::policy::go_escaped;

/// A document.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The version of the language of policies.
    pub version: String,
    /// The ID.
    pub id: String,
    /// What it says.
    pub statements: Vec<Statement>,
}

/// What is allowed or denied. Values are null when absent, a string or a list.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The name.
    pub sid: String,
    /// `Allow` or `Deny`.
    pub effect: String,
    /// What may be done.
    pub actions: Json,
    /// Everything but this may be done.
    pub not_actions: Json,
    /// With what.
    pub resources: Json,
    /// With everything but this.
    pub not_resources: Json,
    /// By whom.
    pub principals: Principals,
    /// By everyone but these.
    pub not_principals: Principals,
    /// When.
    pub conditions: Vec<Condition>,
}

/// Types of principals, with one identifier or a list.
#[derive(Clone, Debug, Default)]
pub struct Principals(pub Vec<(String, Json)>);

/// A condition, with one value or a list.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The operator.
    pub test: String,
    /// The variable.
    pub variable: String,
    /// What the variable is compared with.
    pub values: Json,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// When the text is no policy document; with a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let Json::Object(map) = json else { return Err("a policy document is an object".into()) };
        let statements = match map.get("Statement") {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(items)) => items.iter().map(Statement::parse).collect::<Result<_, _>>()?,
            Some(_) => return Err("\"Statement\" must be a list of statements".into()),
        };
        Ok(Self { version: text_of(&map, "Version"), id: text_of(&map, "Id"), statements })
    }

    /// Takes over what `newer` says. Statements with a `Sid` that is there already take that one's place.
    pub fn merge(&mut self, newer: Self) {
        if !newer.id.is_empty() {
            self.id = newer.id;
        }
        if newer.version > self.version {
            self.version = newer.version;
        }
        for statement in newer.statements {
            match self.statements.iter_mut().find(|s| !s.sid.is_empty() && s.sid == statement.sid) {
                Some(old) => *old = statement,
                None => self.statements.push(statement),
            }
        }
    }

    /// The text, indented by two.
    pub fn pretty(&self) -> String {
        let mut out = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut out, PrettyFormatter::with_indent(b"  "));
        match serde::Serialize::serialize(&self.json(), &mut serializer) {
            Ok(()) => go_escaped(&String::from_utf8(out).unwrap_or_default()),
            Err(_) => self.minified(),
        }
    }

    /// The text, without space.
    pub fn minified(&self) -> String {
        go_escaped(&self.json().to_string())
    }

    fn json(&self) -> Json {
        let mut map = Map::new();
        put_text(&mut map, "Version", &self.version);
        put_text(&mut map, "Id", &self.id);
        put(&mut map, "Statement", self.statements.iter().map(Statement::json).collect());
        Json::Object(map)
    }
}

impl Statement {
    fn parse(json: &Json) -> Result<Self, String> {
        let Json::Object(map) = json else { return Err("a statement is an object".into()) };
        let value = |name: &str| field(map, name).cloned().unwrap_or(Json::Null);
        Ok(Self {
            sid: text_of(map, "Sid"),
            effect: text_of(map, "Effect"),
            actions: value("Action"),
            not_actions: value("NotAction"),
            resources: value("Resource"),
            not_resources: value("NotResource"),
            principals: Principals::parse(field(map, "Principal"))?,
            not_principals: Principals::parse(field(map, "NotPrincipal"))?,
            conditions: conditions(field(map, "Condition"))?,
        })
    }

    fn json(&self) -> Json {
        let mut map = Map::new();
        put_text(&mut map, "Sid", &self.sid);
        put_text(&mut map, "Effect", &self.effect);
        put(&mut map, "Action", self.actions.clone());
        put(&mut map, "NotAction", self.not_actions.clone());
        put(&mut map, "Resource", self.resources.clone());
        put(&mut map, "NotResource", self.not_resources.clone());
        put(&mut map, "Principal", self.principals.json());
        put(&mut map, "NotPrincipal", self.not_principals.json());
        put(&mut map, "Condition", conditions_json(&self.conditions));
        Json::Object(map)
    }
}

impl Principals {
    fn parse(json: Option<&Json>) -> Result<Self, String> {
        let all = |v: &Json| match v {
            Json::Array(items) => {
                let mut items: Vec<_> = items.iter().filter_map(Json::as_str).collect();
                items.sort_unstable();
                items.into_iter().map(Json::from).collect()
            }
            one => one.clone(),
        };
        match json {
            None | Some(Json::Null) => Ok(Self::default()),
            Some(Json::String(_)) => Ok(Self(vec![("*".into(), Json::from("*"))])),
            Some(Json::Object(map)) => Ok(Self(map.iter().map(|(k, v)| (k.clone(), all(v))).collect())),
            Some(_) => Err("a principal is \"*\" or an object".into()),
        }
    }

    fn json(&self) -> Json {
        if let [(kind, who)] = &*self.0
            && kind == "*"
            && (who.as_str() == Some("*") || who.as_array().is_some_and(|a| a.len() == 1 && a[0] == "*"))
        {
            return Json::from("*");
        }
        let mut map: BTreeMap<&str, Json> = BTreeMap::new();
        for (kind, who) in &self.0 {
            let joined = match (map.remove(&**kind), who) {
                (None, Json::String(_)) => who.clone(),
                (None, list) => Json::Array(falling(list)),
                (Some(Json::Array(mut had)), who) => {
                    had.extend(falling(who));
                    Json::Array(had)
                }
                (Some(had), who) => std::iter::once(had).chain(falling(who)).collect(),
            };
            map.insert(kind, joined);
        }
        if map.is_empty() { Json::Null } else { map.into_iter().map(|(k, v)| (k.to_string(), v)).collect() }
    }
}

/// The items of a list in falling order, or the only one.
fn falling(value: &Json) -> Vec<Json> {
    let mut items: Vec<Json> = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    items.sort_by(|a, b| b.as_str().cmp(&a.as_str()));
    items
}

fn conditions(json: Option<&Json>) -> Result<Vec<Condition>, String> {
    let tests = match json {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Object(tests)) => tests,
        Some(_) => return Err("a condition is an object".into()),
    };
    let mut out = Vec::new();
    for (test, variables) in tests {
        let Json::Object(variables) = variables else { return Err(format!("the condition {test} is an object")) };
        for (variable, values) in variables {
            let values = match values {
                Json::Array(items) => items.iter().map(plain).collect(),
                one => plain(one),
            };
            out.push(Condition { test: test.clone(), variable: variable.clone(), values });
        }
    }
    Ok(out)
}

fn plain(value: &Json) -> Json {
    match value {
        Json::String(_) => value.clone(),
        other => Json::from(other.to_string()),
    }
}

fn conditions_json(conditions: &[Condition]) -> Json {
    let mut tests: BTreeMap<&str, BTreeMap<&str, Json>> = BTreeMap::new();
    for c in conditions {
        let variables = tests.entry(&c.test).or_default();
        let joined = match (variables.remove(&*c.variable), &c.values) {
            (None, values) => values.clone(),
            (Some(had), values) => list(had).into_iter().chain(list(values.clone())).collect(),
        };
        variables.insert(&c.variable, joined);
    }
    if tests.is_empty() {
        return Json::Null;
    }
    let object = |m: BTreeMap<&str, Json>| m.into_iter().map(|(k, v)| (k.to_string(), v)).collect::<Map<_, _>>();
    tests.into_iter().map(|(k, v)| (k.to_string(), Json::Object(object(v)))).collect()
}

fn list(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) => items,
        one => vec![one],
    }
}

/// Go finds the keys of objects in upper or lower case.
fn field<'a>(map: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    map.get(name).or_else(|| map.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

fn text_of(map: &Map<String, Json>, name: &str) -> String {
    field(map, name).and_then(Json::as_str).unwrap_or_default().to_string()
}

fn put_text(map: &mut Map<String, Json>, name: &str, text: &str) {
    put(map, name, Json::from(text));
}

/// Adds what is not empty.
fn put(map: &mut Map<String, Json>, name: &str, value: Json) {
    let empty = match &value {
        Json::Null => true,
        Json::String(s) => s.is_empty(),
        Json::Array(items) => items.is_empty() && name == "Statement",
        Json::Object(m) => m.is_empty(),
        _ => false,
    };
    if !empty {
        map.insert(name.into(), value);
    }
}
