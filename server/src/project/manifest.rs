//! package.json and pnpm-workspace.yaml: the few fields that Runyard acts on.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// What is read of a package.json.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) scripts: Scripts,
    /// `pnpm@9.1.0`.
    pub(super) package_manager: Option<String>,
    #[serde(default)]
    workspaces: Workspaces,
    #[serde(default)]
    dependencies: Scripts,
    #[serde(default)]
    dev_dependencies: Scripts,
}

/// Names with texts, in the order they were written: people put what matters first.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripts(pub(super) Vec<(String, String)>);

/// The two ways to write it: npm's, and yarn's with further settings beside.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "`workspaces` is a list of folders, or an object with `packages`")]
enum Workspaces {
    List(Vec<String>),
    Object {
        #[serde(default)]
        packages: Vec<String>,
    },
}

impl Default for Workspaces {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
struct PnpmWorkspace {
    #[serde(default)]
    packages: Vec<String>,
}

impl Manifest {
    /// Reads a package.json. The error is `LINE: what is wrong`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            // The position is said once, in front, as compilers do.
            let words = message.split(" at line ").next().unwrap_or(&message);
            format!("{}: {words}", error.line())
        })
    }

    /// The patterns of its workspace, in order.
    pub(super) fn workspaces(&self) -> &[String] {
        match &self.workspaces {
            Workspaces::List(list) | Workspaces::Object { packages: list } => list,
        }
    }

    /// Whether anything has to be installed before its scripts work.
    pub(super) fn has_dependencies(&self) -> bool {
        !self.dependencies.0.is_empty() || !self.dev_dependencies.0.is_empty()
    }

    pub(super) fn script(&self, name: &str) -> Option<&str> {
        self.scripts.0.iter().find(|(n, _)| n == name).map(|(_, command)| command.as_str())
    }
}

/// The patterns of a pnpm-workspace.yaml. The error is in words, with the line.
pub(super) fn parse_pnpm_workspace(text: &str) -> Result<Vec<String>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let workspace: PnpmWorkspace = serde_saphyr::from_str(text).map_err(|error| {
        let message = error.to_string();
        message.lines().next().unwrap_or_default().to_owned()
    })?;
    Ok(workspace.packages)
}

impl<'de> Deserialize<'de> for Scripts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Scripts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of names and texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scripts, A::Error> {
                let mut entries: Vec<(String, String)> = Vec::new();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    // As in JavaScript: the last of two equal names counts, in the first's place.
                    match entries.iter_mut().find(|(n, _)| *n == name) {
                        Some(entry) => entry.1 = text,
                        None => entries.push((name, text)),
                    }
                }
                Ok(Scripts(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
