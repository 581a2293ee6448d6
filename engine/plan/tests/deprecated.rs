//! Warnings about what should not be used any more, with their places as recorded with Terraform's AWS provider.
#![allow(clippy::unwrap_used, reason = "a test")]

use secstack_base::schema::{Attribute, Block, ForcesNew, NestedBlock, Nesting, Presence, Schema};
use secstack_base::{FileId, Type, Value};
use secstack_lang::body::Items;
use secstack_lang::parse_file;
use secstack_plan::deprecated::deprecations;

const TEXT: &str = r#"resource "x" "y" {
  old = "a"
  part {
    old = "b"
  }
  gone {
  }
}
"#;

#[test]
fn arguments_and_blocks_are_told_where_they_stand() {
    check(
        true,
        None,
        &[
            "1:18 Argument is deprecated: gone is deprecated. Use z.",
            "2:9 Argument is deprecated: old is deprecated. Use new.",
            "4:11 Argument is deprecated: old is deprecated. Use new.",
        ],
    );
    check(false, None, &["1:18 Attribute Deprecated: Use z.", "2:9 Attribute Deprecated: Use new.", "4:11 Attribute Deprecated: Use new."]);
}

#[test]
fn a_type_is_told_first() {
    check(true, Some("No more."), &["1:18 Deprecated Resource: No more."]);
}

/// Checks that these are among the warnings, and that all are where a type is not what they are about.
#[track_caller]
fn check(legacy: bool, ty: Option<&str>, want: &[&str]) {
    let schema = schema(legacy, ty);
    let (body, _) = parse_file(FileId(0), TEXT);
    let Items::Native { blocks, .. } = &body.items else { panic!("blocks") };
    let part = |old: &str| Value::object([("old", Value::from(old))]);
    let list = |items: Vec<Value>| Value::list(Type::object([("old", Type::String)]), items);
    let empty = Value::object([("old", Value::null(Type::String))]);
    let config = Value::object([("old", Value::from("a")), ("part", list(vec![part("b")])), ("gone", list(vec![empty]))]);
    let mut told: Vec<String> = deprecations(&schema, &config, &blocks[0].body, "x.y")
        .into_iter()
        .map(|d| {
            assert_eq!((d.is_error(), d.address.as_deref()), (false, Some("x.y")));
            let before = &TEXT[..d.span.unwrap().start as usize];
            let column = before.len() - before.rfind('\n').map_or(0, |i| i + 1) + 1;
            format!("{}:{column} {}: {}", before.matches('\n').count() + 1, d.summary, d.detail)
        })
        .collect();
    if ty.is_some() {
        told.truncate(1);
    }
    told.sort();
    assert_eq!(told, want);
}

fn schema(legacy: bool, ty: Option<&str>) -> Schema {
    let old = || Attribute { deprecated: Some("Use new.".into()), ..Attribute::new("old", Type::String, Presence::Optional) };
    let nested = |name: &str, deprecated: Option<&str>, old: Attribute| NestedBlock {
        name: name.into(),
        nesting: Nesting::List,
        min: 0,
        max: None,
        block: Block { attributes: vec![old], deprecated: deprecated.map(Into::into), ..Block::default() },
        forces_new: ForcesNew::Never,
        computed: false,
    };
    let blocks = vec![nested("gone", Some("Use z."), old()), nested("part", None, old())];
    let block = Block { attributes: vec![old()], blocks, deprecated: ty.map(Into::into), ..Block::default() };
    Schema { block, legacy, ..Schema::default() }
}
