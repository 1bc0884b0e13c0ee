//! The API on one page.

use std::net::SocketAddr;

use axum::{
    ServiceExt as _,
    extract::{OriginalUri, Request, connect_info::IntoMakeServiceWithConnectInfo},
    middleware,
    routing::get,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    actions, agents, approvals, artifacts, attempts, audit, calls, conversation_erasure,
    conversations, deliveries, docs, enabling, event_stream, event_types, events,
    frame::Frame,
    front::Front,
    gate::gate,
    health, incoming, jobs, keys, mapping_apply, mapping_functions, mapping_trial, mappings, mcp,
    mcp_servers, me, messages, oauth_clients, operation_calls, payload, presets,
    problem::{Code, Problem},
    protected_resource, replay,
    resource_routes::{Routes, routes},
    retries, secrets, signing_keys, source_preview, sources, statistics, subscription_filter,
    subscription_state, subscriptions, tenants, token, tool_import, tools, trigger_runs, triggers,
};
use crate::app::App;

/// What stands under `/v1`, and again under `/api/v1`.
fn v1() -> Routes {
    Routes::new()
        .routes(routes!(token::create))
        .routes(routes!(me::get))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(oauth_clients::list, oauth_clients::create))
        .routes(routes!(oauth_clients::delete))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(tenants::get, tenants::update, tenants::delete))
        .routes(routes!(audit::list))
        .routes(routes!(secrets::list, secrets::create))
        .routes(routes!(secrets::rotate, secrets::delete))
        .merge(webhooks())
        .merge(operations())
        .merge(mapping_routes())
        .routes(routes!(events::list, events::publish))
        .routes(routes!(event_stream::stream))
        .routes(routes!(events::get))
        .routes(routes!(event_types::list, event_types::create))
        .routes(routes!(
            event_types::get,
            event_types::replace,
            event_types::update,
            event_types::delete
        ))
        .routes(routes!(payload::delete))
        .routes(routes!(replay::one))
        .routes(routes!(replay::many))
        .routes(routes!(replay::preview))
        .routes(routes!(triggers::list, triggers::create))
        .routes(routes!(
            triggers::get,
            triggers::replace,
            triggers::update,
            triggers::delete
        ))
        .routes(routes!(triggers::versions))
        .routes(routes!(triggers::version))
        .routes(routes!(triggers::rollback))
        .routes(routes!(trigger_runs::run))
        .routes(routes!(trigger_runs::list))
        .routes(routes!(trigger_runs::get))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::cancel))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::retry))
        .routes(routes!(deliveries::cancel))
        .routes(routes!(attempts::search))
        .routes(routes!(retries::retry))
        .routes(routes!(deliveries::list_dead))
        .routes(routes!(retries::replay))
        .merge(conversing())
}

/// Webhooks of both directions.
fn webhooks() -> Routes {
    Routes::new()
        .routes(routes!(presets::list))
        .routes(routes!(presets::get))
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(
            sources::get,
            sources::replace,
            sources::update,
            sources::delete
        ))
        .routes(routes!(sources::rotate_secret))
        .routes(routes!(sources::verification_token))
        .routes(routes!(source_preview::preview))
        .routes(routes!(source_preview::rejected))
        .routes(routes!(subscriptions::list, subscriptions::create))
        .routes(routes!(
            subscriptions::get,
            subscriptions::replace,
            subscriptions::update,
            subscriptions::delete
        ))
        .routes(routes!(subscriptions::rotate_secret))
        .routes(routes!(signing_keys::list))
        .routes(routes!(signing_keys::rotate))
        .routes(routes!(subscription_filter::test_filter))
        .routes(routes!(subscription_state::test))
        .routes(routes!(enabling::enable))
        .routes(routes!(statistics::get))
        .routes(routes!(subscription_state::pause))
        .routes(routes!(subscription_state::disable))
        .routes(routes!(subscription_state::deliveries))
}

/// Agents, and what is said to them.
fn conversing() -> Routes {
    Routes::new()
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(
            agents::get,
            agents::replace,
            agents::update,
            agents::delete
        ))
        .routes(routes!(agents::inbox))
        .routes(routes!(conversations::list, conversations::create))
        .routes(routes!(conversations::get, conversation_erasure::delete))
        .routes(routes!(conversations::messages, messages::create))
        .routes(routes!(conversations::turns))
        .routes(routes!(conversations::turn))
        .routes(routes!(conversations::cancel_turn))
        .routes(routes!(conversations::escalate))
        .routes(routes!(conversations::complete))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::deny))
}

