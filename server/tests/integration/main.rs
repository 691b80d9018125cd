//! The real server with a real keeper and real children, through its public doors.

mod auth;
mod bad_input;
mod crash;
mod lifecycle;
mod queue;
mod start_up;
mod support;
mod websocket;
