use proptest::prelude::*;

use super::*;

fn id(n: usize) -> ProcessId {
    ProcessId(n.to_string())
}

fn slots(max: usize) -> Slots {
    Slots::new("jobs", max)
}

fn later(asked: Asked) -> Waiting {
    match asked {
        Asked::Later(waiting) => waiting,
        Asked::Now(_) => panic!("no slot was to be free"),
    }
}

fn now(asked: Asked) -> Slot {
    match asked {
        Asked::Now(slot) => slot,
        Asked::Later(_) => panic!("a slot is free"),
    }
}

async fn granted(waiting: &mut Waiting) -> Slot {
    loop {
        if let Step::Granted(slot) = waiting.next().await {
            return slot;
        }
    }
}

#[tokio::test]
async fn serves_in_order_and_says_the_place() {
    let slots = slots(1);
    let first = now(slots.ask(&id(0), 0));
    let mut second = later(slots.ask(&id(1), 0));
    let mut third = later(slots.ask(&id(2), 0));
    assert_eq!(third.reason(), "queued: 1 of 1 slots in use, 2nd in line");
    drop(first);
    let slot = granted(&mut second).await;
    assert!(matches!(third.next().await, Step::Moved));
    assert_eq!(third.place(), Place { ahead: 0, used: 1, max: 1, is_paused: false, before: None });
    drop(slot);
    drop(granted(&mut third).await);
    assert!(matches!(slots.ask(&id(3), 0), Asked::Now(_)));
}

#[tokio::test]
async fn who_leaves_the_line_is_passed_over() {
    let slots = slots(1);
    let first = now(slots.ask(&id(0), 0));
    let second = later(slots.ask(&id(1), 0));
    let mut third = later(slots.ask(&id(2), 0));
    drop(second);
    assert_eq!(third.place().ahead, 0);
    drop(first);
    drop(granted(&mut third).await);
}

#[tokio::test]
async fn a_granted_slot_that_nobody_takes_is_free_again() {
    let slots = slots(1);
    let first = now(slots.ask(&id(0), 0));
    let second = later(slots.ask(&id(1), 0));
    drop(first);
    drop(second);
    assert!(matches!(slots.ask(&id(2), 0), Asked::Now(_)));
}

#[tokio::test]
async fn a_paused_pool_serves_nobody_until_it_is_resumed() {
    let pools = Pools::new([("builds".to_owned(), 2)], 10);
    let slots = pools.get("builds");
    slots.pause(true);
    let mut first = later(slots.ask(&id(0), 0));
    assert_eq!(first.reason(), "queued: the pool builds is paused, 1st in line");
    let builds = &pools.list()[0];
    assert_eq!((builds.name.as_str(), builds.waiting, builds.is_paused), ("builds", 1, true));
    slots.pause(false);
    let _slot = granted(&mut first).await;
    let _second = now(slots.ask(&id(1), 0));
    let mut third = later(slots.ask(&id(2), 0));
    assert_eq!(third.reason(), "queued: 2 of 2 slots of builds in use, 1st in line");
    assert_eq!(pools.configure([("builds".to_owned(), 3)]), [""; 0]);
    drop(granted(&mut third).await);
}

#[test]
fn a_full_line_is_refused_in_words() {
    let pools = Pools::new([("jobs".to_owned(), 1)], 1);
    let _slot = now(pools.get("jobs").ask(&id(0), 0));
    assert_eq!(pools.check_room("jobs"), Ok(()));
    let _waiting = later(pools.get("jobs").ask(&id(1), 0));
    let full = pools.check_room("jobs").unwrap_err();
    assert_eq!((full.pool.as_str(), full.waiting), ("jobs", 1));
    assert!(full.to_string().contains("limits.max_queue"), "{full}");
}

#[tokio::test]
async fn who_waits_in_a_pool_that_goes_stands_in_the_line_of_those_that_name_none() {
    let both = |builds| [("jobs".to_owned(), 1), ("builds".to_owned(), builds)];
    let pools = Pools::new(both(1), 10);
    let builds = pools.get("builds");
    let runs = now(builds.ask(&id(0), 0));
    let (mut low, mut high) = (later(builds.ask(&id(1), 0)), later(builds.ask(&id(2), 5)));
    let left = later(builds.ask(&id(3), 9));
    let job = now(pools.get("jobs").ask(&id(4), 0));
    let mut other = later(pools.get("jobs").ask(&id(5), 0));
    drop(left);
    assert_eq!(pools.configure([("jobs".to_owned(), 1)]), ["builds"]);
    let names: Vec<String> = pools.list().into_iter().map(|pool| pool.name).collect();
    assert_eq!(names, ["jobs"]);
    for waiting in [&mut low, &mut high] {
        assert!(matches!(waiting.next().await, Step::Moved));
        assert_eq!(waiting.pool(), "jobs");
    }
    assert_eq!(high.reason(), "queued: 1 of 1 slots in use, 1st in line (the pool builds is gone)");
    assert_eq!((other.place().ahead, low.place().ahead), (1, 2), "who asked first is served first");
    // Whoever runs in it goes on, and takes no slot of another; whoever still knew it is led on.
    drop(runs);
    assert_eq!(high.place().ahead, 0);
    assert_eq!(later(builds.ask(&id(6), 0)).pool(), "jobs");
    drop(job);
    drop(granted(&mut high).await);
    drop(granted(&mut other).await);
    assert_eq!(granted(&mut low).await.pool(), "jobs");
    // One of this name that comes later is another.
    pools.configure(both(2));
    assert_eq!(now(pools.get("builds").ask(&id(7), 0)).pool(), "builds");
}

#[test]
fn a_pool_that_goes_gives_free_slots_of_the_other_at_once() {
    let pools = Pools::new([("jobs".to_owned(), 2), ("builds".to_owned(), 1)], 10);
    let builds = pools.get("builds");
    builds.pause(true);
    let waiting: Vec<Waiting> = (0..3).map(|n| later(builds.ask(&id(n), 0))).collect();
    pools.configure([("jobs".to_owned(), 2)]);
    assert_eq!(pools.get("builds").figures(), (2, 1));
    drop(waiting);
    assert_eq!(pools.get("builds").figures(), (0, 0), "it comes back from who has left");
}

proptest! {
    #[test]
    fn the_line_is_sorted_by_priority_and_then_by_time(
        priorities in proptest::collection::vec(-3i32..4, 1..40),
    ) {
        let slots = slots(1);
        let _slot = now(slots.ask(&id(1_000), 0));
        let waiting: Vec<Waiting> = priorities
            .iter()
            .enumerate()
            .map(|(n, priority)| later(slots.ask(&id(n), *priority)))
            .collect();
        let mut order: Vec<usize> = (0..priorities.len()).collect();
        order.sort_by_key(|n| (std::cmp::Reverse(priorities[*n]), *n));
        for (place, n) in order.into_iter().enumerate() {
            prop_assert_eq!(waiting[n].place().ahead, place);
        }
    }
}
