//! What the volunteer wants, under the names that BOINC's users know: flags, then environment, then the `[worker]` section of the
//! configuration file, then what is usual.

use clap::Args;
use planner::week::DAY_MINUTES;
use planner::{Policy, Week};
use protocol::PublicKey;
use protocol::http::Night;
use serde::Deserialize;

use super::room::Room;
use super::{devices, schedule};
use crate::exit::Usage;
use crate::net::projects::{self, Project};
use crate::net::transfer::Transfers;

/// The slowest limit of bandwidth: slower, and servers take a line to be dead.
const BYTES_SEC_MIN: f64 = 8192.0;

/// Preferences as given in one place; what is not given there is open.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// Compute while on battery (no by default).
    #[arg(long, env = "BATON_RUN_ON_BATTERIES", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    run_on_batteries: Option<bool>,
    /// Compute while somebody uses the machine (yes by default: at low priority and in short submits).
    #[arg(long, env = "BATON_RUN_IF_USER_ACTIVE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    run_if_user_active: Option<bool>,
    /// Minutes without keyboard and mouse after which nobody uses the machine (3 by default).
    #[arg(long, env = "BATON_IDLE_TIME_TO_RUN", value_name = "MINUTES")]
    idle_time_to_run: Option<f64>,
    /// Share of the cores for the built-in CPU device, percent (100 by default).
    #[arg(long, env = "BATON_MAX_NCPUS_PCT", value_name = "PERCENT")]
    max_ncpus_pct: Option<f64>,
    /// Compute only from this hour of the local day on: 22, or 22.5 for half past.
    #[arg(long, env = "BATON_START_HOUR", value_name = "HOUR")]
    start_hour: Option<f64>,
    /// Compute only until this hour of the local day.
    #[arg(long, env = "BATON_END_HOUR", value_name = "HOUR")]
    end_hour: Option<f64>,
    /// Compute only in these hours of the local week: `mon-fri 18:00-08:00`, `sat,sun`, `daily 22:00-06:30`; may be given several times, or with `;` between.
    #[arg(long, env = "BATON_SCHEDULE", value_name = "DAYS [HOURS]", value_delimiter = ';')]
    schedule: Option<Vec<String>>,
    /// Bytes a second that files may be sent with (no limit by default).
    #[arg(long, env = "BATON_MAX_BYTES_SEC_UP", value_name = "BYTES")]
    max_bytes_sec_up: Option<f64>,
    /// Bytes a second that files may be fetched with (no limit by default).
    #[arg(long, env = "BATON_MAX_BYTES_SEC_DOWN", value_name = "BYTES")]
    max_bytes_sec_down: Option<f64>,
    /// Gigabytes of files that may go over the network in a calendar month, both ways together (no limit by default).
    #[arg(long, env = "BATON_MONTH_MAX_GB", value_name = "GB")]
    month_max_gb: Option<f64>,
    /// Gigabytes that the state folder may take (20 by default).
    #[arg(long, env = "BATON_DISK_MAX_USED_GB", value_name = "GB")]
    disk_max_used_gb: Option<f64>,
    /// Gigabytes of memory that jobs may take (half of the machine's by default).
    #[arg(long, env = "BATON_RAM_MAX_USED_GB", value_name = "GB")]
    ram_max_used_gb: Option<f64>,
    /// A GPU not to use, by id or by a part of its name; may be given several times.
    #[arg(long, env = "BATON_EXCLUDE_GPUS", value_name = "GPU", value_delimiter = ',')]
    exclude_gpus: Option<Vec<String>>,
    /// Do not compute while this program runs; may be given several times.
    #[arg(long, env = "BATON_EXCLUSIVE_APPS", value_name = "PROGRAM", value_delimiter = ',')]
    exclusive_apps: Option<Vec<String>>,
    /// End when there is nothing to compute (no by default).
    #[arg(long, env = "BATON_EXIT_WHEN_IDLE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    exit_when_idle: Option<bool>,
    /// Keep the priority that the agent was started with, instead of the lowest (no by default): for a machine that has nothing else to do.
    #[arg(long, env = "BATON_NO_PRIORITY_CHANGE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    no_priority_change: Option<bool>,
    /// Be a referee (no by default): take no jobs, and decide where the results of others differ. Its token has the scope `referee`.
    #[arg(long, env = "BATON_REFEREE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    referee: Option<bool>,
    /// Compute only what a key on the server's key list has signed (no by default).
    #[arg(long, env = "BATON_SIGNED_ONLY", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    signed_only: Option<bool>,
    /// The root key of the server's operator, with --signed-only; the first that the server shows by default.
    #[arg(long, env = "BATON_ROOT_KEY", value_name = "KEY")]
    root_key: Option<PublicKey>,
    /// A device to use: `auto`, `cpu`, or an id that `baton devices` shows; may be given several times, one job runs on each.
    #[arg(long, env = "BATON_DEVICE", value_name = "ID", value_delimiter = ',')]
    device: Option<Vec<String>>,
    /// A project to compute for, instead of --server: its URL, and after spaces what is needed of share=N (1 by default), token-file=FILE, ca-file=FILE. Given
    /// several times, computing time is divided by the shares.
    #[arg(long = "project", env = "BATON_PROJECTS", value_name = "PROJECT", value_delimiter = ';')]
    projects: Option<Vec<String>>,
    /// Name of this machine on the server's page; the machine's own by default.
    #[arg(long, env = "BATON_NAME")]
    name: Option<String>,
}

