//! Where the keys come from, and when they are read again.
//!
//! A provider changes its keys: it adds the next one and signs with it some time later. So a `kid`
//! that is not known is a reason to read the set again, but not for every token: whoever makes up
//! names must not make us ask the provider without end. And a set is read again after a while even
//! when all is known, so that a key that was taken out is out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::{Request, StatusCode, Uri};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::RwLock;

use super::keys::KeySet;
use crate::auth::outbound::{Outbound, SharedOutbound};

/// After this a set is read again.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// Between two readings because of an unknown name, or after one that failed.
const AT_LEAST: Duration = Duration::from_secs(10);
/// A set that could not be read again is used for so long.
const STALE_FOR: Duration = Duration::from_secs(3_600);

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the issuer cannot be had: {0}")]
pub struct SourceError(String);

#[derive(Debug, Default)]
struct Held {
    keys: Arc<KeySet>,
    /// When they were read; `None` before the first time.
    read_at: Option<SystemTime>,
    /// When the last try was made.
    tried_at: Option<SystemTime>,
    failure: Option<SourceError>,
}

#[derive(Debug)]
enum From {
    File(PathBuf),
    Url(Uri, Box<Outbound>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Source {
    from: From,
    held: RwLock<Held>,
    /// One reads; the others wait for what it finds.
    reading: tokio::sync::Mutex<()>,
}

impl Source {
    pub(super) fn file(path: PathBuf) -> Self {
        Self::new(From::File(path))
    }

    pub(super) fn url(url: &str, shared: &SharedOutbound) -> Result<Self, SourceError> {
        let uri = url.parse().map_err(|error| SourceError(format!("{url}: {error}")))?;
        let client = shared.get().map_err(|error| SourceError(error.to_string()))?;
        Ok(Self::new(From::Url(uri, Box::new(client))))
    }

    fn new(from: From) -> Self {
        Self { from, held: RwLock::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The key of this name and for this algorithm.
    pub(super) async fn key(
        &self,
        kid: &str,
        algorithm: Algorithm,
        now: SystemTime,
    ) -> Result<Option<DecodingKey>, SourceError> {
        if let Some(found) = self.held_key(kid, algorithm, now) {
            return found;
        }
        let _guard = self.reading.lock().await;
        // Somebody else may have read it meanwhile.
        if let Some(found) = self.held_key(kid, algorithm, now) {
            return found;
        }
        let read = self.read().await;
        let mut held = self.held.write();
        held.tried_at = Some(now);
        match read {
            Ok(keys) => {
                held.keys = Arc::new(keys);
                held.read_at = Some(now);
                held.failure = None;
            }
            Err(error) => {
                tracing::warn!(%error, "the keys for tokens of others cannot be read");
                held.failure = Some(error.clone());
                if held.read_at.is_none_or(|at| age(at, now) > STALE_FOR) {
                    return Err(error);
                }
            }
        }
        Ok(held.keys.find(kid, algorithm).ok().flatten())
    }

    /// The answer without reading; `None` when the set is to be read (again) first.
    fn held_key(
        &self,
        kid: &str,
        algorithm: Algorithm,
        now: SystemTime,
    ) -> Option<Result<Option<DecodingKey>, SourceError>> {
        let held = self.held.read();
        let may_read = held.tried_at.is_none_or(|at| age(at, now) >= AT_LEAST);
        let is_usable = held.read_at.is_some_and(|at| age(at, now) <= STALE_FOR);
        if !is_usable {
            let failure = || held.failure.clone().unwrap_or(SourceError("not read yet".into()));
            return (!may_read).then(|| Err(failure()));
        }
        let is_fresh = held.read_at.is_some_and(|at| age(at, now) <= GOOD_FOR);
        match held.keys.find(kid, algorithm) {
            Ok(found) if is_fresh || !may_read => Some(Ok(found)),
            Err(()) if !may_read => Some(Ok(None)),
            _ => None,
        }
    }

    async fn read(&self) -> Result<KeySet, SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError(error.to_string());
        let text = match &self.from {
            From::File(path) => tokio::fs::read(path)
                .await
                .map_err(|error| SourceError(format!("{}: {error}", path.display())))?,
            From::Url(url, client) => fetch(url, client).await?,
        };
        KeySet::parse(&text).map_err(|error| failed(&error))
    }
}

async fn fetch(url: &Uri, client: &Outbound) -> Result<Vec<u8>, SourceError> {
    let mut request = Request::new(Vec::new());
    request.uri_mut().clone_from(url);
    let answer = client.send(request).await.map_err(|error| SourceError(error.to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(SourceError(format!("{url} answers with {}", answer.status())));
    }
    Ok(answer.into_body())
}

/// A clock that was put back makes nothing older.
fn age(at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(at).unwrap_or_default()
}
