//! One contract for every store: what is appended is there, all of it or nothing, in order, after a restart too.

use std::collections::BTreeSet;

use crate::common::postgres::Cluster;
use protocol::http::{Change, Scope};
use protocol::{ChainEntry, Digest, HostId, JobId, JobState};
use scheduler::testing::{START_MS, submission};
use scheduler::{Command, Config, Core, Event, Finished};
use server::audit::{Audited, Topic};
use server::store::memory::MemoryStore;
use server::store::postgres::PostgresStore;
use server::store::sqlite::SqliteStore;
use server::store::{Answer, Batch, Loaded, Logged, Row, Store, StoreError, TokenRow};

fn ticks(from: u64, count: u64) -> Vec<Logged> {
    (from..from + count)
        .map(|at_ms| Logged {
            at_ms,
            event: Event::Tick,
        })
        .collect()
}

/// Events as this program's rules wrote them.
fn logged(events: Vec<(u32, Logged)>) -> Vec<Logged> {
    let own = |(rules, event)| (rules == scheduler::RULES).then_some(event);
    events.into_iter().filter_map(own).collect()
}

fn change(number: u64) -> Change {
    Change {
        at_ms: number,
        state: JobState::Queued,
        reason: format!("reason {number} – ünïcode 'quoted' \"twice\""),
    }
}

fn entry(parent: Option<&ChainEntry>) -> ChainEntry {
    let content = Digest::of(b"content");
    let step = parent.map_or(0, |parent| parent.step + 10);
    ChainEntry::next(Digest::of(b"package"), parent, step, content, content)
}

/// A finished job, as the core lets go of it.
fn finished() -> Finished {
    let mut core = Core::new(Config::default());
    let job = Box::new(submission("argon", protocol::Tier::Portable, 5));
    let submit = Event::Submit {
        user: "ann".to_owned(),
        job,
        bytes: 1,
    };
    core.apply(&submit, START_MS).unwrap();
    core.apply(
        &Event::Cancel {
            job: JobId(1),
            by: "ann".to_owned(),
        },
        START_MS,
    )
    .unwrap();
    core.apply(&Event::Tick, START_MS + Config::default().retire_ms).unwrap();
    let retired = core.take_commands().into_iter().find_map(|command| match command {
        Command::Retired(finished) => Some(*finished),
        _ => None,
    });
    retired.expect("it left memory")
}

