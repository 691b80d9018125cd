//! A text that is shown nowhere, and the file that it may stand in.

use std::fmt;
use std::path::Path;

use nix::unistd::geteuid;

use super::bounded::read_bounded;

/// Nobody's secret is longer; a file that is was not meant to be one.
const LONGEST_BYTES: u64 = 64 << 10;

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// What a file says. A line end at its end is no part of it. `others` is who beside the operator
    /// can change what names the file: root can read what they cannot, and would hand it to them.
    ///
    /// # Errors
    /// In words, when it is not theirs to read, cannot be read, is empty or too long; never what stands
    /// in it.
    pub(super) fn read(path: &Path, others: Option<&str>) -> Result<Self, String> {
        let why = |why: &dyn fmt::Display| format!("cannot read {}: {why}", path.display());
        if let Some(others) = others.filter(|_| geteuid().is_root()) {
            return Err(why(&format_args!(
                "runyard is root, and would read files for others who can change this one \
                 ({others}): let only root change it"
            )));
        }
        let (_, bytes) = read_bounded(path, LONGEST_BYTES).map_err(|error| why(&error))?;
        let bytes = bytes.ok_or_else(|| why(&"it is no file"))?;
        if bytes.len() as u64 > LONGEST_BYTES {
            return Err(why(&"it is longer than 64 KiB"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| why(&"it is no text in utf-8"))?;
        match text.trim_end_matches(['\n', '\r']) {
            "" => Err(why(&"it is empty")),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// The text, for whom it is meant.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
