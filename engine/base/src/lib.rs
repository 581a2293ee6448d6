//! secstack-base
