//! An identity provider whose tokens roles may trust.

use std::collections::BTreeSet;

use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput;
use secstack_base::Value;
use secstack_sdk::drift::{Severity, Weakness};
use secstack_sdk::typed::{Ask, DataSource, Found, Resource, Schema, Tags};
use secstack_sdk::{Error, ErrorKind, Id, Result, Trace, check};

use super::{of_tags, to_tags};
use crate::error::{Answer, Missing};
use crate::{Aws, made, tags};

/// An identity provider that speaks OpenID Connect.
#[derive(Clone, Debug, Schema)]
#[resource("aws_iam_openid_connect_provider")]
pub struct OpenIdConnectProvider {
    /// The ARN of the provider.
    #[attr(output)]
    pub arn: Option<String>,
    /// The audiences that tokens may be for.
    #[attr(required)]
    pub client_id_list: BTreeSet<String>,
    /// Fingerprints of the certificates of the provider's host.
    #[attr(computed)]
    pub thumbprint_list: Vec<String>,
    /// The issuer of the tokens.
    #[attr(forces_new, same = same_url, told, check = check::https)]
    pub url: String,
    /// Tags of the provider.
    #[attr(tags)]
    pub tags: Tags,
}

impl Resource for OpenIdConnectProvider {
    type Cx = Aws;
    const DATED: bool = true;

    async fn create(cx: &Aws, want: &Self, _token: &str) -> Result<Id> {
        let made = cx
            .iam()
            .create_open_id_connect_provider()
            .url(if want.url.starts_with("https://") { want.url.clone() } else { format!("https://{}", want.url) })
            .set_client_id_list(Some(want.client_id_list.iter().cloned().collect()))
            .set_thumbprint_list(Some(want.thumbprint_list.clone()).filter(|l| !l.is_empty()))
            .set_tags(Some(to_tags(&want.tags)?).filter(|t| !t.is_empty()))
            .send()
            .await
            .api()?;
        Id::of(made.open_id_connect_provider_arn)
    }

    fn natural(want: &Self, _token: &str) -> Option<String> {
        Some(want.url.trim_start_matches("https://").into())
    }

    async fn find_made(cx: &Aws, trace: &Trace) -> Result<Option<Id>> {
        let url = made::name(trace)?;
        let arn = match cx.account_id().await? {
            "" => by_url(cx, url).await.or_missing()?,
            account => Some(format!("arn:{}:iam::{account}:oidc-provider/{url}", cx.partition())),
        };
        let Some(arn) = arn else { return Ok(None) };
        let found = find(cx, &arn).await.or_missing()?;
        Ok(found.and_then(|p| made::ours(trace, arn, p.create_date.as_ref())))
    }

    async fn read(cx: &Aws, asks: &[Ask<Self>]) -> Result<Vec<Found<Self>>> {
        let mut found = Vec::new();
        for ask in asks {
            let Some(p) = find(cx, &ask.id.0).await.or_missing()? else { continue };
            let object = Self {
                arn: Some(ask.id.to_string()),
                client_id_list: p.client_id_list.clone().unwrap_or_default().into_iter().collect(),
                thumbprint_list: p.thumbprint_list.clone().unwrap_or_default(),
                url: p.url.clone().unwrap_or_default(),
                tags: of_tags(p.tags()),
            };
            found.push(Found::ready(ask.id.clone(), object));
        }
        Ok(found)
    }

    async fn update(cx: &Aws, id: &Id, prior: &Self, want: &Self) -> Result<()> {
        let (iam, arn) = (cx.iam(), &*id.0);
        if prior.thumbprint_list != want.thumbprint_list && !want.thumbprint_list.is_empty() {
            let call = iam.update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(arn);
            call.set_thumbprint_list(Some(want.thumbprint_list.clone())).send().await.api()?;
        }
        for client in want.client_id_list.difference(&prior.client_id_list) {
            let call = iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(arn).client_id(client);
            call.send().await.api()?;
        }
        for client in prior.client_id_list.difference(&want.client_id_list) {
            let call = iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.client_id(client).send().await.api()?;
        }
        let (set, remove) = tags::changes(&prior.tags, &want.tags);
        if !remove.is_empty() {
            let call = iam.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tag_keys(Some(remove)).send().await.api()?;
        }
        if !set.is_empty() {
            let call = iam.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
            call.set_tags(Some(to_tags(&set)?)).send().await.api()?;
        }
        Ok(())
    }

