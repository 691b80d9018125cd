//! A sandbox that is required keeps scripts out of the data folder, too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::setting::Origin;
use super::{ALWAYS_WRITABLE, Config, ConfigError, Sandbox};

impl Config {
    /// Whether a sandbox that is required lets write where Runyard keeps who may come in. Another
    /// user than our own cannot enter that folder anyway.
    ///
    /// # Errors
    /// The key that requires it.
    pub(super) fn check_sandboxes(
        &self,
        origins: &BTreeMap<String, Origin>,
    ) -> Result<(), ConfigError> {
        let is_kept_out = |own: Option<Sandbox>, has_user: bool| {
            own.unwrap_or(self.run.sandbox) != Sandbox::Require || has_user
        };
        let of_all = self.run.run_as.is_some();
        let declared = self.processes.iter().find(|(_, one)| {
            one.sandbox.is_some() && !is_kept_out(one.sandbox, of_all || one.run_as.is_some())
        });
        let key = match declared {
            Some((name, _)) => format!("process.{name}.sandbox"),
            None if !is_kept_out(None, of_all) => "run.sandbox".to_owned(),
            None => return Ok(()),
        };
        let data_dir = real(&self.server.data_dir);
        let always = ALWAYS_WRITABLE.iter().map(PathBuf::from);
        let mut writable =
            always.chain(self.projects.iter().chain(&self.run.sandbox_write).cloned());
        let Some(open) = writable.find(|folder| data_dir.starts_with(real(folder))) else {
            return Ok(());
        };
        Err(ConfigError::BadValue {
            origin: origins.get(&key).unwrap_or(&Origin::Default).to_string(),
            key,
            message: format!(
                "scripts in it write in {}, and the data folder {} lies there, which says who may \
                 come in: give another one with --data, or a run_as",
                open.display(),
                data_dir.display()
            ),
        })
    }
}

/// Without symlinks, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?;
        Some(there.canonicalize().ok()?.join(rest))
    });
    found.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::{Flags, Sources};
    use super::*;

    #[test]
    fn the_data_folder_lies_where_no_script_writes() {
        /// It is not made: what is said of it is looked at.
        const ELSEWHERE: Option<&str> = Some("/var/lib/runyard-of-this-test");
        let folder = tempfile::tempdir().unwrap();
        let load = |toml: &str, data: Option<&str>, env: &[(&str, &str)]| {
            let project = folder.path().join("project");
            std::fs::create_dir_all(&project).unwrap();
            std::fs::write(project.join("runyard.toml"), toml).unwrap();
            let env = env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
            let flags = Flags { data: data.map(PathBuf::from), ..Flags::default() };
            let loaded = Config::load(Sources { current_dir: project, env, flags });
            loaded.map(|_| ()).map_err(|error| error.to_string())
        };
        let of_all = "[run]\nsandbox = \"require\"\n";
        let refused = load(of_all, None, &[]).unwrap_err();
        assert!(refused.contains("run.sandbox: scripts in it write in"), "{refused}");
        assert!(refused.contains("--data"), "{refused}");
        assert!(load(of_all, Some("/tmp/none-such"), &[]).unwrap_err().contains("/tmp"));
        load(of_all, ELSEWHERE, &[]).unwrap();
        let write = [("RUNYARD_RUN__SANDBOX_WRITE", "/var/lib")];
        assert!(load(of_all, ELSEWHERE, &write).is_err());
        load("[run]\nsandbox = \"try\"\n", None, &[]).unwrap();
        let of_one = "[process.a]\ncommand = [\"x\"]\nsandbox = \"require\"\n";
        let refused = load(of_one, None, &[]).unwrap_err();
        assert!(
            refused.contains("runyard.toml:3: bad value for process.a.sandbox: scripts"),
            "{refused}"
        );
        load(of_one, ELSEWHERE, &[]).unwrap();
        if nix::unistd::geteuid().is_root() {
            load(of_one, None, &[("RUNYARD_RUN__RUN_AS", "nobody")]).unwrap();
        }
    }
}
