//! What a simulation is of. Every value has a default with its source; a TOML file sets others.
//!
//! Sources: \[BP\] Beberg and Pande, section 2; \[J\] Javadi et al. 2009 and 2011 for SETI@home; \[O\] Ookla, January 2025; \[A\] assumed here.

use serde::{Deserialize, Serialize};

/// Most hosts, days and jobs waiting per host: beyond them a run takes more memory or time than a machine has.
const HOSTS_MAX: u64 = 2_000_000;
const DAYS_MAX: u64 = 3660;

/// All parameters of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Hosts at every time: one that leaves is replaced by a new one.
    pub hosts: u64,
    /// Servers that share hosts and jobs evenly and know nothing of each other.
    pub servers: u64,
    /// Days simulated.
    pub days: u64,
    /// The machines.
    pub population: Population,
    /// What is computed.
    pub jobs: Jobs,
    /// The three policies' settings.
    pub policies: Policies,
}

/// The machines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Population {
    /// Share that is nearly always on \[BP: three quarters\].
    pub always_on: f64,
    /// Share with daily hours \[A\]; the rest is fickle: Weibull up, log-normal down \[J\].
    pub daily: f64,
    /// Mean hours between two interruptions of an always-on host, and mean minutes of one \[A\].
    pub interruption_every_h: f64,
    /// See above.
    pub interruption_min: f64,
    /// Hours a day of a daily host: uniform between these \[A\].
    pub daily_hours_least: f64,
    /// See above.
    pub daily_hours_most: f64,
    /// Deviation of the moment when a daily host goes on or off, minutes \[A\].
    pub jitter_min: f64,
    /// Share of daily hosts' departures that are announced ahead \[A\].
    pub announced: f64,
    /// Weibull shape and scale (hours) of a fickle host's time up \[J\].
    pub fickle_up_shape: f64,
    /// See above.
    pub fickle_up_scale_h: f64,
    /// Mean and deviation of the logarithm of its hours down \[J\].
    pub fickle_down_mu: f64,
    /// See above.
    pub fickle_down_sigma: f64,
    /// Chance to leave on day d: this + `leave_early` · d^−`leave_power` \[BP, figure 1, fitted\].
    pub leave_base: f64,
    /// See above.
    pub leave_early: f64,
    /// See above.
    pub leave_power: f64,
    /// Least and greatest speed, in units of the reference device; exponential with mean 1 between them \[A: ComBoS\].
    pub speed_least: f64,
    /// See above.
    pub speed_most: f64,
    /// Median down- and uplink, Mbit/s, log-normal with σ `link_sigma` \[O; σ assumed\].
    pub downlink_mbit: f64,
    /// See above.
    pub uplink_mbit: f64,
    /// See above.
    pub link_sigma: f64,
    /// Hardware classes of class-bound work, equally frequent.
    pub classes: u64,
    /// Share of hosts whose address stays the same \[A\].
    pub fixed_address: f64,
    /// Days from one change of address to the next: the median over the other hosts, log-normal with deviation `address_sigma`; one host's are
    /// exponential \[A\].
    pub address_days: f64,
    /// See above.
    pub address_sigma: f64,
    /// Hours in which a host is up and cannot be reached, and hours from one such time to the next: the mean of one, and the median over the
    /// hosts, log-normal with deviation `outage_sigma`; one host's are exponential \[A, so that eight of 159 check in over a hundred times: BP\].
    pub outage_h: f64,
    /// See above.
    pub outage_every_h: f64,
    /// See above.
    pub outage_sigma: f64,
}

/// What is computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Segments of a job.
    pub segments: u64,
    /// Seconds of a segment on the reference device.
    pub segment_s: f64,
    /// Megabytes of a package, a checkpoint, and a job's result.
    pub package_mb: f64,
    /// See above.
    pub checkpoint_mb: f64,
    /// See above.
    pub result_mb: f64,
    /// Unfinished jobs per host: 1 and more keep every host busy.
    pub per_host: f64,
    /// Minutes between two urgent jobs; 0 for none.
    pub urgent_every_min: f64,
    /// Whether jobs are bound to the class on which they began.
    pub class_bound: bool,
}

/// The policies' settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// Batch and same host: hours after which a job that has not come back is given to another host.
    pub deadline_h: f64,
    /// Moving: minutes between two commits.
    pub commit_min: f64,
    /// Moving: minutes of silence after which a host is unreachable, and given up.
    pub unreachable_min: f64,
    /// See above.
    pub lost_min: f64,
    /// Moving: minutes ahead at which a departure is announced and jobs leave.
    pub lead_min: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            seed: 1,
            hosts: 2000,
            servers: 1,
            days: 30,
            population: Population::default(),
            jobs: Jobs::default(),
            policies: Policies::default(),
        }
    }
}

