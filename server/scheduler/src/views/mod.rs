//! What hosts and people are shown: [`orders`], [`hosts`], jobs, reasons, queues.

use std::collections::{BTreeMap, BTreeSet};

use protocol::http::JobView;
use protocol::http::job::{ClassPresence, Verification, VerifiedSpan};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, HostState, JobId, JobState, PublicKey};

use crate::tables::{Attempt, Host, Job, Length, Need, QueueKey, SpanState, Stage};
use crate::{Core, Refusal};

mod hosts;
mod list;
mod orders;
mod proof;

pub use list::Wanted;
pub use proof::Words;
pub(crate) use proof::words_of;

/// What is checked against a lease before a commit under it is taken in.
#[derive(Clone, Debug)]
pub struct LeaseFacts {
    /// The host that holds it.
    pub host: HostId,
    /// Its job.
    pub job: JobId,
    /// Its epoch.
    pub epoch: u64,
    /// Identity of the package: the checkpoint's header names it.
    pub package: Digest,
    /// Blob that holds the package's archive.
    pub archive: Digest,
    /// Class of the device: the checkpoint's header names it.
    pub class: HardwareClass,
    /// The host's key, with which the commit is signed.
    pub key: Option<PublicKey>,
}

/// Numbers for the metrics.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Jobs in each state.
    pub jobs: BTreeMap<JobState, u64>,
    /// Hosts in each state.
    pub hosts: BTreeMap<HostState, u64>,
    /// Live attempts.
    pub attempts: u64,
    /// Hardware classes whose devices have no work.
    pub quarantined_classes: u64,
}

impl Core {
    /// What a job in a queue waits for, as of now.
    fn waits_for(&self, job: &Job) -> String {
        let user = self.jobs.owner(job);
        if self.jobs.is_at_limit(job) {
            return format!("waits: {} has {} jobs on hosts, the most allowed", user.name, user.running);
        }
        match job.need() {
            Need::Any(tier) => {
                let of_tier = self.hosts.presence().iter().filter(|(class, _)| class.tier == tier);
                let (online, devices) = of_tier.fold((0, 0), |(online, devices), (_, presence)| {
                    (online + presence.online, devices + presence.devices)
                });
                format!("waits for a device of tier {tier}: {online} of {devices} devices online, none free")
            }
            Need::Class(class) => {
                let presence = self.class_presence(class);
                let seen = match presence.last_seen_ms {
                    Some(at) if presence.online == 0 => {
                        format!(", last seen {} minutes ago", self.now_ms.saturating_sub(at) / 60_000)
                    }
                    Some(_) => ", none free".to_owned(),
                    None => ", never seen".to_owned(),
                };
                let restart = match job.restart && job.first_segment == 0 {
                    true if presence.online == 0 => "; starts over on another class when this one stays away",
                    _ => "",
                };
                let quarantined = self.drivers.quarantined(&[class]).map(|reason| format!("; it is {reason}"));
                format!(
                    "waits for class {class}: {} of {} devices online{seen}{restart}{}",
                    presence.online,
                    presence.devices,
                    quarantined.unwrap_or_default()
                )
            }
        }
    }

    /// Why a job is where it is, in a sentence, as of now.
    fn reason_now(&self, job: &Job) -> String {
        match job.place() {
            Some(_) => format!("{}; {}", job.reason(), self.waits_for(job)),
            None => job.reason().to_owned(),
        }
    }

    /// How present a class is.
    pub fn class_presence(&self, class: HardwareClass) -> ClassPresence {
        let presence = self.hosts.presence().get(&class).copied().unwrap_or_default();
        let waiting = [Length::Short, Length::Long].map(|length| {
            self.jobs.queues().count(QueueKey {
                need: Need::Class(class),
                length,
            })
        });
        ClassPresence {
            class,
            devices: presence.devices,
            online: presence.online,
            waiting: waiting.iter().map(|count| *count as u64).sum(),
            last_seen_ms: presence.last_seen_ms,
            quarantined: self.drivers.quarantined(&[class]).map(str::to_owned),
        }
    }

