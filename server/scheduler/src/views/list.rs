//! Lists of jobs and hosts for people: filtered, ranked, a page at a time; and how many jobs there are in each state.
//!
//! Invariant: a look is one pass over what is in memory; views are made of the page's rows alone.

use std::collections::BTreeMap;

use protocol::http::{HostView, JobView};
use protocol::{AttemptId, HardwareClass, HostState, JobId, JobState};

use crate::Core;
use crate::tables::{Host, Job};

/// Which jobs are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Those of one owner.
    pub owner: Option<&'a str>,
    /// Those in one of these states; in any where none is named.
    pub states: &'a [JobState],
    /// Those with this tag.
    pub tag: Option<&'a str>,
    /// Those whose number, name, owner or one of whose tags has this text in it, whatever its case; all where it is empty.
    pub text: &'a str,
}

impl Wanted<'_> {
    /// Whether a job is wanted.
    pub fn takes(&self, job: JobId, name: &str, owner: &str, state: JobState, tags: &[String]) -> bool {
        self.owner.is_none_or(|wanted| wanted == owner)
            && (self.states.is_empty() || self.states.contains(&state))
            && self.tag.is_none_or(|wanted| tags.iter().any(|tag| tag == wanted))
            && (self.text.is_empty()
                || self.text.parse() == Ok(job.0)
                || has(name, self.text)
                || has(owner, self.text)
                || tags.iter().any(|tag| has(tag, self.text)))
    }
}

