//! How many WebSockets one may have open.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Caller, ServiceError};

/// Open sockets by who has them.
#[derive(Debug)]
pub(super) struct Sockets {
    most: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

/// Room for one socket; given back when it is dropped.
#[derive(Debug)]
pub struct SocketPermit {
    key: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Sockets {
    pub(super) fn new(most: u32) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), open: Arc::default() }
    }

    fn take(&self, key: &str) -> Option<SocketPermit> {
        let mut open = self.open.lock();
        let count = open.entry(key.to_owned()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(SocketPermit { key: key.to_owned(), open: Arc::clone(&self.open) })
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

impl Caller {
    /// Room for one more WebSocket.
    ///
    /// # Errors
    /// 429 when one has as many as one may.
    pub fn open_socket(&self) -> Result<SocketPermit, ServiceError> {
        let sockets = &self.service().sockets;
        sockets.take(&self.key()).ok_or_else(|| {
            let detail = format!(
                "you have {} websockets open, which is limits.sockets_per_user: close some first",
                sockets.most
            );
            ServiceError {
                retry_after_s: Some(1),
                ..ServiceError::new(429, "too_many_sockets", detail)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_gives_them_back() {
        let sockets = Sockets::new(2);
        let first = sockets.take("a").unwrap();
        let _second = sockets.take("a").unwrap();
        assert!(sockets.take("a").is_none());
        let other = sockets.take("b").unwrap();
        drop(first);
        sockets.take("a").unwrap();
        drop(other);
        assert_eq!(sockets.open.lock().len(), 1, "who has none is forgotten");
    }
}
