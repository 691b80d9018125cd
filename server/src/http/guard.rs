//! Who asks, and whether a browser may have been tricked into asking.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::AppState;
use crate::auth::read_session_cookie;
use crate::service::{Caller, Credential, Peer, Service, ServiceError};

/// Lets only those through who say who they are; the handler finds a [`Caller`].
pub(super) async fn require_identity(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = state.edge.peer(request.extensions(), request.headers());
    let caller = match identify(&state.service, request.headers(), &peer) {
        Ok((caller, is_ambient)) => {
            if is_ambient && needs_origin(&request) && !is_same_origin(request.headers()) {
                let detail = "a request of a browser that changes something must come from \
                              runyard's own pages (Origin); programs use a bearer token";
                return ServiceError::new(403, "origin_denied", detail).into_response();
            }
            caller
        }
        Err(error) => {
            return if is_page(&request) {
                Redirect::to("/sign-in").into_response()
            } else {
                error.into_response()
            };
        }
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The one who asks, by a bearer token or else the session cookie, and whether a browser may have
/// sent it without being asked to.
fn identify(
    service: &Arc<Service>,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<(Caller, bool), ServiceError> {
    let denied = |detail: &str| ServiceError::new(401, "unauthorized", detail);
    let identify = |credential: Credential<'_>| {
        Ok((service.identify(credential, peer.clone())?, credential.is_ambient()))
    };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let token =
            token.ok_or_else(|| denied("the Authorization header must be: Bearer TOKEN"))?;
        return identify(Credential::Bearer(token));
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let token = cookies.filter_map(read_session_cookie).next().ok_or_else(|| {
        denied("sign in with the link that runyard printed, or send a bearer token")
    })?;
    identify(Credential::Session(&token))
}

/// Whether a person looks at it: they are shown the way in, not a problem.
fn is_page(request: &Request) -> bool {
    let path = request.uri().path();
    let is_program = ["/api/", "/ws", "/metrics"].iter().any(|start| path.starts_with(start));
    request.method() == Method::GET && !is_program
}

fn needs_origin(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) || request.uri().path() == "/ws"
}

/// Whether `Origin` names the host that was asked.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text =
        |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_host_and_port_is_the_same_origin() {
        let cases = [
            (Some("http://127.0.0.1:3147"), true),
            (Some("http://127.0.0.1:8080"), false),
            (Some("http://evil.example"), false),
            (Some("null"), false),
            (Some("http://127.0.0.1:3147.evil.example"), false),
            (None, false),
        ];
        for (origin, same) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:3147".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_same_origin(&headers), same, "{origin:?}");
        }
    }
}
