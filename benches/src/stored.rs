//! What a crowd of hosts takes in the database.

use std::time::Instant;

use anyhow::Context as _;
use protocol::HostId;
use scheduler::testing::populated;
use scheduler::{Core, Event};

use crate::fleet::{beat, boundary, ending};

/// Prints how large a snapshot of so many hosts at work is, how long it takes to make and to read, and the bytes that each kind of event takes of the log.
///
/// # Errors
/// A snapshot that does not read back.
pub fn print(hosts: u64) -> anyhow::Result<()> {
    let core = populated(hosts, hosts + 100_000, 20, 1000);
    let begun = Instant::now();
    let saved = core.save()?;
    let saving = begun.elapsed();
    let begun = Instant::now();
    let restored = Core::restore(&saved)?;
    println!(
        "{hosts} hosts at work, {} jobs: a snapshot of {:.1} MB, made in {:.1} s and read in {:.1} s",
        hosts + 100_000,
        saved.len() as f64 / 1e6,
        saving.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    anyhow::ensure!(restored.save()? == saved, "a snapshot reads back as another state");
    let host = HostId(hosts);
    let lease = core.orders(host)?.leases.first().cloned().context("all are at work")?;
    let (first, _) = boundary(&lease, None, 8)?;
    let (commit, _) = boundary(&lease, first.entries.last(), 8)?;
    let (attempt, class) = (lease.attempt, lease.class);
    let commit = Event::Commit {
        host,
        attempt,
        commit,
        class,
        bytes: 20_000,
        outputs_bytes: 0,
        done: false,
    };
    let end = ending(&lease);
    for (name, event) in [
        (
            "a heartbeat at another segment",
            Event::Heartbeat {
                host,
                beat: beat(attempt, lease.epoch, 1),
                address: 1,
            },
        ),
        ("a commit of one boundary", commit),
        ("an attempt's end", Event::End { host, attempt, end }),
        ("an offer taken", Event::Take { host }),
    ] {
        println!("  {name}: {} bytes of the log", serde_json::to_vec(&event)?.len());
    }
    Ok(())
}
