//! Tells when files of a project change.
//!
//! Only folders that can hold a file of the patterns are watched, each on its own: a recursive
//! watch would take all of `node_modules` in. Folders that come later are watched when they come.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Clock;
use crate::config::WatchConfig;

#[cfg(test)]
mod tests;

/// Never looked into.
const IGNORED: [&str; 2] = ["node_modules", ".git"];
/// Events that may wait; with more of them it is known anyway that something changed.
const EVENTS: usize = 1_024;

/// Files that change, one word for each burst of changes. Dropping it ends the watch.
#[derive(Debug)]
pub(super) struct Watcher {
    changes: mpsc::Receiver<String>,
    _stop: DropGuard,
}

impl Watcher {
    /// Begins to watch below `folder`; what is below `except` does not count.
    pub(super) fn start(
        folder: &Path,
        config: &WatchConfig,
        except: &Path,
        clock: &Arc<dyn Clock>,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let stop = stop.child_token();
        // One word is enough: more changes before it is read are the same news.
        let (sender, changes) = mpsc::channel(1);
        let filter = Filter::new(folder, config, except);
        let quiet = Duration::from_millis(config.debounce_ms);
        let (token, clock) = (stop.clone(), Arc::clone(clock));
        tasks.spawn(async move {
            token.run_until_cancelled(watch(filter, quiet, clock, sender)).await;
        });
        Self { changes, _stop: stop.drop_guard() }
    }

    /// The next file that changed, by its path in the project.
    pub(super) async fn next(&mut self) -> String {
        match self.changes.recv().await {
            Some(file) => file,
            None => std::future::pending().await,
        }
    }
}

async fn watch(
    filter: Filter,
    quiet: Duration,
    clock: Arc<dyn Clock>,
    changes: mpsc::Sender<String>,
) {
    let (sender, mut events) = mpsc::channel::<PathBuf>(EVENTS);
    let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if matches!(event.kind, EventKind::Access(_) | EventKind::Other) {
            return;
        }
        for path in event.paths {
            // A full channel holds news enough.
            let _ = sender.try_send(path);
        }
    });
    let mut watcher = match made {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(folder = %filter.folder.display(), %error, "files cannot be watched");
            return std::future::pending().await;
        }
    };
    for root in filter.roots.clone() {
        add_folders(&mut watcher, &filter, &root);
    }
    let mut found: Option<String> = None;
    loop {
        let path = match &found {
            None => events.recv().await,
            Some(_) => tokio::select! {
                path = events.recv() => path,
                () = clock.sleep_until(clock.instant() + quiet) => {
                    let Some(file) = found.take() else { continue };
                    if changes.send(file).await.is_err() {
                        return;
                    }
                    continue;
                }
            },
        };
        let Some(path) = path else { return };
        if path.is_dir() {
            add_folders(&mut watcher, &filter, &path);
        }
        found = filter.matching(&path).or(found);
    }
}

fn add_folders(watcher: &mut RecommendedWatcher, filter: &Filter, root: &Path) {
    let folders = walkdir::WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| entry.file_type().is_dir() && !filter.is_ignored(entry.path()));
    for folder in folders.flatten() {
        if let Err(error) = watcher.watch(folder.path(), RecursiveMode::NonRecursive) {
            tracing::warn!(folder = %folder.path().display(), %error, "a folder cannot be watched");
        }
    }
}

/// Which paths count.
#[derive(Debug)]
struct Filter {
    folder: PathBuf,
    except: PathBuf,
    roots: Vec<PathBuf>,
    paths: GlobSet,
    ignore: GlobSet,
}

impl Filter {
    fn new(folder: &Path, config: &WatchConfig, except: &Path) -> Self {
        let mut roots: Vec<PathBuf> =
            config.paths.iter().map(|pattern| folder.join(fixed_part(pattern))).collect();
        // A folder that is not there yet comes in the nearest one that is.
        for root in &mut roots {
            while !root.is_dir() && root.pop() && root.as_path() != folder {}
        }
        roots.sort();
        roots.dedup();
        Self {
            folder: folder.to_owned(),
            except: except.to_owned(),
            roots,
            paths: set_of(&config.paths),
            ignore: set_of(&config.ignore),
        }
    }

    /// The path in the project, when it counts.
    fn matching(&self, path: &Path) -> Option<String> {
        if self.is_ignored(path) {
            return None;
        }
        let below = path.strip_prefix(&self.folder).ok()?;
        self.paths.is_match(below).then(|| below.to_string_lossy().into_owned())
    }

    fn is_ignored(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.folder) else { return true };
        let is_named =
            |part: std::path::Component<'_>| IGNORED.iter().any(|name| part.as_os_str() == *name);
        path.starts_with(&self.except)
            || below.components().any(is_named)
            || self.ignore.is_match(below)
    }
}

/// The folders of a pattern before its first wildcard: `src` of `src/**/*.ts`.
fn fixed_part(pattern: &str) -> PathBuf {
    let is_fixed = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let parts: Vec<&str> = pattern.split('/').take_while(is_fixed).collect();
    // The last part of a pattern without wildcards is a file, or a folder that is meant itself.
    parts.iter().collect()
}

/// Patterns that are none were refused with the configuration.
fn set_of(patterns: &[String]) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = GlobBuilder::new(pattern).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_default()
}
