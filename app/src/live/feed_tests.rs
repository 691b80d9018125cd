use super::*;
use crate::live::sample_entry;
use crate::model::EntryKind;

fn entries(range: std::ops::Range<i64>) -> Vec<Entry> {
    let kind = |idx| if idx % 10 == 9 { EntryKind::Stderr } else { EntryKind::Stdout };
    range.map(|idx| sample_entry(idx, kind(idx), &format!("line {idx}"))).collect()
}

fn feed(range: std::ops::Range<i64>) -> Feed {
    let next = range.end;
    Feed::new(entries(range), next)
}

fn keys(feed: &mut Feed) -> Vec<i64> {
    feed.refresh();
    feed.slice(0, MAX_WINDOW + MAX_ROWS).iter().map(|row| row.key()).collect()
}

/// The first key on screen, the last, and whether there is none missing between them.
fn span(feed: &mut Feed) -> (i64, i64, bool) {
    let keys = keys(feed);
    let is_whole = keys.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    (keys[0], keys[keys.len() - 1], is_whole)
}

/// The page that the server would give.
fn page(wanted: Wanted, end: i64) -> Vec<Entry> {
    let size = i64::try_from(PAGE).unwrap();
    match wanted {
        Wanted::Before(idx) => entries((idx - size).max(0)..idx),
        Wanted::After(idx) => entries(idx + 1..(idx + 1 + size).min(end)),
    }
}

#[test]
fn an_empty_feed_waits_for_the_first_entry() {
    let mut feed = feed(0..0);
    assert_eq!((feed.last(), feed.len(), feed.older()), (-1, 0, None));
    assert_eq!(feed.push(entries(0..2)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1]);
}

#[test]
fn begins_where_its_tail_begins() {
    let mut feed = feed(40..43);
    assert_eq!((feed.last(), feed.older()), (42, Some(Wanted::Before(40))));
    assert_eq!(keys(&mut feed), [40, 41, 42]);
}

#[test]
fn keeps_the_newest_thousand() {
    let mut feed = feed(0..600);
    feed.push(entries(600..2_500));
    assert_eq!(span(&mut feed), (1_500, 2_499, true));
    assert_eq!(feed.len(), MAX_ROWS);
}

