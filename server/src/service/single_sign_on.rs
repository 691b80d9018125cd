//! Signing in at an OpenID Connect provider.
//!
//! Whoever the provider vouches for is somebody here, found again by issuer and subject. Their role
//! is what their groups say at each sign-in. They never become somebody who was here before under
//! the same name: a name at the provider proves nothing about a name here.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::identify::Peer;
use super::sessions::{Claimed, FIRST_USER};
use super::{Service, ServiceError};
use crate::auth::{Flow, OidcError, OidcProvider, Vouched};
use crate::seal::Sealer;
use crate::store::{AccessChange, SessionRecord, UserRecord};

/// What the first half is sealed for.
const PURPOSE: &str = "sign-in";
/// How the audit and the sessions name this way in.
const VIA: &str = "oidc";
/// What a provider's word is sealed for.
const KEPT: &str = "id token";
/// A token that is longer is not kept: it would not fit into an address either.
const LONGEST_KEPT: usize = 8 * 1024;
/// States that are remembered as used; more sign-ins in ten minutes have to wait.
const MOST_USED: usize = 10_000;

/// What the provider sends back with the browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// What is exchanged for a token.
    pub code: Option<String>,
    /// What was sent to it.
    pub state: Option<String>,
    /// Why it lets nobody in.
    pub error: Option<String>,
}

/// How far somebody is signed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedOut {
    /// Here, and nothing else is wanted.
    Here,
    /// Here, and at the provider once the browser has been at this address.
    Then(String),
    /// Here, while the provider could not be asked.
    HereAlone,
}

/// A provider, and what belongs to the sign-ins that are under way.
pub(super) struct SingleSignOn {
    provider: Option<OidcProvider>,
    sealer: Sealer,
    /// States that were handed back, and until when they would be good.
    used: Mutex<HashMap<String, i64>>,
}

impl SingleSignOn {
    pub(super) fn new(provider: Option<OidcProvider>, sealer: Sealer) -> Self {
        Self { provider, sealer, used: Mutex::default() }
    }

    /// The first half that belongs to this answer: of this browser, not too old, not used.
    fn redeem(&self, cookie: Option<&str>, state: &str, now_ms: i64) -> Option<Flow> {
        let flow = self.sealer.open(PURPOSE, cookie?).ok()?;
        let flow: Flow = serde_json::from_slice(&flow).ok()?;
        if now_ms >= flow.expires_at || flow.state != state {
            return None;
        }
        let mut used = self.used.lock();
        used.retain(|_, expires_at| now_ms < *expires_at);
        if used.len() >= MOST_USED || used.contains_key(state) {
            return None;
        }
        used.insert(state.to_owned(), flow.expires_at);
        Some(flow)
    }
}

impl SingleSignOn {
    /// What is kept of the provider's word, until its session is signed out.
    fn keep(&self, id_token: &str) -> Option<String> {
        let is_wanted = self.provider.as_ref().is_some_and(OidcProvider::ends_sessions);
        let is_kept = is_wanted && id_token.len() <= LONGEST_KEPT;
        is_kept.then(|| self.sealer.seal(KEPT, id_token.as_bytes()).ok()).flatten()
    }

    /// The provider that vouched for a session, if it is still the one that is configured: another
    /// one is told nothing of it.
    fn source_of(&self, session: &SessionRecord, user: &UserRecord) -> Option<&OidcProvider> {
        let provider = self.provider.as_ref()?;
        (session.method == VIA && user.source == provider.issuer()).then_some(provider)
    }

    fn kept(&self, session: &SessionRecord) -> Option<String> {
        let id_token = self.sealer.open(KEPT, session.id_token.as_deref()?).ok()?;
        String::from_utf8(id_token).ok()
    }
}

impl Service {
    /// What people know the provider as, where there is one.
    #[must_use]
    pub fn provider_label(&self) -> Option<&str> {
        self.single_sign_on.provider.as_ref().map(OidcProvider::label)
    }

    /// The first half: where to send the browser, and what it keeps until it comes back.
    ///
    /// # Errors
    /// 404 without a provider, 429 for an address that asks too often, 503 when the provider does
    /// not answer.
    pub async fn begin_sign_on(&self, peer: &Peer) -> Result<(String, String), ServiceError> {
        let provider = self.provider()?;
        self.check_stranger(peer)?;
        let (url, flow) = match provider.begin(self.now()).await {
            Ok(begun) => begun,
            Err(error) => {
                let error = refusal(&error);
                return self.signed_in(Claimed::default(), VIA, peer, Err(error)).await;
            }
        };
        let flow = serde_json::to_vec(&flow)
            .map_err(|error| ServiceError::new(500, "internal", error.to_string()))?;
        let cookie = self.single_sign_on.sealer.seal(PURPOSE, &flow);
        let cookie =
            cookie.map_err(|error| ServiceError::new(500, "internal", error.to_string()))?;
        Ok((url, cookie))
    }

