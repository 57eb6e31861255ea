//! Sentences for the planner's typed reasons and messages, as a person, the status file and the server read them.

use planner::{Declined, Idle, Leaving, Message, Reason};
use protocol::Version;
use protocol::http::Action;

use super::schedule;
use crate::console::progress::duration;

fn seconds(ms: u64) -> String {
    duration(ms as f64 / 1000.0)
}

/// What a person should know of versions: the server's program is newer than this one.
pub(crate) fn newer(server: &str, own: &str) -> Option<String> {
    let (newer, known): (Version, Version) = (server.parse().ok()?, own.parse().ok()?);
    (newer > known).then(|| format!("version {server} is available: the server runs it, and this is {own}"))
}

/// The version that the server requires of agents, where this one is older.
pub(crate) fn required(least: Option<Version>, own: &str) -> Option<String> {
    let own: Version = own.parse().ok()?;
    least.filter(|least| *least > own).map(|least| least.to_string())
}

/// Why nothing is computed, without the word *paused*: `on battery`.
pub(crate) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Asked { left_ms: None } => "until `baton worker resume`".into(),
        Reason::Asked { left_ms: Some(left) } => format!("for {} more", seconds(*left)),
        Reason::OnBattery => "on battery".into(),
        Reason::ExclusiveApp(app) => format!("{app} runs"),
        Reason::UserActive => "user active".into(),
        Reason::NoDevice => "none of the devices to compute on is here; `baton devices` lists what there is".into(),
        Reason::OffHours { opens } => format!("off hours, computes again from {} on", schedule::words(*opens)),
        Reason::MonthUsedUp { max_bytes } => format!(
            "this month's {} GB over the network are used up (month_max_gb)",
            *max_bytes as f64 / 1e9
        ),
        Reason::DiskFull { used_bytes, max_bytes } => format!(
            "the state folder has {:.3} GB, disk_max_used_gb is {}",
            *used_bytes as f64 / 1e9,
            *max_bytes as f64 / 1e9
        ),
    }
}

/// Why the agent is about to end.
pub(crate) fn leaving(why: Leaving) -> &'static str {
    match why {
        Leaving::Signal => "Ctrl-C or SIGTERM",
        Leaving::Finished => "finished",
        Leaving::NothingToDo => "nothing to do",
    }
}

/// Why no new jobs are taken, as the server is told.
pub(crate) fn declined(why: &Declined) -> String {
    match why {
        Declined::Paused(why) => reason(why),
        Declined::Finishing => "finishing".into(),
        Declined::Leaving(why) => leaving(*why).into(),
        Declined::Outdated(version) => format!("its agent is older than {version}, which is required"),
        Declined::Elsewhere(_) => "it computes for several projects, and this one does not have its turn".into(),
    }
}

/// What a person should do about a version that is required.
fn outdated(version: &str) -> String {
    format!("a newer version is required: the server gives new work to {version} or newer alone; install it")
}

/// The same, as a person reads it.
pub(crate) fn quiet(why: &Declined) -> String {
    match why {
        Declined::Paused(why) => format!("paused: {}", reason(why)),
        Declined::Finishing => "finishing: takes no new jobs".into(),
        Declined::Leaving(why) => format!("leaving: {}", leaving(*why)),
        Declined::Outdated(version) => outdated(version),
        Declined::Elsewhere(project) => format!("takes no new job: it is the turn of {project}"),
    }
}

/// Why a device computes nothing.
pub(crate) fn idle(why: &Idle) -> String {
    match why {
        Idle::Leaving(why) => format!("idle: leaving, {}", leaving(*why)),
        Idle::Paused(why) => format!("paused: {}", reason(why)),
        Idle::NotRegistered => "idle: this host is not registered yet".into(),
        Idle::NotHeard => "idle: the server has not answered yet".into(),
        Idle::Fetching(attempt) => format!("idle: fetches the package and checkpoint of attempt {attempt}"),
        Idle::Beginning(attempt) => format!("idle: attempt {attempt} begins"),
        Idle::Returning(attempt) => format!("idle: the boundaries of attempt {attempt} go home"),
        Idle::Doubted(attempt) => {
            format!(
                "waits: the server does not list attempt {attempt} any more, and is asked again before its boundaries are given up"
            )
        }
        Idle::Backlogged(attempt) => {
            format!("waits: attempt {attempt} has more boundaries that the server lacks than may wait here")
        }
        Idle::DeviceLost => "waits: the device was lost, and is looked for".into(),
        Idle::DeviceGone => "idle: the device is not here any more".into(),
        Idle::Finishing => "idle: finishing, takes no new jobs".into(),
        Idle::Outdated(version) => format!("idle: {}", outdated(version)),
        Idle::Elsewhere(project) => format!("idle: the device is for {project} now"),
        Idle::TakingOffers => "idle: takes the job that the server offers".into(),
        Idle::Server(why) => why.clone(),
        Idle::NoJob => "idle: the server offers no job".into(),
    }
}

