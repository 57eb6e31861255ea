//! How the agent shows itself: a status that scripts read, the same as lines for people, and a live view on a terminal.

use std::io::{IsTerminal, Write};

use planner::Contributed;
use serde::{Deserialize, Serialize};

use crate::console::progress::{duration, figures};

/// The agent's status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Unix time of it, milliseconds.
    pub(crate) at_ms: u64,
    /// The agent's process.
    pub(crate) pid: u32,
    /// The server's URL; of several projects, those of all with a space between.
    pub(crate) server: String,
    /// The projects, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) shares: Vec<ShareStatus>,
    /// Our number there; none before the first registration.
    pub(crate) host: Option<u64>,
    /// Our name there.
    pub(crate) name: String,
    /// What it waits for, when the server is away.
    pub(crate) waits: Option<String>,
    /// Blobs on their way, each with how far it is.
    #[serde(default)]
    pub(crate) transfers: Vec<String>,
    /// A newer version that there is; none is installed by itself.
    #[serde(default)]
    pub(crate) newer: Option<String>,
    /// Why it does not compute, or takes no new jobs.
    pub(crate) why_not: Option<String>,
    /// Its devices.
    pub(crate) devices: Vec<DeviceStatus>,
    /// Work contributed so far.
    pub(crate) contributed: Contributed,
    /// What of it is verified; none before the server said so.
    #[serde(default)]
    pub(crate) verified: Option<Verified>,
    /// The newest days on which something was contributed: how many days ago, and how much.
    #[serde(default)]
    pub(crate) days: Vec<(u64, Contributed)>,
}

/// Work of this host that a second host confirmed until the UTC day began, and what it confirmed for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// Segments.
    pub(crate) segments: u64,
    /// What they cost on the operator's reference device, seconds; 0 where it never computed their packages.
    pub(crate) seconds: u64,
}

/// One of several projects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ShareStatus {
    /// The server's URL.
    pub(crate) server: String,
    /// Our number there.
    pub(crate) host: Option<u64>,
    /// Its share.
    pub(crate) share: u32,
    /// Time computed for it, milliseconds.
    pub(crate) computed_ms: u64,
    /// Whether it may take the next lease.
    pub(crate) has_turn: bool,
    /// What it waits for, when its server is away.
    pub(crate) waits: Option<String>,
}

/// One device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceStatus {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Its classes.
    pub(crate) classes: Vec<String>,
    /// Its jobs, the one that computes first.
    pub(crate) jobs: Vec<JobStatus>,
    /// Reason why it has no job; none where it has one.
    pub(crate) idle: Option<String>,
    /// Time that the device stood still between the last two jobs that followed each other, milliseconds.
    pub(crate) gap_ms: Option<u64>,
}

/// One job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JobStatus {
    /// Its number.
    pub(crate) job: u64,
    /// Its name.
    pub(crate) name: String,
    /// The project that it is of, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// `fetching`, `ready`, `computing`, `paused`, `stopped`.
    pub(crate) phase: String,
    /// What it is told, where that is not simply to run.
    pub(crate) told: Option<String>,
    /// Steps done.
    pub(crate) step: u64,
    /// Steps of the whole job.
    pub(crate) steps: u64,
    /// Last boundary reached.
    pub(crate) segment: u64,
    /// Last boundary that is safe on the server.
    pub(crate) committed: u64,
    /// The job's last boundary.
    pub(crate) segments: u64,
    /// Temperature of what is computed, where its package has one.
    #[serde(default)]
    pub(crate) temperature: Option<String>,
    /// Speed.
    pub(crate) steps_per_s: Option<f64>,
    /// Time to the job's end, seconds.
    pub(crate) left_s: Option<f64>,
    /// Time to the next boundary, seconds.
    pub(crate) boundary_s: Option<f64>,
}

impl Status {
    /// For people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let host = |host: Option<u64>| host.map_or("not registered yet".into(), |host| format!("host {host}"));
        let mut lines = match self.shares.as_slice() {
            [] => vec![format!("{} ({}) at {}", self.name, host(self.host), self.server)],
            shares => vec![format!("{} for {} projects", self.name, shares.len())],
        };
        for (share, percent) in self.shares.iter().zip(percents(&self.shares)) {
            let time = duration(share.computed_ms as f64 / 1000.0);
            let turn = if share.has_turn { " · takes the next job" } else { "" };
            let (server, host, of) = (&share.server, host(share.host), share.share);
            lines.push(format!(
                "  {server} ({host}) · share {of} · computed {time} ({percent} %){turn}"
            ));
            lines.extend(share.waits.iter().map(|waits| format!("    {waits}")));
        }
        lines.extend(self.waits.iter().map(|waits| format!("  {waits}")));
        lines.extend(self.newer.iter().map(|newer| format!("  {newer}")));
        lines.extend(self.transfers.iter().map(|transfer| format!("  {transfer}")));
        lines.extend(self.why_not.iter().map(|why| format!("  {why}")));
        for device in &self.devices {
            lines.push(format!("{}  {}  class {}", device.id, device.name, device.classes.join(", ")));
            lines.extend(device.idle.iter().map(|why| format!("  {why}")));
            lines.extend(device.jobs.iter().map(|job| format!("  {}", job.line())));
        }
        let Contributed {
            segments,
            steps,
            computed_ms,
            jobs,
        } = self.contributed;
        let time = duration(computed_ms as f64 / 1000.0);
        lines.push(format!(
            "contributed {segments} segments ({steps} steps, {time}), {jobs} jobs to their end"
        ));
        lines.extend(self.verified.map(|Verified { segments, seconds }| {
            let worth = duration(seconds as f64);
            format!("verified until today: {segments} segments ({worth} on the operator's reference device)")
        }));
        lines
    }
}

