//! One catalog for many readers, replaced when the project's files change.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::Catalog;

/// Hands out the catalog as the files are now.
#[derive(Debug)]
pub struct SharedCatalog {
    current: RwLock<Arc<Catalog>>,
    /// One reader reads the files again; the others wait for what it finds.
    reloading: Mutex<()>,
}

impl SharedCatalog {
    /// Begins with this one.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { current: RwLock::new(Arc::new(catalog)), reloading: Mutex::new(()) }
    }

    /// The catalog, read again when a file changed. Blocks on the file system.
    #[must_use]
    pub fn current(&self) -> Arc<Catalog> {
        let known = self.current.read().clone();
        if !known.is_stale() {
            return known;
        }
        let _guard = self.reloading.lock();
        let newest = self.current.read().clone();
        if !Arc::ptr_eq(&known, &newest) && !newest.is_stale() {
            return newest;
        }
        let read = Arc::new(newest.reload());
        *self.current.write() = read.clone();
        read
    }

    /// Puts another catalog in its place.
    pub fn replace(&self, catalog: Catalog) {
        let _guard = self.reloading.lock();
        *self.current.write() = Arc::new(catalog);
    }
}
