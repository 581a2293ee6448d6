//! secstack-plan
