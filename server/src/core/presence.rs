//! What hosts report, what their silence means, and their planned departures.
//!
//! Silence makes a host *unreachable*: a network fault, its jobs wait for it. Longer silence makes it *lost*: its jobs go on elsewhere.
//! An announced departure is neither: jobs leave first, then the host is *offline*.

use protocol::HardwareClass;
use protocol::http::{AttemptId, Heartbeat, HostId, HostState, JobState, LeaveNotice, Outcome, RegisterHost};

use super::attempts::{Then, after_stop};
use super::host::{Device, Host};
use super::job::{Cause, Stage};
use super::steer::NAME_BYTES_MAX;
use super::{Core, Refusal, Timer, UserId};

const DEVICES_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 200;
/// A host that leaves "now" has this long to bring its boundaries home.
const LEAVE_PATIENCE_MS: u64 = 10 * 60_000;
/// Furthest announcement.
const AHEAD_S_MAX: u64 = 366 * 24 * 3600;

impl Core {
    /// Time went by.
    pub(super) fn tick(&mut self) {
        while let Some(timer) = self.timers.pop(self.now_ms) {
            match timer {
                Timer::Silence(host) => self.silence(host),
                Timer::Offer(attempt) => self.offer_missed(attempt),
                Timer::Stop(attempt) => self.stop_missed(attempt),
                Timer::Lead(host) => self.lead(host),
                Timer::Depart(host) => self.go_offline(host),
                Timer::Back(host) => self.night_over(host),
                Timer::Backoff(host) => {
                    self.dirty_hosts.insert(host);
                    self.touch(host);
                }
                Timer::Deadline(job) => self.press(job),
                Timer::Restart(job) => self.start_over(job),
                Timer::Prefetch(attempt) => self.prefetch(attempt),
            }
            self.settle();
        }
    }

    /// The server was away: no host could be heard, no offer taken.
    pub(super) fn restarted(&mut self) {
        let now_ms = self.now_ms;
        for host in self.hosts.values_mut() {
            if matches!(host.state, HostState::Online | HostState::Unreachable) {
                host.heard_ms = now_ms;
                host.counted_ms = now_ms;
                self.timers.set(Timer::Silence(host.id), now_ms + self.config.unreachable_ms);
            }
        }
        for attempt in self.attempts.values_mut() {
            attempt.seen_ms = now_ms;
            if attempt.stage == Stage::Offered {
                self.timers.set(Timer::Offer(attempt.id), now_ms + self.config.offer_ms);
            }
            if let Some(stop) = &attempt.stop {
                let patience = if stop.now {
                    self.config.stop_now_ms
                } else {
                    self.config.stop_ms
                };
                self.timers.set(Timer::Stop(attempt.id), now_ms + patience);
            }
        }
    }

    /// The operator's settings change.
    pub(super) fn configure(&mut self, config: &super::Config) {
        self.config = config.clone();
        for index in 0..self.users.len() {
            let id = UserId(u32::try_from(index).expect("numbers of users are given as u32"));
            let user = &self.users[index];
            self.queues.stand(id, user.served, user.running >= config.user_running_max);
            self.dirty_users.insert(id);
        }
    }

