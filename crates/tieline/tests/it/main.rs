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
mod cloudevents;
mod dead_letters;
mod deliveries;
mod destination_auth;
mod destination_tokens;
mod event_types;
mod events;
mod every_preset;
mod failing_destinations;
mod filters;
mod forged_requests;
mod handshakes;
mod hostile_receivers;
mod published_keys;
mod replay;
mod retention;
mod retries;
mod rotation;
mod scene;
mod senders;
mod signing_keys;
mod sources;
mod streams;
mod subscriptions;
mod way_out;
