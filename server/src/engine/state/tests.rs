use super::*;

fn asked() -> StopCause {
    StopCause::Asked { by: "ann".into() }
}

fn pause() -> Pause {
    Pause { reason: "r".into(), until_ms: Some(1), is_open: false }
}

/// A sample for each pattern. The patterns have to be all there are: another variant does not compile
/// until it has a sample, and with it a place in the table.
macro_rules! every {
    ($type:ty: $($pattern:pat => $sample:expr),+ $(,)?) => {{
        let _are_all = |it: &$type| match it { $($pattern => ()),+ };
        let samples: Vec<$type> = vec![$($sample),+];
        let mut left = samples.iter();
        $(assert!(matches!(left.next(), Some($pattern)), "{}", stringify!($pattern));)+
        samples
    }};
}

fn outcomes() -> Vec<Outcome> {
    every!(Outcome:
        Outcome::Stopped { .. } => Outcome::Stopped { reason: "r".into() },
        Outcome::Completed { .. } => Outcome::Completed { reason: "r".into() },
        Outcome::Failed { .. } => Outcome::Failed { reason: "r".into() },
        Outcome::Lost { .. } => Outcome::Lost { reason: "r".into() },
    )
}

fn causes() -> Vec<StopCause> {
    every!(StopCause:
        StopCause::Asked { .. } => asked(),
        StopCause::Restart { .. } => StopCause::Restart { by: "ann".into() },
        StopCause::Timeout { .. } => StopCause::Timeout { after_ms: 1500 },
        StopCause::MaxBuffer { .. } => StopCause::MaxBuffer { limit: 10 },
        StopCause::Changed { .. } => StopCause::Changed { file: "f".into() },
        StopCause::Unhealthy { .. } => StopCause::Unhealthy { why: "w".into() },
        StopCause::Beyond { .. } => StopCause::Beyond { why: "w".into() },
    )
}

/// One for each variant, and for `Stopping` and `Ended` one for each that they hold.
fn states() -> Vec<State> {
    let stopping =
        |killed| causes().into_iter().map(move |cause| State::Stopping { pid: 7, cause, killed });
    let one_each = every!(State:
        State::Queued => State::Queued,
        State::Waiting { .. } => State::Waiting { why: "for db".into() },
        State::Starting => State::Starting,
        State::Running { .. } => State::Running { pid: 7 },
        State::Stopping { .. } => State::Stopping { pid: 7, cause: asked(), killed: false },
        State::BackingOff(_) => State::BackingOff(pause()),
        State::Ended(_) => State::Ended(Outcome::Lost { reason: "r".into() }),
    );
    let all = one_each.into_iter().flat_map(|state| match state {
        State::Stopping { .. } => stopping(false).chain(stopping(true)).collect(),
        State::Ended(_) => outcomes().into_iter().map(State::Ended).collect(),
        state => vec![state],
    });
    all.collect()
}

/// One for each variant, and for `Stop` one for each cause.
fn events() -> Vec<Event> {
    let one_each = every!(Event:
        Event::SlotGranted => Event::SlotGranted,
        Event::Spawned { .. } => Event::Spawned { pid: 7 },
        Event::SpawnFailed { .. } => Event::SpawnFailed { why: "no".into() },
        Event::Stop(_) => Event::Stop(asked()),
        Event::GraceOver => Event::GraceOver,
        Event::Exited(_) => Event::Exited(Exit::new(Some(0), None, &[])),
        Event::Vanished { .. } => Event::Vanished { why: "gone".into() },
        Event::Wait { .. } => Event::Wait { why: "for db".into() },
        Event::Met => Event::Met,
        Event::Pause(_) => Event::Pause(pause()),
        Event::Rerun => Event::Rerun,
    );
    let all = one_each.into_iter().flat_map(|event| match event {
        Event::Stop(_) => causes().into_iter().map(Event::Stop).collect(),
        event => vec![event],
    });
    all.collect()
}

/// Every pair of the table: `-` is refused, else the status that follows.
#[test]
fn the_whole_table() {
    // Stops: asked, restart, timeout, output limit, changed file, unhealthy, beyond a limit.
    let stops = "stopping stopping stopping stopping stopping stopping stopping";
    let none = "- - - - - - -";
    let stopping = |ends| ("stopping", "- - -", stops, ends, "- - - -");
    let ended = |name| (name, "- - -", none, "- - -", "- - backing_off queued");
    let mut table = vec![
        // granted spawned failed | stops | grace exited vanished | wait met pause rerun
        ("queued", "starting - -", "stopped - - - - - -", "- - -", "waiting - backing_off -"),
        ("waiting", "- - -", "stopped - - - - - -", "- - -", "waiting queued - -"),
        ("starting", "- running failed", none, "- - lost", "- - - -"),
        ("running", "- - -", stops, "- completed lost", "- - - -"),
    ];
    for _ in [false, true] {
        // Asked and restart; timeout and output limit; changed file; unhealthy, beyond a limit.
        table.extend(
            ["stopped", "stopped", "failed", "failed", "stopped", "failed", "failed"].map(
                |exited| match exited {
                    "stopped" => stopping("stopping stopped lost"),
                    _ => stopping("stopping failed lost"),
                },
            ),
        );
    }
    table.push(("backing_off", "- - -", "stopped - - - - - -", "- - -", "- - backing_off queued"));
    table.extend(["stopped", "completed", "failed", "lost"].map(ended));
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

/// Why it is ended, for each pair of why it was and why it is to be.
#[test]
fn what_somebody_asked_for_last_holds() {
    for before in causes() {
        for after in causes() {
            let is_asked = matches!(after, StopCause::Asked { .. } | StopCause::Restart { .. });
            let holds = if is_asked { after.clone() } else { before.clone() };
            let state = State::Stopping { pid: 7, cause: before.clone(), killed: true };
            let next = state.next(Event::Stop(after));
            assert_eq!(next, Ok(State::Stopping { pid: 7, cause: holds, killed: true }));
        }
    }
}

/// What a refusal says, for each state and each event.
#[test]
fn a_refusal_names_the_state_and_the_event() {
    for state in states() {
        for event in events() {
            let words = event.describe();
            if let Err(refused) = state.clone().next(event) {
                let status = state.status().as_str();
                assert_eq!(
                    refused.to_string(),
                    format!("a process that is {status} cannot {words}")
                );
            }
        }
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
fn every_reason_for_an_end_has_its_words() {
    let words: Vec<String> = causes()
        .into_iter()
        .map(|cause| {
            let signal = Exit::new(None, Some("SIGKILL".into()), &[]);
            end(Some(cause), true, signal).reason(10)
        })
        .collect();
    let how = "ended by SIGKILL, after the grace";
    assert_eq!(
        words,
        [
            format!("stopped by ann: {how}"),
            format!("restarted by ann: {how}"),
            format!("timeout: it ran longer than 1.5 s ({how})"),
            format!("output limit: it wrote more than 10 bytes ({how})"),
            format!("restarted, f changed: {how}"),
            format!("w ({how})"),
            format!("w ({how})"),
        ]
    );
}
