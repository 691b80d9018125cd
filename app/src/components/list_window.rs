//! What of the list is in sight: rows and headlines have known heights, so that thousands cost no more
//! than a screenful.

use crate::live::Processes;
use crate::model::ProcessId;
use crate::text::filter::Query;

/// The heights of a row and of a project's headline; `.row` and `.group` in the style sheet.
const ROW_PX: i32 = 54;
const GROUP_PX: i32 = 30;
/// Drawn above and below what is in sight.
const MARGIN_PX: i32 = 6 * ROW_PX;

/// What a place in the list holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Project(String),
    Process(ProcessId),
}

impl Item {
    fn height_px(&self) -> i32 {
        match self {
            Self::Project(_) => GROUP_PX,
            Self::Process(_) => ROW_PX,
        }
    }
}

/// The items in sight, and what is above them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InSight {
    pub(super) items: Vec<Item>,
    /// What is above them.
    pub(super) top_px: i32,
    /// All of the list.
    pub(super) height_px: i32,
    /// Whether the last is among them.
    pub(super) is_end: bool,
}

/// What fits, in the order of the list: the project with the newest process first.
pub(super) fn items_of(processes: Processes, query: &Query, is_grouped: bool) -> Vec<Item> {
    let found = processes.found(query);
    if !is_grouped {
        return found.into_iter().map(|(id, _)| Item::Process(id)).collect();
    }
    let mut projects: Vec<&String> = Vec::new();
    for (_, project) in &found {
        if !projects.contains(&project) {
            projects.push(project);
        }
    }
    let mut items = Vec::new();
    for project in projects {
        items.push(Item::Project(project.clone()));
        let own = found.iter().filter(|(_, other)| other == project);
        items.extend(own.map(|(id, _)| Item::Process(id.clone())));
    }
    items
}

/// The items within a view (how far it is scrolled, and how high it is), or all of them.
pub(super) fn cut_out(items: &[Item], view: Option<(i32, i32)>) -> InSight {
    let Some((top, height)) = view else {
        return InSight { items: items.to_vec(), ..InSight::default() };
    };
    let (from, to) = (top - MARGIN_PX, top + height + MARGIN_PX);
    let mut sight = InSight { is_end: true, ..InSight::default() };
    for item in items {
        let (begin, end) = (sight.height_px, sight.height_px + item.height_px());
        if end <= from {
            sight.top_px = end;
        } else if begin < to {
            sight.items.push(item.clone());
        } else {
            sight.is_end = false;
        }
        sight.height_px = end;
    }
    sight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_sight_is_drawn() {
        let items: Vec<_> = (0..5_000).map(|n| Item::Process(ProcessId(n.to_string()))).collect();
        let sight = cut_out(&items, Some((ROW_PX * 1_000, 600)));
        assert_eq!(sight.height_px, ROW_PX * 5_000);
        assert_eq!(sight.top_px, ROW_PX * 994);
        assert_eq!(sight.items[0], items[994]);
        assert!(sight.items.len() < 30 && !sight.is_end);
        assert!(cut_out(&items, Some((ROW_PX * 4_990, 600))).is_end);
        assert_eq!(cut_out(&items, None).items.len(), 5_000);
    }

    #[test]
    fn a_headline_has_its_own_height() {
        let items = [Item::Project("a".into()), Item::Process(ProcessId("1".into()))];
        assert_eq!(cut_out(&items, Some((0, 600))).height_px, GROUP_PX + ROW_PX);
    }
}
