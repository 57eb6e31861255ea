//! The volunteer's preferences as far as they decide whether to compute, and the decision.

use crate::input::{Facts, Request};
use crate::reason::Reason;
use crate::time::Time;

/// Preferences that decide whether to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Compute on battery.
    pub run_on_batteries: bool,
    /// Compute while somebody uses the machine.
    pub run_if_user_active: bool,
    /// Nobody uses the machine after so many milliseconds without input.
    pub idle_time_to_run_ms: u64,
    /// Compute only from this minute of the local day until that one; the second may be smaller, with midnight between them.
    pub hours: Option<(u16, u16)>,
    /// Bytes that the state folder may have.
    pub disk_max_used_bytes: u64,
    /// End when there is nothing to do.
    pub exit_when_idle: bool,
}

impl Policy {
    /// Why nothing may be computed now; none when nothing is in the way.
    #[must_use]
    pub fn why_not(&self, request: Request, facts: &Facts, now: Time) -> Option<Reason> {
        if let Request::Pause { until } = request {
            match until {
                None => return Some(Reason::Asked { left_ms: None }),
                Some(until) if until > now => {
                    return Some(Reason::Asked {
                        left_ms: Some(until.since(now)),
                    });
                }
                Some(_) => {}
            }
        }
        if facts.on_battery && !self.run_on_batteries {
            return Some(Reason::OnBattery);
        }
        if let Some(app) = &facts.exclusive_app {
            return Some(Reason::ExclusiveApp(app.clone()));
        }
        if !self.run_if_user_active && facts.user_idle_ms.is_some_and(|idle| idle < self.idle_time_to_run_ms) {
            return Some(Reason::UserActive);
        }
        if let Some((from_minute, until_minute)) = self.hours
            && !within(from_minute, until_minute, facts.local_minute)
        {
            return Some(Reason::OffHours {
                from_minute,
                until_minute,
            });
        }
        (facts.disk_used_bytes > self.disk_max_used_bytes).then_some(Reason::DiskFull {
            used_bytes: facts.disk_used_bytes,
            max_bytes: self.disk_max_used_bytes,
        })
    }
}

/// Whether a minute of the day lies in `from..until`, over midnight when `until` is the smaller one.
fn within(from: u16, until: u16, minute: u16) -> bool {
    if from < until {
        (from..until).contains(&minute)
    } else {
        minute >= from || minute < until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            run_on_batteries: false,
            run_if_user_active: true,
            idle_time_to_run_ms: 180_000,
            hours: None,
            disk_max_used_bytes: 20_000_000_000,
            exit_when_idle: false,
        }
    }

    #[test]
    fn each_reason_is_named_and_goes_away() {
        let free = Facts::default();
        let now = Time(1000);
        let why = |policy: &Policy, request, facts: &Facts| policy.why_not(request, facts, now);
        let plain = policy();
        assert_eq!(why(&plain, Request::Run, &free), None);
        assert_eq!(why(&plain, Request::Finish, &free), None);
        let pause = |until| Request::Pause { until };
        assert_eq!(why(&plain, pause(None), &free), Some(Reason::Asked { left_ms: None }));
        let left_ms = Some(60_000);
        assert_eq!(why(&plain, pause(Some(Time(61_000))), &free), Some(Reason::Asked { left_ms }));
        assert_eq!(why(&plain, pause(Some(now)), &free), None);
        let battery = Facts {
            on_battery: true,
            ..Facts::default()
        };
        assert_eq!(why(&plain, Request::Run, &battery), Some(Reason::OnBattery));
        let lent = Policy {
            run_on_batteries: true,
            ..policy()
        };
        assert_eq!(why(&lent, Request::Run, &battery), None);
        let typing = Facts {
            user_idle_ms: Some(10_000),
            ..Facts::default()
        };
        let shy = Policy {
            run_if_user_active: false,
            ..policy()
        };
        assert_eq!(why(&shy, Request::Run, &typing), Some(Reason::UserActive));
        assert_eq!(why(&plain, Request::Run, &typing), None);
        let full = Facts {
            disk_used_bytes: 30_000_000_000,
            ..Facts::default()
        };
        assert!(matches!(why(&plain, Request::Run, &full), Some(Reason::DiskFull { .. })));
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let nightly = Policy {
            hours: Some((22 * 60, 6 * 60)),
            ..policy()
        };
        let off = |hour: u16, minute: u16| {
            let facts = Facts {
                local_minute: hour * 60 + minute,
                ..Facts::default()
            };
            nightly.why_not(Request::Run, &facts, Time(0)).is_some()
        };
        assert!(off(6, 0) && off(12, 0) && off(21, 59));
        assert!(!off(22, 0) && !off(0, 0) && !off(5, 59));
    }
}
