//! The doors: REST, WebSocket, server functions and pages. Each finds out who asks and hands over to
//! the service; none decides anything itself.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

use crate::service::Service;

pub mod assets;
mod extract;
mod guard;
mod headers;
pub mod listen;
mod metrics;
mod pages;
mod problem;
mod rest;
mod sign_in;
mod ws;

use assets::Assets;

/// The largest body that is taken in.
const MAX_BODY: usize = 1024 * 1024;

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    /// The use-cases.
    pub service: Arc<Service>,
    /// Styles, scripts and pictures.
    pub assets: Arc<Assets>,
    /// Ends the long-lived connections.
    pub closing: tokio_util::sync::CancellationToken,
    /// The tasks of the WebSockets.
    pub sockets: tokio_util::task::TaskTracker,
}

/// All routes.
pub fn router(state: AppState) -> Router {
    let rest = Router::new()
        .route("/api/processes", get(rest::processes::list).post(rest::processes::start))
        .route("/api/processes/{id}", get(rest::processes::show).delete(rest::processes::stop))
        .route("/api/processes/{id}/signal", post(rest::processes::signal))
        .route("/api/processes/{id}/restart", post(rest::processes::restart))
        .route("/api/processes/{id}/logs", get(rest::logs::read))
        .route("/api/processes/{id}/logs/timeline", get(rest::logs::timeline))
        .route("/api/processes/{id}/logs/download", get(rest::logs::download))
        .route("/api/logs/search", get(rest::search::search))
        .route("/api/scripts", get(rest::scripts::list))
        .route("/api/audit", get(rest::audit::list))
        .route("/api/ui/{*function}", post(pages::server_function))
        .route("/api/{*unknown}", axum::routing::any(rest::unknown))
        .route("/metrics", get(metrics::show))
        .route("/ws", get(ws::upgrade))
        .route("/", get(pages::render))
        .route("/processes/{id}", get(pages::render))
        .route("/sign-out", post(sign_in::sign_out))
        .layer(middleware::from_fn_with_state(state.clone(), guard::require_identity));
    let open = Router::new()
        .route("/sign-in", get(sign_in::sign_in))
        .route("/healthz", get(rest::health::alive))
        .route("/readyz", get(rest::health::ready))
        .fallback(pages::asset_or_not_found);
    rest.merge(open)
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(middleware::map_response(problem::from_body_limit))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(middleware::from_fn(headers::harden))
        .with_state(state)
}