    /// A host registers, for the first time or again.
    pub(super) fn register(&mut self, known: Option<HostId>, body: &RegisterHost, address: u64) -> Result<HostId, Refusal> {
        check_registration(body)?;
        let id = match known {
            Some(id) if !self.hosts.contains_key(&id) => return Err(Refusal::NoHost(id)),
            Some(id) => id,
            None => {
                let id = HostId(self.next_host);
                self.next_host += 1;
                self.hosts.insert(id, Host::new(id, self.now_ms));
                self.timers.set(Timer::Silence(id), self.now_ms + self.config.unreachable_ms);
                id
            }
        };
        let Some(host) = self.hosts.get_mut(&id) else { return Ok(id) };
        host.name.clone_from(&body.name);
        host.meet(address);
        host.night = body.night;
        let mut void: Vec<AttemptId> = Vec::new();
        for device in &mut host.devices {
            let report = body.devices.iter().find(|report| report.id == device.id);
            let classes = report.map(|report| report.classes.clone()).unwrap_or_default();
            if classes != device.classes {
                void.extend(&device.line);
            }
        }
        for attempt in void {
            let reason = "goes on elsewhere: its device changed or is gone".to_owned();
            self.finish(attempt, Outcome::Mismatch, Then::Requeue(Some(JobState::Migrating), reason));
        }
        self.be_counted(id, false);
        let Some(host) = self.hosts.get_mut(&id) else { return Ok(id) };
        for device in &mut host.devices {
            if let Some(free) = device.free.take() {
                self.free.remove(&device.classes, free);
            }
            if !body.devices.iter().any(|report| report.id == device.id) {
                device.classes.clear();
            }
        }
        for report in &body.devices {
            let device = match host.devices.iter_mut().position(|device| device.id == report.id) {
                Some(index) => &mut host.devices[index],
                None => {
                    host.devices.push(Device {
                        id: report.id.clone(),
                        name: String::new(),
                        classes: Vec::new(),
                        line: Vec::new(),
                        free: None,
                    });
                    host.devices.last_mut().expect("just pushed")
                }
            };
            device.name.clone_from(&report.name);
            device.classes.clone_from(&report.classes);
        }
        // Devices that are gone make room, from the end so that numbers in use stay.
        while host.devices.len() > body.devices.len()
            && host
                .devices
                .last()
                .is_some_and(|device| device.classes.is_empty() && device.line.is_empty())
        {
            host.devices.pop();
        }
        self.be_counted(id, true);
        self.hear(id);
        self.plan_night(id);
        self.dirty_hosts.insert(id);
        self.touch(id);
        Ok(id)
    }

    /// Adds a host's devices to the count of their classes, or takes them out.
    fn be_counted(&mut self, id: HostId, add: bool) {
        let Some(host) = self.hosts.get(&id) else { return };
        if host.state == HostState::Lost {
            return;
        }
        let online = host.state == HostState::Online;
        for class in host.devices.iter().flat_map(|device| &device.classes) {
            let presence = self.presence.entry(*class).or_default();
            if add {
                presence.devices += 1;
                presence.online += u64::from(online);
                presence.last_seen_ms = Some(self.now_ms);
            } else {
                presence.devices -= 1;
                presence.online -= u64::from(online);
            }
        }
    }

    fn set_state(&mut self, id: HostId, state: HostState, reason: &str) {
        self.be_counted(id, false);
        let now_ms = self.now_ms;
        if let Some(host) = self.hosts.get_mut(&id) {
            host.count(now_ms);
            host.state = state;
            reason.clone_into(&mut host.reason);
        }
        self.be_counted(id, true);
        self.dirty_hosts.insert(id);
        self.touch(id);
    }

