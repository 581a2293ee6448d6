//! The document of `drift -json`, format version 1.0. Sensitive values are left out, unlike in Terraform's documents:
//! reports of drift are sent around.

use secstack_base::{Str, Value};
use secstack_run::ProviderSet;
use secstack_run::drift::{Drift, Finding, Kind};

use super::change::marked;
use super::value;
use super::write::{Object, array, indent, map, write_string, written};

/// The findings, laid out. `place` gives file and line of the block of an object.
pub fn drift(d: &Drift, providers: &ProviderSet, place: impl Fn(&Finding) -> Option<(String, usize)>) -> String {
    let text = written(|out| {
        let mut o = Object::new(out);
        o.text("format_version", "1.0").text("secstack_version", env!("CARGO_PKG_VERSION")).bool("drift", !d.findings.is_empty());
        let mut s = Object::new(o.member("summary"));
        s.number("compared", d.compared).number("changed", d.count(Kind::Changed)).number("gone", d.count(Kind::Gone));
        s.number("unmanaged", d.count(Kind::Unmanaged)).number("security", d.security());
        s.number("left_out_computed", d.computed).number("left_out_ignored", d.ignored).end();
        array(o.member("findings"), &d.findings, |out, f| finding(out, f, providers, place(f)));
        array(o.member("warnings"), &d.warnings, |out, w| write_string(out, &w.detail));
        o.end();
    });
    indent(&text)
}

fn finding(out: &mut String, f: &Finding, providers: &ProviderSet, place: Option<(String, usize)>) {
    let mut o = Object::new(out);
    o.text("kind", f.kind.word());
    match f.severity() {
        Some(s) => o.text("severity", s.word()),
        None => o.raw("severity", "null"),
    };
    o.text("address", &f.addr.to_string()).text("type", f.addr.ty()).text_opt("id", f.id.as_deref());
    array(o.member("weaknesses"), &f.weaknesses, |out, w| {
        let mut o = Object::new(out);
        o.text("severity", w.severity.word()).text_opt("attribute", Some(&w.attribute)).text("text", &w.text).end();
    });
    if let Some(c) = f.change.as_ref().filter(|_| f.kind == Kind::Changed) {
        o.texts_opt("attributes", &f.attributes);
        let (before, after) = (marked(c, &c.before, providers), marked(c, &c.after, providers));
        parts(o.member("before"), &before, &f.attributes);
        parts(o.member("after"), &after, &f.attributes);
    }
    if let Some(u) = &f.unmanaged {
        let mut inner = Object::new(o.member("unmanaged"));
        inner.text("type", &u.ty).text_opt("id", Some(&u.id)).text("text", &u.text).end();
    }
    if let Some((file, line)) = place {
        Object::new(o.member("source")).text("file", &file).number("line", line).end();
    }
    o.end();
}

/// Some attributes of an object, without what is sensitive.
fn parts(out: &mut String, object: &Value, names: &[Str]) {
    let parts = names.iter().filter_map(|n| Some((n, object.get(n)?)));
    map(out, parts, |out, v| value::known(out, &v.without_sensitive()));
}
