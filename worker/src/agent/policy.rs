//! Whether to compute now, and why not. The reasons are a pure function of what was looked up.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::http::Night;

use super::machine;
use super::preferences::{Preferences, minute};
use super::state::{StateFolder, Wished};

/// Looking at processes and disk takes a while: not oftener than this.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What was found out about the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    on_battery: bool,
    idle: Option<Duration>,
    app: Option<String>,
    disk_bytes: u64,
    ahead_minutes: i32,
}

/// Looks at the machine now and then.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Seen,
    looked: Option<Instant>,
}

impl Watch {
    /// What is so, not older than some seconds.
    pub(crate) fn look(&mut self, preferences: &Preferences, state: &StateFolder) -> &Seen {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.seen = Seen {
                on_battery: !preferences.run_on_batteries && machine::on_battery(),
                idle: if preferences.run_if_user_active {
                    None
                } else {
                    machine::idle()
                },
                app: machine::running(&preferences.exclusive_apps).map(str::to_owned),
                disk_bytes: state.bytes(),
                ahead_minutes: if preferences.hours.is_some() {
                    machine::minutes_ahead_of_utc()
                } else {
                    0
                },
            };
            self.looked = Some(Instant::now());
        }
        &self.seen
    }

    /// Look again at the next occasion.
    pub(crate) fn forget(&mut self) {
        self.looked = None;
    }
}

/// Unix time, milliseconds.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Why not to compute now; none when nothing is in the way.
pub(crate) fn why_not(preferences: &Preferences, wished: Wished, seen: &Seen, now_ms: u64, utc_minute: f64) -> Option<String> {
    if let Wished::Pause { until_ms } = wished {
        match until_ms {
            None => return Some("paused: until `baton worker resume`".into()),
            Some(until) if until > now_ms => {
                let left = crate::console::progress::duration((until - now_ms) as f64 / 1000.0);
                return Some(format!("paused: for {left} more"));
            }
            Some(_) => {}
        }
    }
    if seen.on_battery {
        return Some("paused: on battery".into());
    }
    if let Some(app) = &seen.app {
        return Some(format!("paused: {app} runs"));
    }
    let active = Duration::from_secs_f64(preferences.idle_time_to_run * 60.0);
    if !preferences.run_if_user_active && seen.idle.is_some_and(|idle| idle < active) {
        return Some("paused: user active".into());
    }
    if let Some(night) = night(preferences, seen)
        && is_night(night, utc_minute)
    {
        let (start, end) = preferences.hours.unwrap_or_default();
        return Some(format!("paused: off hours, computes from {} to {}", clock(start), clock(end)));
    }
    if seen.disk_bytes as f64 > preferences.disk_max_used_gb * 1e9 {
        return Some(format!(
            "paused: the state folder has {:.3} GB, disk_max_used_gb is {}",
            seen.disk_bytes as f64 / 1e9,
            preferences.disk_max_used_gb
        ));
    }
    None
}

/// The hours in which this host is off, in minutes of the UTC day.
pub(crate) fn night(preferences: &Preferences, seen: &Seen) -> Option<Night> {
    let (start, end) = preferences.hours?;
    let utc = |hour: f64| (i32::from(minute(hour)) - seen.ahead_minutes).rem_euclid(1440) as u16;
    Some(Night {
        from_minute: utc(end),
        until_minute: utc(start),
    })
}

fn is_night(night: Night, utc_minute: f64) -> bool {
    let (from, until) = (f64::from(night.from_minute), f64::from(night.until_minute));
    match from < until {
        true => (from..until).contains(&utc_minute),
        false => utc_minute >= from || utc_minute < until,
    }
}

fn clock(hour: f64) -> String {
    let minute = minute(hour);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::super::preferences::Given;
    use super::*;

    fn preferences(text: &str) -> Preferences {
        Preferences::merge(&Given::default(), text.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_reason_is_said_and_goes_away() {
        let plain = preferences("");
        let why = |preferences: &Preferences, wished, seen: &Seen| why_not(preferences, wished, seen, 1000, 720.0);
        let free = Seen::default();
        assert_eq!(why(&plain, Wished::Run, &free), None);
        assert_eq!(why(&plain, Wished::Finish, &free), None);
        assert!(
            why(&plain, Wished::Pause { until_ms: None }, &free)
                .unwrap()
                .contains("resume")
        );
        assert!(
            why(&plain, Wished::Pause { until_ms: Some(61_000) }, &free)
                .unwrap()
                .contains("1 min 0 s")
        );
        assert_eq!(why(&plain, Wished::Pause { until_ms: Some(1000) }, &free), None);
        let battery = Seen {
            on_battery: true,
            ..Seen::default()
        };
        assert_eq!(why(&plain, Wished::Run, &battery).as_deref(), Some("paused: on battery"));
        let active = preferences("run_if_user_active = false");
        let typing = Seen {
            idle: Some(Duration::from_secs(10)),
            ..Seen::default()
        };
        assert_eq!(why(&active, Wished::Run, &typing).as_deref(), Some("paused: user active"));
        assert_eq!(why(&plain, Wished::Run, &typing), None);
        let full = Seen {
            disk_bytes: 30_000_000_000,
            ..Seen::default()
        };
        assert!(why(&plain, Wished::Run, &full).unwrap().contains("disk_max_used_gb"));
    }

    #[test]
    fn hours_are_local_and_may_go_over_midnight() {
        let preferences = preferences("start_hour = 22\nend_hour = 6");
        let seen = Seen {
            ahead_minutes: 120,
            ..Seen::default()
        };
        let night = night(&preferences, &seen).unwrap();
        // Off from 06:00 to 22:00 local, that is 04:00 to 20:00 UTC.
        assert_eq!((night.from_minute, night.until_minute), (240, 1200));
        let off = |minute: f64| why_not(&preferences, Wished::Run, &seen, 0, minute).is_some();
        assert!(off(240.0) && off(1199.9) && !off(1200.0) && !off(0.0) && !off(239.9));
    }
}
