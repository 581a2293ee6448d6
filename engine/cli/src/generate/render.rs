//! An object as the arguments and blocks that would make it, by its schema.

use secstack_base::schema::{Attribute, Block, NestedBlock, Nesting, Presence};
use secstack_base::{Data, Type, Value};
use secstack_eval::funcs::{self, Context, Files};

/// What stands between the braces of a resource block.
pub fn body(block: &Block, value: &Value, files: &dyn Files) -> String {
    let mut out = String::new();
    Render { files }.contents(&mut out, block, value);
    out
}

struct Render<'a> {
    files: &'a dyn Files,
}

impl Render<'_> {
    fn contents(&self, out: &mut String, block: &Block, value: &Value) {
        let mut attributes: Vec<&Attribute> = block.attributes.iter().filter(|a| is_argument(a)).collect();
        attributes.sort_by(|a, b| a.name.cmp(&b.name));
        for a in attributes {
            out.push_str(&format!("{} = {}\n", a.name, self.argument(a, value.get(&a.name))));
        }
        let mut blocks: Vec<&NestedBlock> = block.blocks.iter().collect();
        blocks.sort_by(|a, b| a.name.cmp(&b.name));
        for b in blocks {
            if let Some(value) = value.get(&b.name).filter(|v| !v.is_null()) {
                self.nested(out, b, value);
            }
        }
    }

    fn nested(&self, out: &mut String, b: &NestedBlock, value: &Value) {
        if value.is_sensitive() {
            out.push_str(&format!("{} {{}} # sensitive\n", b.name));
            return;
        }
        let mut one = |label: &str, value: &Value| {
            out.push_str(&format!("{}{label} {{\n", b.name));
            self.contents(out, &b.block, value);
            out.push_str("}\n");
        };
        match (&value.data, b.nesting) {
            (Data::Map(_, all), Nesting::Map) => {
                all.iter().for_each(|(key, v)| one(&format!(" {}", secstack_base::addr::quote(key)), v));
            }
            (Data::Object(_), _) => one("", value),
            _ => value.parts().for_each(|v| one("", v)),
        }
    }

    /// The right-hand side of an argument.
    fn argument(&self, a: &Attribute, value: Option<&Value>) -> String {
        let Some(value) = value else { return "null".into() };
        if a.sensitive || !value.deep_marks().is_none() {
            return "null # sensitive".into();
        }
        match value.as_str() {
            // Older providers know no null: an optional text that is empty was not given.
            Some("") if a.presence != Presence::Required => "null".into(),
            Some(text) => match self.document(text) {
                Some(inside) => format!("jsonencode({})", self.expression(&inside)),
                None => self.expression(value),
            },
            None => self.expression(value),
        }
    }

    /// What a text holds that is a JSON object or list.
    fn document(&self, text: &str) -> Option<Value> {
        text.trim_start().starts_with(['{', '[']).then(|| self.call("jsondecode", &Value::string(text))).flatten()
    }

    fn expression(&self, value: &Value) -> String {
        match &value.data {
            Data::Null(_) | Data::Unknown(..) => "null".into(),
            _ => self.call("provider::terraform::encode_expr", value).and_then(|v| v.as_str().map(String::from)).unwrap_or_default(),
        }
    }

    fn call(&self, name: &str, value: &Value) -> Option<Value> {
        let cx = Context { files: self.files, timestamp: None, plan_timestamp: "", random: None, in_template: false };
        funcs::call(funcs::find(name)?, &cx, std::slice::from_ref(value)).ok()
    }
}

/// Whether a configuration can give the attribute, and should. An `id` that both may choose is the service's choice.
fn is_argument(a: &Attribute) -> bool {
    let is_chosen_id = &*a.name == "id" && a.presence == Presence::OptionalComputed && a.ty == Type::String;
    a.presence != Presence::Computed && a.deprecated.is_none() && !is_chosen_id
}
