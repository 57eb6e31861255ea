//! What the server says is to be done, and what comes of it: leases held, fetched, stopped, home, and dropped.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use device::DeviceError;
use kernels::run::RunError;
use protocol::http::{Action, Committed, Lease, Orders};
use protocol::{AttemptId, JobState, Outcome};

use super::{Desk, Note};
use crate::agent::compute::{Gate, Wish};
use crate::agent::errands::{Arrived, Trouble};
use crate::agent::held::{Held, Phase};
use crate::agent::record::JobFolder;
use crate::agent::state::Contributed;

impl Desk {
    /// Go on with what was told before this process began, until the server says otherwise.
    pub(super) fn recall(&mut self) {
        let orders: Option<Orders> = self.setup.state.read("orders.json");
        let orders = orders.filter(|orders| self.identity.as_ref().is_some_and(|own| own.host == orders.host));
        if let Some(orders) = orders {
            self.follow(&orders);
            self.orders = Some(orders);
        }
    }

    /// Folders of attempts that are neither listed nor at work: left by a process before this one.
    pub(super) fn clear(&self, listed: &[Lease]) {
        let folders = std::fs::read_dir(self.setup.state.join("jobs"));
        for entry in folders.into_iter().flatten().flatten() {
            let attempt: Option<AttemptId> = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let needed = attempt.is_some_and(|attempt| {
                let runs = self.seats.iter().any(|seat| seat.running == Some(attempt));
                runs || listed.iter().any(|lease| lease.attempt == attempt)
            });
            if !needed {
                drop(std::fs::remove_dir_all(entry.path()));
            }
        }
    }

    pub(super) fn obey(&mut self, orders: Orders) {
        if self.identity.as_ref().is_none_or(|own| own.host != orders.host) {
            return;
        }
        self.link.up(None);
        if !self.heard {
            self.heard = true;
            self.clear(&orders.leases);
        }
        if self.orders.as_ref().is_some_and(|last| last.sequence > orders.sequence) {
            return;
        }
        if self.orders.as_ref() != Some(&orders) {
            // Durably: with it a restart knows which folders it may go on with.
            if let Err(error) = self.setup.state.write("orders.json", &orders) {
                tracing::warn!("{error:#}");
            }
        }
        self.over
            .retain(|attempt| orders.leases.iter().any(|lease| lease.attempt == *attempt));
        let gone: Vec<AttemptId> = self
            .held
            .keys()
            .filter(|attempt| !orders.leases.iter().any(|lease| lease.attempt == **attempt))
            .copied()
            .collect();
        for attempt in gone {
            self.drop_held(attempt);
        }
        self.follow(&orders);
        self.orders = Some(orders);
    }

    /// Take note of every lease that is listed.
    pub(super) fn follow(&mut self, orders: &Orders) {
        for lease in &orders.leases {
            let safe = lease.checkpoint.as_ref().map(|safe| safe.entry.segment);
            if let Some(held) = self.held.get_mut(&lease.attempt) {
                if held.lease.action != lease.action {
                    let told = match lease.action {
                        Action::StopAtBoundary => Some("stops at its next boundary"),
                        Action::StopNow => Some("stops now"),
                        Action::Run | Action::Wait => None,
                    };
                    if let Some(told) = told {
                        let text = format!("job {} {told}: {}", lease.job, lease.reason);
                        self.view.say(&text);
                    }
                }
                held.lease = lease.clone();
                if let Some(safe) = safe {
                    held.safe(safe);
                }
            } else if !self.over.contains(&lease.attempt) {
                self.hold(lease);
            }
        }
    }

    pub(super) fn hold(&mut self, lease: &Lease) {
        let path = self.setup.state.join("jobs").join(lease.attempt.to_string());
        let folder = match JobFolder::create(&path) {
            Ok(folder) => folder,
            Err(error) => {
                self.errors += 1;
                return tracing::error!("{error}");
            }
        };
        let mut held = Held {
            lease: lease.clone(),
            folder,
            phase: Phase::Fetching,
            package: None,
            start: None,
            pending: Vec::new(),
            reached: 0,
            committed: lease.checkpoint.as_ref().map(|safe| safe.entry.segment),
            segment_ms: 0,
            gate: Arc::new(Gate::new(Wish::Go)),
            step: Arc::new(AtomicU64::new(0)),
            homing: None,
            ending: false,
            failed: None,
            spoiled: false,
            committed_at: Instant::now(),
            errand: None,
            began: None,
        };
        let seat = self.seats.iter().find(|seat| seat.device.info().id == lease.device);
        if seat.is_none_or(|seat| !seat.classes.contains(&lease.class)) {
            held.phase = Phase::Stopped;
            let problem = format!("device '{}' of class {} is not here", lease.device, lease.class);
            held.failed = Some((Outcome::Mismatch, problem));
        } else {
            let (errands, sender) = (self.errands.clone(), self.sender.clone());
            let (folder, lease) = (held.folder.clone(), lease.clone());
            let errand = tokio::spawn(async move {
                let attempt = lease.attempt;
                let answer = errands.fetch(folder, lease).await;
                drop(sender.send(Note::Fetched(attempt, answer)));
            });
            held.errand = Some(errand.abort_handle());
        }
        self.held.insert(lease.attempt, held);
    }