    /// Whatever a host says, it is there.
    pub(super) fn hear(&mut self, id: HostId) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id) else { return };
        host.heard_ms = now_ms;
        host.count(now_ms);
        let state = host.state;
        for class in host.devices.iter().flat_map(|device| &device.classes) {
            self.presence.entry(*class).or_default().last_seen_ms = Some(now_ms);
        }
        match state {
            HostState::Online => {}
            HostState::Unreachable => self.set_state(id, HostState::Online, "reachable again"),
            HostState::Offline | HostState::Lost => {
                let night = host.next_night(now_ms).filter(|(begin, _)| *begin <= now_ms);
                host.leaving = false;
                host.departs_ms = None;
                host.draining = night.map(|_| "night: the host is to be off now".to_owned());
                host.back_ms = night.map(|(_, end)| end);
                self.timers.set(Timer::Silence(id), now_ms + self.config.unreachable_ms);
                self.set_state(
                    id,
                    HostState::Online,
                    if state == HostState::Lost {
                        "back after it was given up"
                    } else {
                        "back"
                    },
                );
                self.plan_night(id);
            }
        }
    }

    /// A host reports.
    pub(super) fn heartbeat(&mut self, id: HostId, beat: &Heartbeat, address: u64) -> Result<(), Refusal> {
        if !self.hosts.contains_key(&id) {
            return Err(Refusal::NoHost(id));
        }
        let most = DEVICES_MAX * self.config.batch_max;
        if beat.jobs.len() > most {
            return Err(Refusal::invalid(
                "jobs",
                format!("{} reports, expected at most {most}", beat.jobs.len()),
            ));
        }
        self.hear(id);
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id) else { return Ok(()) };
        host.meet(address);
        host.clock_skew_ms = i64::try_from(i128::from(beat.clock_ms) - i128::from(now_ms)).unwrap_or(i64::MAX);
        host.errors = host.errors.saturating_add(beat.errors);
        if let Some(rtt) = beat.rtt_ms {
            host.rtt_min_ms = Some(host.rtt_min_ms.map_or(rtt, |least| least.min(rtt)));
            host.rtt_sum_ms += u64::from(rtt);
            host.rtt_count += 1;
        }
        let why: String = beat.why.as_deref().unwrap_or("").chars().take(REASON_CHARS_MAX).collect();
        if (host.accepting, &host.why_not) != (beat.accepting, &why) {
            (host.accepting, host.why_not) = (beat.accepting, why);
            self.touch(id);
        }
        if !beat.accepting {
            self.withdraw(id, "the host takes no new jobs");
        }
        for report in &beat.jobs {
            self.progress(id, report);
        }
        self.unreported(id, &beat.jobs);
        // Trust changes with time: the free ones are listed anew.
        self.dirty_hosts.insert(id);
        Ok(())
    }

    fn silence(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let (unreachable, lost) = match host.state {
            HostState::Online => (host.heard_ms + self.config.unreachable_ms, u64::MAX),
            HostState::Unreachable => (u64::MAX, host.heard_ms + self.config.lost_ms),
            HostState::Offline => (
                u64::MAX,
                host.back_ms.unwrap_or(host.heard_ms).max(host.heard_ms) + self.config.overdue_ms,
            ),
            HostState::Lost => return,
        };
        if lost <= self.now_ms {
            host.losses += 1;
            let reason = format!(
                "given up: not heard of for {} minutes",
                (self.now_ms - host.heard_ms) / 60_000
            );
            self.set_state(id, HostState::Lost, &reason);
            self.evict(id, "was given up");
        } else if unreachable <= self.now_ms {
            host.unplanned_stops += 1;
            let again = host.heard_ms + self.config.lost_ms;
            self.set_state(id, HostState::Unreachable, "silent: its jobs wait for it");
            self.withdraw(id, "the host is silent");
            self.timers.set(Timer::Silence(id), again.max(self.now_ms));
        } else {
            self.timers.set(Timer::Silence(id), unreachable.min(lost));
        }
    }

    /// Takes back what a host was offered and has not taken.
    fn withdraw(&mut self, id: HostId, reason: &str) {
        for attempt in self.attempts_on(id) {
            if self
                .attempts
                .get(&attempt)
                .is_some_and(|attempt| attempt.stage == Stage::Offered)
            {
                self.finish(
                    attempt,
                    Outcome::Aborted,
                    Then::Requeue(None, format!("offer withdrawn: {reason}")),
                );
            }
        }
    }

    /// Ends all that a host has: its jobs go on from their last boundary.
    fn evict(&mut self, id: HostId, what: &str) {
        let label = self.hosts.get(&id).map(Host::label).unwrap_or_default();
        for attempt in self.attempts_on(id) {
            let cause = self.attempts.get(&attempt).and_then(|attempt| attempt.stop.clone());
            let then = match cause {
                Some(stop) if stop.cause == Cause::Hold => Then::Hold(stop.reason),
                _ => Then::Requeue(
                    Some(JobState::Migrating),
                    format!("goes on from its last boundary: {label} {what}"),
                ),
            };
            self.finish(attempt, Outcome::Expired, then);
        }
    }

    fn attempts_on(&self, id: HostId) -> Vec<AttemptId> {
        // From the end of each line, so that none comes to the front only to be ended.
        self.hosts.get(&id).map_or_else(Vec::new, |host| {
            let lines = host.devices.iter().map(|device| device.line.iter().rev());
            lines.flatten().copied().collect()
        })
    }

    fn offer_missed(&mut self, id: AttemptId) {
        let Some(host) = self.attempts.get(&id).map(|attempt| attempt.device.host) else {
            return;
        };
        let label = self.hosts.get(&host).map(Host::label).unwrap_or_default();
        self.back_off(host, false, "it did not take an offer in time");
        let reason = format!("{label} did not take the offer in time");
        self.finish(id, Outcome::Expired, Then::Requeue(None, reason));
    }

    fn stop_missed(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let Some(stop) = attempt.stop.clone() else { return };
        let (_, then) = after_stop(&stop.cause, &format!("{}; the host did not stop in time", stop.reason));
        self.finish(id, Outcome::Expired, then);
    }

    /// A host announces that it leaves.
    pub(super) fn leave(&mut self, id: HostId, notice: &LeaveNotice) -> Result<(), Refusal> {
        if !self.hosts.contains_key(&id) {
            return Err(Refusal::NoHost(id));
        }
        if notice.in_s > AHEAD_S_MAX || notice.back_in_s.is_some_and(|back| back > AHEAD_S_MAX || back < notice.in_s) {
            return Err(Refusal::invalid(
                "in_s",
                "expected at most a year ahead, and back_in_s not before in_s",
            ));
        }
        self.hear(id);
        let now_ms = self.now_ms;
        let reason: String = notice.reason.chars().take(REASON_CHARS_MAX).collect();
        let Some(host) = self.hosts.get_mut(&id) else { return Ok(()) };
        host.planned_stops += 1;
        host.back_ms = notice.back_in_s.map(|back| now_ms + back * 1000);
        host.leaving = notice.in_s == 0;
        let departs = now_ms + if host.leaving { LEAVE_PATIENCE_MS } else { notice.in_s * 1000 };
        host.departs_ms = Some(departs);
        self.timers.set(Timer::Depart(id), departs);
        self.timers.clear(Timer::Back(id));
        let lead = departs.saturating_sub(self.config.lead_ms).max(now_ms);
        let label = host.label();
        if notice.in_s == 0 || lead == now_ms {
            self.drain(id, format!("{label} leaves: {reason}"));
        } else {
            self.timers.set(Timer::Lead(id), lead);
            self.dirty_hosts.insert(id);
        }
        if self.hosts.get(&id).is_some_and(|host| host.leaving) && self.attempts_on(id).is_empty() {
            self.go_offline(id);
        }
        Ok(())
    }

    /// A host stays after all.
    pub(super) fn come_back(&mut self, id: HostId) -> Result<(), Refusal> {
        if !self.hosts.contains_key(&id) {
            return Err(Refusal::NoHost(id));
        }
        self.hear(id);
        for timer in [Timer::Lead(id), Timer::Depart(id), Timer::Back(id)] {
            self.timers.clear(timer);
        }
        if let Some(host) = self.hosts.get_mut(&id) {
            host.leaving = false;
            (host.departs_ms, host.back_ms, host.draining) = (None, None, None);
        }
        for attempt in self.attempts_on(id) {
            let leaves = |stop: &super::job::Stop| stop.cause == Cause::Leave;
            let Some(attempt) = self
                .attempts
                .get_mut(&attempt)
                .filter(|it| it.stop.as_ref().is_some_and(leaves))
            else {
                continue;
            };
            attempt.stop = None;
            let (attempt_id, job) = (attempt.id, attempt.job);
            self.timers.clear(Timer::Stop(attempt_id));
            self.change(job, JobState::Running, "goes on: its host stays");
        }
        self.plan_night(id);
        self.dirty_hosts.insert(id);
        self.touch(id);
        Ok(())
    }

    /// Sets the timers for a host's next night, unless it leaves anyway.
    fn plan_night(&mut self, id: HostId) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id) else { return };
        if host.leaving || host.departs_ms.is_some_and(|at| at > now_ms) && host.night.is_none() {
            return;
        }
        let Some((begin, end)) = host.next_night(now_ms) else { return };
        host.back_ms = Some(end);
        self.timers.set(Timer::Back(id), end);
        if begin > now_ms {
            host.departs_ms = Some(begin);
            self.timers.set(Timer::Depart(id), begin);
            self.timers
                .set(Timer::Lead(id), begin.saturating_sub(self.config.lead_ms).max(now_ms));
        } else if host.draining.is_none() {
            let label = host.label();
            self.drain(id, format!("night: {label} is to be off now"));
        }
    }

    fn lead(&mut self, id: HostId) {
        let Some(host) = self.hosts.get(&id) else { return };
        let minutes = host.departs_ms.map_or(0, |at| at.saturating_sub(self.now_ms) / 60_000);
        let reason = format!("{} leaves in {minutes} minutes", host.label());
        self.drain(id, reason);
    }

    /// A host takes nothing more, and what would not end before it departs leaves it.
    fn drain(&mut self, id: HostId, reason: String) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id) else { return };
        host.draining = Some(reason.clone());
        let patience = match host.leaving {
            true => 0,
            false => host.departs_ms.unwrap_or(now_ms).saturating_sub(now_ms),
        };
        for attempt_id in self.attempts_on(id) {
            let Some(attempt) = self.attempts.get(&attempt_id) else {
                continue;
            };
            let head = self.line(attempt.device).first() == Some(&attempt_id);
            if attempt.stage == Stage::Offered || !head {
                let then = Then::Requeue(None, format!("gave up its turn: {reason}"));
                self.finish(attempt_id, Outcome::Aborted, then);
                continue;
            }
            let left = self.jobs.get(&attempt.job).and_then(|job| job.left_ms(attempt.segment));
            let ends_before = left.is_some_and(|left| left < patience);
            if attempt.stop.is_none() && !ends_before {
                self.order_stop(attempt_id, Cause::Leave, false, reason.clone());
            }
        }
        self.dirty_hosts.insert(id);
        self.touch(id);
    }

    /// A host has left as announced.
    pub(super) fn go_offline(&mut self, id: HostId) {
        for timer in [Timer::Lead(id), Timer::Depart(id)] {
            self.timers.clear(timer);
        }
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id) else { return };
        if host.state == HostState::Lost {
            return;
        }
        let reason = host.draining.clone().unwrap_or_else(|| "left as announced".to_owned());
        if !host.leaving && host.night.is_some() {
            host.planned_stops += 1;
        }
        host.leaving = false;
        host.departs_ms = None;
        let overdue = host.back_ms.unwrap_or(now_ms).max(now_ms) + self.config.overdue_ms;
        self.timers.set(Timer::Silence(id), overdue);
        self.set_state(id, HostState::Offline, &reason);
        self.evict(id, "left");
    }

    fn night_over(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        host.draining = None;
        host.back_ms = None;
        if host.state == HostState::Online {
            self.plan_night(id);
        }
        self.dirty_hosts.insert(id);
        self.touch(id);
    }
}

