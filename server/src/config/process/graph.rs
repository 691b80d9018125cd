//! The order between processes.

use std::collections::BTreeMap;

use super::ProcessConfig;

/// The processes by name.
type Processes = BTreeMap<String, ProcessConfig>;

/// How the walk stands at a process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Those below it are being walked.
    Open,
    /// It and all below it are in the order.
    Done,
}

/// A name that depends on itself, as the way around: `a → b → a`. `None`: there is none.
pub(super) fn find_cycle(processes: &Processes) -> Option<Vec<String>> {
    let mut walk = Walk { processes, marks: BTreeMap::new(), path: Vec::new(), order: Vec::new() };
    processes.keys().find_map(|name| walk.visit(name))
}

/// `names` and all that they depend on, each after what it depends on.
#[must_use]
pub fn dependencies_first(processes: &Processes, names: &[String]) -> Vec<String> {
    let mut walk = Walk { processes, marks: BTreeMap::new(), path: Vec::new(), order: Vec::new() };
    for name in names {
        // A configuration with a cycle was refused when it was loaded.
        let _ = walk.visit(name);
    }
    walk.order
}

/// Every process, each before what it depends on: the order to stop them in.
#[must_use]
pub fn dependants_first(processes: &Processes) -> Vec<String> {
    let names: Vec<String> = processes.keys().cloned().collect();
    let mut order = dependencies_first(processes, &names);
    order.reverse();
    order
}

struct Walk<'a> {
    processes: &'a Processes,
    marks: BTreeMap<String, Mark>,
    path: Vec<String>,
    order: Vec<String>,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str) -> Option<Vec<String>> {
        match self.marks.get(name) {
            Some(Mark::Done) => return None,
            Some(Mark::Open) => {
                let from = self.path.iter().position(|other| other == name).unwrap_or(0);
                let mut cycle = self.path.get(from..).unwrap_or_default().to_vec();
                cycle.push(name.to_owned());
                return Some(cycle);
            }
            None => {}
        }
        let config = self.processes.get(name)?;
        self.marks.insert(name.to_owned(), Mark::Open);
        self.path.push(name.to_owned());
        let cycle = config.depends_on.keys().find_map(|below| self.visit(below));
        self.path.pop();
        self.marks.insert(name.to_owned(), Mark::Done);
        self.order.push(name.to_owned());
        cycle
    }
}
