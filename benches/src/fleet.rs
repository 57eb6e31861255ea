//! A fleet of hosts at work, as a server's store holds it, and what each of them sends.

use protocol::checkpoint::{Checkpoint, Element, StateBuffer, content_digest};
use protocol::http::{Commit, EndAttempt, Heartbeat, JobProgress, Lease, Scope};
use protocol::{AttemptId, ChainEntry, Digest, HostId, Outcome};
use scheduler::testing::{START_MS, populated_with};
use server::store::{Store, TokenRow};

/// A heartbeat that reports one attempt, at a segment.
pub fn beat(attempt: AttemptId, epoch: u64, segment: u64) -> Heartbeat {
    Heartbeat {
        clock_ms: START_MS,
        rtt_ms: Some(125),
        jobs: vec![JobProgress {
            attempt,
            epoch,
            segment,
            segment_ms: 60_000,
        }],
        accepting: true,
        why: None,
        errors: 0,
        instance: None,
    }
}

/// The end of an attempt that goes on elsewhere.
pub fn ending(lease: &Lease) -> EndAttempt {
    EndAttempt {
        epoch: lease.epoch,
        outcome: Outcome::Migrated,
        cause: protocol::ErrorCause::Host,
        message: String::new(),
    }
}

/// The commit of a lease's next boundary after `last`, and its checkpoint: a state of so many bytes that do not compress.
///
/// # Errors
/// The checkpoint cannot be made.
pub fn boundary(lease: &Lease, last: Option<&ChainEntry>, bytes: usize) -> anyhow::Result<(Commit, Vec<u8>)> {
    let from = last.or(lease.checkpoint.as_ref().map(|checkpoint| &checkpoint.entry));
    let segment = from.map_or(1, |from| from.segment + 1);
    let mut seed = (lease.attempt.0 << 32) + segment;
    let words = (0..bytes / 8).flat_map(|_| protocol::split_mix::next(&mut seed).to_le_bytes());
    let bytes: Vec<u8> = words.collect();
    let buffers = vec![StateBuffer {
        name: "state".to_owned(),
        element: Element::U32,
        shape: vec![bytes.len() as u64 / 4],
        bytes,
    }];
    let (content, outputs) = (content_digest(&buffers), Digest::of(b"outputs"));
    let next = |from, segment: u64| ChainEntry::next(lease.package, from, segment * 100, content, outputs);
    // The first of a job brings its beginning, too.
    let mut entries: Vec<ChainEntry> = from.is_none().then(|| next(None, 0)).into_iter().collect();
    let entry = next(from.or(entries.last()), segment);
    entries.push(entry.clone());
    let checkpoint = Checkpoint {
        package: lease.package,
        entry,
        class: lease.class,
        buffers,
    };
    let packed = checkpoint.to_bytes()?;
    let commit = Commit {
        epoch: lease.epoch,
        entries,
        checkpoint: Digest::of(&packed),
        outputs: None,
        computed_ms: 1000,
        signature: None,
    };
    Ok((commit, packed))
}

/// The token of a host.
pub fn secret(host: u64) -> String {
    format!("baton_host_{host:064}")
}

/// Fills a store as a server leaves it that has so many hosts at work and so many jobs queued.
///
/// # Errors
/// The store does not take it.
pub async fn fill(store: &dyn Store, hosts: u64, jobs: u64) -> anyhow::Result<()> {
    let nothing = [b"package".as_slice(), b"archive"].map(Digest::of);
    fill_with(store, nothing.into(), hosts, jobs).await
}

/// The same, whose jobs are of a package: its identity, and the blob of its archive.
///
/// # Errors
/// The store does not take it.
pub async fn fill_with(store: &dyn Store, package: (Digest, Digest), hosts: u64, jobs: u64) -> anyhow::Result<()> {
    populate(store, package, hosts, jobs).await?;
    for host in 1..=hosts {
        let row = TokenRow {
            host: Some(HostId(host)),
            ..token(&secret(host), Scope::Host, &format!("host-{host}"))
        };
        store.put_token(row).await?;
    }
    Ok(())
}

/// The same without the hosts' tokens, and with one of an operator: for what people ask.
///
/// # Errors
/// The store does not take it.
pub async fn fill_for(store: &dyn Store, hosts: u64, jobs: u64, operator: &str) -> anyhow::Result<()> {
    let nothing = [b"package".as_slice(), b"archive"].map(Digest::of);
    populate(store, nothing.into(), hosts, jobs).await?;
    Ok(store.put_token(token(operator, Scope::Operator, "operator")).await?)
}

async fn populate(store: &dyn Store, package: (Digest, Digest), hosts: u64, jobs: u64) -> anyhow::Result<()> {
    let core = populated_with(package, hosts, hosts + jobs, 20, 1000);
    Ok(store.snapshot(1, core.save()?).await?)
}

fn token(secret: &str, scope: Scope, subject: &str) -> TokenRow {
    let digest = Digest::of(secret.as_bytes());
    TokenRow {
        id: digest.short(),
        digest,
        scope,
        subject: subject.to_owned(),
        host: None,
        issued_ms: START_MS,
        revoked_ms: None,
        invitation: false,
        enrolled: None,
    }
}
