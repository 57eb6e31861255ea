//! The volunteer's preferences as far as they decide whether to compute, and the decision.

use crate::input::{Facts, Request};
use crate::reason::Reason;
use crate::time::Time;
use crate::week::{WEEK_MINUTES, Week};

/// Preferences that decide whether to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Compute on battery.
    pub run_on_batteries: bool,
    /// Compute while somebody uses the machine.
    pub run_if_user_active: bool,
    /// Nobody uses the machine after so many milliseconds without input.
    pub idle_time_to_run_ms: u64,
    /// Compute only in these hours of the local week.
    pub hours: Option<Week>,
    /// Bytes that the state folder may have.
    pub disk_max_used_bytes: u64,
    /// Bytes that may go over the network in a calendar month.
    pub month_max_bytes: Option<u64>,
    /// End when there is nothing to do.
    pub exit_when_idle: bool,
}

impl Policy {
    /// Minutes until the hours begin in which to compute; none while they last, or where all are.
    #[must_use]
    pub fn opens_in(&self, facts: &Facts) -> Option<u16> {
        let opens_in = self.hours.as_ref()?.opens_in(facts.local_minute);
        (opens_in > 0).then_some(opens_in)
    }

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
        if let Some(opens_in) = self.opens_in(facts) {
            return Some(Reason::OffHours {
                opens: (facts.local_minute + opens_in) % WEEK_MINUTES,
            });
        }
        if let Some(max_bytes) = self.month_max_bytes.filter(|max_bytes| facts.month_bytes >= *max_bytes) {
            return Some(Reason::MonthUsedUp { max_bytes });
        }
        (facts.disk_used_bytes > self.disk_max_used_bytes).then_some(Reason::DiskFull {
            used_bytes: facts.disk_used_bytes,
            max_bytes: self.disk_max_used_bytes,
        })
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
            month_max_bytes: None,
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
        let metered = Policy {
            month_max_bytes: Some(1_000_000),
            ..policy()
        };
        let moved = |month_bytes| Facts {
            month_bytes,
            ..Facts::default()
        };
        assert_eq!(why(&metered, Request::Run, &moved(999_999)), None);
        assert_eq!(
            why(&metered, Request::Run, &moved(1_000_000)),
            Some(Reason::MonthUsedUp { max_bytes: 1_000_000 })
        );
        let nightly = Policy {
            hours: Week::new([(22 * 60, 8 * 60)]),
            ..policy()
        };
        let off = |local_minute| {
            let facts = Facts {
                local_minute,
                ..Facts::default()
            };
            why(&nightly, Request::Run, &facts)
        };
        assert_eq!((off(22 * 60), off(30 * 60 - 1)), (None, None));
        assert_eq!(off(30 * 60), Some(Reason::OffHours { opens: 22 * 60 }));
    }
}
