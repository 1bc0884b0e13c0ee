//! The HTTP API: one file per resource; a handler parses, authorizes, makes one call and shows a view.
//!
//! [`routes`] is the API on one page. [`frame`] stands around every request, [`gate`] around `/v1`.

pub mod answer;
pub mod attempts;
pub mod audit;
pub mod caller;
pub mod cloudevents;
pub mod credential;
pub mod deliveries;
pub mod delivery_view;
pub mod destination_auth;
pub mod docs;
mod document;
pub mod enabling;
pub mod etag;
pub mod event_stream;
pub mod event_types;
pub mod event_view;
pub mod events;
pub mod frame;
pub mod front;
pub mod gate;
pub mod health;
pub mod idempotency;
pub mod incoming;
pub mod jobs;
pub mod json;
pub mod keys;
pub mod label;
pub mod me;
mod meter;
pub mod oauth_clients;
pub mod openapi;
pub mod pace_view;
pub mod page;
pub mod payload;
pub mod presets;
pub mod problem;
pub mod ratelimit;
pub mod replay;
pub mod retries;
pub mod routes;
pub mod secrets;
pub mod signing_keys;
pub mod source_preview;
pub mod source_view;
pub mod sources;
pub mod statistics;
pub mod subscription_filter;
pub mod subscription_state;
pub mod subscription_view;
pub mod subscriptions;
pub mod tenants;
pub mod token;

pub use front::Front;
pub use routes::{front, service};