/// Whether a text has another in it, whatever the case of ASCII letters.
fn has(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

/// Values of [`rank`].
const RANKS: usize = 5;

/// What goes on comes first, then what waits, then what has ended.
fn rank(state: JobState) -> u8 {
    match state {
        JobState::Running | JobState::Migrating => 0,
        JobState::Suspended | JobState::Verifying => 1,
        JobState::Queued => 2,
        JobState::Held => 3,
        JobState::Completed | JobState::Failed | JobState::Cancelled => 4,
    }
}

fn host_rank(state: HostState) -> u8 {
    match state {
        HostState::Online => 0,
        HostState::Lost => 2,
        _ => 1,
    }
}

impl Core {
    fn is_wanted(&self, job: &Job, wanted: &Wanted<'_>) -> bool {
        !job.is_check() && wanted.takes(job.id, &job.name, &self.jobs.owner(job).name, job.state(), &job.tags)
    }

    /// How many jobs are in each state, of one owner where one is named. A job that ended a day ago has left memory, and is not counted.
    pub fn tally(&self, owner: Option<&str>) -> BTreeMap<JobState, u64> {
        let mut tally = BTreeMap::new();
        for job in self.jobs.values().filter(|job| !job.is_check()) {
            if owner.is_none_or(|owner| self.jobs.owner(job).name == owner) {
                *tally.entry(job.state()).or_default() += 1;
            }
        }
        tally
    }

    /// Jobs: those that go on first, of these the newest; `limit` of them after the first `skip`. And how many there are in all.
    pub fn ranked_jobs(&self, wanted: &Wanted<'_>, skip: usize, limit: usize) -> (Vec<JobView>, usize) {
        // Newest first within each rank: nothing has to be sorted.
        let mut ranks: [Vec<JobId>; RANKS] = Default::default();
        for (id, job) in self.jobs.rows().range(..).rev() {
            if self.is_wanted(job, wanted) {
                ranks[usize::from(rank(job.state()))].push(id);
            }
        }
        let page = ranks.iter().flatten().skip(skip).take(limit);
        let jobs = page.filter_map(|id| self.jobs.get(*id));
        (jobs.map(|job| self.view(job)).collect(), ranks.iter().map(Vec::len).sum())
    }

    /// Jobs numbered below `before`, newest first, at most `limit`; and what to give as `before` for the next, none at the end.
    pub fn newest_jobs(&self, before: JobId, limit: usize, wanted: &Wanted<'_>) -> (Vec<JobView>, Option<JobId>) {
        let older = self.jobs.rows().range(..before).rev().map(|(_, job)| job);
        let mut found = Vec::new();
        for job in older.filter(|job| self.is_wanted(job, wanted)) {
            if found.len() == limit {
                let last = found.last().map(|view: &JobView| view.job);
                return (found, last);
            }
            found.push(self.view(job));
        }
        (found, None)
    }

    /// Hosts whose number, name or one of whose devices has this text in it: those that are online first; `limit` of them after the first `skip`. And how many there
    /// are in all.
    pub fn ranked_hosts(&self, text: &str, skip: usize, limit: usize) -> (Vec<HostView>, usize) {
        let wanted = |host: &&Host| {
            text.is_empty()
                || text.parse() == Ok(host.id.0)
                || has(&host.name, text)
                || host
                    .devices()
                    .iter()
                    .any(|device| has(&device.name, text) || has(&device.id, text))
        };
        let found = self.hosts.rows().values().filter(wanted);
        let mut ranked: Vec<(u8, u64)> = found.map(|host| (host_rank(host.state()), host.id.0)).collect();
        ranked.sort_unstable();
        let page = ranked.iter().skip(skip).take(limit);
        let hosts = page.filter_map(|(_, number)| self.hosts.get(protocol::HostId(*number)));
        (hosts.map(|host| self.host_view(host)).collect(), ranked.len())
    }

    /// How many hosts are in each state.
    pub fn host_tally(&self) -> BTreeMap<HostState, u64> {
        let mut tally = BTreeMap::new();
        for host in self.hosts.rows().values() {
            *tally.entry(host.state()).or_default() += 1;
        }
        tally
    }

    /// The name of a device of each class: what people call the class by.
    pub fn class_names(&self) -> BTreeMap<HardwareClass, String> {
        let mut names = BTreeMap::new();
        // Few classes have most of the hosts: all have a name long before the last host.
        let classes = self.hosts.presence().values().filter(|presence| presence.devices > 0).count();
        for device in self.hosts.rows().values().flat_map(Host::devices) {
            for class in device.classes() {
                names.entry(*class).or_insert_with(|| device.name.clone());
            }
            if names.len() == classes {
                break;
            }
        }
        names
    }

    /// The job of a lease that lives.
    pub fn job_of(&self, attempt: AttemptId) -> Option<JobId> {
        Some(self.shown(self.attempts.get(attempt)?.job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_called_by_its_first_device() {
        let core = crate::testing::populated(40, 80, 7, 10);
        let mut expected = BTreeMap::new();
        for device in core.hosts.rows().values().flat_map(Host::devices) {
            for class in device.classes() {
                expected.entry(*class).or_insert(device.name.clone());
            }
        }
        assert!(
            expected.len() > 1 && core.class_names() == expected,
            "{:?}",
            core.class_names()
        );
    }

    #[test]
    fn jobs_that_go_on_come_first_and_of_these_the_newest() {
        let core = crate::testing::populated(4, 9, 2, 10);
        let mut sorted: Vec<(u8, std::cmp::Reverse<JobId>)> = core
            .jobs
            .values()
            .map(|job| (rank(job.state()), std::cmp::Reverse(job.id)))
            .collect();
        sorted.sort_unstable();
        let expected: Vec<JobId> = sorted.iter().map(|(_, id)| id.0).collect();
        let page = |skip, limit| {
            let (jobs, total) = core.ranked_jobs(&Wanted::default(), skip, limit);
            assert_eq!(total, 9);
            jobs.iter().map(|job| job.job).collect::<Vec<_>>()
        };
        assert_eq!((page(0, 100), page(3, 2)), (expected.clone(), expected[3..5].to_vec()));
        assert!(sorted[0].0 < sorted[8].0, "they are of several ranks");
    }

    #[test]
    fn a_text_finds_numbers_names_owners_and_tags() {
        let tags = ["temperature=90".to_owned()];
        let takes = |text: &str| {
            let wanted = Wanted {
                text,
                ..Wanted::default()
            };
            wanted.takes(JobId(17), "Argon melt", "ann", JobState::Queued, &tags)
        };
        for text in ["", "17", "argon", "MELT", "an", "ature=9"] {
            assert!(takes(text), "{text}");
        }
        for text in ["1", "argonmelt", "bob", "é", "a much longer text than any of these"] {
            assert!(!takes(text), "{text}");
        }
        let states = [JobState::Held, JobState::Running];
        let wanted = Wanted {
            states: &states,
            tag: Some("temperature=9"),
            ..Wanted::default()
        };
        assert!(
            !wanted.takes(JobId(1), "a", "b", JobState::Held, &tags),
            "a tag is the whole word"
        );
        assert!(!wanted.takes(JobId(1), "a", "b", JobState::Queued, &["temperature=9".to_owned()]));
    }
}
