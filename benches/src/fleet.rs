//! A fleet of hosts at work, as a server's store holds it, and what each of them sends.

use protocol::http::{EndAttempt, Heartbeat, JobProgress, Lease, Scope};
use protocol::{AttemptId, Digest, HostId, Outcome};
use scheduler::testing::{START_MS, populated};
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

/// The token of a host.
pub fn secret(host: u64) -> String {
    format!("baton_host_{host:064}")
}

/// Fills a store as a server leaves it that has so many hosts at work and so many jobs queued.
///
/// # Errors
/// The store does not take it.
pub async fn fill(store: &dyn Store, hosts: u64, jobs: u64) -> anyhow::Result<()> {
    populate(store, hosts, jobs).await?;
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
    populate(store, hosts, jobs).await?;
    Ok(store.put_token(token(operator, Scope::Operator, "operator")).await?)
}

async fn populate(store: &dyn Store, hosts: u64, jobs: u64) -> anyhow::Result<()> {
    let core = populated(hosts, hosts + jobs, 20, 1000);
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