/// A message, as a line that stays. `server` is the server's URL.
pub(crate) fn message(message: &Message, server: &str) -> String {
    match message {
        Message::Registered(host) => format!("registered as host {host}"),
        Message::Back(host) => format!("back as host {host}"),
        Message::Doubted(why) => format!(
            "{server} says that it does not know this host ({why}): it is asked again, and until it has confirmed that everything is kept here"
        ),
        Message::Forgotten(why) => {
            format!(
                "{server} has confirmed that it does not know this host any more ({why}): what was computed for it is dropped, enrolling anew"
            )
        }
        Message::Contended(why) => format!("another agent registered as this host ({why}): this one registers again"),
        Message::Copied(why) => format!(
            "two agents run with copies of one state folder ({why}). The other one goes on as this host, with all that is here; this one enrols as a host of its own"
        ),
        Message::LeaseDoubted { job, why } => {
            let why = why.as_deref().unwrap_or("its orders do not list it any more");
            format!(
                "job {job}: the server says that its lease is over ({why}); boundaries that it lacks are kept until it has confirmed that"
            )
        }
        Message::ServerAway(why) => format!("the server is away ({why}); computing goes on, boundaries are kept here"),
        Message::ServerBack => "the server is back".into(),
        Message::Paused(why) => format!("paused: {}", reason(why)),
        Message::Resumed => "goes on".into(),
        Message::Leaving { with_jobs: false } => "leaving".into(),
        Message::Leaving { with_jobs: true } => {
            "leaving: jobs go to their next boundary and home first; Ctrl-C again stops at once, and keeps every boundary"
                .into()
        }
        Message::Ended => {
            format!("ends: no job is left here, and every boundary that was computed under a lease is safe at {server}")
        }
        Message::StoppingNow => "stopping now; every boundary is kept, and goes on when the agent starts again".into(),
        Message::Computes {
            job,
            name,
            device,
            segment,
        } => format!("job {job} {name}: computes on {device} from segment {segment}"),
        Message::ToldToStop { job, action, reason } => {
            let when = if *action == Action::StopNow {
                "now"
            } else {
                "at its next boundary"
            };
            format!("job {job} stops {when}: {reason}")
        }
        Message::Completed { job, segment } => format!("job {job}: completed, segment {segment} is safe"),
        Message::HandedOver { job, segment } => format!("job {job}: segment {segment} is safe, it can go on elsewhere"),
        Message::LeaseOver { job, loses, why } => {
            let why = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let lost = if *loses {
                "what was computed under it since its last commit is dropped"
            } else {
                "nothing that was computed under it is lost"
            };
            format!("job {job}: its lease is over, {lost}{why}")
        }
        Message::DeviceLost { job, device, why } => {
            format!("job {job}: {device} was lost ({why}); it is looked for, and the job goes on from its last boundary")
        }
        Message::Displaced { job, device } => {
            format!(
                "job {job}: {device} is gone or has another class now; what was computed goes home, and the job on elsewhere"
            )
        }
        Message::Failed { job, failure } => format!("job {job}: {}", failure.text),
    }
}

/// Characters of a text from elsewhere that are shown.
const TEXT_MAX: usize = 1000;

/// Text from elsewhere, without what could move a terminal's cursor or hide words ([`protocol::text`]), and no longer than a person reads.
pub(crate) fn plain(text: &str) -> String {
    let end = text.char_indices().nth(TEXT_MAX).map(|(at, _)| at);
    let shown = protocol::text::plain(&text[..end.unwrap_or(text.len())]).into_owned();
    shown + end.map_or("", |_| "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_the_documents_say() {
        assert_eq!(quiet(&Declined::Paused(Reason::OnBattery)), "paused: on battery");
        let left = Reason::Asked { left_ms: Some(60_000) };
        assert_eq!(quiet(&Declined::Paused(left)), "paused: for 1 min 0 s more");
        let app = Reason::ExclusiveApp("blender".into());
        assert_eq!(idle(&Idle::Paused(app)), "paused: blender runs");
        let off = Reason::OffHours { opens: 1440 + 1320 };
        assert_eq!(reason(&off), "off hours, computes again from Tue 22:00 on");
    }

    #[test]
    fn a_newer_version_of_the_server_is_told_and_nothing_else() {
        let words = newer("0.10.0", "0.9.3").unwrap();
        assert_eq!(words, "version 0.10.0 is available: the server runs it, and this is 0.9.3");
        assert!(newer("1.0.0-rc.1", "0.9.3").is_some());
        assert_eq!(required("0.10.0".parse().ok(), "0.9.3").as_deref(), Some("0.10.0"));
        assert_eq!(required("0.9.3".parse().ok(), "0.9.3"), None);
        assert_eq!(required(None, "0.9.3"), None);
        for server in ["0.9.3", "0.9.2", "0.9", "", "x.y", "1.0.0.\u{1b}"] {
            assert_eq!(newer(server, "0.9.3"), None, "{server:?}");
        }
    }

    #[test]
    fn what_moves_a_cursor_is_made_visible() {
        assert_eq!(plain("a\u{1b}[2Jb\n\u{202e}c\u{200b}"), "a\u{fffd}[2Jb \u{fffd}c\u{fffd}");
        assert_eq!(plain("Å 3 · ü"), "Å 3 · ü");
        assert_eq!(plain(&"ä".repeat(100_000)).chars().count(), TEXT_MAX + 1);
    }
}
