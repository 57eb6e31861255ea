//! The invariants, all of them, checked by looking at everything. For tests; a decision never calls this.
//!
//! What one table can know alone is checked by the table; here is what holds between them.

use std::collections::BTreeSet;

use protocol::http::job::PRIORITY_URGENT;
use protocol::{HostId, HostState, JobState};

use crate::Core;
use crate::tables::{Job, Need, Stage, Timer, require};

impl Core {
    /// The first invariant that does not hold, in words.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.check_tables()?;
        let restored = self.save().and_then(|bytes| Self::restore(&bytes));
        let restored = restored.map_err(|error| error.to_string())?;
        require(self.same_as(&restored), || {
            "a restored state differs from the live one".to_owned()
        })
    }

    /// The same, without saving and restoring the state, which takes as much memory again and more.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn check_tables(&self) -> Result<(), String> {
        self.jobs.check()?;
        self.hosts.check()?;
        self.attempts.check(|device| self.hosts.classes(device))?;
        self.timers.check()?;
        self.check_jobs()?;
        self.check_attempts()?;
        self.check_hosts()?;
        let settled = self.pending.hosts.is_empty() && self.pending.jobs.is_empty() && self.pending.users.is_empty();
        require(settled, || "something is still to be settled".to_owned())
    }

    /// Whether two states are the same.
    pub fn same_as(&self, other: &Self) -> bool {
        // Indexes are functions of the rows, which `check` holds them against.
        self.save().ok() == other.save().ok()
    }

    fn check_jobs(&self) -> Result<(), String> {
        for job in self.jobs.values() {
            let id = job.id;
            let blocked = job.is_blocked() && job.state() == JobState::Queued;
            let held = job.state() == JobState::Held;
            let waits = job.check.as_ref().is_some_and(|check| check.waits);
            let ways = [
                job.state().is_final(),
                held,
                blocked,
                job.place().is_some() || waits,
                job.attempt().is_some(),
                job.state() == JobState::Verifying,
            ];
            require(ways.iter().filter(|way| **way).count() == 1, || {
                format!(
                    "job {id} ({}) is lost or in two places: final, held, blocked, waiting, attempted = {ways:?}",
                    job.state()
                )
            })?;
            if let Some(attempt) = job.attempt() {
                let attempt = self
                    .attempts
                    .get(attempt)
                    .ok_or(format!("job {id} has an attempt that is over"))?;
                require(attempt.job == id && attempt.epoch == job.epoch, || {
                    format!(
                        "job {id} with epoch {} has attempt {} of epoch {}",
                        job.epoch, attempt.id, attempt.epoch
                    )
                })?;
                if let Some(safe) = &job.safe {
                    require(safe.class == attempt.class, || {
                        format!(
                            "job {id}: a checkpoint of class {} went to class {}",
                            safe.class, attempt.class
                        )
                    })?;
                }
            }
            if let Some(place) = job.place() {
                require(place.key.need == job.need() && place.level == job.level(), || {
                    format!("job {id} waits in the wrong place")
                })?;
                let free = self.hosts.find_free(place.key.need, true).is_some();
                require(self.jobs.is_at_limit(job) || !free, || {
                    format!("job {id} waits while a device is free that could take it")
                })?;
                let yields = self.attempts.first_to_yield(place.key.need);
                let passed_by = yields.filter(|(level, _)| place.level >= PRIORITY_URGENT && *level < place.level);
                require(self.jobs.is_at_limit(job) || passed_by.is_none(), || {
                    format!("job {id}, which is urgent, waits while {passed_by:?} could make room")
                })?;
            }
            require(job.segment() <= job.until(), || format!("job {id} went too far"))?;
            self.check_spans(job)?;
            let complete = job.state() == JobState::Completed;
            let at_end = job.safe.is_some() && job.segment() == job.until();
            require(
                complete == (at_end && job.state().is_final()) || job.state() == JobState::Cancelled,
                || format!("job {id} is {} at boundary {} of {}", job.state(), job.segment(), job.until()),
            )?;
        }
        let needs = self.jobs.queues().counts().map(|(key, _)| key.need);
        let bound = needs.filter(|need| matches!(need, Need::Class(_))).count();
        require(bound <= 2 * self.hosts.presence().len(), || {
            "a job waits for a class that never was".to_owned()
        })
    }

    /// Spans follow each other up to the last safe boundary, and name the checks that are open.
    fn check_spans(&self, job: &Job) -> Result<(), String> {
        let id = job.id;
        if let Some(check) = &job.check {
            let of = self.jobs.get(check.of).ok_or(format!("check {id} is of no job"))?;
            require(of.open_checks().any(|open| open == id), || {
                format!("job {} does not know its check {id}", of.id)
            })?;
        }
        for check in job.open_checks() {
            let row = self.jobs.get(check).and_then(|row| row.check.as_ref());
            require(row.is_some_and(|check| check.of == id), || {
                format!("job {id} names check {check}, which is gone")
            })?;
        }
        let follow = job.spans.windows(2).all(|pair| pair[0].to == pair[1].from);
        let last = job
            .spans
            .last()
            .is_none_or(|span| Some(span.to) == job.safe.as_ref().map(|safe| safe.entry.segment));
        let deep = job.state().is_final() || job.spans.iter().all(|span| span.start.is_some() || span.from == 0);
        require(follow && last && deep, || {
            format!("job {id}: its spans do not follow each other up to its last boundary")
        })?;
        require(
            job.state() != JobState::Verifying || job.open_checks().next().is_some(),
            || format!("job {id} waits for checks that are all decided"),
        )
    }

    fn check_attempts(&self) -> Result<(), String> {
        let mut places = BTreeSet::new();
        for attempt in self.attempts.values() {
            let id = attempt.id;
            let job = self.jobs.get(attempt.job).ok_or(format!("attempt {id} has no job"))?;
            require(job.attempt() == Some(id), || {
                format!("job {} does not know its attempt {id}", job.id)
            })?;
            let position = self.hosts.line(attempt.device).iter().position(|other| *other == id);
            let position = position.ok_or(format!("attempt {id} is not in its device's line"))?;
            require(places.insert((attempt.device, position)), || {
                format!("attempt {id} shares its place")
            })?;
            let host = self
                .hosts
                .get(attempt.device.host)
                .ok_or(format!("attempt {id} has no host"))?;
            require(self.hosts.classes(attempt.device).contains(&attempt.class), || {
                format!("attempt {id}: the device is not of its class")
            })?;
            require(matches!(host.state(), HostState::Online | HostState::Unreachable), || {
                format!("attempt {id} lives on host {}, which is {}", host.id, host.state())
            })?;
            require(attempt.stage > Stage::Offered || attempt.stop.is_none(), || {
                format!("attempt {id} is told to stop before it was taken")
            })?;
            let level = self.may_yield(id).then(|| job.level());
            require(attempt.yields() == level || self.is_due(host.id), || {
                format!(
                    "attempt {id} is listed to make room as {:?}, should be {level:?}",
                    attempt.yields()
                )
            })?;
        }
        Ok(())
    }

    /// A back-off or a stay that ended by now, its timer not yet fired: then a host opens or closes a tick later.
    fn is_due(&self, host: HostId) -> bool {
        let mut timers = self.timers.clone();
        while let Some(timer) = timers.pop(self.now_ms) {
            if [Timer::Backoff(host), Timer::Depart(host), Timer::Parole(host)].contains(&timer) {
                return true;
            }
        }
        false
    }

    fn check_hosts(&self) -> Result<(), String> {
        for host in self.hosts.values() {
            for (index, device) in host.devices().iter().enumerate() {
                let open = host.closed(self.now_ms).is_none() || host.open_until(self.now_ms).is_some();
                let can = open && device.line().is_empty() && !device.classes().is_empty() && !host.origin().referee;
                let can = can && self.drivers.quarantined(device.classes()).is_none();
                require(device.is_free() == can || self.is_due(host.id), || {
                    format!(
                        "device {index} of host {} is free: {}, should be: {can}",
                        host.id,
                        device.is_free()
                    )
                })?;
                for attempt in device.line() {
                    require(self.attempts.get(*attempt).is_some(), || {
                        format!("host {} has attempt {attempt}, which is over", host.id)
                    })?;
                }
            }
        }
        Ok(())
    }
}
