//! `[limits]`: how much may run.

use super::key::{Key, Takes};
use super::setting::{Rejected, Setting};
use super::{Cores, Invalid, Size, TreeLimits, Wrong};

/// How much may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Jobs that run at the same time; further ones wait in a queue.
    pub max_jobs: u32,
    /// Services that run at the same time; a further one is refused.
    pub max_services: u32,
    /// Requests of one person or token in any minute.
    pub requests_per_minute: u32,
    /// WebSockets that one person or token has open.
    pub sockets_per_user: u32,
    /// Connections that are open; a further one is refused.
    pub max_connections: u32,
    /// Connections from one address. This machine and trusted proxies may have them all.
    pub connections_per_address: u32,
    /// Seconds that the body of a request may take, however steadily it comes.
    pub body_timeout_s: u32,
    /// Starts in any minute.
    pub starts_per_minute: u32,
    /// Bytes of output after which a process is killed; 0: never.
    pub max_buffer: u64,
    /// Jobs that may wait in each pool; a further one is refused.
    pub max_queue: u32,
    /// What the tree of any process may use at most, and may use when nothing is said.
    pub of_a_process: TreeLimits,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_jobs: 5,
            max_services: 100,
            requests_per_minute: 60_000,
            sockets_per_user: 1_000,
            max_connections: 4_096,
            connections_per_address: 512,
            body_timeout_s: 60,
            starts_per_minute: 30,
            max_buffer: 0,
            max_queue: 10_000,
            of_a_process: TreeLimits::default(),
        }
    }
}

impl LimitsConfig {
    /// Threads, sockets and files are made for up to so many processes.
    const MOST: u32 = 10_000;
    pub(super) const SECTION: &str = "limits";
    pub(super) const KEYS: &[Key] = &[
        Key::new("max_jobs", Takes::Number(1, Self::MOST as u64), "Jobs that run at the same time"),
        Key::new(
            "max_services",
            Takes::Number(1, Self::MOST as u64),
            "Services that run at the same time",
        ),
        Key::new(
            "requests_per_minute",
            Takes::Number(1, u32::MAX as u64),
            "Requests of one person or token in any minute",
        ),
        Key::new(
            "sockets_per_user",
            Takes::Number(1, Self::MOST as u64),
            "WebSockets that one person or token has open",
        ),
        Key::new("max_connections", Takes::Number(1, 1_000_000), "Connections that are open"),
        Key::new(
            "connections_per_address",
            Takes::Number(1, 1_000_000),
            "Connections from one address other than this machine and trusted proxies",
        ),
        Key::new(
            "body_timeout_s",
            Takes::Number(1, 3_600),
            "Seconds that the body of a request may take",
        ),
        Key::new("starts_per_minute", Takes::Number(1, 1_000_000), "Starts in any minute"),
        Key::new(
            "max_buffer",
            Takes::Number(0, u64::MAX),
            "Bytes of output after which a process is killed; 0 is never",
        ),
        Key::new("max_queue", Takes::Number(1, 1_000_000), "Jobs that may wait in each pool"),
        Key::new(
            "max_memory",
            Takes::Amount,
            "Bytes that the tree of a process may use, such as 512M; 0 is no limit",
        ),
        Key::new(
            "max_cpu",
            Takes::Amount,
            "Cores that the tree of a process may use, such as 0.5; 0 is no limit",
        ),
        Key::new(
            "max_pids",
            Takes::Number(0, 4_194_304),
            "Processes and threads that the tree of a process may have; 0 is no limit",
        ),
    ];

    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Rejected> {
        match setting.key.as_str() {
            "max_jobs" => self.max_jobs = setting.number()?,
            "max_services" => self.max_services = setting.number()?,
            "requests_per_minute" => self.requests_per_minute = setting.number()?,
            "sockets_per_user" => self.sockets_per_user = setting.number()?,
            "max_connections" => self.max_connections = setting.number()?,
            "connections_per_address" => self.connections_per_address = setting.number()?,
            "body_timeout_s" => self.body_timeout_s = setting.number()?,
            "starts_per_minute" => self.starts_per_minute = setting.number()?,
            "max_buffer" => self.max_buffer = setting.number()?,
            "max_queue" => self.max_queue = setting.number()?,
            "max_memory" => {
                let size = Size::parse(&setting.words()?).map_err(Rejected::BadValue)?;
                self.of_a_process.max_memory = Some(size).filter(|size| size.0 > 0);
            }
            "max_cpu" => {
                let cores = Cores::parse(&setting.words()?).map_err(Rejected::BadValue)?;
                self.of_a_process.max_cpu = Some(cores).filter(|cores| cores.milli > 0);
            }
            "max_pids" => {
                self.of_a_process.max_pids = Some(setting.number()?).filter(|count| *count > 0);
            }
            _ => return Err(Rejected::UnknownKey),
        }
        Ok(())
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// No slots at all, or more than can be served.
    pub fn validate(&self) -> Result<(), Invalid> {
        let within = |key, value: u32, most: u32| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(Invalid { key, message: format!("expected 1 to {most}, got {value}") })
        };
        within("max_jobs", self.max_jobs, Self::MOST)?;
        within("max_services", self.max_services, Self::MOST)?;
        within("requests_per_minute", self.requests_per_minute, u32::MAX)?;
        within("sockets_per_user", self.sockets_per_user, Self::MOST)?;
        within("max_connections", self.max_connections, 1_000_000)?;
        within("connections_per_address", self.connections_per_address, 1_000_000)?;
        within("body_timeout_s", self.body_timeout_s, 3_600)?;
        within("max_queue", self.max_queue, 1_000_000)?;
        within("starts_per_minute", self.starts_per_minute, 1_000_000)?;
        self.of_a_process.validate().map_err(|Wrong { key, message }| Invalid { key, message })
    }
}
