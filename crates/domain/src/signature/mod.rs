//! Signatures of webhooks: one engine described by data.
