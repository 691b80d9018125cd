//! Pages and server functions: Leptos, given the backend of the one who asks.

use std::sync::Arc;

use app::api::BackendRef;
use app::{ShellOptions, SignInWith};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use leptos::nonce::Nonce;
use leptos::prelude::provide_context;

use super::extract::{Who, Whole};
use super::{AppState, headers};
use crate::service::ServiceError;

/// A page for one who is signed in.
pub(super) async fn render(
    State(state): State<AppState>,
    Who(caller): Who,
    request: Request,
) -> Response {
    let backend: BackendRef = Arc::new(caller);
    render_page(&state, Some(backend), request).await
}

/// A page for anybody.
pub(super) async fn render_open(state: AppState, request: Request) -> Response {
    render_page(&state, None, request).await
}

/// The whole page is sent once its data is there, so that it is complete without scripts.
async fn render_page(
    state: &AppState,
    backend: Option<BackendRef>,
    request: Request<Body>,
) -> Response {
    let urls = state.assets.urls();
    let shell = move || {
        app::shell(ShellOptions {
            js: urls.js.clone(),
            wasm: urls.wasm.clone(),
            css: urls.css.clone(),
        })
    };
    let nonce = Nonce::new();
    let policy = headers::policy(&nonce);
    let provider = state.service.provider_label().map(|label| SignInWith(label.to_owned()));
    let context = move || {
        provide_context(provider.clone());
        // The renderer marks every inline script with it, ours and those with the page's data.
        provide_context(nonce.clone());
        if let Some(backend) = &backend {
            provide_context::<BackendRef>(Arc::clone(backend));
        }
    };
    let page = leptos_axum::render_app_async_with_context(context, shell)(request).await;
    ([(header::CONTENT_SECURITY_POLICY, policy)], page).into_response()
}

/// `POST /api/ui/…`: what the pages call.
pub(super) async fn server_function(Who(caller): Who, Whole(request): Whole) -> Response {
    let backend: BackendRef = Arc::new(caller);
    let context = move || provide_context::<BackendRef>(Arc::clone(&backend));
    leptos_axum::handle_server_fns_with_context(context, request).await.into_response()
}

/// Assets; anything else is not there.
pub(super) async fn asset_or_not_found(
    State(state): State<AppState>,
    request: Request,
) -> Response {
    let found = state.assets.serve(request.method(), request.uri().path(), request.headers());
    found.unwrap_or_else(|| {
        let detail = format!("there is no {}", request.uri().path());
        ServiceError::new(404, "not_found", detail).into_response()
    })
}
