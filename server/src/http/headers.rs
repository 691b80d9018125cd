//! Headers that every answer carries.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::AppState;

/// A browser that came by TLS comes no other way for a year.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Without a referrer at all, browsers also hide the origin of a form that is sent, which the guard
/// asks for: to ourselves it is told, to others nothing.
const ALL: [(HeaderName, HeaderValue); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ),
];

/// What a page may load, and who may frame it. Scripts are our files and those that carry `nonce`,
/// which is another one for each answer; compiling WASM is all that looks like `eval`. Styles are
/// our files alone: what a script sets property by property is no style in the page.
pub(super) fn policy(nonce: &str) -> HeaderValue {
    let nonce = if nonce.is_empty() { String::new() } else { format!(" 'nonce-{nonce}'") };
    let policy = format!(
        "default-src 'none'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    // A nonce of base64 is always a header's text; without one nothing inline runs.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// Adds them. What is not an asset is not kept by any cache.
pub(super) async fn harden(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let is_secure = state.edge.is_secure(request.extensions(), request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALL {
        headers.insert(name, value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| policy(""));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}
