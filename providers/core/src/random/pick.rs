//! `random_integer` and `random_shuffle`: choices that a seed can fix.

use async_trait::async_trait;
use secstack_base::schema::Schema;
use secstack_base::{Type, Value};
use secstack_sdk::{Error, Result};

use super::keepers;
use super::seeded::Seeded;
use crate::framework::{text, whole, with_all};
use crate::kind::{Kind, fail};
use crate::schema::{Describe, computed, optional, required, schema};

pub(super) struct RandomInteger;

#[async_trait]
impl Kind for RandomInteger {
    fn name(&self) -> &'static str {
        "random_integer"
    }

    fn schema(&self) -> Schema {
        schema(
            "A random whole number.",
            [
                keepers(),
                required("min", Type::Number, "The least number possible.").forces_new(),
                required("max", Type::Number, "The greatest number possible.").forces_new(),
                optional("seed", Type::String, "Text that decides which number it is.").forces_new(),
                computed("result", Type::Number, "The number."),
                computed("id", Type::String, "The number as text."),
            ],
        )
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let (min, max) = (whole(planned, "min").unwrap_or(0), whole(planned, "max").unwrap_or(0));
        if max < min {
            let what = "The minimum (minVal) value needs to be smaller than or equal to maximum (maxVal) value.";
            return Err(fail("Create Random Integer Error", what));
        }
        let range = max.checked_sub(min).and_then(|n| n.checked_add(1));
        let range = range.ok_or_else(|| fail("Create Random Integer Error", "The range is too wide."))?;
        let seed = text(planned, "seed");
        let result = Seeded::new(seed)?.below(range) + min;
        let seed = if seed.is_empty() { Value::null(Type::String) } else { seed.into() };
        Ok(with_all(planned, [("result", result.into()), ("id", result.to_string().into()), ("seed", seed)]))
    }

    async fn import(&self, given: &str) -> Result<Value> {
        let parts: Vec<&str> = given.split(',').collect();
        let (result, min, max) = match parts[..] {
            [result, min, max] | [result, min, max, _] => (number(result, "value")?, number(min, "min value")?, number(max, "max value")?),
            _ => return Err(import_error("Invalid import usage: expecting {result},{min},{max} or {result},{min},{max},{seed}".into())),
        };
        let seed = parts.get(3).map_or_else(|| Value::null(Type::String), |s| (*s).into());
        let found = [("id", parts[0].into()), ("result", result.into()), ("min", min.into()), ("max", max.into()), ("seed", seed)];
        Ok(with_all(&self.schema().block.empty_value(), found))
    }
}

fn import_error(detail: String) -> Error {
    fail("Import Random Integer Error", detail)
}

fn number(given: &str, what: &str) -> Result<i64> {
    given
        .parse()
        .map_err(|e| import_error(format!("The {what} supplied could not be parsed as an integer.\n\nOriginal Error: {given:?}: {e}")))
}

pub(super) struct RandomShuffle;

#[async_trait]
impl Kind for RandomShuffle {
    fn name(&self) -> &'static str {
        "random_shuffle"
    }

    fn schema(&self) -> Schema {
        schema(
            "A list in random order.",
            [
                keepers(),
                optional("seed", Type::String, "Text that decides the order.").forces_new(),
                required("input", Type::list(Type::String), "The list.").forces_new(),
                optional("result_count", Type::Number, "How many elements to give; they repeat when there are fewer.").forces_new(),
                computed("result", Type::list(Type::String), "Elements of the list in random order."),
                computed("id", Type::String, "Always `-`."),
            ],
        )
    }

    async fn create(&self, planned: &Value) -> Result<Value> {
        let input = planned.get("input").and_then(Value::as_slice).unwrap_or_default();
        let count = whole(planned, "result_count").map_or(input.len(), |n| usize::try_from(n).unwrap_or(1));
        let mut result = Vec::new();
        if !input.is_empty() {
            let mut generator = Seeded::new(text(planned, "seed"))?;
            while result.len() < count {
                let order = generator.permutation(input.len());
                result.extend(order.into_iter().filter_map(|i| input.get(i).cloned()));
            }
            result.truncate(count);
        }
        Ok(with_all(planned, [("result", Value::list(Type::String, result)), ("id", "-".into())]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_seed_fixes_the_number() {
        let empty = RandomInteger.schema().block.empty_value();
        let planned = with_all(&empty, [("min", 1i64.into()), ("max", 50_000i64.into()), ("seed", "seed".into())]);
        let made = RandomInteger.create(&planned).await.unwrap();
        assert_eq!((whole(&made, "result"), made.get_str("id")), (Some(49_747), Some("49747")));
        let wide = RandomInteger.create(&planned.with("max", 5_000_000_000i64.into())).await.unwrap();
        assert_eq!(whole(&wide, "result"), Some(1_241_244_217));
        assert!(RandomInteger.create(&planned.with("max", 0i64.into())).await.is_err());
        let one = RandomInteger.create(&with_all(&empty, [("min", 7i64.into()), ("max", 7i64.into())])).await.unwrap();
        assert_eq!(whole(&one, "result"), Some(7));
    }

    #[tokio::test]
    async fn imports() {
        let found = RandomInteger.import("15,1,50,x").await.unwrap();
        assert_eq!((whole(&found, "max"), found.get_str("seed")), (Some(50), Some("x")));
        assert!(RandomInteger.import("15,1").await.is_err() && RandomInteger.import("a,1,2").await.is_err());
    }

    #[tokio::test]
    async fn shuffles() {
        let input = Value::list(Type::String, ["a", "b", "c", "d", "e"].map(Value::from));
        let empty = RandomShuffle.schema().block.empty_value().with("input", input);
        let made = RandomShuffle.create(&empty.with("seed", "-".into())).await.unwrap();
        assert_eq!(words(&made), ["a", "c", "b", "e", "d"]);
        assert_eq!(words(&RandomShuffle.create(&empty.with("result_count", 12i64.into())).await.unwrap()).len(), 12);
        assert!(words(&RandomShuffle.create(&empty.with("result_count", 0i64.into())).await.unwrap()).is_empty());
    }

    fn words(made: &Value) -> Vec<String> {
        made.get("result").unwrap().parts().map(|v| v.as_str().unwrap().into()).collect()
    }
}
