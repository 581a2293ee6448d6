//! secstack-fake
