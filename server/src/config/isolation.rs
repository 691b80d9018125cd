//! `run_as` and `sandbox`: what scripts are on this machine.

use std::path::PathBuf;
use std::str::FromStr;

use nix::unistd::{Group, User, geteuid};
use serde::{Deserialize, Serialize};

use super::choice::choice;

/// The user and group that scripts run as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunAs {
    /// As it was written.
    pub name: String,
    /// The user.
    pub uid: u32,
    /// The group; no other.
    pub gid: u32,
    /// The user's folder.
    pub home: PathBuf,
    /// The user's name, for `USER` and `LOGNAME`.
    pub login: String,
}

impl FromStr for RunAs {
    type Err = String;

    /// `USER` or `USER:GROUP`, by name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user_name, group_name) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        let user = User::from_name(user_name).map_err(|errno| errno.to_string())?;
        let user = user.ok_or_else(|| format!("there is no user {user_name:?} on this machine"))?;
        let gid = match group_name {
            None => user.gid,
            Some(name) => {
                let group = Group::from_name(name).map_err(|errno| errno.to_string())?;
                group.ok_or_else(|| format!("there is no group {name:?} on this machine"))?.gid
            }
        };
        if user.uid.is_root() {
            return Err("scripts would run as root: name another user, or leave it out".to_owned());
        }
        Ok(Self {
            name: text.to_owned(),
            uid: user.uid.as_raw(),
            gid: gid.as_raw(),
            home: user.dir,
            login: user.name,
        })
    }
}

impl TryFrom<String> for RunAs {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RunAs> for String {
    fn from(user: RunAs) -> Self {
        user.name
    }
}

impl RunAs {
    /// Whether this process can start programs as somebody else.
    ///
    /// # Errors
    /// In words, when it cannot.
    pub(in crate::config) fn check(&self) -> Result<(), String> {
        if geteuid().is_root() {
            return Ok(());
        }
        Err(format!(
            "only root can run scripts as {}: run runyard as root, or leave it out",
            self.name
        ))
    }
}

/// Where every sandbox lets write: devices such as `/dev/null`, and temporary files.
pub const ALWAYS_WRITABLE: [&str; 3] = ["/dev", "/tmp", "/var/tmp"];

choice! {
    /// Whether scripts are kept from writing outside their projects.
    Sandbox, "way to be kept in", "the ways are":
    /// They are not.
    #[default]
    Off = "off",
    /// They are where the kernel can; where it cannot, each log says so.
    Try = "try",
    /// They are, or nothing starts.
    Require = "require",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_by_name() {
        let nobody: RunAs = "nobody".parse().unwrap();
        assert_eq!((nobody.login.as_str(), nobody.name.as_str()), ("nobody", "nobody"));
        let other: RunAs = "nobody:root".parse().unwrap();
        assert_eq!((other.uid, other.gid), (nobody.uid, 0));
        for (text, words) in [
            ("no-such-user", "no user"),
            ("nobody:no-such-group", "no group"),
            ("root", "as root"),
            ("", "no user"),
        ] {
            let error = text.parse::<RunAs>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(nobody.check().is_ok(), geteuid().is_root());
    }
}
