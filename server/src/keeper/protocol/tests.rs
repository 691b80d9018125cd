use super::*;
use proptest::prelude::*;

#[test]
fn a_request_comes_back_with_its_number() {
    let request = Request::Spawn(SpawnSpec {
        run: "a.1".into(),
        program: "/bin/sh".into(),
        argv: vec!["sh".into(), "-c".into(), "true".into()],
        cwd: "/".into(),
        env: vec![("KEY".into(), "secret".into())],
        limits: TreeLimits { pids: Some(9), ..TreeLimits::default() },
        when_full: WhenFull { drops: true, max_backlog: 7 },
    });
    let bytes = encode(7, &request).unwrap();
    assert_eq!(decode::<Request>(&bytes), Ok((7, request.clone())));
    assert!(!format!("{request:?}").contains("secret"));
    for len in 0..bytes.len() {
        assert!(decode::<Request>(&bytes[..len]).is_err());
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = encode(1, &Request::List).unwrap();
    bytes[0] = 9;
    assert_eq!(decode::<Request>(&bytes), Err(ProtocolError::Version(9)));
}

#[test]
fn a_message_that_does_not_fit_is_refused() {
    let message = "x".repeat(MAX_MESSAGE);
    assert_eq!(encode(1, &Event::Error { message }), Err(ProtocolError::TooLong));
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9._-]{0,20}"
}

fn spec() -> impl Strategy<Value = SpawnSpec> {
    let limits = (any::<Option<u64>>(), any::<Option<u32>>(), any::<Option<u32>>());
    let limits = limits.prop_map(|(memory_bytes, cpu_milli, pids)| TreeLimits {
        memory_bytes,
        cpu_milli,
        pids,
    });
    let strings = || proptest::collection::vec(any::<String>(), 0..4);
    let when_full = (any::<bool>(), any::<u64>())
        .prop_map(|(drops, max_backlog)| WhenFull { drops, max_backlog });
    (name(), any::<String>(), strings(), any::<String>(), strings(), limits, when_full).prop_map(
        |(run, program, argv, cwd, env, limits, when_full)| SpawnSpec {
            run,
            program: program.into(),
            argv,
            cwd: cwd.into(),
            env: env.into_iter().map(|value| ("NAME".to_owned(), value)).collect(),
            limits,
            when_full,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let scope = prop_oneof![Just(Scope::Process), Just(Scope::Group), Just(Scope::Tree)];
    prop_oneof![
        (any::<u64>(), any::<i32>())
            .prop_map(|(epoch, server_pid)| Request::Hello { epoch, server_pid }),
        prop_oneof![Just(Request::List), Just(Request::Stats), Just(Request::Shutdown)],
        spec().prop_map(Request::Spawn),
        (name(), any::<i32>(), scope).prop_map(|(run, signal, scope)| Request::Signal {
            run,
            signal,
            scope
        }),
        (name(), any::<[u64; 3]>()).prop_map(|(run, [out, err, idx])| Request::Release {
            run,
            out,
            err,
            idx
        }),
        name().prop_map(|run| Request::Forget { run }),
        name().prop_map(|run| Request::Holders { run }),
        name().prop_map(|run| Request::Group { run }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let survivors = || {
        let one = (any::<i32>(), any::<String>());
        let one = one.prop_map(|(pid, cmdline)| Survivor { pid, cmdline });
        proptest::collection::vec(one, 0..4)
    };
    let record = (any::<[u64; 4]>(), any::<u32>()).prop_map(|([b, r, o, e], flags)| IndexRecord {
        boottime_ns: b,
        realtime_ns: r,
        out_off: o,
        err_off: e,
        flags,
    });
    let exit = (any::<Option<i32>>(), any::<Option<i32>>(), any::<u64>(), any::<bool>()).prop_map(
        |(exit_code, signal, out_off, streams_closed)| ExitRecord {
            exit_code,
            signal,
            out_off,
            streams_closed,
            ..ExitRecord::default()
        },
    );
    prop_oneof![
        (any::<i32>(), any::<String>())
            .prop_map(|(keeper_pid, boot_id)| Event::Welcome { keeper_pid, boot_id }),
        (name(), any::<u64>(), proptest::collection::vec(record, 0..9)).prop_map(
            |(run, from_idx_off, records)| Event::Advanced { run, from_idx_off, records }
        ),
        (name(), exit).prop_map(|(run, exit)| Event::Exited { run, exit }),
        (name(), any::<i32>(), any::<u32>(), survivors()).prop_map(
            |(run, signal, delivered, survivors)| {
                Event::Signalled(Signalled { run, signal, delivered, survivors })
            }
        ),
        (name(), any::<i32>(), any::<String>())
            .prop_map(|(run, errno, message)| Event::SpawnFailed { run, errno, message }),
        (name(), survivors()).prop_map(|(run, holders)| Event::Holders { run, holders }),
    ]
}

/// What may happen to a message on its way, of which nothing should.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        3 => (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        1 => any::<usize>().prop_map(Harm::Cut),
        1 => (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..12))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
    ]
}

/// The message with some harm done behind its version.
fn harm_all(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        let len = bytes.len() - 2;
        match harm {
            Harm::Flip(at, bit) if len > 0 => bytes[2 + at % len] ^= 1 << bit,
            Harm::Flip(..) => {}
            Harm::Cut(at) => bytes.truncate(2 + at % (len + 1)),
            Harm::Insert(at, more) => {
                let at = 2 + at % (len + 1);
                bytes.splice(at..at, more.iter().copied());
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_without_panic(
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = decode::<Request>(&body);
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.extend(body);
        let _ = decode::<Request>(&bytes);
        let _ = decode::<Event>(&bytes);
    }

    #[test]
    fn every_message_comes_back(id: u64, request in request(), event in event()) {
        prop_assert_eq!(decode(&encode(id, &request).unwrap()), Ok((id, request)));
        prop_assert_eq!(decode(&encode(id, &event).unwrap()), Ok((id, event)));
    }

    /// A message that was harmed is no message, or another one that is as good as any.
    #[test]
    fn a_harmed_message_is_decoded_without_panic(
        request in request(),
        event in event(),
        harms in proptest::collection::vec(harm(), 1..4),
    ) {
        let bytes = harm_all(encode(1, &request).unwrap(), &harms);
        if let Ok((id, read)) = decode::<Request>(&bytes) {
            prop_assert_eq!(decode(&encode(id, &read).unwrap()), Ok((id, read)));
        }
        let bytes = harm_all(encode(1, &event).unwrap(), &harms);
        if let Ok((id, read)) = decode::<Event>(&bytes) {
            prop_assert_eq!(decode(&encode(id, &read).unwrap()), Ok((id, read)));
        }
    }
}
