//! The one connection that writes, and whose turn it is.
//!
//! It is no pool: a pool asks each connection that it gets back whether it still works, in a task of its
//! own, and that costs as much as a small transaction.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::error::to_store_error;
use super::{StoreError, open, write};

/// The writer's connection, made when it is needed.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    place: Arc<Mutex<Place>>,
}

#[derive(Debug, Default)]
struct Place {
    connection: Option<SqliteConnection>,
    is_closed: bool,
}

/// As long as somebody has it, nobody else writes.
pub(super) type Turn<'a> = MappedMutexGuard<'a, SqliteConnection>;

impl Writer {
    /// A writer for the database in this file, with its connection.
    pub(super) async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = open::writer_options(path);
        let place = Place { connection: Some(connect(&options).await?), is_closed: false };
        Ok(Self { options, place: Arc::new(Mutex::new(place)) })
    }

    /// Waits until nobody else writes.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, StoreError> {
        let closed = || StoreError::Unavailable("the database is closed".into());
        let mut place = self.place.lock().await;
        if place.is_closed {
            return Err(closed());
        }
        if place.connection.is_none() {
            place.connection = Some(connect(&self.options).await.map_err(to_store_error)?);
        }
        MutexGuard::try_map(place, |place| place.connection.as_mut()).map_err(|_| closed())
    }

    /// Whose turn is next opens the file anew: it may be on a disk that came back.
    pub(super) async fn renew(&self) {
        if let Some(connection) = self.place.lock().await.connection.take() {
            connection.close().await.ok();
        }
    }

    /// Waits for what is being written. Afterwards nobody has a turn.
    pub(super) async fn close(&self) {
        self.place.lock().await.is_closed = true;
        self.renew().await;
    }
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql(write::SET_UP).execute(&mut connection).await?;
    Ok(connection)
}