    pub(super) fn fetched(&mut self, attempt: AttemptId, answer: Result<Box<Arrived>, Trouble>) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        held.errand = None;
        match answer {
            Ok(arrived) => {
                held.arrive(*arrived);
                held.phase = if held.finished() { Phase::Stopped } else { Phase::Ready };
            }
            Err(Trouble::Unknown(why)) => self.unknown(&why),
            Err(Trouble::Gone(why)) => {
                held.phase = Phase::Stopped;
                held.failed = Some((Outcome::Aborted, why));
            }
            Err(Trouble::Cannot(outcome, why)) => {
                held.phase = Phase::Stopped;
                held.failed = Some((outcome, why));
            }
        }
    }

    pub(super) fn stopped(&mut self, attempt: AttemptId, ended: Result<(), RunError>) {
        for seat in &mut self.seats {
            if seat.running == Some(attempt) {
                seat.running = None;
            }
        }
        let Some(held) = self.held.get_mut(&attempt) else {
            // Its lease is gone; now its folder can go too.
            drop(std::fs::remove_dir_all(
                self.setup.state.join("jobs").join(attempt.to_string()),
            ));
            return;
        };
        held.phase = Phase::Stopped;
        match ended {
            Err(error) => {
                let text = format!("job {}: {error}", held.lease.job);
                held.failed = Some((outcome_of(&error), error.to_string()));
                self.say(&text);
            }
            // Stopped before its end though nobody wants that any more: its turn comes again.
            Ok(()) if !held.finished() && !held.stopping() => held.phase = Phase::Ready,
            Ok(()) => {}
        }
    }

    pub(super) fn came_home(&mut self, attempt: AttemptId, delta: Contributed, answer: Result<Committed, Trouble>) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        held.errand = None;
        let target = held.homing.take();
        match answer {
            Ok(committed) => {
                if let Some(target) = target {
                    held.safe(target);
                }
                held.committed_at = Instant::now();
                let done = committed.state == JobState::Completed || committed.segment >= held.lease.until_segment;
                let (job, until) = (held.lease.job, held.lease.until_segment);
                self.contributed.segments += delta.segments;
                self.contributed.steps += delta.steps;
                self.contributed.computed_ms += delta.computed_ms;
                self.contributed.jobs += u64::from(done);
                self.setup.state.write_lightly("contributed.json", &self.contributed);
                if done {
                    self.drop_held(attempt);
                    self.say(&format!("job {job}: completed, segment {until} is safe"));
                }
            }
            Err(Trouble::Gone(why)) => {
                let text = format!(
                    "job {}: its lease is over, what was computed under it is dropped ({why})",
                    held.lease.job
                );
                self.drop_held(attempt);
                self.say(&text);
            }
            Err(Trouble::Unknown(why)) => self.unknown(&why),
            Err(Trouble::Cannot(outcome, why)) => {
                let text = format!("job {}: {why}", held.lease.job);
                held.spoiled = true;
                held.failed = Some((outcome, why));
                held.gate.set(Wish::Now);
                self.say(&text);
            }
        }
    }

    /// A lease is gone, and with it all that belongs to it.
    pub(super) fn drop_held(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.remove(&attempt) else { return };
        self.over.insert(attempt);
        held.gate.set(Wish::Now);
        if let Some(errand) = &held.errand {
            errand.abort();
        }
        // The last checkpoint is likely to be wanted again, here of all places.
        if let (true, Some(last)) = (held.committed == Some(held.reached), held.folder.last_blob()) {
            drop(held.folder.adopt(
                &held.folder.checkpoint(held.reached),
                &self.errands.blobs.join(last.to_string()),
            ));
        }
        if self.seats.iter().all(|seat| seat.running != Some(attempt)) {
            held.folder.remove();
        }
    }
}

/// What an error means for the job: its own fault, or this machine's.
fn outcome_of(error: &RunError) -> Outcome {
    match error {
        RunError::Class { .. } | RunError::Diverged { .. } => Outcome::Mismatch,
        RunError::Disk { .. }
        | RunError::Folder { .. }
        | RunError::Altered { .. }
        | RunError::Device(DeviceError::Lost(_) | DeviceError::OutOfMemory(_) | DeviceError::NotFound { .. }) => {
            Outcome::Aborted
        }
        _ => Outcome::ClientError,
    }
}
