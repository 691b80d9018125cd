//! From what others say of somebody to roles of ours: the part that `[auth]` and `[oidc]` share.

/// Which roles others can give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleMapping {
    /// What they say, and the role that it means; the first that fits.
    pub map: Vec<(String, String)>,
    /// The role of those whom nothing fits; `None` keeps them out.
    pub default: Option<String>,
}

impl RoleMapping {
    /// Every role that is named, with the key that names it.
    pub(super) fn named_roles(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let mapped = self.map.iter().map(|(_, role)| ("role_map", role.as_str()));
        mapped.chain(self.default.as_deref().map(|role| ("default_role", role)))
    }
}
