//! The invariants, all of them, checked by looking at everything. For tests; a decision never calls this.

use std::collections::BTreeSet;

use protocol::{HostState, JobState};

use super::job::Stage;
use super::queue::Need;
use super::{Core, Timer};

impl Core {
    /// The first invariant that does not hold, in words.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        self.check_jobs()?;
        self.check_attempts()?;
        self.check_hosts()?;
        self.check_users()?;
        let restored = self
            .save()
            .and_then(|bytes| Self::restore(&bytes))
            .map_err(|error| error.to_string())?;
        require(self.same_as(&restored), || {
            "a restored state differs from the live one".to_owned()
        })
    }

    fn check_jobs(&self) -> Result<(), String> {
        for job in self.jobs.values() {
            let id = job.id;
            let blocked = job.blocked && job.state == JobState::Queued;
            let held = job.state == JobState::Held;
            let ways = [
                job.state.is_final(),
                held,
                blocked,
                job.place.is_some(),
                job.attempt.is_some(),
            ];
            require(ways.iter().filter(|way| **way).count() == 1, || {
                format!(
                    "job {id} ({}) is lost or in two places: final, held, blocked, waiting, attempted = {ways:?}",
                    job.state
                )
            })?;
            if let Some(attempt) = job.attempt {
                let attempt = self
                    .attempts
                    .get(&attempt)
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
            if let Some(place) = job.place {
                require(place.key.need == job.need() && place.level == job.level(), || {
                    format!("job {id} waits in the wrong place")
                })?;
                let open = self.user(job.user).running < self.config.user_running_max;
                let free = self.free.fitting(place.key.need).is_some_and(|set| !set.is_empty());
                require(!(open && free), || {
                    format!("job {id} waits while a device is free that could take it")
                })?;
            }
            require(job.segment() <= job.until(), || format!("job {id} went too far"))?;
            let complete = job.state == JobState::Completed;
            let at_end = job.safe.is_some() && job.segment() == job.until();
            require(
                complete == (at_end && job.state.is_final()) || job.state == JobState::Cancelled,
                || format!("job {id} is {} at boundary {} of {}", job.state, job.segment(), job.until()),
            )?;
        }
        Ok(())
    }

    fn check_attempts(&self) -> Result<(), String> {
        let mut devices = BTreeSet::new();
        for attempt in self.attempts.values() {
            let id = attempt.id;
            let job = self.jobs.get(&attempt.job).ok_or(format!("attempt {id} has no job"))?;
            require(job.attempt == Some(id), || {
                format!("job {} does not know its attempt {id}", job.id)
            })?;
            let position = self.line(attempt.device).iter().position(|other| *other == id);
            let position = position.ok_or(format!("attempt {id} is not in its device's line"))?;
            require(devices.insert((attempt.device, position)), || {
                format!("attempt {id} shares its place")
            })?;
            let host = self
                .hosts
                .get(&attempt.device.host)
                .ok_or(format!("attempt {id} has no host"))?;
            let classes = &host.devices[usize::from(attempt.device.index)].classes;
            require(classes.contains(&attempt.class), || {
                format!("attempt {id}: the device is not of its class")
            })?;
            require(matches!(host.state, HostState::Online | HostState::Unreachable), || {
                format!("attempt {id} lives on host {}, which is {}", host.id, host.state)
            })?;
            require(attempt.stage > Stage::Offered || attempt.stop.is_none(), || {
                format!("attempt {id} is told to stop before it was taken")
            })?;
            let may_yield = attempt.stop.is_none() && !attempt.shielded && position == 0 && host.closed(self.now_ms).is_none();
            require(
                !may_yield || attempt.yields == Some(job.level()) || self.backoff_pending(host.id),
                || format!("attempt {id} is not listed to make room, or under a wrong level"),
            )?;
        }
        Ok(())
    }

    /// A back-off that ended by now, its timer not yet fired: then a host opens a tick later.
    fn backoff_pending(&self, host: protocol::HostId) -> bool {
        let mut timers = self.timers.clone();
        while let Some(timer) = timers.pop(self.now_ms) {
            if timer == Timer::Backoff(host) {
                return true;
            }
        }
        false
    }

    fn check_hosts(&self) -> Result<(), String> {
        for host in self.hosts.values() {
            for (index, device) in host.devices.iter().enumerate() {
                let can = host.closed(self.now_ms).is_none() && device.line.is_empty() && !device.classes.is_empty();
                require(device.free.is_some() == can || self.backoff_pending(host.id), || {
                    format!(
                        "device {index} of host {} is free: {}, should be: {can}",
                        host.id,
                        device.free.is_some()
                    )
                })?;
                for attempt in &device.line {
                    require(self.attempts.contains_key(attempt), || {
                        format!("host {} has attempt {attempt}, which is over", host.id)
                    })?;
                }
            }
        }
        for (class, presence) in &self.presence {
            let of_class = |online: bool| {
                let hosts = self.hosts.values().filter(|host| match online {
                    true => host.state == HostState::Online,
                    false => host.state != HostState::Lost,
                });
                let devices = hosts.flat_map(|host| &host.devices).flat_map(|device| &device.classes);
                devices.filter(|other| *other == class).count() as u64
            };
            require(
                (presence.devices, presence.online) == (of_class(false), of_class(true)),
                || format!("class {class} is miscounted"),
            )?;
        }
        Ok(())
    }

    fn check_users(&self) -> Result<(), String> {
        for (index, user) in self.users.iter().enumerate() {
            let own = || self.jobs.values().filter(|job| job.user.0 as usize == index);
            let running = own().filter(|job| job.attempt.is_some()).count();
            let unfinished = own().filter(|job| !job.state.is_final()).count();
            require(
                (user.running as usize, user.unfinished as usize) == (running, unfinished),
                || {
                    format!(
                        "{} has {running} running and {unfinished} unfinished, counted {} and {}",
                        user.name, user.running, user.unfinished
                    )
                },
            )?;
            require(user.running <= self.config.user_running_max, || {
                format!("{} has too many running", user.name)
            })?;
        }
        let needs = self.queues.counts().map(|(key, _)| key.need);
        let bound = needs.filter(|need| matches!(need, Need::Class(_))).count();
        require(bound <= 2 * self.presence.len(), || {
            "a job waits for a class that never was".to_owned()
        })
    }
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
