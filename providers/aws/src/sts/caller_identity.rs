//! Who calls.

use secstack_sdk::Result;
use secstack_sdk::typed::{DataSource, Schema};

use crate::Aws;

/// The account and the user or role whose credentials are used.
#[derive(Clone, Debug, Schema)]
#[data("aws_caller_identity")]
pub struct CallerIdentity {
    /// The account.
    #[attr(output)]
    pub account_id: Option<String>,
    /// The ARN of the user or role.
    #[attr(output)]
    pub arn: Option<String>,
    /// The account.
    #[attr(computed)]
    pub id: Option<String>,
    /// The unique ID of the user or role.
    #[attr(output)]
    pub user_id: Option<String>,
}

impl DataSource for CallerIdentity {
    type Cx = Aws;

    async fn read(cx: &Aws, _want: Self) -> Result<Self> {
        let who = cx.identity().await?.clone();
        Ok(Self { account_id: Some(who.account.clone()), arn: Some(who.arn), id: Some(who.account), user_id: Some(who.user_id) })
    }
}
