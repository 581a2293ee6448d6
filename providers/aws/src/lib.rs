//! secstack-aws
