//! secstack-sdk-derive
