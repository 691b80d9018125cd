//! Requests that Runyard itself makes: for the keys of an issuer, and to a provider of sign-ins.

use std::cell::OnceCell;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::AsyncHttpClient;

/// An answer takes at most so long.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A set of keys or a token is small; what is larger is none.
const MAX_BYTES: usize = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutboundError(String);

/// One client for all, made when the first of them wants it: where nobody is asked, the system needs
/// no certificates to trust.
#[derive(Debug, Default)]
pub struct SharedOutbound(OnceCell<Outbound>);

impl SharedOutbound {
    pub(super) fn get(&self) -> Result<Outbound, OutboundError> {
        match self.0.get() {
            Some(client) => Ok(client.clone()),
            None => {
                let client = Outbound::new()?;
                Ok(self.0.get_or_init(|| client).clone())
            }
        }
    }
}

/// A client that trusts the certificates of the system, and follows no redirects.
#[derive(Clone, Debug)]
pub(super) struct Outbound(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Outbound {
    /// A client.
    ///
    /// # Errors
    /// When the system has no certificates to trust.
    fn new() -> Result<Self, OutboundError> {
        let provider = tokio_rustls::rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| OutboundError(format!("no certificates to trust: {error}")))?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// The answer to a request, whatever its status.
    ///
    /// # Errors
    /// When there is none within 5 s, or one that is larger than 256 KiB.
    pub(super) async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, OutboundError> {
        let url = request.uri().clone();
        let answer = async {
            let answer = self.0.request(request.map(|body| Full::new(Bytes::from(body)))).await;
            let (head, body) =
                answer.map_err(|error| OutboundError(format!("{url}: {error}")))?.into_parts();
            let body = Limited::new(body, MAX_BYTES).collect().await;
            let body = body.map_err(|error| OutboundError(format!("{url}: {error}")))?;
            Ok(Response::from_parts(head, body.to_bytes().to_vec()))
        };
        let timed = tokio::time::timeout(TIMEOUT, answer).await;
        timed.map_err(|_| OutboundError(format!("{url} did not answer within 5 s")))?
    }
}

impl<'c> AsyncHttpClient<'c> for Outbound {
    type Error = OutboundError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, OutboundError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.send(request))
    }
}
