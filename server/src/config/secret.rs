//! A text that is shown nowhere, and the file that it may stand in.

use std::fmt;
use std::path::Path;

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

    /// What a file says. A line end at its end is no part of it.
    ///
    /// # Errors
    /// In words, when it cannot be read, is empty or too long; never what stands in it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let why = |why: &dyn fmt::Display| format!("cannot read {}: {why}", path.display());
        // A pipe would be waited for, and a device has no end.
        let about = std::fs::metadata(path).map_err(|error| why(&error))?;
        if !about.is_file() {
            return Err(why(&"it is no file"));
        }
        if about.len() > LONGEST_BYTES {
            return Err(why(&"it is longer than 64 KiB"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| why(&error))?;
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
