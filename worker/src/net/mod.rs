//! Talking to a server: what the scientist's commands and the volunteer's agent share.
//!
//! | module | owns |
//! |---|---|
//! | [`access`] | which server, with which token |
//! | [`client`] | requests to one server: URL, token, and which server has to answer |
//! | [`answer`] | answers: what of them is taken, and how much |
//! | [`error`] | what can go wrong with a request |
//! | `hostile` | tests: servers that answer anything |
//! | `urls` | where a server is reached, under several URLs too |
//! | [`projects`] | several projects with their shares, as they are written |
//! | [`transfer`] | blobs on their way: size of parts, progress |
//! | [`pace`] | limits of bandwidth |
//! | [`blobs`] | packages, checkpoints and outputs, up and down, in parts that survive a cut |
//! | [`events`] | held streams of server-sent events |
//! | [`link`] | whether the server answers, and when to ask again |

pub(crate) mod access;
pub(crate) mod answer;
pub(crate) mod blobs;
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod events;
#[cfg(test)]
pub(crate) mod hostile;
pub(crate) mod link;
pub(crate) mod pace;
pub(crate) mod projects;
pub(crate) mod transfer;
mod urls;

pub(crate) use access::Access;
pub(crate) use client::{Client, ServerId};
pub(crate) use error::NetError;