impl Default for Population {
    fn default() -> Self {
        Self {
            always_on: 0.75,
            daily: 0.20,
            interruption_every_h: 24.0,
            interruption_min: 10.0,
            daily_hours_least: 10.0,
            daily_hours_most: 20.0,
            jitter_min: 30.0,
            announced: 0.5,
            fickle_up_shape: 0.393,
            fickle_up_scale_h: 2.964,
            fickle_down_mu: -0.586,
            fickle_down_sigma: 2.844,
            leave_base: 0.007,
            leave_early: 0.045,
            leave_power: 0.95,
            speed_least: 0.25,
            speed_most: 4.0,
            downlink_mbit: 98.0,
            uplink_mbit: 53.0,
            link_sigma: 1.0,
            classes: 50,
            fixed_address: 0.4,
            address_days: 4.0,
            address_sigma: 1.0,
            outage_h: 0.5,
            outage_every_h: 720.0,
            outage_sigma: 2.0,
        }
    }
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            segments: 48,
            segment_s: 600.0,
            package_mb: 1.0,
            checkpoint_mb: 10.0,
            result_mb: 10.0,
            per_host: 1.2,
            urgent_every_min: 60.0,
            class_bound: false,
        }
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            deadline_h: 7.0 * 24.0,
            commit_min: 10.0,
            unreachable_min: 6.0,
            lost_min: 30.0,
            lead_min: 20.0,
        }
    }
}

/// Why parameters or a trace were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{file}:{line}: {detail}")]
pub struct Fault {
    /// File at fault.
    pub file: String,
    /// Line at fault, from 1.
    pub line: usize,
    /// Key or column, what was found, what was expected.
    pub detail: String,
}

impl Parameters {
    /// Reads parameters from the text of a TOML file; `file` is its name in errors.
    ///
    /// # Errors
    /// Not TOML, an unknown key, a value out of range: with line and key.
    pub fn read(file: &str, text: &str) -> Result<Self, Fault> {
        let fault = |line, detail| Fault {
            file: file.to_owned(),
            line,
            detail,
        };
        let parameters: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let key = text
                .lines()
                .nth(line - 1)
                .and_then(|line| line.split('=').next())
                .unwrap_or("")
                .trim();
            fault(line, format!("{key}: {}", error.message()))
        })?;
        parameters
            .check()
            .map_err(|(key, detail)| fault(line_of(text, key), format!("{key}: {detail}")))?;
        Ok(parameters)
    }

    /// The parameters as a TOML file.
    ///
    /// # Errors
    /// A seed that TOML cannot hold.
    pub fn toml(&self) -> Result<String, Fault> {
        toml::to_string(self).map_err(|error| Fault {
            file: "seed".to_owned(),
            line: 1,
            detail: format!("{error}, expected at most {}", i64::MAX),
        })
    }

    /// Key and sentence of the first value that is out of its range.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let whole = [
            ("hosts", self.hosts, 1, HOSTS_MAX),
            ("servers", self.servers, 1, HOSTS_MAX),
            ("days", self.days, 1, DAYS_MAX),
            ("population.classes", self.population.classes, 1, 100_000),
            ("jobs.segments", self.jobs.segments, 1, 4000),
        ];
        for (key, found, least, most) in whole {
            if !(least..=most).contains(&found) {
                return Err((key, format!("{found}, expected {least} to {most}")));
            }
        }
        let (p, j, s) = (&self.population, &self.jobs, &self.policies);
        let ranges = [
            ("population.always_on", p.always_on, 0.0, 1.0),
            ("population.daily", p.daily, 0.0, 1.0),
            ("population.interruption_every_h", p.interruption_every_h, 0.1, 1e5),
            ("population.interruption_min", p.interruption_min, 0.1, 1e5),
            ("population.daily_hours_least", p.daily_hours_least, 1.0, 23.0),
            ("population.daily_hours_most", p.daily_hours_most, p.daily_hours_least, 23.0),
            ("population.jitter_min", p.jitter_min, 0.0, 120.0),
            ("population.announced", p.announced, 0.0, 1.0),
            ("population.fickle_up_shape", p.fickle_up_shape, 0.1, 10.0),
            ("population.fickle_up_scale_h", p.fickle_up_scale_h, 0.01, 1e5),
            ("population.fickle_down_mu", p.fickle_down_mu, -10.0, 10.0),
            ("population.fickle_down_sigma", p.fickle_down_sigma, 0.0, 5.0),
            ("population.leave_base", p.leave_base, 0.0, 1.0),
            ("population.leave_early", p.leave_early, 0.0, 1.0),
            ("population.leave_power", p.leave_power, 0.0, 5.0),
            ("population.speed_least", p.speed_least, 0.01, 100.0),
            ("population.speed_most", p.speed_most, p.speed_least, 100.0),
            ("population.downlink_mbit", p.downlink_mbit, 0.01, 1e6),
            ("population.uplink_mbit", p.uplink_mbit, 0.01, 1e6),
            ("population.link_sigma", p.link_sigma, 0.0, 4.0),
            ("population.fixed_address", p.fixed_address, 0.0, 1.0),
            ("population.address_days", p.address_days, 0.01, 1e5),
            ("population.address_sigma", p.address_sigma, 0.0, 4.0),
            ("population.outage_h", p.outage_h, 0.01, 1e4),
            ("population.outage_every_h", p.outage_every_h, 0.1, 1e6),
            ("population.outage_sigma", p.outage_sigma, 0.0, 4.0),
            ("jobs.segment_s", j.segment_s, 0.001, 1e6),
            ("jobs.package_mb", j.package_mb, 0.0, 1e5),
            ("jobs.checkpoint_mb", j.checkpoint_mb, 0.0, 1e5),
            ("jobs.result_mb", j.result_mb, 0.0, 1e5),
            ("jobs.per_host", j.per_host, 0.01, 100.0),
            ("jobs.urgent_every_min", j.urgent_every_min, 0.0, 1e6),
            ("policies.deadline_h", s.deadline_h, 0.1, 1e5),
            ("policies.commit_min", s.commit_min, 0.0, 1e4),
            ("policies.unreachable_min", s.unreachable_min, 0.1, 1e4),
            ("policies.lost_min", s.lost_min, 10.1, 1e4),
            ("policies.lead_min", s.lead_min, 0.0, 1e4),
        ];
        for (key, found, least, most) in ranges {
            if !(least..=most).contains(&found) {
                return Err((key, format!("{found}, expected {least} to {most}")));
            }
        }
        if p.always_on + p.daily > 1.0 + 1e-9 {
            let sum = p.always_on + p.daily;
            return Err((
                "population.daily",
                format!("with always_on it makes {sum}, expected at most 1"),
            ));
        }
        Ok(())
    }
}

