//! Which process belongs to whose tree, as far as one look at all of them tells.

use std::collections::HashMap;

use crate::sys::load::Load;

/// A tree is never so deep; what is read while it changes may go round.
const DEEPEST: usize = 64;

/// To which of `roots` (pids, each with the place of its tree) each process belongs: by its session,
/// or by its parents.
pub(super) fn owners_of(roots: &HashMap<i32, usize>, loads: &[Load]) -> HashMap<i32, usize> {
    let by_pid: HashMap<i32, &Load> = loads.iter().map(|load| (load.pid, load)).collect();
    let mut owners = HashMap::new();
    for load in loads {
        let mut next = Some(load);
        for _ in 0..DEEPEST {
            let Some(at) = next else { break };
            let owner = roots.get(&at.pid).or_else(|| roots.get(&at.session));
            if let Some(&owner) = owner {
                owners.insert(load.pid, owner);
                break;
            }
            next = by_pid.get(&at.ppid).copied();
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_its_session_and_all_that_came_of_it() {
        let load = |pid, ppid, session| Load { pid, ppid, session, ..Load::default() };
        let roots = HashMap::from([(10, 0), (20, 1)]);
        let loads = [
            load(1, 0, 1),
            load(10, 1, 10),
            load(11, 10, 10),
            load(12, 11, 12), // a session of its own, but a descendant
            load(13, 1, 10),  // its parent is gone, but the session tells
            load(20, 1, 20),
            load(30, 1, 30),
            load(40, 41, 40), // read while it changed
            load(41, 40, 41),
        ];
        let owners = owners_of(&roots, &loads);
        let owned: Vec<_> = loads.iter().map(|load| owners.get(&load.pid).copied()).collect();
        let expected = [None, Some(0), Some(0), Some(0), Some(0), Some(1), None, None, None];
        assert_eq!(owned, expected);
    }
}
