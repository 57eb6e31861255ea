//! The server from outside: one binary, a fresh folder and database for each test.
#![allow(unreachable_pub, reason = "modules of one test binary")]

mod access;
mod actions;
mod bad_input;
mod blob_places;
mod blobs;
mod bombs;
mod browser;
mod browser_page;
mod common;
mod credit;
mod ended;
mod fencing;
mod frame;
mod guide;
mod half_sent;
mod kept;
mod limits;
mod lists;
mod monitoring;
mod openapi;
mod operate;
mod page;
mod quarantine;
mod restart;
mod restored;
mod routes;
mod schedules;
mod secrets;
mod signed;
mod standby;
mod stores;
mod submission;
mod tls;
mod upgrade;
mod webhooks;
