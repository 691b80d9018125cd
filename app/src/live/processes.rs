//! The processes that are known, newest first, each in a signal of its own: a change of one redraws
//! its row and no other.

use leptos::prelude::*;

use crate::model::{Process, ProcessId, ProcessList};
use crate::text::filter::Query;

/// One process, as it is now.
pub(crate) type ProcessSignal = ArcRwSignal<Process>;

/// What a process is shown as until the server says how it is.
#[derive(Debug)]
pub(crate) struct Expected {
    signal: ProcessSignal,
    before: Process,
    shown: Process,
}

impl Expected {
    /// It was refused: shows what was before, unless something newer is shown already.
    pub(crate) fn take_back(self) {
        if self.signal.with_untracked(|now| *now == self.shown) {
            self.signal.set(self.before);
        }
    }
}

/// See the module. A handle: copies are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processes {
    /// Newest first: ids sort by age.
    listed: RwSignal<Vec<(ProcessId, ProcessSignal)>>,
    /// The one on screen may be older than any that is listed.
    opened: StoredValue<Option<ProcessSignal>>,
    older: RwSignal<Option<String>>,
    /// Told whenever one comes, goes or has another status; not of older ones, which a page brings.
    turns: Trigger,
}

impl Processes {
    pub(super) fn new() -> Self {
        Self {
            listed: RwSignal::new(Vec::new()),
            opened: StoredValue::new(None),
            older: RwSignal::new(None),
            turns: Trigger::new(),
        }
    }

    /// Takes a page of the list. What is known already is left as it is: it is at least as new.
    pub(crate) fn add_page(self, page: ProcessList) {
        self.add_found(page.processes);
        self.older.set(page.next_cursor);
    }

    /// Takes processes that a search found.
    pub(crate) fn add_found(self, processes: Vec<Process>) {
        self.listed.update(|listed| {
            for process in processes {
                if let Err(place) = find(listed, &process.id) {
                    listed.insert(place, (process.id.clone(), ProcessSignal::new(process)));
                }
            }
        });
    }

    /// Tells an effect whenever a process comes, goes or has another status.
    pub(crate) fn track_turns(self) {
        self.turns.track();
    }

    /// The cursor of the next page, when there is one.
    pub(crate) fn older(self) -> Option<String> {
        self.older.get()
    }

    /// The signal of a process that was asked for by its id.
    pub(crate) fn open(self, process: Process) -> ProcessSignal {
        let signal = self.get(&process.id).unwrap_or_else(|| ProcessSignal::new(process));
        self.opened.set_value(Some(signal.clone()));
        signal
    }

    /// The signal of a listed process.
    pub(crate) fn get(self, id: &ProcessId) -> Option<ProcessSignal> {
        self.listed.with_untracked(|listed| {
            find(listed, id)
                .ok()
                .and_then(|place| listed.get(place))
                .map(|(_, signal)| signal.clone())
        })
    }

    fn opened(self, id: &ProcessId) -> Option<ProcessSignal> {
        let opened = self.opened.get_value();
        opened.filter(|opened| opened.with_untracked(|opened| opened.id == *id))
    }

    /// Shows a process as it is expected to be.
    pub(crate) fn expect(
        self,
        id: &ProcessId,
        change: impl FnOnce(&mut Process),
    ) -> Option<Expected> {
        let signal = self.get(id).or_else(|| self.opened(id))?;
        let before = signal.get_untracked();
        let mut shown = before.clone();
        change(&mut shown);
        signal.set(shown.clone());
        Some(Expected { signal, before, shown })
    }

    /// Takes a process as it is now.
    pub(crate) fn upsert(self, process: Process) {
        if let Some(signal) = self.get(&process.id) {
            if signal.with_untracked(|known| known.status != process.status) {
                self.turns.notify();
            }
            return set(&signal, process);
        }
        self.turns.notify();
        let opened = self.opened(&process.id);
        let id = process.id.clone();
        let signal = match opened {
            Some(opened) => {
                set(&opened, process);
                opened
            }
            None => ProcessSignal::new(process),
        };
        self.listed.update(|listed| {
            if let Err(place) = find(listed, &id) {
                listed.insert(place, (id, signal));
            }
        });
    }

    /// Takes the server's newest processes, all of them as they are now. One that is not among
    /// them, though it is newer than the oldest of them, is gone.
    pub(crate) fn reconcile(self, newest: Vec<Process>) {
        let gone =
            self.listed.with_untracked(|listed| vanished(listed.iter().map(|(id, _)| id), &newest));
        for process in newest {
            self.upsert(process);
        }
        if !gone.is_empty() {
            self.listed.update(|listed| listed.retain(|(id, _)| !gone.contains(id)));
            self.turns.notify();
        }
    }

    /// Shows each as it is now, newest first, until `look` has seen enough and says `false`. Nobody
    /// is told of changes.
    pub(crate) fn look_through(self, mut look: impl FnMut(&Process) -> bool) {
        self.listed.with_untracked(|listed| {
            for (_, signal) in listed {
                if !signal.with_untracked(&mut look) {
                    break;
                }
            }
        });
    }

    /// What fits the search, newest first, with its project.
    pub(crate) fn found(self, query: &Query) -> Vec<(ProcessId, String)> {
        self.listed.with(|listed| {
            // Without a search nothing in a process decides, so no change of one is of interest.
            let look = |signal: &ProcessSignal| {
                if query.is_empty() {
                    Some(signal.with_untracked(|process| process.project.clone()))
                } else {
                    signal.with(|process| query.fits(process).then(|| process.project.clone()))
                }
            };
            let found = listed.iter().filter_map(|(id, signal)| Some((id.clone(), look(signal)?)));
            found.collect()
        })
    }
}

