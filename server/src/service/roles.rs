//! What changed of the roles since the last start: they stand in the configuration, and whoever reads the
//! audit is to see when somebody might do more than before.

use std::collections::BTreeMap;

use super::Service;
use super::audit::About;
use crate::auth::Role;
use crate::store::{Change, StoreError};

/// What each role was is kept under its name behind this.
const KEPT: &str = "role/";
/// What no role is called.
const NONE: &str = "nothing";

impl Service {
    /// Writes a line for each role that is another one than at the last start. At the first one there is
    /// nothing to compare with.
    pub(super) async fn note_roles(&self) -> Result<(), StoreError> {
        let before: BTreeMap<String, String> = self.store.kept(KEPT).await?.into_iter().collect();
        let now: BTreeMap<String, String> = self
            .policy
            .roles()
            .map(|role| (format!("{KEPT}{}", role.name()), words(role)))
            .collect();
        let mut changes = Vec::new();
        for (key, was, is) in differences(&before, &now) {
            if !before.is_empty() {
                let detail = format!("{} became {}", was.unwrap_or(NONE), is.unwrap_or(NONE));
                let about = About::thing(key.trim_start_matches(KEPT));
                let record = self.audit_record("runyard", "role.change", about, "ok", detail);
                changes.push(Change::Audit(record));
            }
            changes.push(Change::Keep { key: key.clone(), value: is.map(str::to_owned) });
        }
        if !changes.is_empty() {
            self.writer.submit(changes).await?;
        }
        Ok(())
    }
}

fn words(role: &Role) -> String {
    let rate = role.starts_per_minute().map(|rate| format!("starts-per-minute {rate}"));
    let words: Vec<_> = role.rules().into_iter().chain(rate).collect();
    format!("\"{}\"", words.join(", "))
}

/// The keys whose values differ, with both.
fn differences<'a>(
    before: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
) -> Vec<(&'a String, Option<&'a str>, Option<&'a str>)> {
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    let both = now.keys().chain(gone);
    let of = |all: &'a BTreeMap<String, String>, key| all.get(key).map(String::as_str);
    both.map(|key| (key, of(before, key), of(now, key))).filter(|(_, was, is)| was != is).collect()
}