async fn contract(store: &dyn Store) {
    assert_eq!(store.load().await.unwrap(), Loaded::default());
    let zero = entry(None);
    let one = entry(Some(&zero));
    let outputs = Some(Digest::of(b"outputs"));
    let batch = Batch {
        first: 0,
        events: ticks(0, 3),
        rows: vec![
            Row::Changed(JobId(1), change(1)),
            Row::Changed(JobId(2), change(2)),
            Row::Changed(JobId(1), change(3)),
            Row::Chain(JobId(1), zero.clone(), None),
            Row::Chain(JobId(1), one.clone(), outputs),
        ],
        answers: vec![Answer {
            name: "ann submit key".to_owned(),
            request: "digest".to_owned(),
            number: 7,
            at_ms: 100,
        }],
    };
    store.append(batch).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!((logged(loaded.events), loaded.next, loaded.snapshot), (ticks(0, 3), 3, None));
    assert_eq!(store.changes(JobId(1), 10).await.unwrap(), [change(1), change(3)]);
    assert_eq!(store.changes(JobId(1), 1).await.unwrap(), [change(3)], "the last ones");
    let chain = store.chain(JobId(1), 0, 10).await.unwrap();
    assert_eq!((chain.len(), &chain[1].entry, chain[1].outputs), (2, &one, outputs));
    assert_eq!(store.chain(JobId(1), 1, 10).await.unwrap().len(), 1);
    assert_eq!(store.chain(JobId(2), 0, 10).await.unwrap(), []);
    assert_eq!(store.answer("ann submit key".to_owned()).await.unwrap().unwrap().number, 7);
    assert_eq!(store.answer("another".to_owned()).await.unwrap(), None);

    // A snapshot, larger than one part, takes the place of what came before it.
    let state: Vec<u8> = (0..20_000_000u32).map(|byte| (byte % 251) as u8).collect();
    store.snapshot(3, state.clone()).await.unwrap();
    store.snapshot(3, state.clone()).await.unwrap();
    let reset = Batch {
        first: 3,
        events: ticks(3, 2),
        rows: vec![
            Row::Chain(JobId(1), entry(Some(&one)), None),
            Row::ChainReset(JobId(1)),
            Row::Chain(JobId(1), zero.clone(), None),
            Row::Chain(JobId(2), zero.clone(), None),
        ],
        answers: Vec::new(),
    };
    store.append(reset).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!((logged(loaded.events), loaded.next), (ticks(3, 2), 5));
    assert!(loaded.snapshot == Some((3, state)), "the snapshot reads back");
    assert_eq!(
        store.chain(JobId(1), 0, 10).await.unwrap().len(),
        1,
        "starting over voids what was before"
    );

    let many = (0..5000).map(|number| Row::Changed(JobId(3), change(number))).collect();
    let batch = Batch {
        first: 5,
        events: ticks(5, 1),
        rows: many,
        answers: Vec::new(),
    };
    store.append(batch).await.unwrap();
    assert_eq!(store.changes(JobId(3), 10_000).await.unwrap().len(), 5000);

    let ended = finished();
    assert_eq!(store.finished(JobId(1)).await.unwrap(), None);
    for first in [6, 7] {
        let row = Row::Finished(Box::new(ended.clone()));
        let batch = Batch {
            first,
            events: ticks(first, 1),
            rows: vec![row],
            answers: Vec::new(),
        };
        store.append(batch).await.unwrap();
    }
    assert_eq!(store.finished(JobId(1)).await.unwrap(), Some(ended.clone()));
    let list = async |after: u64, limit, owner: Option<&str>, state: Option<JobState>| {
        let (owner, states) = (owner.map(str::to_owned), Vec::from_iter(state));
        let range = JobId(after + 1)..JobId(u64::MAX);
        let oldest = store
            .finished_within(range.clone(), false, limit, owner.clone(), states.clone())
            .await
            .unwrap();
        let newest = store.finished_within(range, true, limit, owner, states).await.unwrap();
        assert_eq!(oldest.len(), newest.len());
        oldest.len()
    };
    assert_eq!(
        (
            list(0, 10, None, None).await,
            list(1, 10, None, None).await,
            list(0, 0, None, None).await
        ),
        (1, 0, 0)
    );
    let cancelled = Some(JobState::Cancelled);
    assert_eq!(
        (
            list(0, 10, Some("ann"), cancelled).await,
            list(0, 10, Some("bob"), None).await
        ),
        (1, 0)
    );
    assert_eq!(list(0, 10, Some("ann"), Some(JobState::Completed)).await, 0);
    let archive = ended.blobs().next().unwrap();
    let asked = BTreeSet::from([archive, Digest::of(b"outputs"), Digest::of(b"of no use")]);
    let kept = store.kept(asked).await.unwrap();
    assert_eq!(
        kept,
        BTreeSet::from([archive, Digest::of(b"outputs")]),
        "outputs, and what finished jobs need"
    );
    assert_eq!(store.kept(BTreeSet::new()).await.unwrap(), BTreeSet::new());

    // Kept no longer, nothing of it is there, but for what another job has as well.
    let shared = Row::Chain(JobId(2), one.clone(), Some(archive));
    let batch = Batch {
        first: 8,
        events: ticks(8, 1),
        rows: vec![shared, Row::Expired(JobId(1))],
        answers: Vec::new(),
    };
    store.append(batch).await.unwrap();
    assert_eq!(store.finished(JobId(1)).await.unwrap(), None);
    assert_eq!(
        (
            store.chain(JobId(1), 0, 10).await.unwrap().len(),
            store.changes(JobId(1), 10).await.unwrap().len()
        ),
        (0, 0)
    );
    assert_eq!(store.blob_jobs(archive).await.unwrap(), [JobId(2)]);
    let kept = store
        .kept(ended.blobs().chain([Digest::of(b"outputs")]).collect())
        .await
        .unwrap();
    assert_eq!(kept, BTreeSet::from([archive]));
    assert_eq!(store.changes(JobId(3), 10_000).await.unwrap().len(), 5000);

    store.forget(101).await.unwrap();
    assert_eq!(store.answer("ann submit key".to_owned()).await.unwrap(), None);

    let audited = |at_ms: u64, key: &str, topic| Audited {
        at_ms,
        key: key.to_owned(),
        topic,
        subject: "ann".to_owned(),
        action: "ban".to_owned(),
        object: "host 3".to_owned(),
        detail: "a reason".to_owned(),
    };
    let rows = [
        audited(7, "a", Topic::Jobs),
        audited(7, "b", Topic::Service),
        audited(6, "c", Topic::Jobs),
    ];
    let batch = Batch {
        first: 9,
        events: ticks(9, 1),
        rows: rows.iter().map(|row| Row::Audit(Box::new(row.clone()))).collect(),
        answers: Vec::new(),
    };
    store.append(batch).await.unwrap();
    store.put_audit(rows[0].clone()).await.unwrap();
    store.forget(0).await.unwrap();
    let last = (u64::MAX >> 1, String::new());
    let newest = [rows[1].clone(), rows[0].clone(), rows[2].clone()];
    assert_eq!(store.audit(last.clone(), 10).await.unwrap(), newest);
    assert_eq!(store.audit(last, 1).await.unwrap(), newest[..1]);
    assert_eq!(store.audit((7, "b".to_owned()), 10).await.unwrap(), newest[1..]);

    let mut token = TokenRow {
        id: "abc".to_owned(),
        digest: Digest::of(b"secret"),
        scope: Scope::Host,
        subject: "host-1".to_owned(),
        host: Some(HostId(1)),
        issued_ms: 5,
        revoked_ms: None,
        invitation: false,
        enrolled: None,
    };
    store.put_token(token.clone()).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [token.clone()]);
    token.revoked_ms = Some(9);
    store.put_token(token.clone()).await.unwrap();
    assert_eq!(store.tokens().await.unwrap(), [token]);
}

