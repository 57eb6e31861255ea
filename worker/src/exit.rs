//! Which error leads to which exit code. The table of codes is one for `baton` and `fpcheck`: [`fpcheck::exit`].

pub(crate) use fpcheck::exit::{Exit, Usage, WrongClass};

#[cfg(feature = "network")]
use crate::net::NetError;

/// The exit code that an error leads to.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    #[cfg(feature = "network")]
    match error.downcast_ref::<NetError>() {
        Some(error) if error.is_away() => return Exit::Away,
        Some(NetError::Setup(_)) => return Exit::Usage,
        _ => {}
    }
    fpcheck::exit::of_error(error)
}
