//! Passwords are hashed beside the runtime's threads, a few at a time: each takes 19 MiB, and a
//! flood of sign-ins is not to take the memory of everything else.

use tokio::sync::Semaphore;

use super::ServiceError;
use crate::auth::{hash_password, verify_password};

/// At the same time.
const MOST: usize = 4;

/// Room to hash in.
pub(super) fn room() -> Semaphore {
    Semaphore::new(MOST)
}

/// The hash to keep.
pub(super) async fn hash(room: &Semaphore, password: String) -> Result<String, ServiceError> {
    let internal = |words: String| ServiceError::new(500, "internal", words);
    let _permit = room.acquire().await;
    tokio::task::spawn_blocking(move || hash_password(&password))
        .await
        .map_err(|error| internal(error.to_string()))?
        .map_err(|error| internal(error.to_string()))
}

/// Whether the password is that of the hash; without one it takes as long, and is wrong.
pub(super) async fn verify(room: &Semaphore, password: String, hash: Option<String>) -> bool {
    let _permit = room.acquire().await;
    tokio::task::spawn_blocking(move || verify_password(&password, hash.as_deref()))
        .await
        .unwrap_or(false)
}
