//! secstack-run
