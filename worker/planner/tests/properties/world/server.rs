//! The world's server: orders, and answers to errands.

use std::collections::{BTreeMap, BTreeSet};

use planner::{Answer, Boundary, Cause, Errand, Failure, Fetched, Input, Trouble};
use protocol::http::{Action, CheckpointRef, Committed, Lease, Orders};
use protocol::{AttemptId, HardwareClass, HostId, JobId, JobState, Outcome};

use super::{DEVICES, Fate, Folder, JOBS, ServerJob, UNTIL, World, boundary, class, digest, entry};

impl World {
    /// What the server says now.
    pub(crate) fn orders(&mut self) -> Orders {
        let mut leases = Vec::new();
        for (&job, found) in &self.jobs {
            let Some(attempt) = found.attempt else { continue };
            let safe = found.committed.map(|segment| CheckpointRef {
                blob: digest(job.0, segment),
                entry: entry(job, segment),
            });
            leases.push(Lease {
                job,
                attempt,
                epoch: attempt.0,
                batch: attempt,
                device: DEVICES[job.0 as usize % DEVICES.len()].to_owned(),
                action: found.action.unwrap_or(Action::Run),
                reason: "because".into(),
                name: format!("job {job}"),
                package: digest(job.0, 0),
                archive: digest(job.0, 0),
                checkpoint: safe,
                class: class(),
                until_segment: UNTIL,
                commit_every_s: 30,
                canary: None,
                signed: None,
            });
        }
        let waiting = self.jobs.values().filter(|job| job.attempt.is_none() && !job.is_completed());
        let orders = Orders {
            host: self.host,
            sequence: self.sequence,
            server: String::new(),
            life: 0,
            offers: waiting.count() as u64,
            leases,
            idle: Vec::new(),
            heartbeat_s: 60,
        };
        if self.history.last() != Some(&orders) {
            self.history.push(orders.clone());
        }
        orders
    }

    pub(super) fn changed(&mut self) {
        self.sequence += 1;
    }

    /// The server takes a lease away from this host.
    pub(crate) fn revoke(&mut self, pick: u8) {
        let job = JobId(u64::from(pick) % JOBS + 1);
        if let Some(found) = self.jobs.get_mut(&job) {
            found.attempt = None;
            found.action = None;
        }
        self.changed();
    }

    /// The server says something else about a lease.
    pub(crate) fn set_action(&mut self, pick: u8, action: Action) {
        let job = JobId(u64::from(pick) % JOBS + 1);
        if let Some(found) = self.jobs.get_mut(&job) {
            found.action = Some(action);
        }
        self.changed();
    }

    /// The server forgets this host, as after a restored backup.
    pub(crate) fn forget(&mut self) {
        self.knows_host = false;
        for job in self.jobs.values_mut() {
            job.attempt = None;
            job.action = None;
        }
        self.changed();
    }

    /// Whether the server knows this host, whose leases it has all the same: as while a database is being restored.
    pub(crate) fn set_known(&mut self, known: bool) {
        self.knows_host = known;
    }

    /// Another agent registered under this host's number: the next heartbeat is refused. It goes on as that host.
    pub(crate) fn contend(&mut self) {
        self.now += 100_000;
        self.give(Input::Tick);
        let beat = self
            .errands
            .iter()
            .find(|(_, errand)| matches!(errand, Errand::Heartbeat(..)));
        let (&id, _) = beat.expect("a heartbeat is due");
        self.errands.remove(&id);
        self.give(Input::Answer(id, Answer::Trouble(Trouble::Copied("another agent".into()))));
        // A host that gave way is not known by its old number.
        self.knows_host = self.planner.host_number().is_some();
        if !self.knows_host {
            for job in self.jobs.values_mut() {
                job.attempt = None;
            }
        }
    }

    /// Old orders come late.
    pub(crate) fn stale_orders(&mut self, pick: u8) {
        if let Some(orders) = self.history.get(usize::from(pick) % self.history.len().max(1)).cloned() {
            self.give(Input::Orders(orders));
        }
    }

