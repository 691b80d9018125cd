use super::*;
use crate::text::ansi::Color;

fn entries(range: std::ops::Range<i64>) -> Vec<Entry> {
    let entry = |idx| Entry {
        idx,
        ts: idx,
        kind: EntryKind::Stdout,
        line: format!("line {idx}"),
        continued: false,
    };
    range.map(entry).collect()
}

fn keys(feed: &mut Feed) -> Vec<i64> {
    feed.refresh();
    feed.slice(0, MAX_ROWS).iter().map(|row| row.key()).collect()
}

#[test]
fn an_empty_feed_waits_for_the_first_entry() {
    let mut feed = Feed::new(vec![]);
    assert_eq!((feed.last(), feed.len(), feed.earlier()), (-1, 0, 0));
    assert_eq!(feed.push(entries(0..2)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1]);
}

#[test]
fn begins_where_its_tail_begins() {
    let mut feed = Feed::new(entries(40..43));
    assert_eq!((feed.last(), feed.earlier()), (42, 40));
    assert_eq!(keys(&mut feed), [40, 41, 42]);
}

#[test]
fn keeps_the_newest_thousand() {
    let mut feed = Feed::new(entries(0..600));
    feed.push(entries(600..2_500));
    feed.refresh();
    assert_eq!(feed.len(), MAX_ROWS);
    assert_eq!((feed.earlier(), feed.last()), (1_500, 2_499));
}

#[test]
fn what_is_sent_again_is_passed_over() {
    let mut feed = Feed::new(entries(0..5));
    assert_eq!(feed.push(entries(2..5)), Pushed::Nothing);
    assert_eq!(feed.push(entries(3..7)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_hole_is_asked_for_and_filled() {
    let mut feed = Feed::new(entries(0..3));
    assert_eq!(feed.push(entries(5..8)), Pushed::Hole);
    assert_eq!(keys(&mut feed), [0, 1, 2]);
    assert_eq!(feed.push(entries(3..8)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(feed.push(entries(9..10)), Pushed::Hole);
}

#[test]
fn a_hole_that_stays_is_said() {
    let mut feed = Feed::new(entries(0..3));
    feed.push(entries(5..8));
    assert_eq!(feed.push(entries(5..6)), Pushed::Added);
    feed.refresh();
    let rows = feed.slice(3, 2);
    assert_eq!(*rows[0], Row::Gap { from: 3, to: 4 });
    assert_eq!(rows[1].key(), 5);
}

#[test]
fn gaps_are_rows() {
    let mut feed = Feed::new(entries(0..3));
    feed.skip_to(9);
    feed.skip_to(4);
    assert_eq!(feed.push(entries(8..11)), Pushed::Added);
    assert_eq!(keys(&mut feed), [0, 1, 2, 3, 10]);
}

#[test]
fn held_rows_stay_while_the_feed_goes_on() {
    let mut feed = Feed::new(entries(0..10));
    feed.push(entries(10..12));
    // Held is what is on screen, not what came since it was drawn.
    feed.hold(true);
    feed.push(entries(12..5_000));
    feed.refresh();
    assert_eq!((feed.len(), feed.waiting(), feed.earlier()), (10, 4_990, 0));
    feed.hold(false);
    feed.refresh();
    assert_eq!((feed.len(), feed.waiting(), feed.earlier()), (MAX_ROWS, 0, 4_000));
}

#[test]
fn a_colour_goes_on_in_its_own_stream() {
    let mut all = entries(0..3);
    all[0].line = "\x1b[31mred".into();
    all[1].kind = EntryKind::Stderr;
    let feed = Feed::new(all);
    let style = |at: usize| match *feed.slice(at, 1)[0] {
        Row::Line(_, style) => style,
        Row::Gap { .. } => panic!("a line"),
    };
    assert_eq!(style(1), Style::default());
    assert_eq!(style(2).fg, Some(Color::Palette(1)));
}
