//! The document of `metadata functions -json`, format version 1.0.

use secstack_base::{Type, Value};
use secstack_eval::funcs::{Function, Param, find, names};
use secstack_state::json::type_to_json;

use super::write::{Object, array, map};

/// The signatures of all functions, each by its name and by its name in the namespace `core`.
pub fn functions() -> String {
    let mut out = String::new();
    let mut o = Object::new(&mut out);
    o.text("format_version", "1.0");
    let plain = listed().map(|n| (n.to_string(), n));
    let core = listed().map(|n| (format!("core::{n}"), n));
    let mut all: Vec<_> = plain.chain(core).collect();
    all.sort();
    map(o.member("function_signatures"), all, signature);
    o.end();
    out
}

/// The names of functions without those that were removed from the language and only say so.
fn listed() -> impl Iterator<Item = &'static str> {
    names().into_iter().filter(|n| !matches!(*n, "list" | "map"))
}

fn signature(out: &mut String, name: &str) {
    let mut o = Object::new(out);
    o.text_opt("description", description(name));
    match find(name) {
        Some(f) => of_function(&mut o, f),
        // `try` and `can` see expressions rather than values: the evaluator has them.
        None if name == "try" => {
            o.raw("return_type", "\"dynamic\"");
            param(o.member("variadic_parameter"), &Param::new("expressions", Type::Dynamic));
        }
        None => {
            o.raw("return_type", "\"bool\"");
            array(o.member("parameters"), [Param::new("expression", Type::Dynamic)], |out, p| param(out, &p));
        }
    }
    o.end();
}

fn of_function(o: &mut Object<'_>, f: &Function) {
    let unknown: Vec<Value> = f.params.iter().map(|p| Value::unknown(p.ty.clone())).collect();
    let result = (f.result)(&unknown).unwrap_or(Type::Dynamic);
    o.raw("return_type", &type_to_json(&result));
    if !f.params.is_empty() {
        array(o.member("parameters"), &f.params, param);
    }
    if let Some(p) = &f.variadic {
        param(o.member("variadic_parameter"), p);
    }
}

fn param(out: &mut String, p: &Param) {
    let mut o = Object::new(out);
    o.text("name", p.name).bool_if("is_nullable", p.null).raw("type", &type_to_json(&p.ty));
    o.end();
}

/// What a function does, in a sentence.
fn description(name: &str) -> Option<&'static str> {
    DESCRIPTIONS.binary_search_by_key(&name, |(n, _)| n).ok().map(|i| DESCRIPTIONS[i].1)
}

