//! What the provider says of itself, its addresses and keys, and when it is asked again.
//!
//! Not for every sign-in: whoever asks for the page of a provider must not make us ask the provider
//! without end, and least of all one that does not answer. A key that was taken out is out when what
//! is known has grown old; one that was added is read as soon as a token is signed with it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openidconnect::{IssuerUrl, ProviderMetadataWithLogout as Metadata};
use parking_lot::RwLock;

use super::{OidcError, OidcProvider};

/// After this it is asked again.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// Between two questions because of an unknown key, or after one that was not answered.
const AT_LEAST: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default)]
struct Known {
    found: Option<(SystemTime, Arc<Metadata>)>,
    /// When it was asked last, and why that was in vain.
    asked: Option<(SystemTime, Option<String>)>,
}

impl Known {
    /// What was said a short time ago, or that nothing was; `None` when it is to be asked (again).
    fn recent(&self, now: SystemTime) -> Option<Result<Arc<Metadata>, OidcError>> {
        if let Some((at, found)) = &self.found
            && is_within(*at, now, GOOD_FOR)
        {
            return Some(Ok(Arc::clone(found)));
        }
        match &self.asked {
            Some((at, Some(why))) if is_within(*at, now, AT_LEAST) => {
                Some(Err(OidcError::Unavailable(why.clone())))
            }
            _ => None,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    known: RwLock<Known>,
    /// One asks; the others wait for what it is told.
    asking: tokio::sync::Mutex<()>,
}

impl OidcProvider {
    /// What the provider said a short time ago, or says now.
    pub(super) async fn metadata(&self, now: SystemTime) -> Result<Arc<Metadata>, OidcError> {
        if let Some(recent) = self.discovery.known.read().recent(now) {
            return recent;
        }
        let _guard = self.discovery.asking.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(recent) = self.discovery.known.read().recent(now) {
            return recent;
        }
        self.discover(now).await
    }

    /// What the provider says now, where that may be something else than `known`; `None` when it was
    /// asked just now.
    pub(super) async fn newer_metadata(
        &self,
        known: &Arc<Metadata>,
        now: SystemTime,
    ) -> Result<Option<Arc<Metadata>>, OidcError> {
        let _guard = self.discovery.asking.lock().await;
        let Known { found, asked } = self.discovery.known.read().clone();
        match (found, asked) {
            (Some((_, found)), _) if !Arc::ptr_eq(&found, known) => Ok(Some(found)),
            (_, Some((at, _))) if is_within(at, now, AT_LEAST) => Ok(None),
            _ => self.discover(now).await.map(Some),
        }
    }

    /// Asks. Only whoever has the lock does.
    async fn discover(&self, now: SystemTime) -> Result<Arc<Metadata>, OidcError> {
        let asked = match IssuerUrl::new(self.config.issuer.clone()) {
            Ok(issuer) => Metadata::discover_async(issuer, &self.http).await.map_err(|e| tell(&e)),
            Err(error) => Err(error.to_string()),
        };
        let mut known = self.discovery.known.write();
        match asked {
            Ok(found) => {
                let found = Arc::new(found);
                *known = Known { found: Some((now, Arc::clone(&found))), asked: Some((now, None)) };
                Ok(found)
            }
            Err(why) => {
                known.asked = Some((now, Some(why.clone())));
                Err(OidcError::Unavailable(why))
            }
        }
    }
}

/// A clock that was put back makes nothing recent.
fn is_within(at: SystemTime, now: SystemTime, most: Duration) -> bool {
    now.duration_since(at).is_ok_and(|age| age <= most)
}

/// An error with what caused it.
fn tell(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
