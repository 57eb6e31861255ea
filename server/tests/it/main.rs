//! The server from outside: one binary, a fresh folder and database for each test.
#![allow(unreachable_pub, reason = "modules of one test binary")]

mod bad_input;
mod browser;
mod common;
mod ended;
mod limits;
mod monitoring;
mod restart;
mod routes;
mod secrets;
mod stores;
mod tls;
