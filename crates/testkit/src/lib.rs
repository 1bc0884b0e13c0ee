//! Simulators over real HTTP and throwaway servers, for tests and for `serve --demo`.
//!
//! | to… | take |
//! | --- | --- |
//! | own a PostgreSQL for the length of a test | [`postgres::fresh_database`], or [`postgres::Postgres`] to kill it |
//! | play the other end of a webhook or a tool call | [`receiver::Receiver`] |
//! | play a CRM or a help desk that tools and actions call | [`services::crm`], [`services::helpdesk`] |
//! | play a model that agents ask (the chat-completions protocol) | [`model::Model`] |
//! | stand between the program and the world | [`proxy::Proxy`] |
//! | run the real program, kill it and start it again | [`server::Server`] |
//! | talk to that program | [`http::Client`] |
//! | read its stream of events | [`events::EventStream`] |
//! | see what an OpenTelemetry collector is sent | [`collector::spans`] |
//! | read the commands that the seed documents show | [`seed::commands`] |
//!
//! Nothing here sleeps to wait for something: whoever waits is woken by what happened, or gives up after a
//! generous limit with an error that shows what was seen instead.

pub mod collector;
pub mod events;
pub mod http;
pub mod model;
pub mod postgres;
pub mod proxy;
pub mod receiver;
pub mod seed;
pub mod server;
pub mod services;
