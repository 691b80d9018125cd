//! Accepts connections, and lets them end in order.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::crowd::Crowd;
use super::edge::Remote;
use super::socket::Socket;

/// A client must have sent a request's head within this time, however slowly, and before that have
/// agreed on TLS.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests in work may take so long after the end was asked for.
const DRAIN: Duration = Duration::from_secs(10);
/// When no descriptor is free, accepting rests for so long instead of spinning.
const REST: Duration = Duration::from_millis(100);

/// What a connection is told for which there is no place.
const NO_PLACE: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n\
                        Content-Length: 42\r\nRetry-After: 1\r\nConnection: close\r\n\r\n\
                        too many connections: close some, or wait\n";

/// Serves `router` on `listener`, by TLS where there is an acceptor, to as many as `crowd` has places
/// for, until `stop`, then waits for the requests in work.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    crowd: Crowd,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Some(place) = crowd.enter(address.ip()) else {
            refuse(socket, tls.is_some());
            continue;
        };
        // Lines are to be seen at once.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a client left at once");
            continue;
        }
        let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            let socket = match tls {
                None => Socket::Plain(socket),
                Some(tls) => match shake_hands(&tls, socket).await {
                    Ok(socket) => socket,
                    Err(error) => return tracing::debug!(%error, "a client does not speak tls"),
                },
            };
            let is_tls = matches!(socket, Socket::Tls(_));
            serve_one(socket, Remote { address: address.ip(), is_tls }, router, stop).await;
        });
    }
    connections.close();
    if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some requests were still in work and are cut off");
    }
}

/// Says why, where that can be said without waiting, and closes.
fn refuse(socket: TcpStream, is_tls: bool) {
    // A warning for each would be a way to fill the log.
    tracing::debug!("a connection is refused: there are too many");
    if !is_tls && let Ok(mut socket) = socket.into_std() {
        // It does not block, and the buffer of a new connection is empty: it takes a few words at once.
        let _ = socket.write(NO_PLACE.as_bytes());
        let _ = socket.shutdown(Shutdown::Write);
    }
}

async fn shake_hands(tls: &TlsAcceptor, socket: TcpStream) -> io::Result<Socket> {
    let shaken = tokio::time::timeout(HEAD_TIMEOUT, tls.accept(socket)).await;
    Ok(Socket::Tls(Box::new(shaken.map_err(|_| io::ErrorKind::TimedOut)??)))
}

async fn serve_one(socket: Socket, remote: Remote, router: Router, stop: CancellationToken) {
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(remote);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            // The request in work is answered, and no further one is taken.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
