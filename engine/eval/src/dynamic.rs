//! Expands `dynamic` blocks.
