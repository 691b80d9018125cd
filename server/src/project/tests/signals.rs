//! Names and numbers of signals.

use super::super::{signal_name, signal_number};

#[test]
fn names_numbers_and_short_names_are_known() {
    for text in ["SIGTERM", "TERM", "sigterm", "term", "15", " 15 "] {
        assert_eq!(signal_number(text), Some(libc::SIGTERM), "{text}");
    }
    for text in ["", "SIG", "0", "-9", "32", "999", "SIGNOPE", "SIGSIGTERM", "9.0", "é"] {
        assert_eq!(signal_number(text), None, "{text}");
    }
}

#[test]
fn every_name_leads_back() {
    for number in 1..=31 {
        assert_eq!(signal_number(&signal_name(number)), Some(number));
    }
    assert_eq!(signal_name(libc::SIGRTMIN() + 1), "SIGRTMIN+1");
    assert_eq!(signal_name(0), "signal 0");
    assert_eq!(signal_name(999), "signal 999");
}