fn check_registration(body: &RegisterHost) -> Result<(), Refusal> {
    let short = |text: &str| (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if !short(&body.name) || body.version.len() > 64 {
        return Err(Refusal::invalid(
            "name",
            format!("expected 1 to {NAME_BYTES_MAX} bytes without control characters, and a version of at most 64"),
        ));
    }
    if body.devices.is_empty() || body.devices.len() > DEVICES_MAX {
        return Err(Refusal::invalid(
            "devices",
            format!("{} devices, expected 1 to {DEVICES_MAX}", body.devices.len()),
        ));
    }
    for (index, device) in body.devices.iter().enumerate() {
        if !short(&device.id) || !short(&device.name) {
            return Err(Refusal::invalid(
                "devices",
                format!("device {index}: id and name of 1 to {NAME_BYTES_MAX} bytes expected"),
            ));
        }
        if body.devices[..index].iter().any(|other| other.id == device.id) {
            return Err(Refusal::invalid(
                "devices",
                format!("device {index}: id {:?} appears twice", device.id),
            ));
        }
        let twice = |class: &HardwareClass| device.classes.iter().filter(|other| other.tier == class.tier).count() > 1;
        if device.classes.is_empty() || device.classes.iter().any(twice) {
            return Err(Refusal::invalid(
                "devices",
                format!(
                    "device {index}: {} classes, expected at least one and at most one a tier",
                    device.classes.len()
                ),
            ));
        }
    }
    match body.night {
        Some(night) if night.from_minute >= 1440 || night.until_minute >= 1440 || night.from_minute == night.until_minute => {
            Err(Refusal::invalid(
                "night",
                "expected two different minutes of the day, each 0 to 1439",
            ))
        }
        _ => Ok(()),
    }
}