#[test]
fn what_is_sent_again_is_passed_over() {
    let mut feed = feed(0..5);
    assert_eq!(feed.push(entries(2..5)), Pushed::Nothing);
    assert_eq!(feed.push(entries(3..7)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_hole_is_asked_for_and_filled() {
    let mut feed = feed(0..3);
    assert_eq!(feed.push(entries(5..8)), Pushed::Hole);
    assert_eq!(keys(&mut feed), [0, 1, 2]);
    assert_eq!(feed.push(entries(3..8)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(feed.push(entries(9..10)), Pushed::Hole);
}

#[test]
fn a_hole_that_stays_is_said() {
    let mut feed = feed(0..3);
    feed.push(entries(5..8));
    assert_eq!(feed.push(entries(5..6)), Pushed::Added);
    feed.refresh();
    let rows = feed.slice(3, 2);
    assert_eq!(*rows[0], Row::Gap { from: 3, to: 4 });
    assert_eq!(rows[1].key(), 5);
}

#[test]
fn gaps_are_rows() {
    let mut feed = feed(0..3);
    feed.skip_to(9);
    feed.skip_to(4);
    assert_eq!(feed.push(entries(8..11)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 10]);
    assert_eq!([feed.place_of(2), feed.place_of(5), feed.place_of(10)], [2, 3, 4]);
}

#[test]
fn held_rows_stay_while_the_feed_goes_on() {
    let mut feed = feed(0..10);
    feed.push(entries(10..12));
    // Held is what is on screen, not what came since it was drawn.
    feed.hold();
    feed.push(entries(12..5_000));
    feed.refresh();
    assert_eq!((feed.len(), feed.waiting()), (10, 4_990));
    // Its end is far from the ring: what is between is read on.
    feed.reach_end();
    assert!(feed.is_held());
    assert_eq!(feed.newer(), Some(Wanted::After(9)));
    feed.follow();
    assert_eq!((span(&mut feed), feed.waiting()), ((4_000, 4_999, true), 0));
    // What the ring has is read on before the newest is followed.
    feed.hold();
    feed.push(entries(5_000..5_400));
    feed.reach_end();
    assert_eq!((feed.is_held(), span(&mut feed)), (true, (4_000, 5_399, true)));
    feed.reach_end();
    assert!(!feed.is_held());
}

#[test]
fn a_million_lines_are_read_up_and_down_in_little_memory() {
    let end = 1_000_000;
    let mut feed = feed(end - 1_000..end);
    feed.hold();
    for _ in 0..100 {
        let wanted = feed.older().unwrap();
        feed.take_page(wanted, page(wanted, end));
        assert!(feed.len() <= MAX_WINDOW);
    }
    assert_eq!(span(&mut feed), (949_000, 949_000 + 2_499, true));
    while let Some(wanted) = feed.newer() {
        feed.take_page(wanted, page(wanted, end));
        assert!(feed.len() <= MAX_WINDOW + MAX_ROWS);
    }
    let (_, last, is_whole) = span(&mut feed);
    assert_eq!((last, is_whole, feed.waiting()), (end - 1, true, 0));
    feed.reach_end();
    assert!(!feed.is_held());
}

#[test]
fn the_first_page_is_the_end_of_the_way_up() {
    let mut feed = feed(700..1_700);
    feed.hold();
    for _ in 0..2 {
        let wanted = feed.older().unwrap();
        feed.take_page(wanted, page(wanted, 1_700));
    }
    assert_eq!(feed.older(), None);
    assert_eq!(span(&mut feed), (0, 1_699, true));
    // An answer that is not wanted any more changes nothing.
    feed.take_page(Wanted::Before(500), entries(0..500));
    assert_eq!(span(&mut feed), (0, 1_699, true));
}

#[test]
fn a_jump_shows_a_line_among_its_neighbours() {
    let end = 10_000;
    let mut feed = feed(9_000..end);
    feed.jump(page(Wanted::Before(5_000), end), page(Wanted::After(4_999), end));
    assert_eq!(span(&mut feed), (4_500, 5_499, true));
    assert_eq!((feed.place_of(5_000), feed.covers(5_000)), (500, true));
    assert!(feed.is_held());
    assert_eq!(feed.older(), Some(Wanted::Before(4_500)));
    assert_eq!(feed.newer(), Some(Wanted::After(5_499)));
    // Near the end, it joins what is live.
    feed.jump(page(Wanted::Before(9_800), end), page(Wanted::After(9_799), end));
    assert_eq!((span(&mut feed), feed.newer()), ((9_300, 9_999, true), None));
    feed.push(entries(end..end + 5));
    feed.reach_end();
    assert_eq!(span(&mut feed).1, end + 4);
}

#[test]
fn a_page_around_a_line_is_held_from_the_start() {
    let mut feed = Feed::new(entries(100..300), 1_000);
    assert!(feed.is_held());
    assert_eq!(span(&mut feed), (100, 299, true));
    assert_eq!((feed.last(), feed.waiting()), (999, 700));
    assert_eq!(feed.older(), Some(Wanted::Before(100)));
    assert_eq!(feed.newer(), Some(Wanted::After(299)));
}

#[test]
fn a_filter_keeps_what_fits_and_asks_for_the_rest() {
    let mut feed = feed(0..50);
    feed.set_filter(LineFilter { streams: [false, true, false], ..LineFilter::default() });
    assert!(keys(&mut feed).is_empty());
    assert_eq!(feed.older(), Some(Wanted::Before(50)));
    feed.push(entries(50..60));
    let kept: Vec<_> = entries(0..50).into_iter().filter(|entry| entry.idx % 10 == 9).collect();
    feed.take_page(Wanted::Before(50), kept);
    assert_eq!(keys(&mut feed), [9, 19, 29, 39, 49, 59]);
    assert_eq!((feed.older(), feed.waiting()), (None, 0));
}