    /// Something that came before comes again.
    pub(crate) fn repeat(&mut self, pick: u8) {
        let input = self.given.get(usize::from(pick) % self.given.len().max(1)).cloned();
        if let Some(input) = input {
            self.give(input);
        }
    }

    pub(crate) fn errands(&self) -> usize {
        self.errands.len()
    }

    /// A commit that is on its way arrives, and so does its answer; false if there is none.
    pub(crate) fn serve_commit(&mut self) -> bool {
        let commit = self
            .errands
            .values()
            .position(|errand| matches!(errand, Errand::Commit { .. }));
        if let Some(commit) = commit {
            self.serve(commit, Fate::Arrives);
        }
        commit.is_some()
    }

    /// All fetches under way arrive.
    pub(crate) fn serve_fetches(&mut self) {
        while let Some(pick) = self.errands.values().position(|errand| matches!(errand, Errand::Fetch(_))) {
            self.serve(pick, Fate::Arrives);
        }
    }

    /// Commits and ends under way.
    pub(crate) fn deliveries(&self) -> usize {
        let errands = self.errands.values();
        errands
            .filter(|errand| matches!(errand, Errand::Commit { .. } | Errand::End { .. }))
            .count()
    }

    /// The server does what an errand asks for. Its answer arrives, or is lost, so that the errand asks again later.
    pub(crate) fn serve(&mut self, pick: usize, fate: Fate) {
        let Some((&id, errand)) = self.errands.iter().nth(pick % self.errands.len().max(1)) else {
            return;
        };
        let errand = errand.clone();
        if fate == Fate::Fails {
            let answer = match errand {
                Errand::Heartbeat(..) => Answer::Away { again_ms: 700 },
                Errand::Enrol(_) | Errand::Update(..) | Errand::Announce(..) | Errand::TakeOffers(_) | Errand::End { .. } => {
                    return;
                }
                Errand::Fetch(_) | Errand::Commit { .. } => {
                    Answer::Trouble(Trouble::Failed(Failure::new(Cause::Host, "the disk is full")))
                }
            };
            self.errands.remove(&id);
            return self.give(Input::Answer(id, answer));
        }
        let known = self.void.clone();
        let answer = self.answer(errand);
        if fate == Fate::Arrives {
            self.errands.remove(&id);
            self.give(Input::Answer(id, answer));
        } else {
            // An agent cannot know of a refusal that was lost.
            self.void = known;
        }
    }

    pub(super) fn answer(&mut self, errand: Errand) -> Answer {
        let for_host = match &errand {
            Errand::Update(host, _) | Errand::Announce(host, _) | Errand::TakeOffers(host) | Errand::Heartbeat(host, _) => {
                Some(*host)
            }
            _ => None,
        };
        if for_host.is_some_and(|host| host != self.host || !self.knows_host) {
            return Answer::Trouble(Trouble::UnknownHost("no such host".into()));
        }
        match errand {
            Errand::Enrol(_) => {
                if !self.knows_host {
                    self.host = HostId(self.host.0 + 1);
                    self.knows_host = true;
                }
                Answer::Enrolled(self.host)
            }
            Errand::Update(_, description) => {
                // Leases of devices that are gone or have other classes end at once.
                assert!(!description.devices.is_empty(), "the server refuses a host without devices");
                let devices = description.devices.iter();
                let devices: BTreeMap<String, Vec<HardwareClass>> =
                    devices.map(|device| (device.id.clone(), device.classes.clone())).collect();
                let before = std::mem::replace(&mut self.known, devices);
                for (job, found) in &mut self.jobs {
                    let device = DEVICES[job.0 as usize % DEVICES.len()];
                    let is_new = before.is_empty() && self.known.contains_key(device);
                    if !is_new && before.get(device) != self.known.get(device) {
                        found.attempt = None;
                        found.action = None;
                    }
                }
                self.changed();
                Answer::Updated
            }
            Errand::Announce(..) | Errand::Heartbeat(..) => Answer::Orders(self.orders()),
            Errand::TakeOffers(_) => {
                for job in self.jobs.values_mut() {
                    if job.attempt.is_none() && job.committed < Some(UNTIL) {
                        job.attempt = Some(AttemptId(self.next_attempt));
                        job.action = None;
                        self.next_attempt += 1;
                    }
                }
                self.changed();
                Answer::Orders(self.orders())
            }
            Errand::Fetch(lease) => self.fetch(&lease),
            Errand::Commit { attempt, boundaries, .. } => self.commit(attempt, &boundaries),
            Errand::End { attempt, end } => {
                let reached = self.folders.get(&attempt).map(|folder| folder.reached);
                if let Some(job) = self.jobs.values_mut().find(|job| job.attempt == Some(attempt)) {
                    assert_ne!(end.outcome, Outcome::Success, "a last commit tells success");
                    assert!(
                        end.outcome != Outcome::Migrated || job.committed.unwrap_or(0) >= reached.unwrap_or(0),
                        "{attempt} is handed over at {:?}, it has reached {reached:?}",
                        job.committed
                    );
                    // The job waits, and the host that just gave it back is free: the answer may offer it at once.
                    job.attempt = Some(AttemptId(self.next_attempt)).filter(|_| job.action.is_none());
                    self.next_attempt += 1;
                    job.action = None;
                    self.changed();
                }
                self.void.insert(attempt);
                Answer::Orders(self.orders())
            }
        }
    }

