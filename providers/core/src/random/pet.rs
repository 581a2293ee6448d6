//! `random_pet`: names that are easy to remember.

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{Type, Value};
use secstack_sdk::Result;

use super::{keepers, random_below};
use crate::framework::{text, whole, with_all};
use crate::kind::Kind;
use crate::schema::{Describe, chosen, computed, optional, schema};

/// Adverbs, adjectives and animals, a line each.
const WORDS: &str = include_str!("words.txt");

pub(super) struct RandomPet;

#[async_trait]
impl Kind for RandomPet {
    fn name(&self) -> &'static str {
        "random_pet"
    }

    fn schema(&self) -> Schema {
        schema(
            "A random name of an animal.",
            [
                keepers(),
                chosen("length", Type::Number, "How many words.").default(2i64).forces_new(),
                optional("prefix", Type::String, "What the name begins with.").forces_new(),
                chosen("separator", Type::String, "What stands between words.").default("-").forces_new(),
                computed("id", Type::String, "The name."),
            ],
        )
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let separator = text(planned, "separator");
        let prefix = text(planned, "prefix");
        let name = words(whole(planned, "length").unwrap_or(2))?.join(separator);
        let (id, prefix) = match prefix {
            "" => (name, Value::null(Type::String)),
            prefix => (format!("{prefix}{separator}{name}"), prefix.into()),
        };
        Ok(with_all(planned, [("id", id.into()), ("prefix", prefix)]))
    }
}

/// The words of a name: the animal last, one adjective before it, adverbs before that.
fn words(count: i64) -> Result<Vec<&'static str>> {
    let lists: Vec<Vec<&str>> = WORDS.lines().map(|l| l.split(' ').collect()).collect();
    let kinds = (2..count).map(|_| 0).chain((count > 1).then_some(1)).chain([2]);
    kinds.map(|kind| lists.get(kind).map_or(Ok(""), |list: &Vec<&str>| random_below(list.len()).map(|i| list[i]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names() {
        let empty = RandomPet.schema().block.empty_value().with("separator", "_".into());
        for (length, prefix, want) in [(1i64, "", 1), (2, "", 2), (4, "web", 5), (0, "", 1)] {
            let planned = with_all(&empty, [("length", length.into()), ("prefix", prefix.into())]);
            let made = RandomPet.create(&planned).await.unwrap();
            let id = made.get_str("id").unwrap();
            assert_eq!(id.split('_').filter(|w| !w.is_empty()).count(), want, "{id}");
            assert_eq!(id.starts_with("web_"), prefix == "web");
        }
    }
}
