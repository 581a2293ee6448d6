//! Which calls the SDK must not repeat.
//!
//! A call whose answer never came may have been carried out. Repeating a read or a deletion does no harm, but a second
//! creation makes a second object, or fails over the first one's name. So the SDK makes a creation once, unless it has a
//! token by which the service knows it again. The engine repeats one that was throttled, and finds out what became of one
//! that got no answer.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;

/// Lets a creation be called once.
#[derive(Debug)]
pub struct OneCreation;

impl Intercept for OneCreation {
    fn name(&self) -> &'static str {
        "one creation"
    }

    // Before that the bag does not know the call.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if bag.load::<Metadata>().is_some_and(|call| makes_anew(call.service(), call.name())) {
            bag.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }
}

/// Creations that are sent with a token.
const KNOWN_AGAIN: &[&str] = &["CreateEgressOnlyInternetGateway", "CreateNatGateway", "CreateNetworkAcl", "CreateRouteTable"];

/// Whether a call makes another object each time it is carried out.
fn makes_anew(service: &str, call: &str) -> bool {
    let creation = call.starts_with("Create") || call.starts_with("Allocate");
    // The SDK itself gives every creation of EKS a token.
    creation && call != "CreateTags" && service != "EKS" && !KNOWN_AGAIN.contains(&call)
}

#[cfg(test)]
mod tests {
    use super::makes_anew;

    #[test]
    fn creations_without_a_token() {
        check("EC2 CreateVpc", true);
        check("EC2 AllocateAddress", true);
        check("EC2 CreateNatGateway", false);
        check("EC2 CreateTags", false);
        check("EC2 DeleteVpc", false);
        check("KMS CreateKey", true);
        check("EKS CreateCluster", false);
        check("S3 CreateBucket", true);
    }

    #[track_caller]
    fn check(call: &str, want: bool) {
        let (service, name) = call.split_once(' ').unwrap();
        assert_eq!(makes_anew(service, name), want, "{call}");
    }
}
