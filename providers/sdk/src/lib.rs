//! secstack-sdk
