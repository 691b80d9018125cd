//! The doors: REST, WebSocket, server functions and pages. Each finds out who asks and hands over to
//! the service; none decides anything itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, patch, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::service::Service;

pub mod assets;
mod edge;
mod extract;
mod forms;
mod guard;
mod headers;
pub mod listen;
mod metrics;
mod pages;
mod problem;
mod rest;
mod sign_in;
mod socket;
pub mod tls;
mod ws;

use assets::Assets;
pub use edge::Edge;

/// The largest body that is taken in.
const MAX_BODY: usize = 1024 * 1024;

/// Between two parts of a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    /// The use-cases.
    pub service: Arc<Service>,
    /// Styles, scripts and pictures.
    pub assets: Arc<Assets>,
    /// What is known of the way to here.
    pub edge: Arc<Edge>,
    /// Ends the long-lived connections.
    pub closing: tokio_util::sync::CancellationToken,
    /// The tasks of the WebSockets.
    pub sockets: tokio_util::task::TaskTracker,
}

/// All routes.
pub fn router(state: AppState) -> Router {
    // Pages alone: assets are compressed when they are built, and programs ask on loopback.
    let pages = Router::new()
        .route("/", get(pages::render))
        .route("/processes/{id}", get(pages::render))
        .layer(CompressionLayer::new());
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
        .route("/api/me", get(rest::users::me))
        .route("/api/me/password", post(rest::users::change_password))
        .route("/api/roles", get(rest::users::list_roles))
        .route("/api/users", get(rest::users::list).post(rest::users::create))
        .route("/api/users/{id}", patch(rest::users::change).delete(rest::users::delete))
        .route("/api/sessions", get(rest::sessions::list).delete(rest::sessions::end_all))
        .route("/api/sessions/{id}", delete(rest::sessions::end))
        .route("/api/tokens", get(rest::tokens::list).post(rest::tokens::create))
        .route("/api/tokens/{id}", delete(rest::tokens::revoke))
        .route("/api/ui/{*function}", post(pages::server_function))
        .route("/api/{*unknown}", axum::routing::any(rest::unknown))
        .route("/metrics", get(metrics::show))
        .route("/ws", get(ws::upgrade))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/account", get(forms::account::show))
        .route("/account/password", post(forms::account::change_password))
        .route("/account/sign-out", post(forms::account::sign_out_elsewhere))
        .route("/sessions", get(forms::sessions::show))
        .route("/sessions/{id}/end", post(forms::sessions::end))
        .route("/tokens", get(forms::tokens::show).post(forms::tokens::create))
        .route("/tokens/{id}/revoke", post(forms::tokens::revoke))
        .route("/people", get(forms::people::show).post(forms::people::create))
        .route("/people/{id}", post(forms::people::change))
        .route("/audit", get(forms::audit::show))
        .merge(pages)
        .layer(middleware::from_fn_with_state(state.clone(), guard::require_identity));
    let open = Router::new()
        .route("/sign-in", get(sign_in::sign_in).post(sign_in::by_password))
        .route("/healthz", get(rest::health::alive))
        .route("/readyz", get(rest::health::ready))
        .fallback(pages::asset_or_not_found);
    rest.merge(open)
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(middleware::map_response(problem::from_body_limit))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(middleware::from_fn_with_state(state.clone(), headers::harden))
        .with_state(state)
}
