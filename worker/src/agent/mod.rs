//! The volunteer's agent: `baton worker`.
//!
//! | module | owns |
//! |---|---|
//! | [`preferences`] | what the volunteer wants: flags, environment, configuration file |
//! | [`machine`] | battery, user, applications, cores, disk, hours |
//! | [`state`] | the state folder: who we are, what we were told, what we were asked, how we are |
//! | [`record`] | a job's folder: every boundary that is not safe on the server yet |
//! | [`compute`] | a job on a device, segment by segment, on a thread of its own |
//! | [`errands`] | what goes over the network: packages and checkpoints in, boundaries out |
//! | [`held`] | a lease that the agent holds, and what has to be done about it next |
//! | [`desk`] | the agent itself: compares orders with what it does, and acts on the difference |
//! | [`policy`] | whether to compute now, and why not |
//! | [`view`] | how it shows itself |
//!
//! Orders are a level, not an edge: the agent always looks at *everything* that it should be doing, so that a lost, repeated or overtaken
//! message changes nothing. A boundary on disk is thrown away only when the lease that it belongs to is gone.

pub(crate) mod compute;
pub(crate) mod desk;
pub(crate) mod errands;
pub(crate) mod held;
pub(crate) mod machine;
pub(crate) mod policy;
pub(crate) mod preferences;
pub(crate) mod record;
pub(crate) mod state;
pub(crate) mod view;