/// The volunteer's settings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Preferences {
    pub(crate) run_on_batteries: bool,
    pub(crate) run_if_user_active: bool,
    /// Minutes.
    pub(crate) idle_time_to_run: f64,
    /// Percent.
    pub(crate) max_ncpus_pct: f64,
    /// Hours of the local week in which to compute.
    pub(crate) hours: Option<Week>,
    /// Bytes a second.
    pub(crate) max_bytes_sec_up: Option<f64>,
    /// Bytes a second.
    pub(crate) max_bytes_sec_down: Option<f64>,
    pub(crate) month_max_gb: Option<f64>,
    pub(crate) disk_max_used_gb: f64,
    pub(crate) ram_max_used_gb: f64,
    pub(crate) exclude_gpus: Vec<String>,
    pub(crate) exclusive_apps: Vec<String>,
    pub(crate) exit_when_idle: bool,
    pub(crate) no_priority_change: bool,
    pub(crate) referee: bool,
    pub(crate) signed_only: bool,
    pub(crate) root_key: Option<PublicKey>,
    pub(crate) devices: Vec<String>,
    /// None where there is but one server.
    pub(crate) projects: Vec<Project>,
    pub(crate) name: Option<String>,
}

impl Preferences {
    /// From the command line and the `[worker]` section.
    ///
    /// # Errors
    /// A key that is none, or a value that makes no sense, by name.
    pub(crate) fn merge(flags: &Given, table: toml::Table) -> anyhow::Result<Self> {
        let file: Given = table
            .try_into()
            .map_err(|error| Usage(format!("configuration file, [worker]: {error}")))?;
        let number = |name: &str, flag: Option<f64>, file: Option<f64>, usual: f64, least: f64, most: f64| {
            let value = flag.or(file).unwrap_or(usual);
            match value >= least && value <= most {
                true => Ok(value),
                false => Err(Usage(format!("{name} = {value}: expected {least} to {most}"))),
            }
        };
        let devices = flags.device.clone().or(file.device).unwrap_or_else(|| vec!["auto".into()]);
        devices::check_names(&devices).map_err(Usage)?;
        // A limit that is there when it is given.
        let limit = |name: &str, flag: Option<f64>, file: Option<f64>, least: f64, most: f64| match flag.or(file) {
            None => Ok(None),
            value => number(name, value, None, least, least, most).map(Some),
        };
        let rate = |name: &str, flag, file| limit(name, flag, file, BYTES_SEC_MIN, 1e12);
        let hours = (
            limit("start_hour", flags.start_hour, file.start_hour, 0.0, 24.0)?,
            limit("end_hour", flags.end_hour, file.end_hour, 0.0, 24.0)?,
        );
        let hours = match (hours, flags.schedule.as_ref().or(file.schedule.as_ref())) {
            ((None, None), None) => None,
            ((None, None), Some(schedule)) => Some(schedule::week(schedule).map_err(Usage)?),
            ((Some(start), Some(end)), None) => schedule::daily(minute(start), minute(end)),
            (_, Some(_)) => {
                let problem =
                    "schedule: found start_hour or end_hour beside it, expected one way to say the hours: give either";
                return Err(Usage(problem.into()).into());
            }
            _ => return Err(Usage("start_hour and end_hour go together: give both".into()).into()),
        };
        Ok(Self {
            run_on_batteries: flags.run_on_batteries.or(file.run_on_batteries).unwrap_or(false),
            run_if_user_active: flags.run_if_user_active.or(file.run_if_user_active).unwrap_or(true),
            idle_time_to_run: number(
                "idle_time_to_run",
                flags.idle_time_to_run,
                file.idle_time_to_run,
                3.0,
                0.0,
                10_000.0,
            )?,
            max_ncpus_pct: number("max_ncpus_pct", flags.max_ncpus_pct, file.max_ncpus_pct, 100.0, 1.0, 100.0)?,
            hours,
            max_bytes_sec_up: rate("max_bytes_sec_up", flags.max_bytes_sec_up, file.max_bytes_sec_up)?,
            max_bytes_sec_down: rate("max_bytes_sec_down", flags.max_bytes_sec_down, file.max_bytes_sec_down)?,
            month_max_gb: limit("month_max_gb", flags.month_max_gb, file.month_max_gb, 0.001, 1e6)?,
            disk_max_used_gb: number(
                "disk_max_used_gb",
                flags.disk_max_used_gb,
                file.disk_max_used_gb,
                20.0,
                0.001,
                1e6,
            )?,
            ram_max_used_gb: number(
                "ram_max_used_gb",
                flags.ram_max_used_gb,
                file.ram_max_used_gb,
                usual_ram_gb(),
                0.001,
                1e6,
            )?,
            exclude_gpus: flags.exclude_gpus.clone().or(file.exclude_gpus).unwrap_or_default(),
            exclusive_apps: flags.exclusive_apps.clone().or(file.exclusive_apps).unwrap_or_default(),
            exit_when_idle: flags.exit_when_idle.or(file.exit_when_idle).unwrap_or(false),
            no_priority_change: flags.no_priority_change.or(file.no_priority_change).unwrap_or(false),
            referee: flags.referee.or(file.referee).unwrap_or(false),
            signed_only: flags.signed_only.or(file.signed_only).unwrap_or(false),
            root_key: flags.root_key.or(file.root_key),
            devices,
            projects: projects::projects(&flags.projects.clone().or(file.projects).unwrap_or_default()).map_err(Usage)?,
            name: flags.name.clone().or(file.name),
        })
    }
}

