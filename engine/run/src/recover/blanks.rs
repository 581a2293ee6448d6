//! Arguments that a journal does not tell of a creation: what was not known yet when it was written, and secrets.
//!
//! A provider takes for granted that an object has all arguments that its schema asks for. Reading one needs a value in
//! their place. What is made up for that must not come into the state.

use secstack_base::schema::{Attribute, Block, Nesting, Presence};
use secstack_base::{Type, Value};

/// The object with its default, or a blank, in place of each argument that an object has to have and this one lacks, and
/// without collections of which an element is lacking. Tells whether there was anything of the kind.
pub(super) fn fill(schema: &Block, object: &Value) -> (Value, bool) {
    let mut filled = object.clone();
    let mut any = false;
    for a in &schema.attributes {
        if object.get(&a.name).is_some_and(|v| a.ty.is_collection() && v.parts().any(Value::is_null)) {
            filled = filled.with(&a.name, Value::null(a.ty.clone()));
            any = true;
        }
    }
    for a in lacking(schema, object) {
        if let Some(v) = a.default.clone().or_else(|| blank(a)) {
            filled = filled.with(&a.name, v);
            any = true;
        }
    }
    for b in &schema.blocks {
        let Some(inner) = object.get(&b.name).filter(|v| !v.is_null()) else { continue };
        let mut fill_one = |v: &Value| {
            let (v, filled) = fill(&b.block, v);
            any |= filled;
            v
        };
        let inner = match b.nesting {
            Nesting::Single | Nesting::Group => fill_one(inner),
            _ => inner.map_parts(|_, v| fill_one(v)),
        };
        filled = filled.with(&b.name, inner);
    }
    (filled, any)
}

/// What was found, without the blanks that the service did not say anything about.
pub(super) fn take_back(schema: &Block, object: &Value, found: &Value) -> Value {
    let is_blank = |a: &Attribute| found.get(&a.name).zip(blank(a)).is_some_and(|(v, blank)| v.same_unmarked(&blank));
    let left = lacking(schema, object).filter(|a| a.default.is_none() && is_blank(a));
    left.fold(found.clone(), |v, a| v.with(&a.name, Value::null(a.ty.clone())))
}

fn lacking<'a>(schema: &'a Block, object: &'a Value) -> impl Iterator<Item = &'a Attribute> {
    schema.attributes.iter().filter(|a| object.get(&a.name).is_some_and(Value::is_null))
}

fn blank(a: &Attribute) -> Option<Value> {
    match (&a.presence, &a.ty) {
        (Presence::Required, Type::String) => Some(Value::string("")),
        (Presence::Required, Type::Number) => Some(0.into()),
        (Presence::Required, Type::Bool) => Some(false.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use secstack_base::schema::{ForcesNew, NestedBlock};

    use super::*;

    fn attribute(name: &str, presence: Presence) -> Attribute {
        Attribute::new(name, Type::String, presence)
    }

    fn object(members: &[(&str, Option<&str>)]) -> Value {
        Value::object(members.iter().map(|(k, v)| (*k, v.map_or_else(|| Value::null(Type::String), Value::string))))
    }

    #[track_caller]
    fn same(got: &Value, want: &Value) {
        assert!(got.same(want), "{got:?}\n{want:?}");
    }

    #[test]
    fn what_is_asked_for_is_filled_and_taken_back() {
        let with_default = Attribute { default: Some(Value::string("x")), ..attribute("d", Presence::Optional) };
        let [a, o, r] =
            [("a", Presence::Required), ("o", Presence::Optional), ("r", Presence::Required)].map(|(name, p)| attribute(name, p));
        let schema = Block { attributes: vec![a, with_default, o, r], ..Block::default() };
        let planned = object(&[("a", None), ("d", None), ("o", None), ("r", Some("kept"))]);
        let (filled, any) = fill(&schema, &planned);
        assert!(any);
        same(&filled, &object(&[("a", Some("")), ("d", Some("x")), ("o", None), ("r", Some("kept"))]));
        same(&take_back(&schema, &planned, &filled), &object(&[("a", None), ("d", Some("x")), ("o", None), ("r", Some("kept"))]));
        let told = object(&[("a", Some("told")), ("d", Some("y")), ("o", None), ("r", Some("kept"))]);
        same(&take_back(&schema, &planned, &told), &told);
        assert!(!fill(&schema, &told).1);
    }

    #[test]
    fn a_collection_of_which_an_element_is_lacking_is_left_out() {
        let ty = Type::set(Type::String);
        let schema = Block { attributes: vec![Attribute::new("s", ty.clone(), Presence::Required)], ..Block::default() };
        let with = |v| Value::object([("s", v)]);
        let (filled, any) = fill(&schema, &with(Value::set(Type::String, [Value::string("a"), Value::null(Type::String)])));
        assert!(any);
        same(&filled, &with(Value::null(ty)));
        assert!(!fill(&schema, &with(Value::set(Type::String, [Value::string("a")]))).1);
    }

    #[test]
    fn blocks_are_filled_inside() {
        let block = Block { attributes: vec![attribute("a", Presence::Required)], ..Block::default() };
        let nested = NestedBlock {
            name: "b".into(),
            nesting: Nesting::List,
            min: 0,
            max: None,
            block,
            forces_new: ForcesNew::Never,
            computed: false,
        };
        let schema = Block { blocks: vec![nested], ..Block::default() };
        let with = |v| Value::object([("b", Value::list(Type::Dynamic, [object(&[("a", v)])]))]);
        same(&fill(&schema, &with(None)).0, &with(Some("")));
    }
}
