//! The account of one simulation: jobs, and what was computed, lost and moved. Work is counted in milliseconds of the reference device.
//!
//! Invariant: what was computed is the work of completed jobs, plus what was lost, plus what unfinished jobs still hold.

/// A gap of so long in a job's progress is a night that it was stranded.
const STRANDED_MS: u64 = 6 * 3_600_000;
/// A job with at most this much work left is nearly done.
const NEARLY_MS: u64 = 3_600_000;

use std::collections::BTreeMap;

/// One job.
#[derive(Clone, Debug, Default)]
struct Job {
    urgent: bool,
    submitted_ms: u64,
    started_ms: Option<u64>,
    done_ms: Option<u64>,
    /// Since when it makes no progress, once it was started.
    stalled_ms: Option<u64>,
    /// When its host went down with at most an hour of work left.
    nearly_ms: Option<u64>,
}

/// What a job's way to its end took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// From first start to result, milliseconds, of jobs that are not urgent.
    pub(crate) turnaround: Vec<u64>,
    /// From submission to result of urgent ones.
    pub(crate) urgent: Vec<u64>,
    /// From the moment when a host went down with at most an hour left to the result.
    pub(crate) last_hour: Vec<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By their numbers; one that is done is kept only while it counts as stalled on some host.
    jobs: BTreeMap<u64, Job>,
    submitted: u64,
    pub(crate) job_work_ms: u64,
    /// Work done, lost, and in completed jobs.
    pub(crate) computed: u64,
    pub(crate) lost: u64,
    pub(crate) useful: u64,
    /// Work done once more to verify jobs, which is none of theirs.
    pub(crate) checks: u64,
    /// Bytes moved to and from hosts.
    pub(crate) bytes: u64,
    pub(crate) completed: u64,
    pub(crate) stranded: u64,
    /// Times a job went on on another host, and was begun anew.
    pub(crate) moves: u64,
    pub(crate) restarts: u64,
    pub(crate) outcome: Outcome,
}

impl Ledger {
    pub(crate) fn new(job_work_ms: u64) -> Self {
        Self {
            job_work_ms,
            ..Self::default()
        }
    }

    pub(crate) fn submit(&mut self, now_ms: u64, urgent: bool) -> u64 {
        let number = self.submitted;
        self.submitted += 1;
        let job = Job {
            urgent,
            submitted_ms: now_ms,
            ..Job::default()
        };
        self.jobs.insert(number, job);
        number
    }

    pub(crate) fn is_urgent(&self, job: u64) -> bool {
        self.jobs.get(&job).is_some_and(|job| job.urgent)
    }

    pub(crate) fn is_done(&self, job: u64) -> bool {
        self.jobs.get(&job).is_none_or(|job| job.done_ms.is_some())
    }

    /// Work of a job is done, or of a check.
    pub(crate) fn computes(&mut self, job: Option<u64>, work_ms: u64) {
        match job {
            Some(_) => self.computed += work_ms,
            None => self.checks += work_ms,
        }
    }

    /// Work of a job is lost. What is lost of a check counts as work for checks.
    pub(crate) fn loses(&mut self, job: Option<u64>, work_ms: u64) {
        if job.is_some() {
            self.lost += work_ms;
        }
    }

    /// The job computes.
    pub(crate) fn goes(&mut self, job: u64, now_ms: u64) {
        let Some(found) = self.jobs.get_mut(&job) else { return };
        found.started_ms.get_or_insert(now_ms);
        if found.stalled_ms.take().is_some_and(|since| now_ms >= since + STRANDED_MS) {
            self.stranded += 1;
        }
    }

    /// The job does not compute any more, with so much work left on its host.
    pub(crate) fn stalls(&mut self, job: u64, now_ms: u64, left_ms: u64) {
        let Some(found) = self.jobs.get_mut(&job) else { return };
        if found.done_ms.is_none() {
            found.stalled_ms.get_or_insert(now_ms);
            if left_ms <= NEARLY_MS {
                found.nearly_ms.get_or_insert(now_ms);
            }
        }
    }

    /// The job's result is on the server.
    pub(crate) fn done(&mut self, job: u64, now_ms: u64) {
        let Some(found) = self.jobs.get_mut(&job) else { return };
        if found.done_ms.replace(now_ms).is_some() {
            return;
        }
        self.completed += 1;
        self.useful += self.job_work_ms;
        match (found.urgent, found.started_ms) {
            (true, _) => self.outcome.urgent.push(now_ms - found.submitted_ms),
            (false, started) => self.outcome.turnaround.push(now_ms - started.unwrap_or(now_ms)),
        }
        self.outcome.last_hour.extend(found.nearly_ms.map(|since| now_ms - since));
        if found.stalled_ms.is_none() {
            self.jobs.remove(&job);
        }
    }

    /// The simulation ends: jobs that stand still count as stranded if they have for long enough.
    pub(crate) fn close(&mut self, now_ms: u64) {
        let stranded = |job: &&Job| job.done_ms.is_none() && job.stalled_ms.is_some_and(|since| now_ms >= since + STRANDED_MS);
        self.stranded += self.jobs.values().filter(stranded).count() as u64;
        self.jobs.clear();
    }

    /// The account of another server, closed as this one, is added to it.
    pub(crate) fn add(&mut self, other: Self) {
        self.submitted += other.submitted;
        self.computed += other.computed;
        self.lost += other.lost;
        self.useful += other.useful;
        self.checks += other.checks;
        self.bytes += other.bytes;
        self.completed += other.completed;
        self.stranded += other.stranded;
        self.moves += other.moves;
        self.restarts += other.restarts;
        self.outcome.turnaround.extend(other.outcome.turnaround);
        self.outcome.urgent.extend(other.outcome.urgent);
        self.outcome.last_hour.extend(other.outcome.last_hour);
    }
}