/// Where the id is, or belongs, in a list with the greatest first.
fn find(listed: &[(ProcessId, ProcessSignal)], id: &ProcessId) -> Result<usize, usize> {
    listed.binary_search_by(|(known, _)| id.cmp(known))
}

fn set(signal: &ProcessSignal, process: Process) {
    if signal.with_untracked(|known| *known != process) {
        signal.set(process);
    }
}

fn vanished<'a>(known: impl Iterator<Item = &'a ProcessId>, newest: &[Process]) -> Vec<ProcessId> {
    let oldest = newest.iter().map(|process| &process.id).min();
    known
        .filter(|id| oldest.is_none_or(|oldest| *id > oldest))
        .filter(|id| !newest.iter().any(|process| process.id == **id))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample_process;
    use super::*;
    use crate::model::Status;

    fn page(ids: &[&str], status: Status) -> Vec<Process> {
        ids.iter().map(|id| sample_process(id, status)).collect()
    }

    fn ids(processes: Processes, query: &str) -> Vec<ProcessId> {
        processes.found(&Query::parse(query)).into_iter().map(|(id, _)| id).collect()
    }

    fn shown(processes: Processes) -> Vec<(String, Status)> {
        let ids = ids(processes, "");
        let status = |id: &ProcessId| processes.get(id).unwrap().with_untracked(|p| p.status);
        ids.iter().map(|id| (id.0.clone(), status(id))).collect()
    }

    #[test]
    fn updates_merge_into_the_list() {
        let owner = Owner::new();
        owner.set();
        let processes = Processes::new();
        processes.add_page(ProcessList {
            processes: page(&["b", "a"], Status::Running),
            next_cursor: Some("a".into()),
        });
        let b = processes.get(&ProcessId("b".into())).unwrap();
        processes.upsert(sample_process("b", Status::Stopping));
        processes.upsert(sample_process("c", Status::Queued));
        assert_eq!(b.with_untracked(|b| b.status), Status::Stopping);
        assert_eq!(
            shown(processes),
            [
                ("c".to_owned(), Status::Queued),
                ("b".to_owned(), Status::Stopping),
                ("a".to_owned(), Status::Running)
            ]
        );
        // A page that comes late does not undo what was said since.
        processes.add_found(page(&["b"], Status::Running));
        assert_eq!(b.with_untracked(|b| b.status), Status::Stopping);
        assert_eq!(ids(processes, "stopping").len(), 1);
        assert_eq!(processes.older(), Some("a".to_owned()));
    }

    #[test]
    fn the_opened_process_keeps_its_signal() {
        let owner = Owner::new();
        owner.set();
        let processes = Processes::new();
        processes.add_found(page(&["b"], Status::Running));
        let old = processes.open(sample_process("a", Status::Failed));
        assert_eq!(ids(processes, "").len(), 1);
        processes.upsert(sample_process("a", Status::Running));
        assert_eq!(old.with_untracked(|old| old.status), Status::Running);
        assert_eq!(ids(processes, "").len(), 2);
    }

    #[test]
    fn what_was_expected_is_taken_back_unless_something_is_newer() {
        let owner = Owner::new();
        owner.set();
        let processes = Processes::new();
        processes.add_found(page(&["a"], Status::Running));
        let id = ProcessId("a".into());
        let status = || processes.get(&id).unwrap().with_untracked(|a| a.status);
        let expect = || processes.expect(&id, |a| a.status = Status::Stopping).unwrap();
        let expected = expect();
        assert_eq!(status(), Status::Stopping);
        expected.take_back();
        assert_eq!(status(), Status::Running);
        let expected = expect();
        processes.upsert(sample_process("a", Status::Failed));
        expected.take_back();
        assert_eq!(status(), Status::Failed);
        assert!(processes.expect(&ProcessId("b".into()), |_| {}).is_none());
    }

    #[test]
    fn coming_turning_and_going_are_told() {
        let owner = Owner::new();
        owner.set();
        let processes = Processes::new();
        let told = Memo::new(move |before: Option<&u32>| {
            processes.track_turns();
            before.map_or(0, |before| before + 1)
        });
        assert_eq!(told.get_untracked(), 0);
        processes.upsert(sample_process("b", Status::Running));
        assert_eq!(told.get_untracked(), 1);
        processes.upsert(sample_process("b", Status::Running));
        assert_eq!(told.get_untracked(), 1);
        processes.upsert(sample_process("b", Status::Failed));
        assert_eq!(told.get_untracked(), 2);
        processes.upsert(sample_process("c", Status::Running));
        assert_eq!(told.get_untracked(), 3);
        processes.reconcile(page(&["c", "b"], Status::Running));
        assert_eq!(told.get_untracked(), 4, "one has another status");
        processes.reconcile(page(&["b"], Status::Running));
        assert_eq!((told.get_untracked(), ids(processes, "").len()), (5, 1), "one is gone");
        processes.add_found(page(&["a"], Status::Completed));
        assert_eq!(told.get_untracked(), 5, "an older one was there before");
    }

    #[test]
    fn what_the_server_lost_is_gone() {
        let known: Vec<_> = ["a", "b", "c", "d"].map(|id| ProcessId(id.into())).into();
        let gone = |newest: &[&str]| {
            let gone = vanished(known.iter(), &page(newest, Status::Running));
            gone.into_iter().map(|id| id.0).collect::<String>()
        };
        assert_eq!(gone(&["d", "c", "b"]), "");
        assert_eq!(gone(&["d", "b"]), "c");
        assert_eq!(gone(&[]), "abcd");
    }
}