    pub(super) fn fetch(&mut self, lease: &Lease) -> Answer {
        let first = lease.checkpoint.as_ref().map_or(0, |safe| safe.entry.segment);
        let folder = self.folders.entry(lease.attempt).or_insert_with(|| Folder {
            job: lease.job,
            first,
            reached: first,
            checkpoints: BTreeSet::new(),
            outputs: BTreeSet::new(),
        });
        let boundary = |segment| boundary(folder.job, folder.first, segment);
        Answer::Fetched(Fetched {
            steps_per_segment: 10,
            reached: folder.reached,
            boundaries: (folder.first..=folder.reached).map(boundary).collect(),
            checkpoints: folder.checkpoints.clone(),
        })
    }

    pub(super) fn commit(&mut self, attempt: AttemptId, boundaries: &[Boundary]) -> Answer {
        let Some(folder) = self.folders.get(&attempt) else {
            return Answer::Trouble(Trouble::LeaseOver("no such attempt".into()));
        };
        let (id, last) = (folder.job, boundaries.last().expect("a commit has boundaries").entry.segment);
        let job = self.jobs.get_mut(&id).expect("a job of the server");
        let committed = |job: &ServerJob| {
            let state = if job.is_completed() {
                JobState::Completed
            } else {
                JobState::Running
            };
            Answer::Committed(Committed {
                segment: job.committed.unwrap_or(0),
                state,
            })
        };
        // An answer that was lost is given again.
        if job.committed >= Some(last) {
            return committed(job);
        }
        if job.attempt != Some(attempt) {
            self.void.insert(attempt);
            return Answer::Trouble(Trouble::LeaseOver("the lease is over".into()));
        }
        assert!(folder.checkpoints.contains(&last), "the checkpoint of {last} is not on disk");
        let next = job.committed.map_or(0, |safe| safe + 1);
        // An agent that was killed before it heard that some of them are safe brings them again.
        let first = boundaries.first().map_or(0, |boundary| boundary.entry.segment);
        assert!(first <= next, "boundaries {next} to {first} are missing");
        for (expected, boundary) in (first..).zip(boundaries) {
            let segment = boundary.entry.segment;
            assert_eq!(segment, expected, "boundaries follow each other");
            assert!(
                boundary.output_bytes == 0 || folder.outputs.contains(&segment),
                "outputs of {segment} are gone"
            );
        }
        job.committed = Some(last);
        let answer = committed(job);
        if job.is_completed() {
            job.attempt = None;
            self.changed();
        }
        // Boundaries that became safe alone are no new orders to the server: they keep their number.
        answer
    }
}