    /// Every class that was ever seen and is not forgotten, and all that are quarantined.
    pub fn classes(&self) -> Vec<ClassPresence> {
        let seen = self.hosts.presence().keys().copied();
        let classes: BTreeSet<HardwareClass> = seen.chain(self.drivers.all_quarantined()).collect();
        classes.into_iter().map(|class| self.class_presence(class)).collect()
    }

    /// Jobs without a checkpoint that wait, of each tier.
    pub fn waiting_for_any(&self) -> Vec<(protocol::Tier, u64)> {
        let mut tiers = BTreeMap::new();
        for (key, count) in self.jobs.queues().counts() {
            if let Need::Any(tier) = key.need {
                *tiers.entry(tier).or_insert(0) += count as u64;
            }
        }
        tiers.into_iter().collect()
    }

    /// Why a job is where it is, as of now.
    ///
    /// # Errors
    /// No such job.
    pub fn why(&self, id: JobId) -> Result<(JobState, String, Option<ClassPresence>), Refusal> {
        let job = self.job_row(id)?;
        let now = self.reason_now(job);
        let class = job.safe.as_ref().map(|safe| self.class_presence(safe.class));
        Ok((job.state(), format!("job {id} is {}: {now}", job.state()), class))
    }

    /// The owner of a job.
    ///
    /// # Errors
    /// No such job.
    pub fn owner(&self, id: JobId) -> Result<&str, Refusal> {
        let job = self.job_row(id)?;
        Ok(&self.jobs.owner(job).name)
    }

    /// A job.
    ///
    /// # Errors
    /// No such job.
    pub fn job(&self, id: JobId) -> Result<JobView, Refusal> {
        Ok(self.view(self.job_row(id)?))
    }

    /// The row of a user's job: a check is none.
    pub(crate) fn job_row(&self, id: JobId) -> Result<&Job, Refusal> {
        let job = self.jobs.get(id).filter(|job| !job.is_check());
        job.ok_or(Refusal::NoJob(id))
    }

    /// The number under which a row is known outside.
    pub(crate) fn shown(&self, id: JobId) -> JobId {
        self.jobs.get(id).map_or(id, Job::shown_id)
    }

    /// Jobs numbered above `after` that are wanted, at most `limit`; looks at no more than 50 times as many.
    pub fn jobs(&self, after: JobId, limit: usize, wanted: &Wanted<'_>) -> (Vec<JobView>, Option<JobId>) {
        let mut found = Vec::new();
        let from = JobId(after.0.saturating_add(1));
        for (looked, job) in self.jobs.rows().range(from..).map(|(_, job)| job).enumerate() {
            if found.len() == limit || looked == limit * 50 {
                return (found, Some(JobId(job.id.0 - 1)));
            }
            if !job.is_check() && wanted.takes(job.id, &job.name, &self.jobs.owner(job).name, job.state(), &job.tags) {
                found.push(self.view(job));
            }
        }
        (found, None)
    }

    fn view(&self, job: &Job) -> JobView {
        let attempt = job.attempt().and_then(|attempt| self.attempts.get(attempt));
        view_of(job, &self.jobs.owner(job).name, attempt, self.reason_now(job))
    }

    /// The last boundary of a job that is safe.
    pub fn last_entry(&self, id: JobId) -> Option<&ChainEntry> {
        self.job_row(id).ok()?.safe.as_ref().map(|safe| &safe.entry)
    }

    /// A lease that lives.
    pub fn lease(&self, id: AttemptId) -> Option<LeaseFacts> {
        let attempt = self.attempts.get(id)?;
        let job = self.jobs.get(attempt.job)?;
        Some(LeaseFacts {
            host: attempt.device.host,
            job: job.shown_id(),
            epoch: attempt.epoch,
            package: job.package,
            archive: job.archive,
            class: attempt.class,
            key: self.hosts.get(attempt.device.host).and_then(|host| host.key),
        })
    }

    /// Whether a lease that lives is of a check. No host is told.
    pub fn is_check(&self, id: AttemptId) -> bool {
        let job = self.attempts.get(id).and_then(|attempt| self.jobs.get(attempt.job));
        job.is_some_and(Job::is_check)
    }

