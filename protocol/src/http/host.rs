//! What a worker registers and reports.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, HardwareClass, HostId, HostState, PublicKey};

/// One device of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceReport {
    /// Short name, unique on the host: `cpu`, `vulkan:0`.
    pub id: String,
    /// Name for people.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// What it was measured to be: at most one class a tier, at least one.
    pub classes: Vec<HardwareClass>,
}

/// Hours in which a host is off, every day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Night {
    /// Begins at this minute of the UTC day, 0 to 1439.
    pub from_minute: u16,
    /// Ends at this minute of the UTC day, 0 to 1439; smaller than `from_minute` when midnight lies between.
    pub until_minute: u16,
}

/// `POST /v1/hosts` with an enrolment token; `PUT /v1/hosts/{host}` with the host's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisterHost {
    /// Name for people, at most 120 bytes.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// Version of the worker.
    #[serde(deserialize_with = "crate::text::read")]
    pub version: String,
    /// Version of the protocol that it speaks: [`super::PROTOCOL`] of its time.
    #[serde(default = "super::first_protocol")]
    pub protocol: u32,
    /// Its devices, at most 64; a job runs on one.
    pub devices: Vec<DeviceReport>,
    /// Hours in which it is off.
    #[serde(default)]
    pub night: Option<Night>,
    /// As in [`Heartbeat::instance`].
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub instance: Option<String>,
    /// It is to be a referee, which computes checks alone and decides: its token has that scope.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub referee: bool,
    /// Its public key: with it, it signs what it commits. Once said it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PublicKey>,
}

/// Answer to [`RegisterHost`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registered {
    /// Its number.
    pub host: HostId,
    /// The host's own token, for all its other routes. Said once, at the first registration; none at later ones.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub token: Option<String>,
    /// Longest time between two heartbeats, seconds.
    pub heartbeat_s: u64,
    /// Version of the protocol that the server speaks.
    #[serde(default = "super::first_protocol")]
    pub protocol: u32,
    /// As in [`super::ServerView::server`]; empty from servers that have none.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub server: String,
    /// As in [`super::ServerView::life`]; 0 from servers that have none.
    #[serde(default)]
    pub life: u64,
}

/// How far a job has come on a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobProgress {
    /// The attempt.
    pub attempt: AttemptId,
    /// Its epoch.
    pub epoch: u64,
    /// Last boundary reached, committed or not.
    pub segment: u64,
    /// Time a segment takes, milliseconds.
    pub segment_ms: u64,
}

/// `POST /v1/hosts/{host}/heartbeat`. The answer is [`super::Orders`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The host's clock, Unix milliseconds.
    pub clock_ms: u64,
    /// Round trip of its last request, milliseconds.
    #[serde(default)]
    pub rtt_ms: Option<u32>,
    /// Every attempt that it computes.
    #[serde(default)]
    pub jobs: Vec<JobProgress>,
    /// Whether it takes new jobs (`baton worker finish` and `pause` say no).
    #[serde(default = "yes")]
    pub accepting: bool,
    /// Why not: `on battery`, `user active`.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub why: Option<String>,
    /// Errors since the last heartbeat that no attempt's end has told.
    #[serde(default)]
    pub errors: u32,
    /// Which running agent this is: random, new at each start of an agent, 1 to 64 visible characters. The last one that registered under the
    /// host's number speaks for it; a heartbeat of another one (its state folder was copied) is refused with 409 `/problems/instance` and
    /// changes nothing. None from agents that do not say; those are not told apart.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub instance: Option<String>,
}

fn yes() -> bool {
    true
}

/// `POST /v1/hosts/{host}/departure`: its jobs migrate first. The answer is [`super::Orders`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaveNotice {
    /// Leaves after this time, seconds; 0 when it stops as soon as its boundaries are committed.
    pub in_s: u64,
    /// Expects to be back after this time, seconds from now.
    #[serde(default)]
    pub back_in_s: Option<u64>,
    /// `shutdown`, `user returned`, `Ctrl-C`.
    #[serde(deserialize_with = "crate::text::read")]
    pub reason: String,
}

