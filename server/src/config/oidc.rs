//! `[oidc]`: signing in at an OpenID Connect provider.

use super::Invalid;
use super::address::{is_trustworthy, parse_base};
use super::key::{Key, Takes};
use super::role_mapping::RoleMapping;
use super::secret::Secret;
use super::setting::{Rejected, Setting};

/// A provider where people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcConfig {
    /// Its address, exactly as its discovery document has it.
    pub issuer: String,
    /// What Runyard is there.
    pub client_id: String,
    /// What Runyard shows there; `None` for a client without a secret.
    pub client_secret: Option<Secret>,
    /// Where browsers find Runyard, without a slash at its end.
    pub public_url: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim with the name of a person.
    pub name_claim: String,
    /// The claim with the groups of a person: a text of words, or a list.
    pub groups_claim: String,
    /// The roles that groups mean.
    pub roles: RoleMapping,
    /// What stands on the button: `Sign in with ...`.
    pub label: String,
    /// Whether whoever signs out here signs out there, too.
    pub sign_out: bool,
}

/// `[oidc]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OidcSection {
    issuer: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    public_url: Option<String>,
    scopes: Option<Vec<String>>,
    name_claim: Option<String>,
    groups_claim: Option<String>,
    pub(super) roles: RoleMapping,
    label: Option<String>,
    sign_out: bool,
}

impl OidcSection {
    pub(super) const SECTION: &str = "oidc";
    pub(super) const KEYS: &[Key] = &[
        Key::new("issuer", Takes::Text, "The address of the OpenID Connect provider"),
        Key::new("client_id", Takes::Text, "What runyard is at the provider"),
        Key::new("client_secret", Takes::Text, "What runyard proves itself with at the provider"),
        Key::new("client_secret_file", Takes::Text, "A file whose text is the client_secret"),
        Key::new("public_url", Takes::Text, "Where browsers find runyard"),
        Key::new("scopes", Takes::Texts, "What is asked for besides openid"),
        Key::new("name_claim", Takes::Text, "The claim that is the name of a person"),
        Key::new("groups_claim", Takes::Text, "The claim that lists the groups of a person"),
        Key::new("role_map", Takes::Table, "Roles, by the group"),
        Key::new(
            "default_role",
            Takes::Text,
            "The role of those whose groups role_map does not name",
        ),
        Key::new("label", Takes::Text, "What the button of the sign-in page calls the provider"),
        Key::new(
            "sign_out",
            Takes::Flag,
            "Whether signing out here signs out at the provider, too",
        ),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        let text = || setting.text().map(str::to_owned);
        match setting.key.as_str() {
            "issuer" => self.issuer = Some(text()?),
            "client_id" => self.client_id = Some(text()?),
            "client_secret" => self.client_secret = Some(Secret::new(text()?)),
            "public_url" => {
                self.public_url = Some(setting.text()?.trim_end_matches('/').to_owned());
            }
            "scopes" => self.scopes = Some(setting.list()?),
            "name_claim" => self.name_claim = Some(text()?),
            "groups_claim" => self.groups_claim = Some(text()?),
            "role_map" => self.roles.map = setting.table()?,
            "default_role" => self.roles.default = Some(text()?),
            "label" => self.label = Some(text()?),
            "sign_out" => self.sign_out = setting.flag()?,
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// The provider; `None` when the configuration names none.
    #[must_use]
    pub fn provider(&self) -> Option<OidcConfig> {
        let issuer = self.issuer.clone()?;
        let host = || parse_base(&issuer).ok()?.host_str().map(str::to_owned);
        let label = self.label.clone().or_else(host);
        Some(OidcConfig {
            label: label.unwrap_or_else(|| issuer.clone()),
            issuer,
            client_id: self.client_id.clone()?,
            client_secret: self.client_secret.clone(),
            public_url: self.public_url.clone()?,
            scopes: self.scopes.clone().unwrap_or_else(|| vec!["profile".to_owned()]),
            name_claim: self.name_claim.clone().unwrap_or_else(|| "preferred_username".to_owned()),
            groups_claim: self.groups_claim.clone().unwrap_or_else(|| "groups".to_owned()),
            roles: self.roles.clone(),
            sign_out: self.sign_out,
        })
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// A provider without what it needs, or over a line that others can write on.
    pub fn validate(&self) -> Result<(), Invalid> {
        let invalid = |key, message: &str| Err(Invalid { key, message: message.to_owned() });
        let Some(issuer) = &self.issuer else {
            return match *self == Self::default() {
                true => Ok(()),
                false => invalid("issuer", "it is missing: the address of the provider"),
            };
        };
        let parse = |key, text: &str| parse_base(text).map_err(|message| Invalid { key, message });
        if !is_trustworthy(&parse("issuer", issuer)?) {
            let message = "whoever sits on an http line could vouch for anybody: give an https \
                           address, or one of this machine";
            return invalid("issuer", message);
        }
        if self.client_id.is_none() {
            return invalid("issuer", "it needs oidc.client_id: what runyard is at the provider");
        }
        match &self.public_url {
            None => {
                let message = "it needs oidc.public_url: where browsers find runyard; the provider \
                               must know that address with /sign-in/callback";
                return invalid("issuer", message);
            }
            Some(url) if !is_trustworthy(&parse("public_url", url)?) => {
                let message = "sessions would go over an http line: give an https address, or one \
                               of this machine";
                return invalid("public_url", message);
            }
            Some(_) => {}
        }
        if self.roles == RoleMapping::default() {
            let message = "it needs oidc.role_map or oidc.default_role: which roles are had";
            return invalid("issuer", message);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_needs_what_a_sign_in_needs() {
        let mut section = OidcSection::default();
        section.validate().unwrap();
        assert_eq!(section.provider(), None);
        section.client_id = Some("runyard".into());
        assert_eq!(section.validate().unwrap_err().key, "issuer");
        section.client_id = None;
        section.issuer = Some("http://id.example".into());
        assert!(section.validate().unwrap_err().message.contains("https"));
        section.issuer = Some("https://id.example:8443/realms/one".into());
        for wanted in ["client_id", "public_url", "role_map"] {
            let Invalid { key, message } = section.validate().unwrap_err();
            assert!(key == "issuer" && message.contains(wanted), "{key}: {message}");
            match wanted {
                "client_id" => section.client_id = Some("runyard".into()),
                "public_url" => section.public_url = Some("https://runyard.example".into()),
                _ => section.roles.default = Some("viewer".into()),
            }
        }
        section.validate().unwrap();
        assert_eq!(section.provider().unwrap().label, "id.example");
        section.public_url = Some("http://runyard.example".into());
        assert_eq!(section.validate().unwrap_err().key, "public_url");
        for (issuer, public_url, key) in [
            ("https://id.example/?realm=one", "https://runyard.example", "issuer"),
            ("https://id example", "https://runyard.example", "issuer"),
            ("https://", "https://runyard.example", "issuer"),
            ("https://ada@id.example", "https://runyard.example", "issuer"),
            ("https://id.example", "https://runyard.example/?x=1", "public_url"),
            ("https://id.example", "https://runyard.example:port", "public_url"),
            ("https://id.example", "runyard.example", "public_url"),
        ] {
            section.issuer = Some(issuer.into());
            section.public_url = Some(public_url.into());
            assert_eq!(section.validate().unwrap_err().key, key, "{issuer} {public_url}");
        }
        section.client_secret = Some(Secret::new("hunter2".into()));
        assert!(!format!("{section:?}").contains("hunter2"));
    }
}
