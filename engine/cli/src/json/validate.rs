//! The document of `validate -json`, format version 1.0.

use secstack_base::{Diags, Sources};

use super::diagnostic;
use super::write::{Object, array, indent, written};

/// What was found in a configuration, laid out.
pub fn validate(diags: &Diags, sources: &Sources) -> String {
    let errors = diags.iter().filter(|d| d.is_error()).count();
    indent(&written(|out| {
        let mut o = Object::new(out);
        o.text("format_version", "1.0").bool("valid", errors == 0);
        o.number("error_count", errors).number("warning_count", diags.iter().count() - errors);
        array(o.member("diagnostics"), diags.iter(), |out, d| diagnostic::write(out, d, sources));
        o.end();
    }))
}
