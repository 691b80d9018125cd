//! The real server with a real keeper and real children, through its public doors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_wrap,
    reason = "a test fails by panicking, and its helpers are no test functions to clippy"
)]

mod access;
mod audit;
mod audit_ends;
mod auth;
mod bad_input;
mod browser;
mod carry;
mod compare;
mod crash;
mod declared;
mod detail;
mod ended;
mod endings;
mod hardening;
mod health;
mod isolation;
mod lifecycle;
mod order;
mod people;
mod probes;
mod queue;
mod reload;
mod replicas;
mod restarts;
mod retention;
mod schedules;
mod search;
mod secrets;
mod slow;
mod start_up;
mod stdin;
mod support;
mod timing;
mod tls;
mod tokens;
mod websocket;
