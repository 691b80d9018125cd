//! Signing out at the provider, too (RP-initiated logout).

use std::time::SystemTime;

use openidconnect::{ClientId, LogoutRequest, PostLogoutRedirectUrl};

use super::{OidcError, OidcProvider};
use crate::config::is_trustworthy;

impl OidcProvider {
    /// Whether whoever signs out here is to be signed out there.
    #[must_use]
    pub fn ends_sessions(&self) -> bool {
        self.config.sign_out
    }

    /// Where a browser ends its session at the provider, and comes back from to our sign-in page;
    /// `None` when the provider has no such place, or the configuration does not want it. `id_token`
    /// is what it vouched with.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn end_url(
        &self,
        id_token: &str,
        now: SystemTime,
    ) -> Result<Option<String>, OidcError> {
        if !self.config.sign_out {
            return Ok(None);
        }
        let metadata = self.metadata(now).await?;
        let Some(end) = &metadata.additional_metadata().end_session_endpoint else {
            return Ok(None);
        };
        let unavailable = |error: &dyn std::fmt::Display| OidcError::Unavailable(error.to_string());
        // A browser is sent there: not to a program, nor over a line where the token could be read.
        if !is_trustworthy(end.url()) {
            return Err(unavailable(&"its end_session_endpoint is no https address"));
        }
        let back = PostLogoutRedirectUrl::new(format!("{}/sign-in", self.config.public_url))
            .map_err(|error| unavailable(&error))?;
        let mut url = LogoutRequest::from(end.clone())
            .set_client_id(ClientId::new(self.config.client_id.clone()))
            .set_post_logout_redirect_uri(back)
            .http_get_url();
        if !id_token.is_empty() {
            url.query_pairs_mut().append_pair("id_token_hint", id_token);
        }
        Ok(Some(url.into()))
    }
}
