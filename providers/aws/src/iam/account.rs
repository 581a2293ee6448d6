//! Many roles and policies in a few calls.
//!
//! Asked for one by one, a role takes three calls and a policy's text one more. A listing of the account tells
//! nearly all of that at once; what it lacks, descriptions and longest sessions, is in the listing of roles. Both
//! are as long as the account is large, so only as many pages are read as they save calls by far, and only for many
//! objects at once. What is not found there, or may not be listed, is asked for by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, Role, RoleDetail};
use secstack_sdk::{ErrorKind, Result};

use crate::error::Answer;
use crate::loader::Loader;
use crate::{Aws, policy};

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// A role, with its tags, its boundary and its description.
    Role(String),
    /// The policies attached to a role.
    Attached(String),
    /// The inline policies of a role.
    Inline(String),
    /// The text of a policy.
    Text(String),
}

/// What the listings tell.
pub enum Fact {
    /// A role.
    Role(Box<Role>),
    /// The ARNs of policies.
    Attached(Arc<BTreeSet<String>>),
    /// Policies by name.
    Inline(BTreeMap<String, Arc<String>>),
    /// The default version of a policy, and its text.
    Text(String, Arc<String>),
}

/// From how many calls on the listings are worth it.
const WORTH: usize = 4;
/// How many calls a page of a listing must save.
const SAVES: usize = 3;
/// The most pages of a listing, since they come one after the other.
const PAGES: usize = 10;

/// What may be asked about a role.
pub fn of_role(name: &str) -> [Question; 3] {
    [Question::Role(name.into()), Question::Attached(name.into()), Question::Inline(name.into())]
}

/// Gets the answers to many questions ahead, if the listings have them.
pub async fn prepare(cx: &Aws, questions: impl IntoIterator<Item = Question>) {
    // What went wrong is told to those who need the answers.
    drop(listed(cx, questions.into_iter().collect()).await);
}

/// What the listings say to a question. Nothing when few ask at this time, or after a change, which listings may not
/// show yet.
///
/// # Errors
/// When the service does not answer: it would not answer single calls either.
pub async fn told(cx: &Aws, question: Question) -> Result<Option<Arc<Fact>>> {
    Ok(listed(cx, BTreeSet::from([question])).await?.into_values().next())
}

async fn listed(cx: &Aws, mut questions: BTreeSet<Question>) -> Result<BTreeMap<Question, Arc<Fact>>> {
    questions.retain(is_local);
    if questions.is_empty() || !cx.may_list() {
        return Ok(BTreeMap::new());
    }
    let loader = cx.cached("iam listings", async { Ok(Loader::<Fact, Question>::default()) }).await?;
    loader.load(&questions, usize::MAX, |asked| async move { list(cx, &asked).await }).await
}

/// Policies of AWS itself are not in the listing: there are more than a thousand.
fn is_local(question: &Question) -> bool {
    !matches!(question, Question::Text(arn) if arn.contains(":iam::aws:"))
}

async fn list(cx: &Aws, questions: &[Question]) -> Result<Vec<(Question, Fact)>> {
    if questions.len() < WORTH {
        return Ok(vec![]);
    }
    let roles: BTreeSet<&str> = questions.iter().filter_map(|q| if let Question::Role(name) = q { Some(&**name) } else { None }).collect();
    let (details, plain) = futures::try_join!(details(cx, questions), plain_roles(cx, &roles))?;
    let Some((of_roles, of_policies)) = details else { return Ok(vec![]) };
    let answer = |q: &Question| match q {
        Question::Role(name) => of_roles.get(name).zip(plain.get(name)).and_then(|(d, r)| whole(d, r)),
        Question::Attached(role) => of_roles
            .get(role)
            .map(|d| Fact::Attached(Arc::new(d.attached_managed_policies().iter().filter_map(|p| p.policy_arn.clone()).collect()))),
        Question::Inline(role) => of_roles.get(role).map(|d| {
            let text =
                |p: &aws_sdk_iam::types::PolicyDetail| Some((p.policy_name.clone()?, Arc::new(policy::decoded(p.policy_document()?))));
            Fact::Inline(d.role_policy_list().iter().filter_map(text).collect())
        }),
        Question::Text(arn) => of_policies.get(arn).and_then(|d| {
            let version = d.policy_version_list().iter().find(|v| v.is_default_version)?;
            Some(Fact::Text(version.version_id.clone()?, Arc::new(policy::decoded(version.document()?))))
        }),
    };
    Ok(questions.iter().filter_map(|q| Some((q.clone(), answer(q)?))).collect())
}

