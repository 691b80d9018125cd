//! What every database must do, as functions over [`Store`].
//!
//! [`suite!`] makes them tests of one database; each test has a database of its own. Time is data
//! here: nothing waits.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Database, StoreError};

pub(super) mod access;
pub(super) mod logs;
pub(super) mod processes;
pub(super) mod reopen;
pub(super) mod retention;
pub(super) mod samples;

/// A database of a test's own, gone when this is dropped.
#[async_trait]
pub(super) trait Fixture: Send + Sync {
    /// Opens it, the first time as a new one.
    async fn open(&self) -> Result<Arc<dyn Database>, StoreError>;
    /// Closes what `open` gave, as a server that ends.
    async fn close(&self);
    /// Makes it look as if a newer Runyard had written it.
    async fn mark_newer(&self);
}

/// Makes the suite's functions tests of the database that `$fixture` (an expression) makes.
macro_rules! suite {
    ($fixture:expr) => {
        $crate::store::conformance::suite!(store $fixture, processes:
            counts_what_ended_since,
            round_trips_a_process,
            gives_nothing_for_an_unknown_id,
            replaces_a_process_and_its_attempts,
            an_update_keeps_how_to_run_it,
            refuses_an_update_of_no_process,
            keeps_next_idx_when_a_process_is_put,
            keeps_the_end_of_a_transaction,
            lists_newest_first_by_pages,
            finds_text_without_case,
            takes_wildcards_as_text,
            filters_by_status_and_project,
            lists_processes_that_have_not_ended,
            keeps_the_newest_attempts_at_hand,
            reads_attempts_page_by_page,
            remembers_and_forgets,
            answers_a_ping,
            grows_with_what_it_keeps,
        );
        $crate::store::conformance::suite!(store $fixture, logs:
            appends_chunks,
            moves_the_cursor_with_the_chunk,
            refuses_a_gap_and_keeps_nothing,
            refuses_a_chunk_twice,
            names_the_log_that_has_a_gap,
            refuses_a_chunk_of_no_process,
            keeps_the_last_word_on_a_cursor,
            reads_chunks_after,
            reads_chunks_before,
            reads_chunks_since,
            keeps_logs_apart,
            sweeps_all_logs_newest_first,
            writes_many_chunks_at_once,
        );
        $crate::store::conformance::suite!(store $fixture, retention:
            tells_what_logs_take,
            removes_what_is_too_old,
            removes_the_oldest_until_there_is_room,
            gives_back_what_it_removed,
        );
        $crate::store::conformance::suite!(store $fixture, access:
            keeps_people,
            gives_a_name_once,
            ends_what_somebody_had_with_them,
            being_seen_changes_nobodys_access,
            forgets_what_has_ended,
            orders_the_audit,
            chains_the_audit,
            a_refused_transaction_leaves_the_chain,
            prunes_the_audit_and_keeps_the_chain,
            tells_what_became_of_an_attempt,
        );
        $crate::store::conformance::suite!(fixture $fixture, reopen:
            keeps_all_when_reopened,
            refuses_a_newer_database,
        );
    };
    (store $fixture:expr, $module:ident: $($name:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            let fixture = $fixture;
            let store = $crate::store::conformance::Fixture::open(&fixture).await.unwrap();
            $crate::store::conformance::$module::$name(&*store).await;
        })*
    };
    (fixture $fixture:expr, $module:ident: $($name:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            $crate::store::conformance::$module::$name(&$fixture).await;
        })*
    };
}

pub(super) use suite;
