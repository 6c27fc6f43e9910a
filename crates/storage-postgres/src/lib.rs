//! Alias on PostgreSQL.
