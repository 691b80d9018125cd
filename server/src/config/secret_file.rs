//! `KEY_file` for every setting that may be a secret: its text stands in a file of its own, as
//! secret stores hand them out.

use super::secret::Secret;
use super::setting::{Origin, Rejected, Setting, Value};
use super::{ConfigError, OidcSection, ServerConfig};

/// The end of a key that names a file.
const SUFFIX: &str = "_file";
/// What may be a secret: section and key.
const SECRETS: &[(&str, &str)] =
    &[(ServerConfig::SECTION, "database"), (OidcSection::SECTION, "client_secret")];

/// The setting itself, or what the file says that it names. A line end at the end of the file is no
/// part of it. `others` can change `runyard.toml` beside the operator.
///
/// # Errors
/// A file that is not for them to name, cannot be read, is empty or too long. Never what stands in it.
pub(super) fn resolve(setting: Setting, others: Option<&str>) -> Result<Setting, ConfigError> {
    let meant = SECRETS.iter().find(|(section, key)| {
        setting.section == *section && setting.key.strip_suffix(SUFFIX) == Some(key)
    });
    let Some((_, key)) = meant else { return Ok(setting) };
    let path = setting.text().map_err(|rejected| rejected.into_error(&setting))?;
    let path = setting.base.join(path);
    let others = others.filter(|_| matches!(setting.origin, Origin::File { .. }));
    let secret = Secret::read(&path, others);
    let secret = secret.map_err(|why| Rejected::BadValue(why).into_error(&setting))?;
    let text = secret.text().to_owned();
    Ok(Setting { key: (*key).to_owned(), value: Value::Text(text), ..setting })
}
