//! Tags: what the configuration asks for, what the provider adds to every object, and what it overlooks.
//!
//! An object's `tags_all` is what stands in the cloud. `tags` is what its own block says: tags that equal a
//! default are left out when they are read, unless the block repeats them. Tags of AWS (`aws:...`), ignored tags
//! and the tag of a creation that is not settled appear in neither.

use std::collections::{BTreeMap, BTreeSet};

use secstack_base::schema::Draft;
use secstack_base::{Data, Str, Type, Value};
use secstack_sdk::typed::Tags;

use crate::made::INTENT;

/// What a provider configuration says about tags.
#[derive(Clone, Debug, Default)]
pub struct TagRules {
    /// Tags that every object gets.
    pub default: Tags,
    /// Keys of tags that are overlooked.
    pub ignore_keys: BTreeSet<String>,
    /// Beginnings of keys of tags that are overlooked.
    pub ignore_prefixes: BTreeSet<String>,
}

impl TagRules {
    /// Whether a tag is neither read nor planned.
    pub fn ignores(&self, key: &str) -> bool {
        key == INTENT || self.ignore_keys.contains(key) || self.ignore_prefixes.iter().any(|p| key.starts_with(&**p))
    }

    /// Splits what stands in the cloud (in `tags_all`) into `tags` and `tags_all`.
    ///
    /// Where there are none, types of the older framework say so with an empty map, whatever the block says.
    pub fn found(&self, prior: Option<&Value>, object: Value, legacy: bool) -> Value {
        let Some(cloud) = object.get("tags_all").and_then(Value::as_map) else { return object };
        let all: BTreeMap<_, _> =
            cloud.iter().filter(|(k, _)| !k.starts_with("aws:") && !self.ignores(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let prior_tags = prior.and_then(|p| p.get("tags"));
        let written = |k: &str, v: &Value| prior_tags.and_then(|t| t.get(k)).is_some_and(|p| p.as_str() == v.as_str());
        let own = |k: &str, v: &Value| self.default.get(k).map(String::as_str) != v.as_str() || written(k, v);
        let own: Vec<_> = all.iter().filter(|(k, v)| own(k, v)).map(|(k, v)| (k.clone(), v.clone())).collect();
        let tags = match prior_tags {
            None | Some(Value { data: Data::Null(_), .. }) if own.is_empty() && !legacy => Value::null(Type::map(Type::String)),
            _ => Value::map(Type::String, own),
        };
        object.with("tags", tags).with("tags_all", Value::map(Type::String, all))
    }

    /// Plans `tags_all` from the planned `tags`. `rules` is `None` when the provider's configuration is unknown.
    ///
    /// As in Terraform types of the older framework leave the result unknown where a new object has no tags at all, and
    /// where there are empty values among new tags.
    pub fn plan(rules: Option<&Self>, draft: &mut Draft, legacy: bool) {
        let unknown = || Value::unknown(Type::map(Type::String));
        let tags = draft.planned.get("tags").unwrap_or(&Value::NULL).clone();
        let planned = match rules {
            Some(rules) if tags.is_wholly_known() => rules.planned(&tags, draft, legacy),
            _ => Some(unknown()),
        };
        if let Some(all) = planned {
            draft.planned = draft.planned.with("tags_all", all);
        }
    }

    /// Gives an object whose `tags_all` was not known when it was planned the tags that it is to have.
    pub fn complete(&self, planned: &Value) -> Value {
        match planned.get("tags_all") {
            Some(all) if all.is_null() => {
                planned.with("tags_all", Value::map(Type::String, self.all(planned.get("tags").unwrap_or(&Value::NULL))))
            }
            _ => planned.clone(),
        }
    }

    /// The default tags and those of a block over them.
    fn all(&self, tags: &Value) -> BTreeMap<Str, Value> {
        let own = tags.as_map().into_iter().flatten().filter(|(_, v)| !v.is_null());
        let mut all: BTreeMap<_, _> = self.default.iter().map(|(k, v)| (k.as_str().into(), Value::string(v))).collect();
        all.extend(own.map(|(k, v)| (k.clone(), v.clone())));
        all.retain(|k, _| !self.ignores(k));
        all
    }

    fn planned(&self, tags: &Value, draft: &Draft, legacy: bool) -> Option<Value> {
        let all = self.all(tags);
        if !legacy {
            return Some(Value::map(Type::String, all));
        }
        let empty = |v: &Value| v.as_str() == Some("");
        let zero = all.values().any(empty);
        let prior = draft.prior.as_ref();
        let count = |v: Option<&Value>| v.and_then(Value::as_map).map_or(0, BTreeMap::len);
        let unchanged = match prior.and_then(|p| p.get("tags")) {
            Some(old) => old.same_unmarked(tags) || count(Some(old)) == 0 && count(Some(tags)) == 0,
            None => count(Some(tags)) == 0,
        };
        let value = Value::map(Type::String, all.clone());
        let same = prior.and_then(|p| p.get("tags_all")).is_some_and(|old| old.same_unmarked(&value));
        let had = count(prior.and_then(|p| p.get("tags_all"))) > 0;
        match (all.is_empty(), unchanged) {
            (false, _) if !zero => Some(value),
            (false, true) if same => Some(value),
            // The defaults are gone: what they gave must go too.
            (true, true) if had => Some(value),
            (true, true) if prior.is_some() => None,
            // All are taken away.
            (true, false) if prior.is_some() => Some(value),
            _ => Some(Value::unknown(Type::map(Type::String))),
        }
    }
}

/// Tags to set and keys to remove, to get from `prior` to `want`. The tag of a creation is neither.
pub fn changes(prior: &Tags, want: &Tags) -> (Tags, Vec<String>) {
    let set = want.iter().filter(|(k, v)| *k != INTENT && prior.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let remove = prior.keys().filter(|k| *k != INTENT && !want.contains_key(*k)).cloned().collect();
    (set, remove)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_added_and_left_out_when_read() {
        check("team=a", "", "name=n", "name=n", "name=n team=a");
        check("team=a", "", "name=n team=a", "name=n team=a", "name=n team=a");
        check("team=a", "", "team=b", "team=b", "team=b");
        check("team=a", "x", "x=1 y=2", "y=2", "team=a y=2");
        check("", "", "", "", "?");
        check("", "", "a=", "a=", "?");
    }

    #[test]
    fn what_is_taken_away_is_known_to_be_gone() {
        let tags = |text: Option<&str>| text.map_or_else(|| Value::null(Type::map(Type::String)), |t| value(&parse(t)));
        let planned = |prior: Option<&str>, own: Option<&str>, legacy| {
            let object = |own, all| Value::object([("tags", own), ("tags_all", all)]);
            let prior = prior.map(|p| object(tags(Some(p)), tags(Some(p))));
            let new = object(tags(own), Value::unknown(Type::map(Type::String)));
            let mut draft = Draft { prior, config: new.clone(), planned: new, replace: vec![] };
            TagRules::plan(Some(&TagRules::default()), &mut draft, legacy);
            draft.planned.get("tags_all").unwrap().clone()
        };
        assert!(planned(Some("a=1"), Some(""), true).same(&tags(Some(""))));
        assert!(planned(None, None, true).is_unknown());
        // Types of the newer framework always know.
        assert!(planned(None, None, false).same(&tags(Some(""))));
        assert!(planned(None, Some("a="), false).same(&tags(Some("a="))));
    }

    #[test]
    fn an_object_whose_tags_were_left_open_gets_the_defaults_too() {
        let rules = TagRules { default: parse("team=a"), ..TagRules::default() };
        let object = |all| Value::object([("tags", value(&parse("name="))), ("tags_all", all)]);
        let whole = rules.complete(&object(Value::null(Type::map(Type::String))));
        assert!(whole.same(&object(value(&parse("name= team=a")))), "{whole:?}");
        let known = object(value(&parse("x=y")));
        assert!(rules.complete(&known).same(&known));
    }

    #[test]
    fn the_tag_of_a_creation_stays_as_it_is() {
        let (plain, marked) = (parse("a=1"), parse("a=1 secstack:intent=t"));
        assert_eq!(changes(&marked, &plain), (Tags::new(), vec![]));
        assert_eq!(changes(&plain, &marked), (Tags::new(), vec![]));
    }

    /// With `default` and ignored prefix, `tags` plan `all` (`?` is unknown), and are read back as `back`.
    #[track_caller]
    fn check(default: &str, ignore: &str, tags: &str, back: &str, all: &str) {
        let ignore_prefixes = ignore.split_whitespace().map(Into::into).collect();
        let rules = TagRules { default: parse(default), ignore_prefixes, ..TagRules::default() };
        let object = Value::object([("tags", value(&parse(tags))), ("tags_all", Value::unknown(Type::map(Type::String)))]);
        let mut draft = Draft { prior: None, config: object.clone(), planned: object.clone(), replace: vec![] };
        TagRules::plan(Some(&rules), &mut draft, true);
        let planned = draft.planned.get("tags_all").unwrap().clone();
        if all == "?" {
            assert!(planned.is_unknown());
        } else {
            assert!(planned.same(&value(&parse(all))), "{planned:?}");
        }
        let mut cloud = parse(if all == "?" { tags } else { all });
        cloud.insert("aws:x".into(), "1".into());
        cloud.insert(INTENT.into(), "t".into());
        let found = rules.found(Some(&object), Value::object([("tags", Value::NULL), ("tags_all", value(&cloud))]), true);
        assert!(found.get("tags").unwrap().same(&value(&parse(back))), "{found:?}");
    }

    fn parse(s: &str) -> Tags {
        s.split_whitespace().filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
    }

    fn value(tags: &Tags) -> Value {
        Value::map(Type::String, tags.iter().map(|(k, v)| (k.as_str(), Value::string(v))))
    }
}
