use super::*;

fn load(pid: i32, ppid: i32, session: i32, ticks: u64) -> Load {
    Load { pid, ppid, session, ticks, rss_bytes: 1_000, threads: 1 }
}

fn id(text: &str) -> ProcessId {
    ProcessId(text.to_owned())
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
