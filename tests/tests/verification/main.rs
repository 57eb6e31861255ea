//! Contract: made-up results are found by other volunteers' machines, taken back, and the end is that of an honest run, byte for byte; what was signed is
//! proven. Real processes on loopback; hosts that lie are clients of the protocol.
//!
//! | module | owns |
//! |---|---|
//! | [`lies`] | one host that lies, two that agree, a referee |
//! | [`canary`] | a segment whose outcome is known, before class-bound work is gone on with |
//! | [`pool`] | hosts that are hostile in six ways beside honest ones |
//! | [`driver`] | a driver that computes wrongly, on three hosts |
//! | [`hostile`] | what each of those does |
//! | [`signed`] | signatures and proofs |
//! | `impostor` | a device that gives programs something else than it was asked for, as the tests of `fpcheck` have it |
//! | `postgres` | a PostgreSQL of its own, as the server's tests have it |
//!
//! Run: `cargo nextest run --release -p contracts --test verification`.

#![allow(unreachable_pub, reason = "modules of one test binary")]

mod canary;
mod driver;
mod hostile;
#[path = "../../../fpcheck/tests/impostor/mod.rs"]
#[expect(dead_code, reason = "more of it is for other tests")]
mod impostor;
mod lies;
mod pool;
#[path = "../../../server/tests/it/common/postgres.rs"]
#[expect(dead_code, reason = "the server's own tests share it")]
mod postgres;
mod signed;