/// What both listings say of a role, if they speak of the same one.
fn whole(detail: &RoleDetail, plain: &Role) -> Option<Fact> {
    let same = detail.role_id.as_ref() == Some(&plain.role_id);
    let mut role = plain.clone();
    role.assume_role_policy_document = detail.assume_role_policy_document.clone();
    role.permissions_boundary = detail.permissions_boundary.clone();
    role.tags = detail.tags.clone();
    role.role_last_used = detail.role_last_used.clone();
    same.then(|| Fact::Role(Box::new(role)))
}

type Details = (BTreeMap<String, RoleDetail>, BTreeMap<String, ManagedPolicyDetail>);

/// The details of what is asked for. `None` when they cannot be listed.
async fn details(cx: &Aws, questions: &[Question]) -> Result<Option<Details>> {
    let mut roles: BTreeSet<&str> = BTreeSet::new();
    let mut policies: BTreeSet<&str> = BTreeSet::new();
    for question in questions {
        match question {
            Question::Role(name) | Question::Attached(name) | Question::Inline(name) => roles.insert(name),
            Question::Text(arn) => policies.insert(arn),
        };
    }
    let mut found = Details::default();
    let mut marker = None;
    for _ in 0..pages(questions.len()) {
        let call = cx.iam().get_account_authorization_details().set_marker(marker.take()).max_items(page_size(questions.len()));
        let call = call.set_filter(Some(vec![EntityType::Role, EntityType::LocalManagedPolicy]));
        let Some(page) = permitted(cx, call.send().await.api())? else { return Ok(None) };
        for role in page.role_detail_list.unwrap_or_default() {
            let Some(name) = role.role_name.clone().filter(|n| roles.remove(&**n)) else { continue };
            found.0.insert(name, role);
        }
        for policy in page.policies.unwrap_or_default() {
            let Some(arn) = policy.arn.clone().filter(|a| policies.remove(&**a)) else { continue };
            found.1.insert(arn, policy);
        }
        marker = page.marker;
        if marker.is_none() || roles.is_empty() && policies.is_empty() {
            break;
        }
    }
    Ok(Some(found))
}

/// Roles with their descriptions, without tags and boundaries.
async fn plain_roles(cx: &Aws, names: &BTreeSet<&str>) -> Result<BTreeMap<String, Role>> {
    let mut found = BTreeMap::new();
    if names.len() < 2 {
        return Ok(found);
    }
    let mut marker = None;
    for _ in 0..pages(names.len()) {
        let call = cx.iam().list_roles().set_marker(marker.take()).max_items(1000);
        let Some(page) = permitted(cx, call.send().await.api())? else { break };
        found.extend(page.roles.into_iter().filter(|r| names.contains(&*r.role_name)).map(|r| (r.role_name.clone(), r)));
        marker = page.marker;
        if marker.is_none() || found.len() == names.len() {
            break;
        }
    }
    Ok(found)
}

/// The answer, unless listing is refused: then it is not tried again.
fn permitted<T>(cx: &Aws, answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(e) if matches!(e.kind, ErrorKind::Unanswered | ErrorKind::Throttled) => Err(e),
        Err(_) => {
            cx.never_list();
            Ok(None)
        }
    }
}

fn pages(calls: usize) -> usize {
    (calls / SAVES).clamp(1, PAGES)
}

/// Small pages come sooner.
fn page_size(calls: usize) -> i32 {
    i32::try_from(calls.saturating_mul(20)).unwrap_or(i32::MAX).clamp(100, 1000)
}
