use std::cell::RefCell;

use super::*;

const MIB: u64 = 1 << 20;

/// What is asked, and what is answered.
#[derive(Default)]
struct Told {
    marks: HashMap<i32, &'static str>,
    shares: HashMap<i32, u64>,
    asked: RefCell<Vec<i32>>,
}

impl Ask for Told {
    fn mark_of(&self, pid: i32) -> Option<String> {
        self.marks.get(&pid).map(|mark| (*mark).to_owned())
    }

    fn share_of(&self, pid: i32) -> Option<u64> {
        self.asked.borrow_mut().push(pid);
        self.shares.get(&pid).copied()
    }
}

fn watched(run: &str, root: i32, memory_mib: u64, pids: u32) -> (String, Watched) {
    let bounds = Bounds {
        memory_bytes: Some(memory_mib * MIB).filter(|bytes| *bytes > 0),
        pids: Some(pids).filter(|count| *count > 0),
    };
    (run.to_owned(), Watched { root, bounds, tell: mpsc::channel(1).0 })
}

fn load(pid: i32, ppid: i32, session: i32, mib: u64) -> Load {
    Load { pid, ppid, session, rss_bytes: mib * MIB, threads: 1, ..Load::default() }
}

#[test]
fn the_true_share_is_asked_for_only_when_the_cheap_sum_is_beyond_the_limit() {
    let all = [watched("a.1", 10, 100, 0), watched("b.1", 20, 100, 0)];
    let loads = [load(10, 2, 10, 90), load(20, 2, 20, 60), load(21, 20, 20, 60)];
    let mut told = Told::default();
    told.shares.extend([(20, 40 * MIB), (21, 40 * MIB)]);
    assert_eq!(judge(&all, &loads, Some(2), &told), []);
    assert_eq!(*told.asked.borrow(), [20, 21], "what they share is counted once");
    told.shares.insert(21, 61 * MIB);
    let excess = Excess::Memory { used_bytes: 101 * MIB, most_bytes: 100 * MIB };
    assert_eq!(judge(&all, &loads, Some(2), &told), [(1, excess)]);
    assert_eq!(excess.describe(), "memory limit: its tree uses 101.0 MiB, and may use 100.0 MiB");
    assert!(!excess.is_far());
    // One that cannot be asked counts as it is seen.
    told.shares.clear();
    let excess = Excess::Memory { used_bytes: 120 * MIB, most_bytes: 100 * MIB };
    assert_eq!(judge(&all, &loads, Some(2), &told), [(1, excess)]);
}

#[test]
fn who_has_left_the_tree_belongs_to_it_by_its_mark() {
    let all = [watched("a.1", 10, 100, 3)];
    // 30 has left its session, and its parent is gone; 31 came of it; 40 is a stranger.
    let loads =
        [load(10, 2, 10, 1), load(30, 2, 30, 1), load(31, 30, 31, 300), load(40, 1, 40, 900)];
    let mut told = Told::default();
    told.marks.extend([(30, "a.1"), (40, "other.1")]);
    let found = judge(&all, &loads, Some(2), &told);
    assert_eq!(found, [(0, Excess::Memory { used_bytes: 302 * MIB, most_bytes: 100 * MIB })]);
    assert!(found.iter().all(|(_, excess)| excess.is_far()));
    // Without a keeper, orphans go to the first process.
    let orphaned = [load(10, 1, 10, 1), load(30, 1, 30, 150)];
    assert_eq!(judge(&all, &orphaned, None, &told).len(), 1);
}

#[test]
fn threads_count_as_the_kernel_counts_them() {
    let all = [watched("a.1", 10, 0, 4)];
    let mut loads = [load(10, 2, 10, 1), load(11, 10, 10, 1)];
    loads[1].threads = 3;
    assert_eq!(judge(&all, &loads, Some(2), &Told::default()), []);
    loads[1].threads = 8;
    let found = judge(&all, &loads, Some(2), &Told::default());
    assert_eq!(found, [(0, Excess::Pids { count: 9, most: 4 })]);
    assert!(found[0].1.is_far());
    assert_eq!(
        found[0].1.describe(),
        "process limit: its tree has 9 processes and threads, and may have 4"
    );
}

#[tokio::test]
async fn a_tree_is_watched_until_its_watch_is_dropped() {
    let warden = Arc::new(Warden::default());
    let mut watch = warden.watch("a.1", 10, Bounds { pids: Some(1), ..Bounds::default() });
    let all = warden.all();
    for _ in 0..9 {
        let _ = all[0].1.tell.try_send(Excess::Pids { count: 2, most: 1 });
    }
    assert_eq!(watch.next().await, Excess::Pids { count: 2, most: 1 });
    drop(watch);
    assert!(warden.all().is_empty());
}
