//! secstack-tests
