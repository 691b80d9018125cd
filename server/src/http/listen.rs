//! Accepts connections, and lets them end in order.

use std::io;
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

use super::edge::Remote;
use super::socket::Socket;

/// A client must have sent a request's head within this time, however slowly, and before that have
/// agreed on TLS.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Requests in work may take so long after the end was asked for.
const DRAIN: Duration = Duration::from_secs(10);
/// When no descriptor is free, accepting rests for so long instead of spinning.
const REST: Duration = Duration::from_millis(100);

/// Serves `router` on `listener`, by TLS where there is an acceptor, until `stop`, then waits for the requests in work.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
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
        // Lines are to be seen at once.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a client left at once");
            continue;
        }
        let (router, tls, stop) = (router.clone(), tls.clone(), stop.clone());
        connections.spawn(async move {
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
