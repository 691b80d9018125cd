//! The doors: REST, WebSocket, server functions and pages. Each finds out who asks and hands over to
//! the service; none decides anything itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyDeadlineLayer, RequestBodyTimeoutLayer};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;

pub mod assets;
mod crowd;
mod edge;
mod extract;
mod forms;
mod guard;
mod headers;
pub mod listen;
mod metrics;
mod openapi;
mod pages;
mod problem;
mod rest;
mod sign_in;
mod sign_on;
mod socket;
mod stream;
pub mod tls;
mod ws;

use assets::Assets;
pub use crowd::Crowd;
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
    /// So long a body may take as a whole.
    pub body_timeout: Duration,
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
        .route("/overview", get(pages::render))
        .route("/search", get(pages::render))
        .route("/processes/{id}", get(pages::render))
        .route("/processes/{id}/compare", get(forms::compare::show))
        .route("/processes/{id}/{tab}", get(pages::render))
        .layer(CompressionLayer::new());
    let (rest, mut api) = openapi::router()
        .routes(routes!(rest::processes::list, rest::processes::start))
        .routes(routes!(rest::processes::show, rest::processes::stop))
        .routes(routes!(rest::processes::attempts))
        .routes(routes!(rest::processes::configuration))
        .routes(routes!(rest::processes::signal))
        .routes(routes!(rest::processes::restart))
        .routes(routes!(rest::logs::read))
        .routes(routes!(rest::logs::timeline))
        .routes(routes!(rest::logs::download))
        .routes(routes!(rest::search::search))
        .routes(routes!(rest::declared::figures))
        .routes(routes!(rest::declared::send_line))
        .routes(routes!(rest::declared::list))
        .routes(routes!(rest::declared::start))
        .routes(routes!(rest::declared::stop))
        .routes(routes!(rest::declared::pools))
        .routes(routes!(rest::declared::pause))
        .routes(routes!(rest::declared::resume))
        .routes(routes!(rest::declared::diff))
        .routes(routes!(rest::declared::reload))
        .routes(routes!(rest::scripts::list))
        .routes(routes!(rest::audit::list))
        .routes(routes!(rest::audit_export::export))
        .routes(routes!(rest::users::me))
        .routes(routes!(rest::users::change_password))
        .routes(routes!(rest::users::list_roles))
        .routes(routes!(rest::users::list, rest::users::create))
        .routes(routes!(rest::users::change, rest::users::delete))
        .routes(routes!(rest::sessions::list, rest::sessions::end_all))
        .routes(routes!(rest::sessions::end))
        .routes(routes!(rest::tokens::list, rest::tokens::create))
        .routes(routes!(rest::tokens::revoke))
        .routes(routes!(metrics::show))
        .split_for_parts();
    let (health, health_api) = OpenApiRouter::new()
        .routes(routes!(rest::health::alive))
        .routes(routes!(rest::health::ready))
        .split_for_parts();
    api.merge(health_api);
    let docs = Arc::new(openapi::publish(api, state.assets.plain_styles()));
    let rest = rest
        .route("/api/ui/{*function}", post(pages::server_function))
        .route("/api/{*unknown}", axum::routing::any(rest::unknown))
        .route("/ws", get(ws::upgrade))
        .route("/processes/{id}/stop", post(forms::processes::stop))
        .route("/processes/{id}/restart", post(forms::processes::restart))
        .route("/start", post(forms::processes::start))
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
        .route("/sign-in/oidc", get(sign_on::begin))
        .route("/sign-in/callback", get(sign_on::finish))
        .route("/api/config.schema.json", get(rest::declared::schema))
        .route("/api/openapi.json", get(openapi::json))
        .route("/docs", get(openapi::page))
        .layer(Extension(docs))
        .merge(health)
        .fallback(pages::asset_or_not_found);
    rest.merge(open)
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(RequestBodyDeadlineLayer::new(state.body_timeout))
        .layer(middleware::map_response(problem::from_body_limit))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(middleware::from_fn_with_state(state.clone(), headers::harden))
        .with_state(state)
}
