//! A test for each fault that Runyard says it survives (the rows are numbered as in its list), with the real binaries.
//!
//! The children are this program itself (`witness`): they write numbered, checksummed lines, so that
//! what is lost, doubled or out of order shows. `RUNYARD_FAULTS=full` repeats every fault more often.
//! A fault that this machine cannot produce is reported as skipped, with the reason, and counted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking, and its helpers are no test functions to clippy"
)]

use std::process::ExitCode;

use libtest_mimic::Arguments;

mod check;
mod children;
mod clients;
mod crash;
mod damage;
mod database;
mod disk;
mod dropping;
mod failpoints;
mod identity;
mod limits;
mod many;
mod orphans;
mod row;
mod shortage;
mod shutdown;
mod soak;
mod stop;
mod succession;
#[path = "../integration/support.rs"]
#[allow(dead_code, reason = "it is shared: each test program uses its part")]
mod support;
mod system;
mod time;
mod viewer;
mod witness;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some(witness::NAME) => return witness::run(args),
        Some(limits::EATER) => return limits::eat(args),
        Some("--listen") => return orphans::become_server(),
        Some(many::HOLD) => return many::hold_pipes(),
        Some(identity::KNOCK) => return identity::knock(&args.next().unwrap_or_default()),
        _ => {}
    }
    let trials = [
        crash::rows(),
        failpoints::rows(),
        stop::rows(),
        succession::rows(),
        shutdown::rows(),
        children::rows(),
        shortage::rows(),
        limits::rows(),
        damage::rows(),
        clients::rows(),
        database::rows(),
        disk::rows(),
        dropping::rows(),
        time::rows(),
        identity::rows(),
        many::rows(),
        orphans::rows(),
        soak::rows(),
    ]
    .into_iter()
    .flatten()
    .map(row::Row::into_trial)
    .collect();
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    row::print_report();
    conclusion.exit_code()
}
