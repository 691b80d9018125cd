//! `[server]`: where it listens and where it keeps its data.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::environment::PORT_KEY;
use super::key::{Key, Takes};
use super::setting::{Origin, Rejected, Setting};
use super::{ConfigError, Invalid, data_dir};

/// Where it listens and where it keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The address to listen on; one that other machines reach needs TLS, a proxy that has it, or
    /// `allow_remote`.
    pub listen: SocketAddr,
    /// The folder of everything that is kept; `.runyard` in the first project when nobody says.
    pub data_dir: PathBuf,
    /// The certificates for TLS, as PEM.
    pub tls_cert: Option<PathBuf>,
    /// The key to the first of them.
    pub tls_key: Option<PathBuf>,
    /// Whether it is meant that other machines reach it without TLS.
    pub allow_remote: bool,
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
            tls_cert: None,
            tls_key: None,
            allow_remote: false,
            trusted_proxies: Vec::new(),
            database: None,
        }
    }
}

impl ServerConfig {
    /// The port when nobody says.
    pub const DEFAULT_PORT: u16 = 3147;
    pub(super) const SECTION: &str = "server";
    pub(super) const KEYS: &[Key] = &[
        Key::new("listen", Takes::Text, "The address to listen on, with its port"),
        Key::new("data_dir", Takes::Text, "Where everything is kept; relative to the file"),
        Key::new("database", Takes::Text, "A file or a URL of the database"),
        Key::new("database_file", Takes::Text, "A file whose text is the database"),
        Key::new(
            "trusted_proxies",
            Takes::Texts,
            "Addresses or networks that are believed when they say whom they speak for",
        ),
        Key::new("tls_cert", Takes::Text, "A PEM file with the certificate and those above it"),
        Key::new("tls_key", Takes::Text, "A PEM file with its key"),
        Key::new("allow_remote", Takes::Flag, "Whether other machines may reach it without TLS"),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "listen" => self.listen = parse_listen(setting.text()?).map_err(Rejected::BadValue)?,
            "data_dir" => self.data_dir = setting.base.join(setting.text()?),
            "database" => self.database = Some(resolve_database(setting.text()?, &setting.base)),
            "tls_cert" => self.tls_cert = Some(setting.base.join(setting.text()?)),
            "tls_key" => self.tls_key = Some(setting.base.join(setting.text()?)),
            "allow_remote" => self.allow_remote = setting.flag()?,
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
    /// An address that other machines reach, without TLS; a certificate without its key.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            let message = "tls needs tls_cert and tls_key, both".to_owned();
            let key = if self.tls_cert.is_some() { "tls_cert" } else { "tls_key" };
            return Err(Invalid { key, message });
        }
        let is_meant = self.tls_cert.is_some() || !self.trusted_proxies.is_empty();
        if self.listen.ip().is_loopback() || is_meant || self.allow_remote {
            return Ok(());
        }
        let message = format!(
            "{} is reachable by other machines, and passwords would go over the line as they are: \
             set server.tls_cert and server.tls_key, or name the proxy that speaks tls in \
             server.trusted_proxies, or listen on 127.0.0.1:{}; --allow-remote goes without",
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