    /// The second half: the token of the new session of whom the provider vouches for.
    ///
    /// # Errors
    /// `sign_on_state`, `sign_on_refused`, `sign_on_role`, `sign_on_kept_out`,
    /// `sign_on_unavailable`, `too_many_requests`.
    pub async fn finish_sign_on(
        &self,
        cookie: Option<&str>,
        answer: ProviderAnswer,
        peer: &Peer,
    ) -> Result<String, ServiceError> {
        self.provider()?;
        // Nothing can be guessed here, and any page can send a browser here: it is counted as a
        // request, not as a try that keeps its whole network out.
        self.check_stranger(peer)?;
        let mut claimed = Claimed::default();
        let token = self.try_finish(cookie, answer, peer, &mut claimed).await;
        self.signed_in(claimed, VIA, peer, token).await
    }

    async fn try_finish(
        &self,
        cookie: Option<&str>,
        answer: ProviderAnswer,
        peer: &Peer,
        claimed: &mut Claimed,
    ) -> Result<String, ServiceError> {
        let provider = self.provider()?;
        let state = answer.state.unwrap_or_default();
        let flow = self.single_sign_on.redeem(cookie, &state, self.clock.now_ms());
        let flow = flow.ok_or_else(|| {
            let detail = "the sign-in began in another browser, too long ago, or was finished \
                          before: begin it again";
            ServiceError::new(400, "sign_on_state", detail)
        })?;
        if let Some(error) = answer.error {
            let said: String = error.chars().filter(|c| !c.is_control()).take(200).collect();
            let detail = format!("the provider lets nobody in: {said}");
            return Err(ServiceError::new(401, "sign_on_refused", detail));
        }
        let code = answer.code.unwrap_or_default();
        let vouched = provider.finish(&flow, code, self.now()).await;
        let vouched = vouched.map_err(|error| refusal(&error))?;
        let id_token = self.single_sign_on.keep(&vouched.id_token);
        let user = self.welcome(provider.issuer(), vouched, claimed).await?;
        self.begin_session(&user, VIA, id_token, peer).await
    }

    /// Where a session that has ended here has to be ended, too.
    pub(super) async fn sign_out_there(&self, session: &SessionRecord) -> SignedOut {
        let known = self.directory.known();
        let user = known.user(&session.user_id);
        let Some(provider) = user.and_then(|user| self.single_sign_on.source_of(session, user))
        else {
            return SignedOut::Here;
        };
        // Without what it vouched with, the provider asks who it is about.
        let id_token = self.single_sign_on.kept(session).unwrap_or_default();
        match provider.end_url(&id_token, self.now()).await {
            Ok(url) => url.map_or(SignedOut::Here, SignedOut::Then),
            Err(error) => {
                tracing::warn!(%error, "somebody was signed out here and not at the provider");
                SignedOut::HereAlone
            }
        }
    }

    /// The one here whom the provider means, made at the first time, with the role of today.
    async fn welcome(
        &self,
        issuer: &str,
        vouched: Vouched,
        claimed: &mut Claimed,
    ) -> Result<UserRecord, ServiceError> {
        let known = self.directory.known();
        let is_meant = |user: &&UserRecord| {
            user.source == issuer && user.subject.as_deref() == Some(vouched.subject.as_str())
        };
        let user = known.records.users.iter().find(is_meant);
        *claimed = match user {
            Some(user) => user.into(),
            None => Claimed { name: vouched.name.clone(), ..Claimed::default() },
        };
        let Some(role) = vouched.role else {
            // What was theirs before is not theirs any more.
            let now_ms = self.clock.now_ms();
            let ended = user.map(|user| known.take_back(&user.id, now_ms)).unwrap_or_default();
            if !ended.is_empty() {
                self.directory.change(&ended).await?;
            }
            let detail = "none of the groups has a role here (oidc.role_map)";
            return Err(ServiceError::new(403, "sign_on_role", detail));
        };
        if user.is_some_and(|user| user.is_disabled) {
            let detail = "the account is kept out";
            return Err(ServiceError::new(403, "sign_on_kept_out", detail));
        }
        let user = match user {
            Some(user) if user.role == role => return Ok(user.clone()),
            Some(user) => UserRecord { role, ..user.clone() },
            None => {
                // The name of the console's admin is kept for that one.
                let is_reserved = vouched.name.eq_ignore_ascii_case(FIRST_USER);
                let free = match known.user_named(&vouched.name) {
                    None if !is_reserved => vouched.name,
                    _ => format!("{} ({})", short(&vouched.name), short(&vouched.subject)),
                };
                let user = self.blank_user(&free, &role, issuer)?;
                let subject = Some(vouched.subject);
                UserRecord { source: issuer.to_owned(), subject, ..user }
            }
        };
        *claimed = (&user).into();
        self.directory.change(&[AccessChange::PutUser(user.clone())]).await?;
        Ok(user)
    }