    /// Whether a host has taken a lease: that one, or any.
    pub fn holds_lease(&self, host: HostId, attempt: Option<AttemptId>) -> bool {
        let leased = |id: AttemptId| {
            let wanted = attempt.is_none_or(|attempt| attempt == id);
            wanted && self.attempts.get(id).is_some_and(|attempt| attempt.stage > Stage::Offered)
        };
        self.hosts.get(host).is_some_and(|host| host.attempts().any(leased))
    }

    /// Whether a blob is the archive or checkpoint of a lease or offer of a host.
    pub fn serves(&self, host: HostId, blob: Digest) -> bool {
        let attempts = self.hosts.get(host).into_iter().flat_map(Host::attempts);
        let mut jobs = attempts.filter_map(|id| self.jobs.get(self.attempts.get(id)?.job));
        jobs.any(|job| job.refers_to(blob))
    }

    /// Whether a blob is the archive or last checkpoint of a job in memory of an owner. Looks at all jobs.
    pub fn owns(&self, owner: &str, blob: Digest) -> bool {
        let mut jobs = self.jobs.values();
        jobs.any(|job| job.refers_to(blob) && self.jobs.owner(job).name == owner)
    }

    /// Numbers for the metrics: looks at everything.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for job in self.jobs.values().filter(|job| !job.is_check()) {
            *counts.jobs.entry(job.state()).or_default() += 1;
        }
        for host in self.hosts.values() {
            *counts.hosts.entry(host.state()).or_default() += 1;
        }
        counts.attempts = self.attempts.len() as u64;
        counts.quarantined_classes = self.drivers.all_quarantined().count() as u64;
        counts
    }

    /// Blobs that something still needs: archives and checkpoints. Looks at everything.
    pub fn needed_blobs(&self) -> BTreeSet<Digest> {
        let jobs = self.jobs.values();
        jobs.flat_map(|job| {
            let last = job.safe.as_ref().map(|safe| safe.blob);
            [job.archive].into_iter().chain(last).chain(job.span_blobs())
        })
        .collect()
    }
}

/// What other hosts have confirmed of a job.
fn verification_of(job: &Job) -> Verification {
    let spans = job.spans.iter().map(|span| {
        let (confirmed_by, note) = match &span.state {
            SpanState::Passed(host) => (Some(*host), ""),
            SpanState::Unchecked => (None, "unchecked"),
            SpanState::Open(_) => (None, "open"),
            SpanState::Lapsed(reason) => (None, reason.as_str()),
        };
        VerifiedSpan {
            first: span.from + 1,
            last: span.to,
            host: span.host,
            confirmed_by,
            note: note.to_owned(),
        }
    });
    Verification {
        wanted: job.verify,
        segments: job.verified(),
        open: job.open_checks().count() as u64,
        spans: spans.collect(),
    }
}

/// A job as people see it.
pub(crate) fn view_of(job: &Job, owner: &str, attempt: Option<&Attempt>, reason: String) -> JobView {
    let progress = attempt.map_or(job.segment(), |attempt| attempt.segment);
    let megabytes = job.moved_bytes as f64 / 1e6;
    JobView {
        job: job.id,
        name: job.name.clone(),
        owner: owner.to_owned(),
        state: job.state(),
        reason,
        since_ms: job.since_ms(),
        submitted_ms: job.submitted_ms,
        priority: job.priority,
        package: job.package,
        archive: job.archive,
        tier: job.tier,
        class: job.safe.as_ref().map(|safe| safe.class),
        segment: job.segment(),
        segments: job.until(),
        progress,
        step: job.safe.as_ref().map_or(0, |safe| safe.entry.step),
        checkpoint: job.safe.as_ref().map(|safe| safe.blob),
        chain: job.safe.as_ref().map(|safe| safe.entry.digest),
        left_ms: job.left_ms(progress).filter(|_| !job.state().is_final()),
        deadline_ms: job.deadline_ms,
        after: job.after(),
        tags: job.tags.clone(),
        host: attempt.map(|attempt| attempt.device.host),
        errors: job.errors.iter().map(|failure| failure.error.clone()).collect(),
        epoch: job.epoch,
        stays: job.stays.clone(),
        computed_ms: job.computed_ms,
        moved_bytes: job.moved_bytes,
        minutes_per_mb: (job.moved_bytes > 0).then(|| job.computed_ms as f64 / 60_000.0 / megabytes),
        verification: verification_of(job),
    }
}