    async fn delete(cx: &Aws, id: &Id, _prior: &Self) -> Result<()> {
        cx.iam().delete_open_id_connect_provider().open_id_connect_provider_arn(&*id.0).send().await.api()?;
        Ok(())
    }

    fn weakened(was: &Self, now: Option<&Self>) -> Vec<Weakness> {
        let Some(now) = now else { return Vec::new() };
        let audiences = now.client_id_list.difference(&was.client_id_list);
        let mut found: Vec<_> =
            audiences.map(|a| Weakness::new(Severity::High, "client_id_list", format!("tokens for {a:?} are taken now"))).collect();
        let other = now.thumbprint_list.iter().any(|t| !was.thumbprint_list.contains(t));
        found.extend(Weakness::when(other, Severity::Medium, "thumbprint_list", "another certificate of the issuer is trusted now"));
        found
    }
}

async fn find(cx: &Aws, arn: &str) -> Result<std::sync::Arc<GetOpenIdConnectProviderOutput>> {
    cx.cached(format!("iam:GetOpenIDConnectProvider:{arn}"), async {
        cx.iam().get_open_id_connect_provider().open_id_connect_provider_arn(arn).send().await.api()
    })
    .await
}

/// The service leaves the scheme out.
fn same_url(a: &Value, b: &Value) -> bool {
    let plain = |v: &Value| v.as_str().map(|s| s.trim_start_matches("https://").to_string());
    plain(a) == plain(b)
}

/// An identity provider that exists, by ARN or by URL.
#[derive(Clone, Debug, Schema)]
#[data("aws_iam_openid_connect_provider", exactly_one(arn, url))]
pub struct OpenIdConnectProviderData {
    /// The ARN of the provider.
    #[attr(computed, check = check::arn)]
    pub arn: Option<String>,
    /// The audiences that tokens may be for.
    #[attr(output)]
    pub client_id_list: Vec<String>,
    /// The ARN of the provider.
    #[attr(computed)]
    pub id: Option<String>,
    /// Tags of the provider.
    #[attr(computed)]
    pub tags: Tags,
    /// Fingerprints of the certificates of the provider's host.
    #[attr(output)]
    pub thumbprint_list: Vec<String>,
    /// The issuer of the tokens.
    #[attr(computed, check = check::https)]
    pub url: Option<String>,
}

impl DataSource for OpenIdConnectProviderData {
    type Cx = Aws;

    async fn read(cx: &Aws, want: Self) -> Result<Self> {
        let arn = match (&want.arn, &want.url) {
            (Some(arn), _) => arn.clone(),
            (None, Some(url)) => by_url(cx, url.trim_start_matches("https://")).await?,
            (None, None) => return Err(Error::new(ErrorKind::Invalid, "one of `arn,url` must be specified")),
        };
        let p = find(cx, &arn).await?;
        let tags = of_tags(p.tags()).into_iter();
        Ok(Self {
            arn: Some(arn.clone()),
            client_id_list: p.client_id_list.clone().unwrap_or_default(),
            id: Some(arn),
            tags: tags.filter(|(k, _)| !k.starts_with("aws:") && !cx.tag_rules().ignores(k)).collect(),
            thumbprint_list: p.thumbprint_list.clone().unwrap_or_default(),
            url: p.url.clone(),
        })
    }
}

async fn by_url(cx: &Aws, url: &str) -> Result<String> {
    let found = cx.iam().list_open_id_connect_providers().send().await.api()?.open_id_connect_provider_list;
    let end = format!(":oidc-provider/{url}");
    let mut arns = found.unwrap_or_default().into_iter().filter_map(|p| p.arn);
    let missing = || Error::new(ErrorKind::NotFound, format!("IAM OIDC Provider ({url}) not found"));
    arns.find(|arn| arn.ends_with(&end)).ok_or_else(missing)
}
