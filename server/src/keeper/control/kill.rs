//! Questions about whole trees, and signals to them. All that has come in one turn is answered with
//! one look at `/proc`. A `SIGKILL` is repeated until nobody is left, as a tree may grow while it is
//! being cut; other runs do not wait for that.

use std::collections::HashSet;

use super::runs::Run;
use super::{Control, note};
use crate::keeper::protocol::{Event, Scope, Signalled, Survivor};
use crate::keeper::tree::{self, Root, Snapshot};
use crate::sys::clock;
use crate::sys::procfs::Stat;

/// Those who are left after so long are named as survivors.
const GIVE_UP_NS: u64 = 2_000_000_000;
/// The pause before a round, times the number of rounds before it, and the longest.
const ROUND_NS: u64 = 1_000_000;
const LONGEST_ROUND_NS: u64 = 50_000_000;

/// A tree that is looked at once.
#[derive(Debug)]
pub(super) struct Look {
    run: String,
    scope: Scope,
    signal: i32,
    asked: Asked,
}

/// A tree that is being killed.
#[derive(Debug)]
pub(super) struct Kill {
    run: String,
    scope: Scope,
    asked: Asked,
    signalled: HashSet<i32>,
    rounds: u64,
    pub(super) due_ns: u64,
    until_ns: u64,
}

/// Who asked, and the number of the request.
pub(super) type Asked = (u64, u64);

impl Control {
    /// Takes up a signal to a tree or group. It is answered at the end of this turn, or when the tree
    /// has died.
    pub(super) fn signal_many(&mut self, asked: Asked, run: String, signal: i32, scope: Scope) {
        if signal != libc::SIGKILL {
            return self.looks.push(Look { run, scope, signal, asked });
        }
        let now_ns = clock::boottime_ns();
        self.kills.push_back(Kill {
            run,
            scope,
            asked,
            signalled: HashSet::new(),
            rounds: 0,
            due_ns: now_ns,
            until_ns: now_ns + GIVE_UP_NS,
        });
    }

    /// Answers every question, and does another round for each tree that is due.
    pub(super) fn visit_trees(&mut self) {
        let looks = std::mem::take(&mut self.looks);
        let now_ns = clock::boottime_ns();
        let mut due = Vec::new();
        for _ in 0..self.kills.len() {
            let Some(kill) = self.kills.pop_front() else { break };
            if kill.due_ns > now_ns {
                self.kills.push_back(kill);
            } else {
                due.push(kill);
            }
        }
        if looks.is_empty() && due.is_empty() {
            return;
        }
        for kill in due.iter_mut().filter(|kill| kill.scope == Scope::Tree) {
            self.kill_leaf(kill);
        }
        let trees = due.iter().filter(|kill| kill.scope == Scope::Tree);
        let doomed: Vec<&str> = trees.map(|kill| kill.run.as_str()).collect();
        match self.marks.look(&doomed) {
            Ok(mut snapshot) => {
                for look in looks {
                    self.answer_look(&snapshot, look);
                }
                for kill in due {
                    self.go_on_killing(&mut snapshot, kill);
                }
            }
            Err(error) => {
                // Nobody is said to be gone who was not looked for.
                let message = format!("cannot look for processes: {error}");
                note(&message);
                let asked = looks.into_iter().map(|look| look.asked);
                for asked in asked.chain(due.into_iter().map(|kill| kill.asked)) {
                    self.answer(asked.0, asked.1, &Event::Error { message: message.clone() });
                }
            }
        }
    }

    fn answer_look(&mut self, snapshot: &Snapshot, look: Look) {
        let members = self.members(snapshot, &look.run, look.scope);
        let delivered = tree::signal(&members, look.signal).len();
        let survivors = if look.signal == 0 { tree::name(&members) } else { Vec::new() };
        self.answer_signal(look.asked, look.run, look.signal, delivered, survivors);
    }

    fn go_on_killing(&mut self, snapshot: &mut Snapshot, mut kill: Kill) {
        if kill.scope == Scope::Tree {
            kill.signalled.extend(snapshot.killed(&kill.run));
        }
        let members = self.members(snapshot, &kill.run, kill.scope);
        let now_ns = clock::boottime_ns();
        if members.is_empty() || now_ns >= kill.until_ns {
            let (delivered, survivors) = (kill.signalled.len(), tree::name(&members));
            return self.answer_signal(kill.asked, kill.run, libc::SIGKILL, delivered, survivors);
        }
        kill.signalled.extend(tree::signal(&members, libc::SIGKILL));
        kill.rounds += 1;
        kill.due_ns = now_ns + LONGEST_ROUND_NS.min(ROUND_NS * kill.rounds);
        self.kills.push_back(kill);
    }

    /// The kernel ends a control group at one stroke.
    fn kill_leaf(&self, kill: &mut Kill) {
        let Some(leaf) = self.ground.leaves.get(&kill.run) else { return };
        let members = leaf.members().unwrap_or_default();
        if !members.is_empty() {
            match leaf.kill() {
                Ok(()) => kill.signalled.extend(members),
                Err(error) => note(&format!("cannot end the group of {}: {error}", kill.run)),
            }
        }
    }

    pub(super) fn members(&self, snapshot: &Snapshot, run: &str, scope: Scope) -> Vec<Stat> {
        let known = self.keys.get(run).and_then(|key| self.runs.get(key)).map(Run::root);
        // A run that is not known any more may have left somebody behind.
        let root = known.unwrap_or(Root { run, pid: 0, starttime: 0 });
        let leaf = self.ground.leaves.get(run).map(|leaf| leaf.members());
        let leaf = leaf.unwrap_or_else(|| Ok(Vec::new())).unwrap_or_else(|error| {
            note(&format!("cannot read the group of {run}: {error}"));
            Vec::new()
        });
        let members = snapshot.members(root, &leaf);
        if scope == Scope::Group { tree::group(root, members) } else { members }
    }

    pub(super) fn answer_signal(
        &mut self,
        asked: Asked,
        run: String,
        signal: i32,
        delivered: usize,
        survivors: Vec<Survivor>,
    ) {
        let delivered = u32::try_from(delivered).unwrap_or(u32::MAX);
        let event = Event::Signalled(Signalled { run, signal, delivered, survivors });
        self.answer(asked.0, asked.1, &event);
    }
}
