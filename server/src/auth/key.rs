//! The key that signs every token. Whoever reads it can be anybody, so it is made on the first start
//! by the operating system's random generator, and never used when others could have read it.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::random_text;
use crate::config::read_bounded;

/// In the data folder.
const FILE_NAME: &str = "secret.key";
/// Beside it: the key that seals. It is another one, so that a new signing key ends sessions alone.
const SEAL_FILE_NAME: &str = "seal.key";
/// What HS256 asks for.
const KEY_BYTES: usize = 32;
/// Nobody's key is longer; a file that is was not meant to be one.
const MAX_BYTES: u64 = 4096;

/// Why there is no key. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file or its folder cannot be read or written.
    #[error("cannot use the key {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        error: io::Error,
    },
    /// The operating system gives no random numbers.
    #[error("cannot make a key: {0}")]
    Random(String),
    /// It is not a regular file.
    #[error("the key {path} is not a file: remove it, and a new key is made")]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// Others may read or write it.
    #[error(
        "the key {path} is open to other users (mode {mode:04o}): if nobody read it, \
         run `chmod 600 {path}`; otherwise remove it, and a new key is made"
    )]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error(
        "the key {path} belongs to another user (uid {owner}, and this is uid {own}): \
         run as that user, or give another data folder with --data"
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who runs Runyard.
        own: u32,
    },
    /// It is too short or too long to be a key.
    #[error(
        "the key {path} is damaged ({bytes} bytes): remove it, and a new key is made; \
         without secret.key everybody has to sign in again, without seal.key what was started with \
         secrets has to be started anew"
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        bytes: u64,
    },
}

/// The secret that tokens are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// The key in `data_dir`, which must exist; made (mode 0600) when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, or others could have read it.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeyError> {
        Self::load_or_create_at(data_dir, FILE_NAME)
    }

    /// The key that seals what is stored of secrets, made likewise.
    ///
    /// # Errors
    /// As [`SigningKey::load_or_create`].
    pub fn load_or_create_seal(data_dir: &Path) -> Result<Self, KeyError> {
        Self::load_or_create_at(data_dir, SEAL_FILE_NAME)
    }

    fn load_or_create_at(data_dir: &Path, name: &str) -> Result<Self, KeyError> {
        let path = data_dir.join(name);
        if let Some(key) = Self::load(&path)? {
            return Ok(key);
        }
        create(data_dir, &path)?;
        // Read back, for two programs may have made one at the same time; the first file stays.
        Self::load(&path)?
            .ok_or_else(|| KeyError::Io { path, error: io::Error::from(ErrorKind::NotFound) })
    }

    /// The secret's bytes, 32 at least.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn load(path: &Path) -> Result<Option<Self>, KeyError> {
        let failed = |error| KeyError::Io { path: path.to_owned(), error };
        let (metadata, bytes) = match read_bounded(path, MAX_BYTES) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let bytes = bytes.ok_or_else(|| KeyError::NotAFile { path: path.to_owned() })?;
        check_access(path, metadata.uid(), nix::unistd::geteuid().as_raw(), metadata.mode())?;
        let length = metadata.len().max(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if bytes.len() < KEY_BYTES || length > MAX_BYTES {
            return Err(KeyError::Length { path: path.to_owned(), bytes: length });
        }
        Ok(Some(Self(bytes)))
    }
}

fn check_access(path: &Path, owner: u32, own: u32, mode: u32) -> Result<(), KeyError> {
    if owner != own {
        return Err(KeyError::Owner { path: path.to_owned(), owner, own });
    }
    if mode & 0o077 != 0 {
        return Err(KeyError::Mode { path: path.to_owned(), mode: mode & 0o7777 });
    }
    Ok(())
}

/// Makes the file at once and whole: written under a name of its own, then linked to `path`, which
/// fails when there is one already. So nobody ever reads half a key, not even after a crash.
fn create(data_dir: &Path, path: &Path) -> Result<(), KeyError> {
    let failed = |error| KeyError::Io { path: path.to_owned(), error };
    let random = |error: String| KeyError::Random(error);
    let mut secret = [0; KEY_BYTES];
    getrandom::fill(&mut secret).map_err(|error| random(error.to_string()))?;
    let suffix = random_text::<9>().map_err(|error| random(error.to_string()))?;
    let draft = data_dir.join(format!(".key.{suffix}"));

    let linked = write_new(&draft, &secret).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft).ok();
    match linked {
        // Synced, so that no session outlives its key in a power cut.
        Ok(()) => File::open(data_dir).and_then(|folder| folder.sync_all()).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The umask may have taken even the owner's bits.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let key = SigningKey::load_or_create(data.path()).unwrap();
        assert_eq!(key.as_bytes().len(), KEY_BYTES);
        assert_eq!(SigningKey::load_or_create(data.path()).unwrap(), key);
        let files: Vec<_> = fs::read_dir(data.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 1, "no draft stays behind");
        assert_eq!(files[0].metadata().unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn two_folders_have_two_keys() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SigningKey::load_or_create(a.path()).unwrap();
        assert_ne!(key, SigningKey::load_or_create(b.path()).unwrap());
    }

    #[test]
    fn a_key_that_exists_is_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        let key = SigningKey::load_or_create(data.path()).unwrap();
        create(data.path(), &data.path().join(FILE_NAME)).unwrap();
        assert_eq!(SigningKey::load_or_create(data.path()).unwrap(), key);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let data = tempfile::tempdir().unwrap();
        SigningKey::load_or_create(data.path()).unwrap();
        let path = data.path().join(FILE_NAME);
        for mode in [0o640, 0o604, 0o644, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = SigningKey::load_or_create(data.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("{mode:04o}")), "{error}");
            assert!(error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        SigningKey::load_or_create(data.path()).unwrap();
    }

    #[test]
    fn a_key_of_another_user_is_refused() {
        let error = check_access(Path::new("secret.key"), 1000, 0, 0o100_600).unwrap_err();
        assert!(matches!(error, KeyError::Owner { owner: 1000, own: 0, .. }), "{error}");
        check_access(Path::new("secret.key"), 1000, 1000, 0o100_600).unwrap();
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        for length in [0, KEY_BYTES - 1, 4097] {
            fs::remove_file(&path).ok();
            write_new(&path, &vec![1; length]).unwrap();
            let error = SigningKey::load_or_create(data.path()).unwrap_err();
            assert!(matches!(error, KeyError::Length { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap().len(), length);
        }
    }

    #[test]
    fn a_folder_in_its_place_is_refused() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join(FILE_NAME)).unwrap();
        let error = SigningKey::load_or_create(data.path()).unwrap_err();
        assert!(matches!(error, KeyError::NotAFile { .. }), "{error}");
    }

    #[test]
    fn a_missing_data_folder_is_an_error() {
        let data = tempfile::tempdir().unwrap();
        let error = SigningKey::load_or_create(&data.path().join("missing")).unwrap_err();
        assert!(matches!(error, KeyError::Io { .. }), "{error}");
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", SigningKey(vec![65; 32])), "SigningKey(..)");
    }
}
