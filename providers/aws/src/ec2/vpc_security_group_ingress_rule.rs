//! `aws_vpc_security_group_ingress_rule`

use secstack_base::Diags;
use secstack_base::schema::Draft;
use secstack_sdk::typed::{Ask, Found, Resource, Tags};
use secstack_sdk::{Id, Result, check};

use super::routes::same_range;
use super::rules::Way;
use super::single_rule::{self, Single, single_rule};
use super::{arn, shared};
use crate::Aws;

single_rule! {
    /// A rule of a security group that lets one peer's traffic in.
    IngressRule, "aws_vpc_security_group_ingress_rule", Way::In
}