/// Tools and actions.
fn operations() -> Routes {
    Routes::new()
        .routes(routes!(tool_import::import))
        .routes(routes!(mcp_servers::list, mcp_servers::create))
        .routes(routes!(
            mcp_servers::get,
            mcp_servers::replace,
            mcp_servers::update,
            mcp_servers::delete
        ))
        .routes(routes!(mcp_servers::refresh))
        .routes(routes!(mcp_servers::accept))
        .routes(routes!(tools::list, tools::create))
        .routes(routes!(
            tools::get,
            tools::replace,
            tools::update,
            tools::delete
        ))
        .routes(routes!(tools::versions))
        .routes(routes!(tools::version))
        .routes(routes!(tools::rollback))
        .routes(routes!(tools::usage))
        .routes(routes!(operation_calls::test_tool))
        .routes(routes!(operation_calls::call_tool))
        .routes(routes!(actions::list, actions::create))
        .routes(routes!(
            actions::get,
            actions::replace,
            actions::update,
            actions::delete
        ))
        .routes(routes!(actions::versions))
        .routes(routes!(actions::version))
        .routes(routes!(actions::rollback))
        .routes(routes!(actions::usage))
        .routes(routes!(operation_calls::test_action))
        .routes(routes!(operation_calls::run_action))
        .routes(routes!(calls::list))
        .routes(routes!(calls::get))
        .routes(routes!(artifacts::get))
}

/// Mappings.
fn mapping_routes() -> Routes {
    Routes::new()
        .routes(routes!(mappings::list, mappings::create))
        .routes(routes!(mapping_functions::list))
        .routes(routes!(mapping_trial::check))
        .routes(routes!(mapping_trial::propose))
        .routes(routes!(mapping_trial::preview_draft))
        .routes(routes!(
            mappings::get,
            mappings::replace,
            mappings::update,
            mappings::delete
        ))
        .routes(routes!(mappings::versions))
        .routes(routes!(mappings::version))
        .routes(routes!(mappings::rollback))
        .routes(routes!(mappings::usage))
        .routes(routes!(mapping_trial::preview))
        .routes(routes!(mapping_trial::difference))
        .routes(routes!(mapping_apply::apply))
}

/// What stands at the root: for machines, without rate limits and idempotency.
fn root() -> Routes {
    Routes::new()
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(incoming::receive))
        .routes(routes!(signing_keys::published))
}

/// Every operation, for the document.
pub(super) fn documented() -> utoipa::openapi::OpenApi {
    OpenApiRouter::new()
        .nest("/v1", v1().described())
        .merge(root().described())
        .into_openapi()
}

/// The whole API, for a listening socket.
pub fn service(app: App) -> IntoMakeServiceWithConnectInfo<Front, SocketAddr> {
    front(app).into_make_service_with_connect_info()
}

/// The whole API, as a service.
pub fn front(app: App) -> Front {
    let frame = Frame::new(app.clock.clone());
    let v1 = v1()
        .into_router()
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn_with_state(app.clone(), gate));
    let router = root()
        .into_router()
        .route("/openapi.json", get(docs::document))
        .route("/docs", get(docs::page))
        .route("/docs/errors", get(docs::errors))
        .route("/docs/errors/{code}", get(docs::error))
        .nest("/v1", v1.clone())
        .nest("/api/v1", v1)
        .merge(mcp::router(&app))
        .merge(protected_resource::router())
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(frame.clone())
        .with_state(app.clone());
    Front::new(app, frame, router)
}

async fn nowhere(OriginalUri(asked): OriginalUri) -> Problem {
    let detail = format!(
        "nothing is at {}; the reference at /docs lists what there is",
        asked.path()
    );
    Problem::new(Code::NotFound, detail)
}

async fn not_so(request: Request) -> Problem {
    let detail = format!(
        "this path does not take {}; the `Allow` header lists what it takes",
        request.method()
    );
    Problem::new(Code::MethodNotAllowed, detail)
}
