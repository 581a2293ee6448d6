//! Evaluates the body of a block by its schema.

use secstack_base::{Diags, Value, schema};
use secstack_lang::{Body, ast::Traversal};

use crate::Scope;

/// The value of a body: an object of the schema's type, `dynamic` blocks expanded, with unknown parts where they are unknown.
/// Unsupported and missing arguments go to `diags`.
pub fn decode_block(body: &Body, schema: &schema::Block, scope: &dyn Scope, diags: &mut Diags) -> Value {
    let _ = (body, scope, diags);
    schema.empty_value()
}

/// Every reference in a body, iterators of its `dynamic` blocks left out.
pub fn block_references(body: &Body, schema: &schema::Block) -> Vec<Traversal> {
    let _ = (body, schema);
    Vec::new()
}

/// x
pub fn validate_block(body: &Body, schema: &schema::Block, scope: &dyn Scope, diags: &mut Diags) {
    decode_block(body, schema, scope, diags);
}