impl Preferences {
    /// The part that decides whether to compute.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            run_on_batteries: self.run_on_batteries,
            run_if_user_active: self.run_if_user_active,
            idle_time_to_run_ms: (self.idle_time_to_run * 60_000.0) as u64,
            hours: self.hours.clone(),
            disk_max_used_bytes: (self.disk_max_used_gb * 1e9) as u64,
            month_max_bytes: self.month_max_gb.map(|gb| (gb * 1e9) as u64),
            exit_when_idle: self.exit_when_idle,
        }
    }

    /// Room for one of `jobs` jobs at a time, where so many bytes are in the state folder.
    pub(crate) fn room(&self, jobs: usize, disk_used_bytes: u64) -> Room {
        Room {
            ram_bytes: (self.ram_max_used_gb * 1e9) as u64 / jobs.max(1) as u64,
            disk_bytes: self.policy().disk_max_used_bytes.saturating_sub(disk_used_bytes),
        }
    }

    /// Hold transfers to the limits of bandwidth.
    pub(crate) fn limit(&self, transfers: &Transfers) {
        transfers.up.limit(self.max_bytes_sec_up.map(|rate| rate as u64));
        transfers.down.limit(self.max_bytes_sec_down.map(|rate| rate as u64));
    }

    /// The next hours in which this host is off, or those that last, in minutes of the UTC day; none within a day, or longer than one, is none: the server
    /// takes them to come every day. Now is a minute of the local week, and local time is so many minutes ahead of UTC.
    pub(crate) fn night(&self, local_minute: u16, minutes_ahead_of_utc: i32) -> Option<Night> {
        let closed = self.hours.as_ref()?.closed(local_minute)?;
        let utc = |minute: u16| (i32::from(minute) - minutes_ahead_of_utc).rem_euclid(i32::from(DAY_MINUTES)) as u16;
        (closed.begins_in < DAY_MINUTES && closed.lasts < DAY_MINUTES).then(|| Night {
            from_minute: utc(closed.from),
            until_minute: utc(closed.until),
        })
    }
}

