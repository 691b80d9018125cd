//! The parts of the pages, each of one screenful.

mod actions;
mod alert_list;
mod attempts;
mod catalogue;
mod env_rows;
mod facts;
mod icon;
mod log_line;
mod log_pane;
mod log_search;
mod log_selection;
mod log_timeline;
mod log_tools;
mod log_view;
mod menu;
mod process_list;
mod process_row;
mod start_dialog;
mod start_form;
mod status_mark;
mod theme_button;
mod top_bar;

pub(crate) use actions::Actions;
pub(crate) use alert_list::AlertList;
pub(crate) use attempts::Attempts;
pub(crate) use catalogue::CatalogueList;
pub(crate) use facts::Facts;
pub(crate) use icon::{Icon, IconName};
pub(crate) use log_selection::parse_lines;
pub(crate) use log_view::LogView;
pub(crate) use process_list::ProcessList;
pub(crate) use start_dialog::{StartDialog, Starter};
pub(crate) use status_mark::{StatusMark, status_word};
pub(crate) use theme_button::ThemeButton;
pub(crate) use top_bar::TopBar;
