use super::*;

fn load(pid: i32, ppid: i32, session: i32, ticks: u64) -> Load {
    Load { pid, ppid, session, ticks, rss_bytes: 1_000 }
}

fn id(text: &str) -> ProcessId {
    ProcessId(text.to_owned())
}

#[test]
fn a_tree_is_its_session_and_all_that_came_of_it() {
    let roots = [(id("a"), 10), (id("b"), 20)];
    let loads = [
        load(1, 0, 1, 0),
        load(10, 1, 10, 0),
        load(11, 10, 10, 0),
        load(12, 11, 12, 0), // a session of its own, but a descendant
        load(13, 1, 10, 0),  // its parent is gone, but the session tells
        load(20, 1, 20, 0),
        load(30, 1, 30, 0),
    ];
    let owners = owners_of(&roots, &loads);
    let owned: Vec<_> = loads.iter().map(|load| owners.get(&load.pid).copied()).collect();
    assert_eq!(owned, [None, Some(0), Some(0), Some(0), Some(0), Some(1), None]);
}

#[test]
fn the_use_is_counted_between_two_looks_and_bounded() {
    let meter = Meter::default();
    let roots = [(id("a"), 10)];
    let second = Duration::from_secs(1);
    let look = |ticks: u64, child: u64, now| {
        let loads = [load(10, 1, 10, ticks), load(11, 10, 10, child)];
        meter.note(&roots, &loads, now, second, |_| true);
    };
    look(500, 0, 1);
    look(550, 25, 2);
    let points = meter.figures(&id("a"), 10).points;
    assert_eq!(points[0], Point { ts: 1, cpu_milli: 0, rss_bytes: 2_000 });
    assert_eq!(points[1], Point { ts: 2, cpu_milli: 750, rss_bytes: 2_000 });
    // A restart: other pids, and counters that begin anew.
    meter.note(&[(id("a"), 99)], &[load(99, 1, 99, 10)], 3, second, |_| true);
    assert_eq!(meter.figures(&id("a"), 1).points[0].cpu_milli, 100);
    for n in 0..1_000 {
        look(n, 0, 10);
    }
    assert_eq!(meter.figures(&id("a"), usize::MAX).points.len(), KEPT);
    meter.note(&[], &[], 0, second, |_| false);
    assert!(meter.figures(&id("a"), 10).points.is_empty());
}