/// Half of the machine's memory; where that cannot be found out, as much as there may be.
fn usual_ram_gb() -> f64 {
    super::machine::memory_bytes().map_or(1e6, |bytes| (bytes as f64 / 2e9).max(0.001))
}

/// Minute of the day, 0 to 1439.
fn minute(hour: f64) -> u16 {
    ((hour * 60.0).round() as u16) % 1440
}

#[cfg(test)]
mod tests {
    use planner::{Facts, Request, Time};
    use proptest::prelude::*;

    use super::super::machine;
    use super::*;

    fn merged(flags: &Given, text: &str) -> anyhow::Result<Preferences> {
        Preferences::merge(flags, text.parse().expect("TOML"))
    }

    #[test]
    fn flags_go_before_the_file_and_the_file_before_what_is_usual() {
        let text =
            "run_on_batteries = true\nidle_time_to_run = 10.0\nexclusive_apps = [\"blender\"]\nstart_hour = 22\nend_hour = 6.5";
        let flags = Given {
            idle_time_to_run: Some(1.0),
            ..Given::default()
        };
        let found = merged(&flags, text).unwrap();
        assert!(found.run_on_batteries && found.run_if_user_active);
        assert_eq!((found.idle_time_to_run, found.max_ncpus_pct), (1.0, 100.0));
        assert_eq!(found.exclusive_apps, ["blender"]);
        assert_eq!(found.hours, schedule::daily(22 * 60, 6 * 60 + 30));
        assert_eq!(merged(&Given::default(), "").unwrap().hours, None);
    }

    #[test]
    fn hours_are_local_and_the_server_is_told_those_of_utc() {
        let preferences = merged(&Given::default(), "start_hour = 22\nend_hour = 6").unwrap();
        let night = preferences.night(0, 120).unwrap();
        // Off from 06:00 to 22:00 local, that is 04:00 to 20:00 UTC.
        assert_eq!((night.from_minute, night.until_minute), (240, 1200));
        let all = merged(&Given::default(), "start_hour = 6\nend_hour = 6").unwrap();
        assert_eq!(all.night(0, 120), None);
    }