    fn provider(&self) -> Result<&OidcProvider, ServiceError> {
        self.single_sign_on.provider.as_ref().ok_or_else(|| {
            let detail = "no provider is configured ([oidc])";
            ServiceError::new(404, "no_provider", detail)
        })
    }
}

/// Two of them, with the brackets, are a name.
fn short(text: &str) -> String {
    text.chars().take(48).collect()
}

fn refusal(error: &OidcError) -> ServiceError {
    let (status, code) = match error {
        OidcError::Unavailable(_) => (503, "sign_on_unavailable"),
        OidcError::Code(_) | OidcError::Token(_) => (401, "sign_on_refused"),
    };
    ServiceError::new(status, code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::SharedOutbound;
    use crate::config::{OidcConfig, RoleMapping};

    #[test]
    fn another_provider_is_not_told_of_a_session_that_it_did_not_vouch_for() {
        let config = OidcConfig {
            issuer: "https://new.example".into(),
            client_id: "runyard".into(),
            client_secret: None,
            public_url: "https://runyard.example".into(),
            scopes: vec![],
            name_claim: "name".into(),
            groups_claim: "groups".into(),
            roles: RoleMapping::default(),
            label: "New".into(),
            sign_out: true,
        };
        let provider = OidcProvider::new(config, &SharedOutbound::default()).unwrap();
        let on = SingleSignOn::new(Some(provider), Sealer::new(&[1; 32]).unwrap());
        let vouches = |method: &str, source: &str| {
            let session = SessionRecord {
                id: "s".into(),
                user_id: "ada".into(),
                created_at: 0,
                expires_at: 9,
                last_seen_at: 0,
                address: String::new(),
                client: String::new(),
                method: method.into(),
                id_token: None,
            };
            let user = UserRecord {
                id: "ada".into(),
                name: "ada".into(),
                role: "viewer".into(),
                password_hash: None,
                source: source.into(),
                subject: Some("7".into()),
                is_disabled: false,
                created_at: 0,
                created_by: String::new(),
                password_changed_at: None,
            };
            on.source_of(&session, &user).is_some()
        };
        assert!(vouches(VIA, "https://new.example"));
        assert!(!vouches(VIA, "https://old.example"));
        assert!(!vouches("password", "https://new.example"));
    }

    #[test]
    fn a_first_half_is_redeemed_once_in_time_with_its_state() {
        let sealer = Sealer::new(&[1; 32]).unwrap();
        let flow = r#"{"state":"s","nonce":"n","verifier":"v","expires_at":1000}"#;
        let cookie = sealer.seal(PURPOSE, flow.as_bytes()).unwrap();
        let other = sealer.seal("plan", flow.as_bytes()).unwrap();
        let on = SingleSignOn::new(None, sealer);
        for (cookie, state, now_ms) in [
            (None, "s", 0),
            (Some("nonsense"), "s", 0),
            (Some(other.as_str()), "s", 0),
            (Some(&cookie), "another", 0),
            (Some(&cookie), "", 0),
            (Some(&cookie), "s", 1000),
        ] {
            assert!(on.redeem(cookie, state, now_ms).is_none(), "{cookie:?} {state} {now_ms}");
        }
        assert!(on.redeem(Some(&cookie), "s", 999).is_some());
        assert!(on.redeem(Some(&cookie), "s", 999).is_none(), "it is used");
        // What is too old is forgotten: it would not be taken anyway.
        assert!(on.redeem(Some(&cookie), "s", 1000).is_none());
        on.redeem(
            Some(&on.sealer.seal(PURPOSE, flow.replace("1000", "2000").as_bytes()).unwrap()),
            "s",
            1500,
        );
        assert_eq!(on.used.lock().len(), 1);
    }
}
