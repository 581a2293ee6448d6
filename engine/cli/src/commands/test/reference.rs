//! Addresses as test files write them: references, not texts.

use secstack_base::{Diagnostic, Diags, Str};
use secstack_lang::ast::Traversal;
use secstack_lang::module::ProviderRef;

/// References as addresses.
pub fn addresses<T: std::str::FromStr>(all: &[Traversal], diags: &mut Diags) -> Vec<T> {
    let mut out = Vec::new();
    for t in all {
        let text = t.to_string();
        match text.parse() {
            Ok(addr) => out.push(addr),
            Err(_) => diags.push(Diagnostic::error("Invalid address", format!("{text} is not the address of a resource.")).at(t.span)),
        }
    }
    out
}

/// The local name and alias of a provider configuration.
pub fn key_of(p: &ProviderRef) -> (Str, Option<Str>) {
    (p.name.clone(), p.alias.clone())
}