/// The line of a dotted key, 1 when the file does not set it.
fn line_of(text: &str, key: &str) -> usize {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            current = header.split(']').next().unwrap_or("").trim();
        }
        let (left, inner) = (line.split('=').next().unwrap_or("").trim(), format!("{table}."));
        if current == table && left == name || current.is_empty() && left.strip_prefix(&inner) == Some(name) {
            return index + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Parameters::read("world.toml", text).expect_err("it is wrong").to_string()
    }

    #[test]
    fn wrong_parameters_are_refused_with_line_and_key() {
        for (text, expected) in [
            ("hosts = 10\ndays = 0\n", "world.toml:2: days: 0, expected 1 to 3660"),
            ("hosts = 10\nservers = 0\n", "world.toml:2: servers: 0, expected 1 to"),
            (
                "[population]\n\nalways_on = 1.5\n",
                "world.toml:3: population.always_on: 1.5, expected 0 to 1",
            ),
            (
                "[population]\nalways_on = 0.9\ndaily = 0.2\n",
                "world.toml:3: population.daily: with always_on it makes 1.1",
            ),
            (
                "[jobs]\nsegment_s = nan\n",
                "world.toml:2: jobs.segment_s: NaN, expected 0.001 to",
            ),
            (
                "jobs.segments = 5000\n",
                "world.toml:1: jobs.segments: 5000, expected 1 to 4000",
            ),
        ] {
            let found = error(text);
            assert!(found.starts_with(expected), "{found:?}, expected {expected:?}");
        }
        let found = error("hosts = 10\n[jobs]\nsegmnets = 3\n");
        assert!(found.starts_with("world.toml:3: segmnets: unknown field"), "{found}");
        let found = error("hosts = \"ten\"\n");
        assert!(found.starts_with("world.toml:1: hosts: invalid type"), "{found}");
        assert!(error("hosts = 10\n= 3\n").starts_with("world.toml:2:"));
    }

    #[test]
    fn an_empty_file_means_the_defaults_and_what_is_written_is_read_again() {
        assert_eq!(Parameters::read("a", ""), Ok(Parameters::default()));
        let text = toml::to_string(&Parameters::default()).expect("parameters are TOML");
        assert_eq!(Parameters::read("a", &text), Ok(Parameters::default()));
    }
}
