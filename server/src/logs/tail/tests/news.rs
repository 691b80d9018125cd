//! What the keeper sends along, and when the index is read all the same.

use super::super::index::RECORDS;
use super::*;

/// Steps until nothing more is there, and how many entries there are then.
fn step_through(tail: &mut RunTail, recorder: &mut Recorder) -> i64 {
    while tail.step(recorder, 1 << 20).unwrap() {}
    recorder.next_idx()
}

#[test]
fn an_index_is_read_only_when_its_records_are_not_told() {
    let dir = tempfile::tempdir().unwrap();
    let exit = write_spool(dir.path());
    let records = SpoolReader::new(dir.path()).read_records(0, RECORDS).unwrap();
    let (off, per_record) = (|n: usize| n as u64 * RECORD_SIZE, 2);
    let bench = &*BENCH;
    bench.runtime.block_on(async {
        let log = Log::new(ProcessId("p".into()), 0);
        let mut recorder = Recorder::new(log, bench.writer.clone());
        let mut tail = RunTail::open(dir.path(), &start(), None).unwrap();
        tail.expect_news();
        assert_eq!(step_through(&mut tail, &mut recorder), 0);
        tail.offer(0, &records[..3]);
        assert_eq!(step_through(&mut tail, &mut recorder), 3 * per_record);
        // What is known by now is no reason to look for more; what is missing in between is.
        tail.offer(off(1), &records[1..3]);
        assert_eq!(step_through(&mut tail, &mut recorder), 3 * per_record);
        tail.offer(off(5), &records[5..6]);
        let all = i64::try_from(ROUNDS).unwrap() * per_record;
        assert_eq!(step_through(&mut tail, &mut recorder), all);

        let take = |hint: &dyn Fn(&mut RunTail)| {
            let log = Log::new(ProcessId("p".into()), 0);
            let mut recorder = Recorder::new(log, bench.writer.clone());
            let mut tail = RunTail::open(dir.path(), &start(), None).unwrap();
            tail.expect_news();
            hint(&mut tail);
            step_through(&mut tail, &mut recorder)
        };
        assert_eq!(take(&|_| {}), 0);
        assert_eq!(take(&|tail| tail.offer(off(2), &[])), all);
        assert_eq!(take(&RunTail::doubt_news), all);
        assert_eq!(take(&|tail| tail.ends_at(&exit)), all);
    });
}
