//! The WebSocket door.
//!
//! Theory of operation: a connection is two tasks. The [`reader`] takes messages in, hands them to
//! the service and changes the connection's subscriptions. The [`writer`] owns the socket's sending
//! half: it sends answers, then new log entries of each subscription in turn, then changes of
//! processes, and sleeps when there is nothing. Entries are never queued for a connection: a
//! subscription is a cursor into the shared log, so a socket that does not read costs its kernel
//! buffer and nothing else; [`entries`] holds not even the message under way for it.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};

use super::AppState;
use super::extract::Who;
use super::socket::Socket;
use crate::service::ServiceError;

mod connection;
mod entries;
mod frame;
mod reader;
mod writer;

/// From RFC 6455: what the accepting side adds to the key.
const ACCEPT_SALT: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `GET /ws`: becomes a WebSocket.
pub(super) async fn upgrade(
    State(state): State<AppState>,
    Who(caller): Who,
    mut request: Request,
) -> Result<Response, ServiceError> {
    let accept = accept_key(request.headers())?;
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(ServiceError::bad_request("this connection cannot become a WebSocket"));
    };
    let permit = caller.open_socket()?;
    let closing = state.closing.clone();
    state.sockets.spawn(async move {
        let _permit = permit;
        let upgraded = match on_upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                tracing::debug!(%error, "a client left before its upgrade");
                return;
            }
        };
        match upgraded.downcast::<TokioIo<Socket>>() {
            Ok(parts) => {
                connection::serve(caller, parts.io.into_inner(), parts.read_buf, closing).await;
            }
            Err(_) => tracing::error!("an upgraded connection is of another kind"),
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// Checks the handshake; the value of `Sec-WebSocket-Accept`.
fn accept_key(headers: &HeaderMap) -> Result<HeaderValue, ServiceError> {
    let has = |name: header::HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let refused = |detail: &str| ServiceError::new(426, "upgrade_required", detail);
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err(refused("/ws speaks WebSocket: send Connection: Upgrade, Upgrade: websocket"));
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(refused("Sec-WebSocket-Version must be 13"));
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| ServiceError::bad_request("Sec-WebSocket-Key is missing"))?;
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(ACCEPT_SALT).finalize();
    HeaderValue::from_str(&STANDARD.encode(digest))
        .map_err(|_| ServiceError::bad_request("Sec-WebSocket-Key is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_the_handshake_of_the_rfc() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        assert_eq!(accept_key(&headers).unwrap_err().status, 400);
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
        assert_eq!(accept_key(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        headers.remove(header::UPGRADE);
        assert_eq!(accept_key(&headers).unwrap_err().status, 426);
    }
}
