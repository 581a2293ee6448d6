//! secstack-core
