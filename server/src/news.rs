//! Turns the scheduler's commands into rows of the store, and into notices to those who watch (server-sent events).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use protocol::{Digest, HostId, JobId};
use tokio::sync::watch;

use crate::store::{Batch, Row};
use scheduler::Command;

/// Who waits for news of what.
#[derive(Default)]
pub(crate) struct Watchers {
    pub(crate) hosts: Topics<HostId>,
    pub(crate) jobs: Topics<JobId>,
}

/// Topics of one kind, with their subscribers.
pub(crate) struct Topics<K>(Mutex<Watched<K>>);

struct Watched<K> {
    senders: BTreeMap<K, watch::Sender<u64>>,
    /// Topics without subscribers are forgotten when there are this many: each subscription pays for two looks at most.
    full: usize,
}

const FULL_MIN: usize = 64;

impl<K> Default for Topics<K> {
    fn default() -> Self {
        Self(Mutex::new(Watched {
            senders: BTreeMap::new(),
            full: FULL_MIN,
        }))
    }
}

impl<K: Ord + Copy> Topics<K> {
    pub(crate) fn subscribe(&self, key: K) -> watch::Receiver<u64> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.senders.len() >= watched.full {
            watched.senders.retain(|_, sender| sender.receiver_count() > 0);
            watched.full = FULL_MIN.max(2 * watched.senders.len());
        }
        let sender = watched.senders.entry(key).or_insert_with(|| watch::Sender::new(0));
        sender.subscribe()
    }

    pub(crate) fn notify_all(&self) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched
            .senders
            .values()
            .for_each(|sender| sender.send_modify(|version| *version += 1));
    }

    pub(crate) fn notify(&self, key: K) {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.senders.get(&key) {
            sender.send_modify(|version| *version += 1);
        }
    }
}

/// What to tell once a batch is durable.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) hosts: BTreeSet<HostId>,
    pub(crate) jobs: BTreeSet<JobId>,
    pub(crate) superseded: Vec<Digest>,
}

/// Turns commands into rows to keep, and news to tell.
pub(crate) fn rows(batch: &mut Batch, commands: Vec<Command>) -> News {
    let mut news = News::default();
    for command in commands {
        match command {
            Command::Orders(host) => {
                news.hosts.insert(host);
            }
            Command::Changed(job, change) => {
                news.jobs.insert(job);
                batch.rows.push(Row::Changed(job, change));
            }
            Command::Chain(job, entries, outputs) => {
                news.jobs.insert(job);
                let last = entries.len().saturating_sub(1);
                for (index, entry) in entries.into_iter().enumerate() {
                    batch.rows.push(Row::Chain(job, entry, outputs.filter(|_| index == last)));
                }
            }
            Command::ChainReset(job) => batch.rows.push(Row::ChainReset(job)),
            Command::ChainCut(job, segment) => batch.rows.push(Row::ChainCut(job, segment)),
            Command::Superseded(blob) => news.superseded.push(blob),
            Command::Retired(finished) => batch.rows.push(Row::Finished(finished)),
            Command::Expired(job) => batch.rows.push(Row::Expired(job)),
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_nobody_watches_are_forgotten_and_the_others_are_told() {
        let topics = Topics::default();
        let kept: Vec<_> = (0..10u64).map(|key| topics.subscribe(key)).collect();
        (10..10_000).for_each(|key| drop(topics.subscribe(key)));
        assert!(topics.0.lock().unwrap().senders.len() <= 2 * FULL_MIN);
        (0..10).for_each(|key| topics.notify(key));
        assert!(kept.iter().all(|receiver| receiver.has_changed().unwrap()));
    }
}