/// `POST /v1/hosts/{host}/ban` (operator): its leases end at once, and whatever it sends is refused with 403 `/problems/banned`.
/// `DELETE` on the same path takes the ban back. Both answer with [`HostView`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BanHost {
    /// Why, for the host's person and for the log; at most 200 characters count.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub reason: String,
}

/// `GET /v1/hosts/{host}`: what is known of a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostView {
    /// Its number.
    pub host: HostId,
    /// Name for people.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// The host's state.
    pub state: HostState,
    /// Why, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub reason: String,
    /// First registration, Unix milliseconds.
    pub first_seen_ms: u64,
    /// Last message, Unix milliseconds.
    pub last_seen_ms: u64,
    /// Its devices, each with the job it has or why it has none.
    pub devices: Vec<DeviceView>,
    /// Hours in which it is off.
    pub night: Option<Night>,
    /// Leaves at this Unix time, milliseconds.
    pub departs_ms: Option<u64>,
    /// Chance to be there still after 1, 24 and 168 hours, parts per million.
    pub chance_ppm: [u32; 3],
    /// `new`, `flaky`, `leaving` (within hours), `fair` or `reliable`.
    #[serde(deserialize_with = "crate::text::read")]
    pub reliability: String,
    /// What that rests on: `2 times silent, known for 12 days`. Empty from older servers.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub reliability_why: String,
    /// Gets no jobs until this Unix time, milliseconds, after errors in a row.
    pub backoff_until_ms: Option<u64>,
    /// Distinct addresses seen.
    pub addresses: u32,
    /// Least round trip, milliseconds.
    pub rtt_min_ms: Option<u32>,
    /// Mean round trip, milliseconds.
    pub rtt_mean_ms: Option<u32>,
    /// The host's clock minus the server's, milliseconds.
    pub clock_skew_ms: i64,
    /// Share of each of the last 24 hours in which it was online, percent, oldest first.
    pub hours_percent: Vec<u8>,
    /// Hours a day available, over its life, tenths.
    pub hours_per_day_tenths: u32,
    /// Stops that it announced.
    pub planned_stops: u32,
    /// Times it went silent.
    pub unplanned_stops: u32,
    /// Times it was given up.
    pub losses: u32,
    /// Boundaries committed.
    pub boundaries: u64,
    /// Boundaries committed per hour online, hundredths.
    pub boundaries_per_hour_hundredths: u64,
    /// Attempts that ended well.
    pub successes: u32,
    /// Errors.
    pub errors: u32,
    /// Why an operator banned it; none when it is not banned.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub banned: Option<String>,
    /// `probation`, `proven`, `suspect`, `quarantined` or `out`: what checks of its work have shown.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub standing: String,
    /// Stretches of its work that a second host confirmed since it last returned a wrong one.
    #[serde(default)]
    pub checks_passed: u64,
    /// Wrong results that it was found to have returned.
    #[serde(default)]
    pub faults: u32,
    /// Segments that it computed and that were verified, as work or as checks; it is itself told of those until the UTC day began.
    #[serde(default)]
    pub credit_segments: u64,
    /// What they cost on the reference device, the operator's referee, seconds; segments of packages that no referee has computed yet cost nothing.
    #[serde(default)]
    pub credit_s: u64,
}

/// One of `GET /v1/credit`: verified work of all hosts of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreditView {
    /// Subject of the token that enrolled them; none for the token that volunteers share.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub subject: Option<String>,
    /// Its hosts with verified work.
    pub hosts: u64,
    /// As in [`HostView::credit_segments`].
    pub segments: u64,
    /// As in [`HostView::credit_s`].
    pub cost_s: u64,
}

/// One device of a [`HostView`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceView {
    /// Short name.
    #[serde(deserialize_with = "crate::text::read")]
    pub id: String,
    /// Name for people.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// What it was measured to be.
    pub classes: Vec<HardwareClass>,
    /// Job that it computes.
    pub attempt: Option<AttemptId>,
    /// Why it has nothing to do.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub idle: Option<String>,
}
