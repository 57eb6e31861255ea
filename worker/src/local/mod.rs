//! Running a package on this machine, for `run`, `resume` and the commands that need a device.
//!
//! | module | owns |
//! |---|---|
//! | [`choose`] | which package and which device |
//! | [`cost`] | what a job like a run costs, for simulations |
//! | [`drive`] | the rest of a run directory: device, progress, signals, summary |
//! | [`replay`] | recorded segments computed again, for `baton verify` |
//! | [`verified`] | what a run directory records, looked at before something is made from it |
//! | [`reference`] | OpenMM's files evaluated in double precision |

pub(crate) mod choose;
pub(crate) mod cost;
pub(crate) mod drive;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod verified;
