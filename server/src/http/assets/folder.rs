//! The site in a folder, for builds that do not carry it.
//!
//! Read anew for each request, with blocking calls: this is for developing, where the files change
//! and the disk is warm.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::Found;
use super::encoding::Encoding;

/// The folder that the frontend was built into; it may not be there.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
}

impl Folder {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The file at a path; `None` when there is none, or when it is not inside the folder.
    pub(super) fn find(&self, path: &str) -> Option<Found> {
        let root = self.dir.canonicalize().ok()?;
        let file = root.join(plain_path(path)?).canonicalize().ok()?;
        if !file.starts_with(&root) {
            return None;
        }
        let metadata = fs::metadata(&file).ok().filter(Metadata::is_file)?;
        Some(Found {
            content: Bytes::from(fs::read(&file).ok()?),
            encoding: Encoding::Identity,
            varies: false,
            etag: weak_etag(&metadata)?,
            immutable: false,
        })
    }
}

/// The path as one below a folder: only plain names, so that it cannot lead out of it. Nothing is
/// decoded; no file of the site needs it.
fn plain_path(path: &str) -> Option<&Path> {
    let path = path.strip_prefix('/')?;
    let is_plain = |name: &str| {
        !name.is_empty() && !name.starts_with('.') && !name.contains(['\\', '%', '\0'])
    };
    path.split('/').all(is_plain).then(|| Path::new(path))
}

/// Of size and time: good enough to spare a developer's browser a download.
fn weak_etag(metadata: &Metadata) -> Option<String> {
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("W/\"{:x}-{:x}\"", metadata.len(), modified.as_nanos()))
}
