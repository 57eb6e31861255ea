//! Talking to a server: what the scientist's commands and the volunteer's agent share.
//!
//! | module | owns |
//! |---|---|
//! | [`access`] | which server, with which token |
//! | [`client`] | requests, answers, and what can go wrong with them |
//! | [`blobs`] | packages, checkpoints and outputs, up and down, in parts that survive a cut |
//! | [`events`] | held streams of server-sent events |
//! | [`link`] | whether the server answers, and when to ask again |
//! | [`outputs`] | what segments put out, as one blob |

pub(crate) mod access;
pub(crate) mod blobs;
pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod link;
pub(crate) mod outputs;

pub(crate) use access::Access;
pub(crate) use client::{Client, NetError};