const DESCRIPTIONS: &[(&str, &str)] = &[
    ("abs", "The absolute value of a number."),
    ("abspath", "The absolute path of a path that is relative to the current directory."),
    ("alltrue", "Whether all elements of a list are true or \"true\". True for an empty list."),
    ("anytrue", "Whether an element of a list is true or \"true\". False for an empty list."),
    ("base64decode", "The UTF-8 text that a Base64 text holds."),
    ("base64encode", "The Base64 form of the UTF-8 bytes of a text."),
    ("base64gunzip", "The text of a gzip file that is written in base64."),
    ("base64gzip", "The Base64 form of a text compressed with gzip."),
    ("base64sha256", "The Base64 form of the SHA-256 hash of a text."),
    ("base64sha512", "The Base64 form of the SHA-512 hash of a text."),
    ("basename", "The last part of a path."),
    ("bcrypt", "A bcrypt hash of a text, with an optional cost. Each call salts anew."),
    ("can", "Whether an expression has a value without an error."),
    ("ceil", "The nearest whole number that is not below a number."),
    ("chomp", "A text without the line ends at its end."),
    ("chunklist", "A list split into lists of a given size at most."),
    ("cidrcontains", "Whether a range of addresses contains an address, or all of another range."),
    ("cidrhost", "The address of a host of a number in an IP range."),
    ("cidrnetmask", "The IPv4 netmask of an IP range."),
    ("cidrsubnet", "The address range of one subnet of an IP range."),
    ("cidrsubnets", "The address ranges of consecutive subnets of an IP range."),
    ("coalesce", "The first argument that is neither null nor an empty text."),
    ("coalescelist", "The first argument that is a list with elements."),
    ("compact", "A list of texts without nulls and empty texts."),
    ("concat", "Several lists one after the other."),
    ("contains", "Whether a list or set has an element."),
    ("csvdecode", "The rows of a CSV text, as objects whose attributes are named by the first row."),
    ("dirname", "A path without its last part."),
    ("distinct", "A list without the elements that occurred before."),
    ("element", "The element of a list at an index, which wraps around."),
    ("endswith", "Whether a text ends with another."),
    ("ephemeralasnull", "A value with null in place of what is ephemeral."),
    ("file", "The content of a file as UTF-8 text."),
    ("filebase64", "The content of a file in Base64."),
    ("filebase64sha256", "The Base64 form of the SHA-256 hash of a file."),
    ("filebase64sha512", "The Base64 form of the SHA-512 hash of a file."),
    ("fileexists", "Whether there is a file at a path."),
    ("filemd5", "The MD5 hash of a file, in hexadecimal digits."),
    ("fileset", "The names of the files in a directory that match a pattern."),
    ("filesha1", "The SHA-1 hash of a file, in hexadecimal digits."),
    ("filesha256", "The SHA-256 hash of a file, in hexadecimal digits."),
    ("filesha512", "The SHA-512 hash of a file, in hexadecimal digits."),
    ("flatten", "A list with lists inside replaced by their elements."),
    ("floor", "The nearest whole number that is not above a number."),
    ("format", "A text made from a format and values."),
    ("formatdate", "A timestamp in another form."),
    ("formatlist", "A list of texts made from a format and lists of values."),
    ("indent", "A text whose lines, but the first, begin with a number of spaces."),
    ("index", "The position of a value in a list."),
    ("issensitive", "Whether a value is sensitive."),
    ("join", "The elements of a list as one text, with a separator between them."),
    ("jsondecode", "The value that a JSON text holds."),
    ("jsonencode", "A value as JSON text."),
    ("keys", "The keys of a map, in order."),
    ("length", "The number of elements of a collection, or of characters of a text."),
    ("log", "The logarithm of a number to a base."),
    ("lookup", "The element of a map at a key, or a default."),
    ("lower", "A text with small letters."),
    ("matchkeys", "The elements of a list whose counterparts in a second list occur in a third."),
    ("max", "The greatest of some numbers."),
    ("md5", "The MD5 hash of a text, in hexadecimal digits."),
    ("merge", "Several maps or objects as one; later ones win."),
    ("min", "The smallest of some numbers."),
    ("nonsensitive", "A sensitive value that may be shown."),
    ("one", "The one element of a collection, or null when it is empty."),
    ("parseint", "The whole number that a text writes in a base."),
    ("pathexpand", "A path with ~ at its beginning replaced by the home directory."),
    ("plantimestamp", "The time when planning started, in UTC."),
    ("pow", "A number raised to a power."),
    ("range", "The numbers from a start to a limit by a step."),
    ("regex", "The first match of a regular expression in a text."),
    ("regexall", "All matches of a regular expression in a text."),
    ("replace", "A text with a part, or what matches a /pattern/, replaced."),
    ("reverse", "A list in the opposite order."),
    ("rsadecrypt", "The text that was encrypted for an RSA key."),
    ("sensitive", "A value that is not to be shown."),
    ("setintersection", "The elements that all of some sets have."),
    ("setproduct", "All combinations of the elements of some sets."),
    ("setsubtract", "The elements of a set that another has not."),
    ("setunion", "The elements that any of some sets has."),
    ("sha1", "The SHA-1 hash of a text, in hexadecimal digits."),
    ("sha256", "The SHA-256 hash of a text, in hexadecimal digits."),
    ("sha512", "The SHA-512 hash of a text, in hexadecimal digits."),
    ("signum", "-1, 0 or 1, as a number is below, at or above zero."),
    ("slice", "The elements of a list from one index up to another."),
    ("sort", "A list of texts in order."),
    ("split", "The parts of a text between separators."),
    ("startswith", "Whether a text begins with another."),
    ("strcontains", "Whether a text has another in it."),
    ("strrev", "A text with its characters in the opposite order."),
    ("substr", "A part of a text, by offset and length."),
    ("sum", "The sum of the numbers of a collection."),
    ("templatefile", "The template in a file, with values for its variables."),
    ("templatestring", "The template in a text, with values for its variables."),
    ("textdecodebase64", "The text that a Base64 text holds in a character encoding."),
    ("textencodebase64", "The Base64 form of a text in a character encoding."),
    ("timeadd", "A timestamp moved by a duration."),
    ("timecmp", "-1, 0 or 1, as a timestamp is before, at or after another."),
    ("timestamp", "The time of the run, in UTC. Unknown while planning."),
    ("title", "A text whose words begin with capital letters."),
    ("tobool", "A value as a truth value."),
    ("tolist", "A value as a list."),
    ("tomap", "A value as a map."),
    ("tonumber", "A value as a number."),
    ("toset", "A value as a set: without order and without duplicates."),
    ("tostring", "A value as text."),
    ("transpose", "A map of lists of texts, with keys and elements exchanged."),
    ("trim", "A text without certain characters at both ends."),
    ("trimprefix", "A text without another at its beginning."),
    ("trimspace", "A text without space at both ends."),
    ("trimsuffix", "A text without another at its end."),
    ("try", "The value of the first expression that has one without an error."),
    ("upper", "A text with capital letters."),
    ("urldecode", "The text that a text in a URL stands for."),
    ("urlencode", "A text as it is written in a URL."),
    ("uuid", "A new random UUID with each call."),
    ("uuidv5", "The UUID of a name in a namespace."),
    ("values", "The values of a map, in order of its keys."),
    ("yamldecode", "The value that a YAML text holds."),
    ("yamlencode", "A value as YAML text."),
    ("zipmap", "A map from a list of keys and a list of values."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_described() {
        assert!(DESCRIPTIONS.is_sorted());
        let missing: Vec<_> = listed().filter(|n| !n.contains("::") && description(n).is_none()).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
