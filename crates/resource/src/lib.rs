//! For services behind Alias.