    /// Berlin's clocks went from 02:00 to 03:00 on Sunday, 29 March 2026: hours stay those of the local clock.
    #[test]
    fn a_weekly_schedule_follows_the_local_clock_over_a_change_to_summer_time() {
        let preferences = merged(
            &Given::default(),
            "schedule = [\"fri-sat 18:00-08:00\", \"sun-mon 18:00-08:00\"]",
        )
        .unwrap();
        // Seconds since 1970: when it is, whether it is open, and the night in hours of UTC that the server is told.
        let saturday = 1_774_652_400;
        for (hours, local, is_open, night) in [
            (0, "Sat 00:00", true, (7, 17)),
            (6, "Sat 06:00", true, (7, 17)),
            (8, "Sat 08:00", false, (7, 17)),
            // From Saturday 18:00 on the next time off is Sunday's, by winter time still.
            (24, "Sun 00:00", true, (7, 17)),
            (25, "Sun 01:00", true, (7, 17)),
            // 01:00 UTC: the clocks go forward.
            (26, "Sun 03:00", true, (6, 16)),
            (30, "Sun 07:00", true, (6, 16)),
            (31, "Sun 08:00", false, (6, 16)),
            (41, "Sun 18:00", true, (6, 16)),
        ] {
            let at = saturday + hours * 3600;
            let output = std::process::Command::new("date")
                .args(["-d", &format!("@{at}"), "+%z"])
                .env("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
                .output()
                .expect("date");
            if !output.status.success() {
                println!("skipped: this platform's date knows no -d");
                return;
            }
            let ahead = machine::offset(String::from_utf8_lossy(&output.stdout).trim()).unwrap();
            let minute = machine::local_minute(at * 1000, ahead);
            assert_eq!(schedule::words(minute), local);
            let facts = Facts {
                local_minute: minute,
                ..Facts::default()
            };
            let why = preferences.policy().why_not(Request::Run, &facts, Time(0));
            assert_eq!(why.is_none(), is_open, "{local}");
            let told = preferences
                .night(minute, ahead)
                .map(|night| (night.from_minute / 60, night.until_minute / 60));
            assert_eq!(told, Some(night), "{local}");
        }
    }

    #[test]
    fn the_server_is_told_the_next_night_alone_and_no_weekend() {
        let preferences = merged(&Given::default(), "schedule = [\"mon-fri 18:00-08:00\", \"sat 08:00-20:00\"]").unwrap();
        let told = |day: u16, hour: u16| preferences.night(day * DAY_MINUTES + hour * 60, 0);
        assert_eq!(
            told(0, 20).map(|night| (night.from_minute, night.until_minute)),
            Some((480, 1080))
        );
        // Saturday at 20:00 until Monday at 18:00 is more than a night.
        assert_eq!(told(5, 12), None);
        assert_eq!(told(6, 12), None);
    }

    proptest! {
        #[test]
        fn limits_that_are_taken_are_in_their_range_and_overflow_nothing(
            numbers in proptest::array::uniform6(proptest::option::of(any::<f64>())),
            network in proptest::array::uniform3(proptest::option::of(any::<f64>())),
            minute in 0..planner::week::WEEK_MINUTES,
            used: u64,
            jobs: usize,
            ahead: i16,
        ) {
            let [idle_time_to_run, max_ncpus_pct, disk_max_used_gb, ram_max_used_gb, start_hour, end_hour] = numbers;
            let [max_bytes_sec_up, max_bytes_sec_down, month_max_gb] = network;
            let given = Given {
                idle_time_to_run,
                max_bytes_sec_up,
                max_bytes_sec_down,
                month_max_gb,
                max_ncpus_pct,
                disk_max_used_gb,
                ram_max_used_gb,
                start_hour,
                end_hour,
                ..Given::default()
            };
            let Ok(found) = Preferences::merge(&given, toml::Table::new()) else { return Ok(()) };
            let policy = found.policy();
            prop_assert!((1_000_000..=1_000_000_000_000_000).contains(&policy.disk_max_used_bytes));
            prop_assert!((1.0..=100.0).contains(&found.max_ncpus_pct));
            let room = found.room(jobs, used);
            prop_assert!(room.disk_bytes <= policy.disk_max_used_bytes && room.ram_bytes <= 1_000_000_000_000_000);
            let night = found.night(minute, i32::from(ahead));
            prop_assert!(night.is_none_or(|night| night.from_minute < 1440 && night.until_minute < 1440));
        }
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        for (text, word) in [
            ("run_on_battery = true", "run_on_battery"),
            ("max_ncpus_pct = 0", "max_ncpus_pct"),
            ("start_hour = 3", "end_hour"),
            ("start_hour = 3\nend_hour = 25", "end_hour"),
            ("ram_max_used_gb = 0", "ram_max_used_gb"),
            ("disk_max_used_gb = nan", "disk_max_used_gb"),
            ("schedule = [\"mon-fri 18-8\"]", "expected HH:MM"),
            ("schedule = \"mon\"", "schedule"),
            ("schedule = [\"mon\"]\nstart_hour = 3\nend_hour = 4", "give either"),
            ("schedule = []", "expected one entry at least"),
            ("max_bytes_sec_up = 100", "expected 8192"),
            ("max_bytes_sec_down = \"fast\"", "max_bytes_sec_down"),
            ("month_max_gb = -1", "month_max_gb"),
        ] {
            let message = merged(&Given::default(), text).unwrap_err().to_string();
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
