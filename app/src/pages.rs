//! One component per page.

mod home;
mod layout;
mod not_found;
mod process;
mod search;
mod sign_in;

pub(crate) use home::Home;
pub(crate) use layout::Layout;
pub(crate) use not_found::NotFound;
pub(crate) use process::ProcessPage;
pub(crate) use search::SearchPage;
pub(crate) use sign_in::SignIn;
pub use sign_in::SignInWith;
