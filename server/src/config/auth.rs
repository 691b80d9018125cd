//! `[auth]`: whether anybody is asked who they are, and whose tokens are taken beside our own.

use std::path::PathBuf;

use super::Invalid;
use super::address::{is_trustworthy, parse_address};
use super::key::{Key, Takes};
use super::role_mapping::RoleMapping;
use super::setting::{Rejected, Setting};

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A JWKS in a file.
    File(PathBuf),
    /// A JWKS at an address.
    Url(String),
}

/// Whose tokens are taken beside our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalConfig {
    /// Where the keys are.
    pub keys: KeySource,
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must have.
    pub audience: String,
    /// The claim that says the role: a text of words, or a list.
    pub role_claim: String,
    /// The roles that its values mean.
    pub roles: RoleMapping,
}

/// Whether anybody is asked who they are, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthConfig {
    /// `mode = "off"`: whoever reaches it may do everything. On a loopback address alone.
    pub is_off: bool,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    role_claim: Option<String>,
    pub(super) roles: RoleMapping,
}

impl AuthConfig {
    pub(super) const SECTION: &str = "auth";
    pub(super) const KEYS: &[Key] = &[
        Key::new(
            "mode",
            Takes::Choice(&["on", "off"]),
            "Whether anybody is asked who they are; off on a loopback address alone",
        ),
        Key::new("jwks_url", Takes::Text, "Where the keys of the tokens of others are"),
        Key::new("jwks_file", Takes::Text, "A file with the keys of the tokens of others"),
        Key::new("issuer", Takes::Text, "Whom those tokens are from (iss)"),
        Key::new("audience", Takes::Text, "Whom those tokens are for (aud)"),
        Key::new("role_claim", Takes::Text, "The claim of those tokens that says the role"),
        Key::new("role_map", Takes::Table, "Roles, by what that claim says"),
        Key::new("default_role", Takes::Text, "The role of those whom role_map does not name"),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        let text = || setting.text().map(str::to_owned);
        match setting.key.as_str() {
            "mode" => {
                self.is_off = match setting.text()? {
                    "on" => false,
                    "off" => true,
                    other => {
                        return Err(Rejected::BadValue(format!("{other:?} is no mode: on or off")));
                    }
                }
            }
            "jwks_url" => self.jwks_url = Some(text()?),
            "jwks_file" => self.jwks_file = Some(setting.base.join(setting.text()?)),
            "issuer" => self.issuer = Some(text()?),
            "audience" => self.audience = Some(text()?),
            "role_claim" => self.role_claim = Some(text()?),
            "role_map" => self.roles.map = setting.table()?,
            "default_role" => self.roles.default = Some(text()?),
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whose tokens are taken beside our own; `None` when the configuration names no keys.
    #[must_use]
    pub fn external(&self) -> Option<ExternalConfig> {
        let keys = match (&self.jwks_file, &self.jwks_url) {
            (Some(path), _) => KeySource::File(path.clone()),
            (None, Some(url)) => KeySource::Url(url.clone()),
            (None, None) => return None,
        };
        Some(ExternalConfig {
            keys,
            issuer: self.issuer.clone()?,
            audience: self.audience.clone()?,
            role_claim: self.role_claim.clone().unwrap_or_else(|| "role".to_owned()),
            roles: self.roles.clone(),
        })
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// Keys from two places, or without issuer and audience, or over a line that others can write on.
    pub fn validate(&self) -> Result<(), Invalid> {
        let invalid = |key, message: &str| Err(Invalid { key, message: message.to_owned() });
        if self.jwks_file.is_some() && self.jwks_url.is_some() {
            return invalid("jwks_url", "give jwks_url or jwks_file, not both");
        }
        if self.jwks_file.is_none() && self.jwks_url.is_none() {
            return Ok(());
        }
        if let Some(url) = &self.jwks_url {
            let url = parse_address(url);
            if !is_trustworthy(&url.map_err(|message| Invalid { key: "jwks_url", message })?) {
                return invalid(
                    "jwks_url",
                    "keys that come over http could be anybody's: give an https address, or one \
                     of this machine",
                );
            }
        }
        let key = if self.jwks_file.is_some() { "jwks_file" } else { "jwks_url" };
        if self.issuer.is_none() {
            return invalid(key, "it needs auth.issuer: whom the tokens are from (iss)");
        }
        if self.audience.is_none() {
            return invalid(key, "it needs auth.audience: whom the tokens are for (aud)");
        }
        if self.roles == RoleMapping::default() {
            return invalid(
                key,
                "it needs auth.role_map or auth.default_role: which roles are had",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_need_an_issuer_an_audience_and_a_role() {
        let mut config = AuthConfig::default();
        config.validate().unwrap();
        assert_eq!(config.external(), None);
        config.jwks_file = Some("jwks.json".into());
        for wanted in ["issuer", "audience", "role_map"] {
            let Invalid { key, message } = config.validate().unwrap_err();
            assert!(key == "jwks_file" && message.contains(wanted), "{key}: {message}");
            match wanted {
                "issuer" => config.issuer = Some("i".into()),
                "audience" => config.audience = Some("a".into()),
                _ => config.roles.default = Some("viewer".into()),
            }
        }
        config.validate().unwrap();
        assert_eq!(config.external().unwrap().role_claim, "role");
    }
}
