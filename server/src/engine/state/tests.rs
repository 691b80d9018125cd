use super::*;

fn asked() -> StopCause {
    StopCause::Asked { by: "ann".into() }
}

fn pause() -> Pause {
    Pause { reason: "r".into(), until_ms: Some(1), is_open: false }
}

fn states() -> Vec<State> {
    let ended = [
        Outcome::Stopped { reason: "r".into() },
        Outcome::Completed { reason: "r".into() },
        Outcome::Failed { reason: "r".into() },
        Outcome::Lost { reason: "r".into() },
    ];
    let waiting = State::Waiting { why: "for db".into() };
    [State::Queued, waiting, State::Starting, State::Running { pid: 7 }]
        .into_iter()
        .chain([false, true].map(|killed| State::Stopping { pid: 7, cause: asked(), killed }))
        .chain([State::BackingOff(pause())])
        .chain(ended.map(State::Ended))
        .collect()
}

fn events() -> Vec<Event> {
    vec![
        Event::SlotGranted,
        Event::Spawned { pid: 7 },
        Event::SpawnFailed { why: "no".into() },
        Event::Stop(asked()),
        Event::Stop(StopCause::Restart { by: "ann".into() }),
        Event::Stop(StopCause::Timeout { after_ms: 1500 }),
        Event::Stop(StopCause::MaxBuffer { limit: 10 }),
        Event::Stop(StopCause::Changed { file: "f".into() }),
        Event::Stop(StopCause::Unhealthy { why: "w".into() }),
        Event::Stop(StopCause::Beyond { why: "w".into() }),
        Event::GraceOver,
        Event::Exited(Exit::new(Some(0), None, &[])),
        Event::Vanished { why: "gone".into() },
        Event::Wait { why: "for db".into() },
        Event::Met,
        Event::Pause(pause()),
        Event::Rerun,
    ]
}

/// Every pair of the table: `-` is refused, else the status that follows.
#[test]
fn the_whole_table() {
    // Stops: asked, restart, timeout, output limit, changed file, unhealthy, beyond a limit.
    let stops = "stopping stopping stopping stopping stopping stopping stopping";
    let none = "- - - - - - -";
    let table = [
        // granted spawned failed | stops | grace exited vanished | wait met pause rerun
        ("queued", "starting - -", "stopped - - - - - -", "- - -", "waiting - - -"),
        ("waiting", "- - -", "stopped - - - - - -", "- - -", "waiting queued - -"),
        ("starting", "- running failed", none, "- - lost", "- - - -"),
        ("running", "- - -", stops, "- completed lost", "- - - -"),
        ("stopping", "- - -", stops, "stopping stopped lost", "- - - -"),
        ("stopping", "- - -", stops, "stopping stopped lost", "- - - -"),
        ("backing_off", "- - -", "stopped - - - - - -", "- - -", "- - - queued"),
        ("stopped", "- - -", none, "- - -", "- - backing_off queued"),
        ("completed", "- - -", none, "- - -", "- - backing_off queued"),
        ("failed", "- - -", none, "- - -", "- - backing_off queued"),
        ("lost", "- - -", none, "- - -", "- - backing_off queued"),
    ];
    let states = states();
    assert_eq!(states.len(), table.len());
    for (state, (name, begin, stops, end, again)) in states.into_iter().zip(table) {
        let row = [begin, stops, end, again].join(" ");
        assert_eq!(state.status().as_str(), name);
        let got: Vec<_> = events()
            .into_iter()
            .map(|event| state.clone().next(event).map_or("-", |next| next.status().as_str()))
            .collect();
        assert_eq!(got.join(" "), row, "{state:?}");
    }
}

fn end(cause: Option<StopCause>, killed: bool, exit: Exit) -> State {
    let running = State::Running { pid: 7 };
    let state = match cause {
        Some(cause) => running.next(Event::Stop(cause)).unwrap(),
        None => running,
    };
    let state = if killed { state.next(Event::GraceOver).unwrap() } else { state };
    state.next(Event::Exited(exit)).unwrap()
}

#[test]
fn says_why_it_ended() {
    let code = |n| Exit::new(Some(n), None, &[143]);
    let signal = |s: &str| Exit::new(None, Some(s.into()), &[143]);
    let cases = [
        (end(None, false, code(0)), Status::Completed, "exit code 0"),
        (end(None, false, code(143)), Status::Completed, "exit code 143"),
        (end(None, false, code(3)), Status::Failed, "exit code 3"),
        (end(None, false, signal("SIGSEGV")), Status::Failed, "ended by SIGSEGV"),
        (
            end(Some(asked()), false, signal("SIGTERM")),
            Status::Stopped,
            "stopped by ann: ended by SIGTERM",
        ),
        (
            end(Some(asked()), true, signal("SIGKILL")),
            Status::Stopped,
            "stopped by ann: ended by SIGKILL, after the grace",
        ),
        (
            end(Some(StopCause::Timeout { after_ms: 1500 }), false, code(0)),
            Status::Failed,
            "timeout: it ran longer than 1.5 s (exit code 0)",
        ),
        (
            end(Some(StopCause::MaxBuffer { limit: 10 }), false, code(1)),
            Status::Failed,
            "output limit: it wrote more than 10 bytes (exit code 1)",
        ),
        (
            end(None, false, Exit::default()),
            Status::Lost,
            "it ended while no keeper was there to see how",
        ),
    ];
    for (state, status, reason) in cases {
        assert_eq!((state.status(), state.reason(10).as_str()), (status, reason));
    }
}

#[test]
fn a_stop_that_somebody_asked_for_overrides_a_timeout() {
    let state = State::Running { pid: 7 }
        .next(Event::Stop(StopCause::Timeout { after_ms: 1000 }))
        .and_then(|s| s.next(Event::Stop(asked())))
        .and_then(|s| s.next(Event::Stop(StopCause::Timeout { after_ms: 1000 })))
        .unwrap();
    assert!(matches!(state, State::Stopping { cause: StopCause::Asked { .. }, .. }));
}
