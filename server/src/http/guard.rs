//! Who asks, and whether a browser may have been tricked into asking.

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::AppState;
use crate::auth::{is_this_machine, read_session_cookie};
use crate::service::{Caller, Credential, ServiceError};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets only those through who say who they are; the handler finds a [`Caller`].
pub(super) async fn require_identity(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match identify(&state, request.extensions(), request.headers()).await {
        Ok((caller, is_ambient)) => {
            let is_secure = state.edge.is_secure(request.extensions(), request.headers());
            let is_own = || is_same_origin(request.headers(), is_secure);
            if is_ambient && needs_origin(&request) && !is_own() {
                let detail = "a request of a browser that changes something must come from \
                              runyard's own pages (Origin); programs use a bearer token";
                return ServiceError::new(403, "origin_denied", detail).into_response();
            }
            caller
        }
        Err(error) => {
            return if error.status == 401 && is_page(&request) {
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
pub(super) async fn identify(
    state: &AppState,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<(Caller, bool), ServiceError> {
    let peer = state.edge.peer(extensions, headers);
    let is_secure = state.edge.is_secure(extensions, headers);
    let token;
    let credential = match (headers.get(header::AUTHORIZATION), session_of(headers, is_secure)) {
        (Some(value), _) => Credential::Bearer(bearer_of(value)?),
        (None, Some(session)) => {
            token = session;
            Credential::Session(&token)
        }
        (None, None) => Credential::Nothing,
    };
    let caller = state.service.identify(credential, peer).await?;
    if caller.is_nobody() && !names_this_machine(headers) {
        // A page elsewhere may have a name that leads here; it is not one of ours.
        let detail = "with auth.mode = \"off\" the address must be 127.0.0.1, [::1] or localhost";
        return Err(ServiceError::new(403, "host_denied", detail));
    }
    Ok((caller, credential.is_ambient()))
}

fn bearer_of(value: &HeaderValue) -> Result<&str, ServiceError> {
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let detail = "the Authorization header must be: Bearer TOKEN";
    token.ok_or_else(|| ServiceError::new(401, "unauthorized", detail))
}

fn session_of(headers: &HeaderMap, is_secure: bool) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.filter_map(|header| read_session_cookie(header, is_secure)).next()
}

/// Whether `Host` is this machine itself.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    is_this_machine(host)
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

/// Whether `Origin` names the host that was asked, over TLS where that is known to be how it was asked, and
/// the browser, where it says so itself (`Sec-Fetch-Site`), agrees.
pub(super) fn is_same_origin(headers: &HeaderMap, is_secure: bool) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(SEC_FETCH_SITE).is_some_and(|site| site != "same-origin") {
        return false;
    }
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    // A proxy that is not named may speak TLS without our knowing.
    let plain = origin.strip_prefix("http://").filter(|_| !is_secure);
    let authority = origin.strip_prefix("https://").or(plain);
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
            assert_eq!(is_same_origin(&headers, false), same, "{origin:?}");
            assert!(!is_same_origin(&headers, true), "{origin:?} is not over tls");
        }
        let origin = (header::ORIGIN, "https://127.0.0.1:3147".parse().unwrap());
        let host = (header::HOST, "127.0.0.1:3147".parse().unwrap());
        let headers = HeaderMap::from_iter([origin, host]);
        assert!(is_same_origin(&headers, true) && is_same_origin(&headers, false));
    }

    #[test]
    fn the_browser_may_not_disagree() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "127.0.0.1:3147".parse().unwrap());
        headers.insert(header::ORIGIN, "http://127.0.0.1:3147".parse().unwrap());
        for (site, same) in [
            (None, true),
            (Some("same-origin"), true),
            (Some("same-site"), false),
            (Some("cross-site"), false),
            (Some("none"), false),
        ] {
            headers.remove(SEC_FETCH_SITE);
            if let Some(site) = site {
                headers.insert(SEC_FETCH_SITE, site.parse().unwrap());
            }
            assert_eq!(is_same_origin(&headers, false), same, "{site:?}");
        }
    }

    #[test]
    fn this_machine_has_few_names() {
        for (host, own) in [
            ("127.0.0.1:3147", true),
            ("localhost:3147", true),
            ("localhost", true),
            ("[::1]:3147", true),
            ("[::1]", true),
            ("rebound.example:3147", false),
            ("127.0.0.1.rebound.example", false),
            ("192.0.2.1:3147", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(names_this_machine(&headers), own, "{host}");
        }
    }
}
