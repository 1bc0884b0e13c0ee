//! What lasts: all SQL and nothing but SQL.
