//! The volunteer's agent: `baton worker`.
//!
//! What it does next is decided by the crate [`planner`], a pure function. Here its effects are carried out, and what happens is given to it as
//! inputs.
//!
//! | module | owns |
//! |---|---|
//! | [`board`] | several projects in one process: whose the next lease is, and one status of all |
//! | [`preferences`] | what the volunteer wants: flags, environment, configuration file |
//! | [`machine`] | battery, user, applications, cores, disk, hours |
//! | [`devices`] | the devices that are lent, and when they are looked for again |
//! | [`drivers`] | what is seen of graphics drivers without asking them |
//! | [`schedule`] | the hours of the week, as they are written |
//! | [`state`] | the state folder: identity, last orders, a person's request, status |
//! | [`signatures`] | what this host signs, and whose signature it asks for |
//! | [`traffic`] | bytes over the network in this month |
//! | [`history`] | work contributed day by day |
//! | [`job_folder`] | a job's folder: every boundary that is not safe on the server yet |
//! | [`canary`] | a segment whose outcome is known, before another device's class-bound work is gone on with |
//! | [`temperature`] | the temperature of what is computed, where a package has one |
//! | [`compute`] | a job on a device, segment by segment, on a thread of its own |
//! | [`room`] | memory and disk that a job takes, held against the preferences |
//! | [`effects`] | the event loop: inputs in, effects carried out with files, HTTP and threads |
//! | [`words`] | sentences for the planner's typed reasons |
//! | `limits` | the guide's table of limits |
//! | [`view`] | the status, as JSON, as lines, as a live view |

pub(crate) mod board;
pub(crate) mod canary;
pub(crate) mod compute;
pub(crate) mod devices;
pub(crate) mod drivers;
pub(crate) mod effects;
pub(crate) mod history;
pub(crate) mod job_folder;
#[cfg(test)]
mod limits;
pub(crate) mod machine;
pub(crate) mod preferences;
pub(crate) mod room;
pub(crate) mod schedule;
pub(crate) mod signatures;
pub(crate) mod state;
pub(crate) mod temperature;
pub(crate) mod traffic;
pub(crate) mod view;
pub(crate) mod words;
