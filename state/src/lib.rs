//! secstack-state