/// The part of all computing time that was for each, percent.
pub(crate) fn percents(shares: &[ShareStatus]) -> Vec<u64> {
    let all: u64 = shares.iter().map(|share| share.computed_ms).fold(0, u64::saturating_add);
    let percent = |share: &ShareStatus| share.computed_ms.saturating_mul(100).checked_div(all).unwrap_or(0);
    shares.iter().map(percent).collect()
}

impl Status {
    /// One status of several agents in one process, each with whether it may take the next lease; one alone stays as it is.
    pub(crate) fn of_all(shares: Vec<ShareStatus>, statuses: &[(bool, &Self)]) -> Option<Self> {
        let (_, first) = statuses.first()?;
        let mut all = (*first).clone();
        if shares.len() < 2 {
            return Some(all);
        }
        // What is of the whole machine is in all of them; of the rest, what the project says that may take the next lease.
        let (_, next) = statuses.iter().find(|(has_turn, _)| *has_turn).unwrap_or(&statuses[0]);
        (all.waits, all.host) = (None, None);
        all.why_not.clone_from(&next.why_not);
        all.newer = statuses.iter().find_map(|(_, status)| status.newer.clone());
        let servers: Vec<&str> = shares.iter().map(|share| share.server.as_str()).collect();
        all.server = servers.join(" ");
        all.devices = Vec::new();
        for (_, status) in statuses {
            for device in &status.devices {
                let idle = next
                    .devices
                    .iter()
                    .find(|other| other.id == device.id)
                    .and_then(|other| other.idle.clone());
                let at = all.devices.iter().position(|other| other.id == device.id).unwrap_or_else(|| {
                    all.devices.push(DeviceStatus {
                        jobs: Vec::new(),
                        idle,
                        ..device.clone()
                    });
                    all.devices.len() - 1
                });
                let of = |job: &JobStatus| JobStatus {
                    server: Some(status.server.clone()),
                    ..job.clone()
                };
                all.devices[at].jobs.extend(device.jobs.iter().map(of));
            }
        }
        for device in &mut all.devices {
            device.jobs.sort_by_key(|job| job.phase != "computing");
            device.idle = device.idle.take().filter(|_| device.jobs.is_empty());
        }
        let contributed = statuses.iter().map(|(_, status)| status.contributed);
        all.contributed = contributed.fold(Contributed::default(), Contributed::plus);
        let verified = statuses.iter().filter_map(|(_, status)| status.verified);
        all.verified = verified.reduce(|a, b| Verified {
            segments: a.segments.saturating_add(b.segments),
            seconds: a.seconds.saturating_add(b.seconds),
        });
        all.shares = shares;
        Some(all)
    }
}

impl JobStatus {
    fn line(&self) -> String {
        let of = self.server.as_ref().map(|server| format!(" of {server}")).unwrap_or_default();
        let mut line = format!("job {}{of} {}: {}", self.job, self.name, self.phase);
        if self.phase == "computing" {
            line.push_str(&format!(" step {} of {}", self.step, self.steps));
            if let Some(speed) = self.steps_per_s {
                line.push_str(&format!(" · {} steps/s", figures(speed)));
            }
            if let Some(temperature) = &self.temperature {
                line.push_str(&format!(" · {temperature}"));
            }
            if let Some(left) = self.left_s {
                line.push_str(&format!(" · {} left", duration(left)));
            }
            if let Some(boundary) = self.boundary_s {
                line.push_str(&format!(" · boundary in {}", duration(boundary)));
            }
        } else {
            line.push_str(&format!(" at segment {} of {}", self.segment, self.segments));
        }
        if self.committed < self.segment {
            line.push_str(&format!(" · {} segments not home yet", self.segment - self.committed));
        }
        if let Some(told) = &self.told {
            line.push_str(&format!(" · {told}"));
        }
        line
    }
}

/// A view that is kept up to date: lines drawn over on a terminal, changes as log lines elsewhere.
#[derive(Debug)]
pub(crate) struct View {
    live: bool,
    drawn: usize,
}

impl View {
    /// A live view where standard error is a terminal.
    pub(crate) fn new() -> Self {
        Self {
            live: std::io::stderr().is_terminal(),
            drawn: 0,
        }
    }

    /// Draw the status over the last one.
    pub(crate) fn draw(&mut self, status: &Status) {
        if !self.live {
            return;
        }
        let lines = status.lines();
        let width = terminal_width();
        let mut text = self.up();
        for line in &lines {
            let cut: String = line.chars().take(width.saturating_sub(1)).collect();
            text.push_str(&format!("\x1b[2K{cut}\n"));
        }
        self.drawn = lines.len();
        self.put(&text);
    }

    /// Say something that stays.
    pub(crate) fn say(&mut self, text: &str) {
        if self.live {
            let up = self.up();
            self.put(&format!("{up}\x1b[2K{text}\n"));
            self.drawn = 0;
        } else {
            self.put(&format!("{text}\n"));
        }
    }

    /// Back to the first drawn line, everything below it gone.
    fn up(&self) -> String {
        match self.drawn {
            0 => String::new(),
            drawn => format!("\x1b[{drawn}F\x1b[J"),
        }
    }

    fn put(&self, text: &str) {
        // The reader may have gone away; the agent goes on.
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }
}

fn terminal_width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(120)
}
