//! Signals by name: the one table that every door and the engine use.

/// Every signal that has a name on Linux, in the order of their numbers.
const SIGNALS: [(&str, i32); 31] = [
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGILL", libc::SIGILL),
    ("SIGTRAP", libc::SIGTRAP),
    ("SIGABRT", libc::SIGABRT),
    ("SIGBUS", libc::SIGBUS),
    ("SIGFPE", libc::SIGFPE),
    ("SIGKILL", libc::SIGKILL),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGSEGV", libc::SIGSEGV),
    ("SIGUSR2", libc::SIGUSR2),
    ("SIGPIPE", libc::SIGPIPE),
    ("SIGALRM", libc::SIGALRM),
    ("SIGTERM", libc::SIGTERM),
    ("SIGSTKFLT", libc::SIGSTKFLT),
    ("SIGCHLD", libc::SIGCHLD),
    ("SIGCONT", libc::SIGCONT),
    ("SIGSTOP", libc::SIGSTOP),
    ("SIGTSTP", libc::SIGTSTP),
    ("SIGTTIN", libc::SIGTTIN),
    ("SIGTTOU", libc::SIGTTOU),
    ("SIGURG", libc::SIGURG),
    ("SIGXCPU", libc::SIGXCPU),
    ("SIGXFSZ", libc::SIGXFSZ),
    ("SIGVTALRM", libc::SIGVTALRM),
    ("SIGPROF", libc::SIGPROF),
    ("SIGWINCH", libc::SIGWINCH),
    ("SIGIO", libc::SIGIO),
    ("SIGPWR", libc::SIGPWR),
    ("SIGSYS", libc::SIGSYS),
];

/// The number of a signal given as `SIGTERM`, `TERM` (in any case) or `15`; `None` when there is none.
#[must_use]
pub fn signal_number(name: &str) -> Option<i32> {
    let name = name.trim().to_ascii_uppercase();
    let by_number = name.parse::<i32>().ok();
    let short = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS
        .iter()
        .find(|(known, number)| &known[3..] == short || by_number == Some(*number))
        .map(|(_, number)| *number)
}

/// The name of a signal, such as `SIGTERM`; real-time signals are `SIGRTMIN+N`, others their number.
#[must_use]
pub fn signal_name(number: i32) -> String {
    if let Some((name, _)) = SIGNALS.iter().find(|(_, known)| *known == number) {
        return (*name).to_owned();
    }
    match number - libc::SIGRTMIN() {
        n if (0..=libc::SIGRTMAX() - libc::SIGRTMIN()).contains(&n) => format!("SIGRTMIN+{n}"),
        _ => format!("signal {number}"),
    }
}
