//! Whether what came of a change is what the plan promised.
//!
//! A known part of a planned value is a promise; an unknown part may become anything of its type.

use secstack_base::{Data, Path, Step, Value};

/// The first place where `actual` breaks what `planned` promised, with what is wrong in words.
///
/// `planned` is the value in the plan; `actual` the value planned again with more known, or the object after the change.
pub fn broken(planned: &Value, actual: &Value) -> Option<(Path, String)> {
    find(planned, actual, &Path::root())
}

fn find(planned: &Value, actual: &Value, path: &Path) -> Option<(Path, String)> {
    let here = |text: &str| Some((path.clone(), text.to_string()));
    if planned.is_unknown() || actual.is_unknown() {
        return None;
    }
    if planned.is_null() != actual.is_null() {
        return here(if planned.is_null() { "was absent, but now present" } else { "was present, but now absent" });
    }
    match (&planned.data, &actual.data) {
        (Data::Object(a) | Data::Map(_, a), Data::Object(b) | Data::Map(_, b)) => {
            for (k, v) in a.iter() {
                let Some(w) = b.get(k) else { return Some((path.then(Step::Key(k.clone())), "has vanished".into())) };
                let found = find(v, w, &path.then(Step::Attr(k.clone())));
                if found.is_some() {
                    return found;
                }
            }
            b.keys().find(|k| !a.contains_key(*k)).map(|k| (path.then(Step::Key(k.clone())), "new element has appeared".into()))
        }
        (Data::List(_, a) | Data::Tuple(a), Data::List(_, b) | Data::Tuple(b)) => {
            if a.len() != b.len() {
                return Some((path.clone(), format!("length changed from {} to {}", a.len(), b.len())));
            }
            a.iter().zip(b.iter()).enumerate().find_map(|(i, (v, w))| find(v, w, &path.then(Step::Index(i))))
        }
        (Data::Set(_, a), Data::Set(_, b)) => {
            let wild = a.iter().any(|v| !v.is_wholly_known());
            let missing = a.iter().filter(|v| v.is_wholly_known()).any(|v| !b.iter().any(|w| v.same_unmarked(w)));
            if missing && !wild { here("planned set element is not there") } else { None }
        }
        _ if planned.same_unmarked(actual) => None,
        _ => here("was planned with another value"),
    }
}
