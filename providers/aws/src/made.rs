//! Finding what a creation that was cut off has made.
//!
//! Objects of EC2 and keys have no name of ours. They get a tag with the token of their creation in the call that
//! creates them, and lose it once they are in the state. Everything else is found by its name: an object that is older
//! than the creation is somebody else's, unless its name was made up from the token.

use aws_smithy_types::DateTime;
use secstack_base::Str;
use secstack_sdk::typed::{Declared, Tags};
use secstack_sdk::{Error, Id, Result, Trace, naming};

use crate::{Aws, ec2, kms};

/// The key of the tag whose value is the token. No reader ever tells of it.
pub const INTENT: &str = "secstack:intent";
/// The most tags of an object.
const TAGS_MOST: usize = 50;
/// How far the clocks of this machine and of the service may be apart, in seconds.
const CLOCKS: i64 = 60;

/// The tags of an object that is created: its own and that of the creation. An object with as many tags as the service
/// takes gets only its own, since the call would fail otherwise.
pub fn marked(tags: &Tags, token: &str) -> Tags {
    let mut all = tags.clone();
    if all.len() < TAGS_MOST {
        all.insert(INTENT.into(), token.into());
    }
    all
}

/// The name by which the object of a creation is found.
///
/// # Errors
/// When it has none.
pub fn name(trace: &Trace) -> Result<&str> {
    trace.natural.as_deref().ok_or_else(|| Error::other("the creation that was cut off left no name to find its object by"))
}

/// The object that was found under the name of a creation, unless it was there before.
pub fn ours(trace: &Trace, id: impl Into<Str>, created: Option<&DateTime>) -> Option<Id> {
    is_ours(trace, created.map(DateTime::secs)).then(|| Id(id.into()))
}

/// Whether something of the name of a creation was made by it, judged by when it was made, if the service tells.
pub fn is_ours(trace: &Trace, created: Option<i64>) -> bool {
    let made_up = trace.natural.as_ref().is_some_and(|n| naming::is_unique_for(n, &trace.token));
    made_up || created.is_none_or(|c| is_recent(trace, c))
}

/// Whether something is not older than a creation.
pub fn is_recent(trace: &Trace, created: i64) -> bool {
    created.saturating_add(CLOCKS) >= i64::try_from(trace.began).unwrap_or(i64::MAX)
}

/// Takes the tag of their creations from objects of types that get it.
///
/// # Errors
/// When one still has it.
pub async fn settle(cx: &Aws, objects: &[(Str, Id)]) -> Result<()> {
    let (keys, others): (Vec<_>, Vec<_>) = objects.iter().partition(|(ty, _)| **ty == *kms::key::Key::NAME);
    let ids: Vec<&Id> = others.into_iter().map(|(_, id)| id).collect();
    let keys = futures::future::join_all(keys.into_iter().map(|(_, key)| kms::key::unmark(cx, key)));
    let (keys, others) = tokio::join!(keys, ec2::made::unmark(cx, &ids));
    keys.into_iter().fold(others, Result::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_object_is_not_ours() {
        check("a", Some(1_000), true);
        check("a", Some(940), true);
        check("a", Some(939), false);
        check("a", None, true);
        check(&naming::unique_for("terraform-", "t"), Some(0), true);
        check(&naming::unique_for("terraform-", "u"), Some(0), false);
    }

    #[track_caller]
    fn check(name: &str, created: Option<i64>, ours: bool) {
        let trace = Trace { token: "t".into(), natural: Some(name.into()), began: 1_000 };
        assert_eq!(is_ours(&trace, created), ours);
    }

    #[test]
    fn the_tag_is_left_out_where_there_is_no_room() {
        let tags = |n: usize| (0..n).map(|i| (i.to_string(), String::new())).collect::<Tags>();
        assert_eq!(marked(&tags(49), "t").len(), 50);
        assert_eq!(marked(&tags(50), "t"), tags(50));
    }
}
