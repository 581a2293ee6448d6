//! secstack-eval
