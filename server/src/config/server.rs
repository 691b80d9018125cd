//! `[server]`: where it listens and where it keeps its data.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::environment::PORT_KEY;
use super::setting::{Origin, Rejected, Setting};
use super::{ConfigError, Invalid, data_dir};

/// Where it listens and where it keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The address to listen on; a loopback address.
    pub listen: SocketAddr,
    /// The folder of everything that is kept; `.runyard` in the first project when nobody says.
    pub data_dir: PathBuf,
    /// The proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Vec<IpNet>,
    /// The database's URL or file; `runyard.db` in the data folder when `None`.
    pub database: Option<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), Self::DEFAULT_PORT),
            data_dir: PathBuf::new(),
            trusted_proxies: Vec::new(),
            database: None,
        }
    }
}

impl ServerConfig {
    /// The port when nobody says.
    pub const DEFAULT_PORT: u16 = 3147;
    pub(super) const SECTION: &str = "server";
    pub(super) const KEYS: &[&str] = &["listen", "data_dir", "database", "trusted_proxies"];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "listen" => self.listen = parse_listen(setting.text()?).map_err(Rejected::BadValue)?,
            "data_dir" => self.data_dir = setting.base.join(setting.text()?),
            "database" => self.database = Some(resolve_database(setting.text()?, &setting.base)),
            "trusted_proxies" => {
                let nets =
                    setting.list()?.iter().map(|net| parse_net(net)).collect::<Result<_, _>>();
                self.trusted_proxies = nets.map_err(Rejected::BadValue)?;
            }
            PORT_KEY if matches!(setting.origin, Origin::Variable(_)) => {
                let port: u16 = setting.number().map_err(|_| {
                    Rejected::BadValue("expected a port, from 1 to 65535".to_owned())
                })?;
                self.listen.set_port(port);
            }
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// An address that other machines reach: that needs TLS and accounts, which do not exist yet.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        let message = format!(
            "{} is reachable by other machines, and runyard does not speak tls: listen on \
             127.0.0.1:{} and put a reverse proxy or an ssh tunnel before it",
            self.listen,
            self.listen.port()
        );
        Err(Invalid { key: "listen", message })
    }

    /// The database to open: the configured one, or the default file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.database {
            Some(database) => database.clone(),
            None => self.data_dir.join("runyard.db").to_string_lossy().into_owned(),
        }
    }

    /// Makes the data folder, or checks that the one that is there is ours alone.
    ///
    /// # Errors
    /// [`ConfigError::DataDir`] when it cannot be made, belongs to another user, or can be written
    /// by others.
    pub fn prepare_data_dir(&self) -> Result<(), ConfigError> {
        data_dir::prepare(&self.data_dir)
            .map_err(|why| ConfigError::DataDir { path: self.data_dir.clone(), why })
    }
}

/// An address with a port; `localhost` is the one name that needs no resolver.
///
/// # Errors
/// What would be right, in words.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| {
        format!(
            "{text:?} is no address with a port: write it as 127.0.0.1:{}",
            ServerConfig::DEFAULT_PORT
        )
    })
}

/// An address, or a network as `10.0.0.0/8`.
fn parse_net(text: &str) -> Result<IpNet, String> {
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map_err(|_| format!("{text:?} is no address and no network: write it as 10.0.0.0/8"))
}

/// A plain file name is relative to its source like any path; a URL stays as it is.
fn resolve_database(text: &str, base: &Path) -> String {
    if text.contains(':') {
        text.to_owned()
    } else {
        base.join(text).to_string_lossy().into_owned()
    }
}
