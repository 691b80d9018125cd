//! What a declaration says about rights: who it runs as, the sandbox, secrets out of files.
//!
//! `runyard.toml` may stand in a project, and then those who work on the project can change it. Such a
//! file can narrow what `[run]` says, and not widen it: neither undo what the operator said in the
//! environment, nor have root read files for it. A file that only the operator can change is free.

use std::collections::BTreeMap;

use super::{Declaration, Wrong};
use crate::config::setting::Origin;
use crate::config::{ConfigError, RunAs, RunConfig, Sandbox, Secret};

/// What a declaration is held against.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Rights<'a> {
    pub(in crate::config) run: &'a RunConfig,
    /// Who beside the operator can change the file, in words.
    pub(in crate::config) others: Option<&'a str>,
}

impl Rights<'_> {
    /// Holds every declaration against them, and reads its files.
    ///
    /// # Errors
    /// The key that asks for too much, or whose file cannot be read.
    pub(in crate::config) fn settle(
        self,
        declarations: &mut [Declaration],
    ) -> Result<(), ConfigError> {
        for one in declarations {
            let checked = self.check_user(one.config.run_as.as_ref());
            let checked = checked.and_then(|()| self.check_sandbox(one.config.sandbox));
            let checked = checked.and_then(|()| self.read_files(one));
            checked.map_err(|wrong| one.refuse(wrong))?;
        }
        Ok(())
    }

    /// The folders in which a sandbox lets write belong to who said that there is one.
    ///
    /// # Errors
    /// When they stand in a file of others, and the sandbox in the environment.
    pub(in crate::config) fn check_sandbox_write(
        self,
        origins: &BTreeMap<String, Origin>,
    ) -> Result<(), ConfigError> {
        let origin = |key: &str| origins.get(&format!("{}.{key}", RunConfig::SECTION));
        match (self.others, origin("sandbox"), origin("sandbox_write")) {
            (Some(why), Some(Origin::Variable(_)), Some(said @ Origin::File { .. })) => {
                Err(ConfigError::BadValue {
                    origin: said.to_string(),
                    key: "run.sandbox_write".to_owned(),
                    message: format!(
                        "the environment says that there is a sandbox, and others can change this \
                         file ({why}): say it in RUNYARD_RUN__SANDBOX_WRITE"
                    ),
                })
            }
            _ => Ok(()),
        }
    }

    fn check_user(self, asked: Option<&RunAs>) -> Result<(), Wrong> {
        let wrong = |message| Err(Wrong { key: "run_as", message });
        let Some(asked) = asked else { return Ok(()) };
        if let Err(message) = asked.check() {
            return wrong(message);
        }
        match (self.others, &self.run.run_as) {
            (Some(why), Some(said)) if (said.uid, said.gid) != (asked.uid, asked.gid) => {
                wrong(format!(
                    "run.run_as is {}, and others can change this file ({why}): leave it out, or \
                     let only root and whoever runs runyard change it",
                    said.name
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_sandbox(self, asked: Option<Sandbox>) -> Result<(), Wrong> {
        let said = self.run.sandbox;
        match (self.others, asked) {
            (Some(why), Some(asked)) if asked < said => {
                let message = format!(
                    "run.sandbox is {:?}, and others can change this file ({why}): leave it out, or \
                     let only root and whoever runs runyard change it",
                    said.name()
                );
                Err(Wrong { key: "sandbox", message })
            }
            _ => Ok(()),
        }
    }

    fn read_files(self, one: &mut Declaration) -> Result<(), Wrong> {
        let wrong = |message| Wrong { key: "env_file", message };
        for (name, path) in &one.config.env_file {
            if one.config.env.contains_key(name) {
                return Err(wrong(format!(
                    "{name} stands in env, too: take it out of one of them"
                )));
            }
            let secret = Secret::read(&one.base.join(path), self.others);
            let secret = secret.map_err(|why| wrong(format!("{name}: {why}")))?;
            one.config.env_secrets.insert(name.clone(), secret);
        }
        Ok(())
    }
}

impl Declaration {
    /// A key of it that does not fit, with its place.
    pub(super) fn refuse(&self, Wrong { key, message }: Wrong) -> ConfigError {
        let name = format!("process.{}", self.name);
        ConfigError::BadValue {
            origin: self.keys.get(key).unwrap_or(&self.origin).to_string(),
            key: if key.is_empty() { name } else { format!("{name}.{key}") },
            message,
        }
    }
}

#[cfg(test)]
mod tests;
