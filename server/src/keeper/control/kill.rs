//! Signals to whole trees. A `SIGKILL` is repeated until nobody is left, as a tree may grow while it
//! is being cut; other runs do not wait for that.

use std::collections::HashSet;

use super::runs::Run;
use super::{Control, note};
use crate::keeper::protocol::{Event, Scope, Signalled, Survivor};
use crate::keeper::tree;
use crate::sys::clock;
use crate::sys::procfs::Stat;

/// After so many rounds those who are left are named as survivors.
const MAX_ROUNDS: u64 = 20;
/// The pause before a round, times the number of rounds before it.
const ROUND_NS: u64 = 1_000_000;

/// A tree that is being killed.
#[derive(Debug)]
pub(super) struct Kill {
    key: u64,
    scope: Scope,
    /// Who asked, and the number of the request.
    asked: (u64, u64),
    signalled: HashSet<i32>,
    rounds: u64,
    pub(super) due_ns: u64,
}

impl Control {
    /// Sends a signal to a tree or group, and answers; at once, or when it has died.
    pub(super) fn signal_many(&mut self, asked: (u64, u64), key: u64, signal: i32, scope: Scope) {
        if signal == libc::SIGKILL {
            let due_ns = 0;
            let signalled = HashSet::new();
            self.kills.push_back(Kill { key, scope, asked, signalled, rounds: 0, due_ns });
            return self.continue_kills();
        }
        let members = self.members(key, scope);
        let delivered = tree::signal(&members, signal).len();
        let survivors = if signal == 0 { tree::name(&members) } else { Vec::new() };
        self.answer_signal(asked, key, signal, delivered, survivors);
    }

    /// Another round for each tree that is due.
    pub(super) fn continue_kills(&mut self) {
        for _ in 0..self.kills.len() {
            let Some(mut kill) = self.kills.pop_front() else { return };
            if kill.due_ns > clock::boottime_ns() {
                self.kills.push_back(kill);
                continue;
            }
            let members = self.members(kill.key, kill.scope);
            if members.is_empty() || kill.rounds >= MAX_ROUNDS {
                let (delivered, survivors) = (kill.signalled.len(), tree::name(&members));
                self.answer_signal(kill.asked, kill.key, libc::SIGKILL, delivered, survivors);
                continue;
            }
            kill.signalled.extend(tree::signal(&members, libc::SIGKILL));
            kill.rounds += 1;
            kill.due_ns = clock::boottime_ns() + ROUND_NS * kill.rounds;
            self.kills.push_back(kill);
        }
    }

    fn members(&self, key: u64, scope: Scope) -> Vec<Stat> {
        let Some(root) = self.runs.get(&key).map(Run::root) else { return Vec::new() };
        match tree::members(root) {
            Ok(members) if scope == Scope::Group => tree::group(root, members),
            Ok(members) => members,
            Err(error) => {
                note(&format!("cannot look for the processes of {}: {error}", root.run));
                Vec::new()
            }
        }
    }

    pub(super) fn answer_signal(
        &mut self,
        asked: (u64, u64),
        key: u64,
        signal: i32,
        delivered: usize,
        survivors: Vec<Survivor>,
    ) {
        let run = self.runs.get(&key).map(|run| run.name.clone()).unwrap_or_default();
        let delivered = u32::try_from(delivered).unwrap_or(u32::MAX);
        let event = Event::Signalled(Signalled { run, signal, delivered, survivors });
        self.answer(asked.0, asked.1, &event);
    }
}
