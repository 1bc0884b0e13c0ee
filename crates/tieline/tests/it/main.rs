//! Black-box tests: the program over HTTP on a free port, with a database of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod api_frame;
mod api_frame_access;
mod api_frame_limits;
mod api_frame_resources;
mod api_frame_server;
mod bad_events;
mod bad_input;
mod bad_sources;
mod bad_webhooks;
mod dead_letters;
mod deliveries;
mod events;
mod failing_destinations;
mod findings;
mod flow;
mod retries;
mod scene;
mod sources;
mod subscriptions;
