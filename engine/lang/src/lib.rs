//! secstack-lang
