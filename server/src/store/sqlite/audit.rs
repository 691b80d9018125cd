//! Adding to the audit: each line is chained to the one before it.
//!
//! This server is nearly always the only one that writes, so the newest link is remembered and the
//! statement says what it was thought to be. Where another program has added a line (`runyard user`),
//! the statement is refused as a whole, and is made again after a look at the database.

use parking_lot::Mutex;
use sqlx::SqliteConnection;

use super::error::to_store_error;
use super::write;
use super::{Plan, StoreError};
use crate::store::chain::{Link, link};

/// The words of `write.sql` for a link that is not the newest any more.
const MOVED: &str = "the audit has grown meanwhile";
/// Programs that add a line at the same time as often as this are none of ours.
const TRIES: u32 = 10;

/// The newest link as this program knows it.
#[derive(Debug, Default)]
pub(super) struct AuditChain {
    newest: Mutex<Option<Link>>,
}

impl AuditChain {
    /// Makes all the changes of a plan, or none. Only whoever has the writer's connection calls this.
    pub(super) async fn commit(
        &self,
        connection: &mut SqliteConnection,
        plan: &Plan<'_>,
    ) -> Result<(), StoreError> {
        if plan.audit.is_empty() {
            return write::commit(connection, plan, &[]).await;
        }
        let mut tries = 0;
        loop {
            let known = self.newest.lock().clone();
            let before = match known {
                Some(link) => link,
                None => read_newest(connection).await?,
            };
            let links = links_after(before, plan);
            tries += 1;
            match write::commit(connection, plan, &links).await {
                Ok(()) => {
                    *self.newest.lock() = links.last().cloned();
                    return Ok(());
                }
                Err(StoreError::Failed(why)) if why.contains(MOVED) && tries < TRIES => {
                    *self.newest.lock() = None;
                }
                Err(error) => {
                    *self.newest.lock() = None;
                    return Err(error);
                }
            }
        }
    }
}

/// The link before the plan's lines, and one for each of them.
fn links_after(before: Link, plan: &Plan<'_>) -> Vec<Link> {
    let mut links = vec![before];
    for record in &plan.audit {
        let next = links.last().map(|before| link(before, record));
        links.extend(next);
    }
    links
}

async fn read_newest(connection: &mut SqliteConnection) -> Result<Link, StoreError> {
    sqlx::query_as("SELECT id, hash FROM audit_head")
        .fetch_one(connection)
        .await
        .map_err(to_store_error)
}