/// What a database refuses in the middle of a batch leaves nothing of the batch.
async fn all_or_nothing(store: &dyn Store) {
    let before = store.load().await.unwrap();
    let twice = Answer {
        name: "twice".to_owned(),
        request: String::new(),
        number: 1,
        at_ms: 1,
    };
    let batch = Batch {
        first: before.next,
        events: ticks(9, 1),
        rows: vec![Row::Changed(JobId(9), change(1))],
        answers: vec![twice.clone(), twice],
    };
    assert!(matches!(store.append(batch).await, Err(StoreError::Database(_))));
    assert!(store.load().await.unwrap() == before);
    assert_eq!(store.changes(JobId(9), 10).await.unwrap(), []);
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    contract(&MemoryStore::default()).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baton.sqlite");
    let store = SqliteStore::open(&path).await.unwrap();
    contract(&store).await;
    all_or_nothing(&store).await;
    let before = store.load().await.unwrap();
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(store.load().await.unwrap() == before, "reopened");
    store
        .append(Batch {
            first: 10,
            events: ticks(10, 1),
            rows: vec![Row::Changed(JobId(1), change(9))],
            answers: Vec::new(),
        })
        .await
        .unwrap();
    assert_eq!(store.changes(JobId(1), 1).await.unwrap(), [change(9)]);
}

#[tokio::test]
async fn postgres_keeps_the_contract_and_serves_one_server_at_a_time() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("contract");
    let store = PostgresStore::open(&url).await.unwrap();
    contract(&store).await;
    all_or_nothing(&store).await;
    assert!(matches!(PostgresStore::open(&url).await, Err(StoreError::Taken)));
}

#[tokio::test]
async fn events_that_a_snapshot_contains_stay_until_the_next_one_for_those_who_follow() {
    let Some(cluster) = Cluster::start() else { return };
    let store = PostgresStore::open(&cluster.database("followed")).await.unwrap();
    for first in 0..4 {
        let events = ticks(first, 1);
        let batch = Batch {
            first,
            events,
            ..Batch::default()
        };
        store.append(batch).await.unwrap();
    }
    let from = async |next| store.events_from(next).await.unwrap().map(logged);
    store.snapshot(3, b"first".to_vec()).await.unwrap();
    assert_eq!(from(1).await, Some(ticks(1, 3)), "one that follows goes on");
    let loaded = store.load().await.unwrap();
    assert_eq!(
        (logged(loaded.events), loaded.next),
        (ticks(3, 1), 4),
        "one that begins reads no more than it needs"
    );
    store.snapshot(4, b"second".to_vec()).await.unwrap();
    assert_eq!(from(1).await, None, "one that is far behind loads all anew");
    assert_eq!(from(3).await, Some(ticks(3, 1)));
}

#[tokio::test]
async fn a_foreign_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("baton.sqlite");
    std::fs::write(&path, b"this is not a database at all, but a text of some length").unwrap();
    assert!(SqliteStore::open(&path).await.is_err());
}
