use super::*;
use proptest::prelude::*;

fn kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![Just(EntryKind::Stdout), Just(EntryKind::Stderr), Just(EntryKind::System)]
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let any_bytes = proptest::collection::vec(any::<u8>(), 0..80);
    let with_meaning = prop_oneof![
        Just("ERROR no"),
        Just("  at main"),
        Just("\x1b[1;31mred"),
        Just("\x1b[0mplain"),
        Just("WARN \x1b[38;2;1;2;3mx"),
    ];
    prop_oneof![any_bytes, with_meaning.prop_map(|line| line.as_bytes().to_vec())]
}

type Written = (i64, EntryKind, Vec<u8>, bool);

/// The lines as they are numbered from `first` on.
fn numbered<'a>(lines: &'a [Written], first: i64, carry: &mut Carry) -> Vec<RawEntry<'a>> {
    let number = |(idx, written): (i64, &'a Written)| {
        let (ts, kind, line, continued) = written;
        let begin = carry.next(*kind, line);
        RawEntry { idx, ts: *ts, kind: *kind, line, continued: *continued, begin }
    };
    (first..).zip(lines).map(number).collect()
}

proptest! {
    #[test]
    fn gives_back_what_was_put_in(
        before in proptest::collection::vec((any::<i64>(), kind(), line(), any::<bool>()), 0..9),
        lines in proptest::collection::vec((any::<i64>(), kind(), line(), any::<bool>()), 1..60),
        first in 0i64..1_000_000,
    ) {
        let mut carry = Carry::default();
        numbered(&before, 0, &mut carry);
        let mut builder = ChunkBuilder::default();
        builder.begin(&mut carry);
        let put = numbered(&lines, first, &mut carry);
        put.iter().for_each(|entry| builder.push(entry));
        let chunk = builder.take(first);
        prop_assert_eq!(chunk.last_idx - chunk.first_idx + 1, i64::try_from(lines.len()).unwrap());
        prop_assert_eq!(chunk.last_ts, lines.iter().map(|l| l.0).max().unwrap());
        let unpacked = unpack(&chunk).unwrap();
        let got: Vec<_> = entries(&unpacked, first).map(|e| e.unwrap()).collect();
        prop_assert_eq!(got, put);
        prop_assert_eq!(to_batch(&chunk).unwrap().len(), lines.len());
        let mut behind = carry_after(&chunk).unwrap();
        for kind in [EntryKind::Stdout, EntryKind::Stderr, EntryKind::System] {
            prop_assert_eq!(behind.now(kind), carry.now(kind));
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), codec in 0u8..3) {
        let chunk = Chunk { first_idx: 0, last_idx: 0, first_ts: 0, last_ts: 0, codec, bytes };
        if let Ok(unpacked) = unpack(&chunk) {
            let _ = entries(&unpacked, 0).count();
        }
        let _ = to_batch(&chunk);
    }
}

#[test]
fn repeated_lines_become_small() {
    let mut builder = ChunkBuilder::default();
    for idx in 0..1000 {
        builder.push(&sample_entry(idx, b"GET /index.html 200 in 3 ms"));
    }
    let before = builder.bytes();
    let chunk = builder.take(0);
    assert_eq!(chunk.codec, CODEC_ZSTD);
    assert!(chunk.bytes.len() * 4 < before);
}
