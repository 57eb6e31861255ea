//! The lists: jobs with their totals and queues, and hosts.

use maud::{Markup, html};
use protocol::http::{HostView, JobView};
use protocol::{HostState, JobState};
use scheduler::{Core, Wanted};

use super::parts::{self, ClassNames, ago, count, span};
use super::view::{ROWS, Subject, View};
use crate::auth::Caller;

/// Hosts shown beside the jobs.
const HOSTS: usize = 20;

/// Jobs with totals above and queues below.
pub(super) fn jobs(core: &Core, caller: &Caller, base: &str, view: &View) -> Markup {
    let (now_ms, names) = (core.now_ms(), core.class_names());
    let owner = whose(caller, view);
    let states: Vec<JobState> = view.state.into_iter().collect();
    let wanted = Wanted {
        owner,
        states: &states,
        tag: None,
        text: &view.text,
    };
    let (jobs, total) = core.ranked_jobs(&wanted, view.skip(), ROWS);
    let tally = core.tally(owner);
    let hosts = core.host_tally();
    let online = hosts.get(&HostState::Online).copied().unwrap_or(0);
    html! {
        p.totals {
            a href={ (base) (view.in_state(None).link()) } aria-current=[view.state.is_none().then_some("true")] {
                (count(tally.values().sum(), "job"))
            }
            @for state in JobState::ALL {
                @if let Some(number) = tally.get(state) {
                    " " a href={ (base) (view.in_state(Some(*state)).link()) } aria-current=[(view.state == Some(*state)).then_some("true")] {
                        (number) " " (state)
                    }
                }
            }
            " · " a href={ (base) (View::of(Subject::Hosts).link()) } { (online) " of " (count(hosts.values().sum(), "host")) " online" }
        }
        section #jobs aria-labelledby="jobs-title" {
            h2 #jobs-title { "Jobs" }
            @if jobs.is_empty() { p.none { @if total == 0 { "No job yet, or none that fits." } @else { "No job on this page." } } }
            @for job in &jobs { (job_card(job, now_ms, base)) }
            (pages(view, total, base, "job"))
        }
        (some_hosts(core, base, &names))
        section #queues aria-labelledby="queues-title" {
            h2 #queues-title { "Queues" }
            div.scroll tabindex="0" role="region" aria-label="table of queues" { table {
                thead { tr { th scope="col" { "class" } th scope="col" { "waiting" } th scope="col" { "online" } th scope="col" { "last seen" } } }
                tbody {
                    @for (tier, waiting) in core.waiting_for_any() {
                        tr { td { "any, " (tier) } td { (count(waiting, "job")) } td {} td {} }
                    }
                    @for class in core.classes() {
                        tr {
                            td {
                                (parts::class(class.class, &names))
                                @if let Some(why) = &class.quarantined { p.reason { (why) } }
                            } td { (count(class.waiting, "job")) } td { (class.online) " of " (class.devices) }
                            td { (class.last_seen_ms.map_or("never".to_owned(), |at| ago(at, now_ms))) }
                        }
                    }
                }
            } }
        }
    }
}

/// The first hosts, beside the jobs.
fn some_hosts(core: &Core, base: &str, names: &ClassNames) -> Markup {
    let (hosts, total) = core.ranked_hosts("", 0, HOSTS);
    html! {
        section #hosts aria-labelledby="hosts-title" {
            h2 #hosts-title { "Hosts" }
            @if hosts.is_empty() { p.none { "No host yet." } }
            @for host in &hosts { (host_card(core, host, core.now_ms(), base, names)) }
            @if total > HOSTS {
                p { a href={ (base) (View::of(Subject::Hosts).link()) } { "All " (count(total as u64, "host")) } }
            }
        }
    }
}

/// The owner whose jobs are shown: an operator may see all.
pub(super) fn whose<'a>(caller: &'a Caller, view: &View) -> Option<&'a str> {
    (!(caller.sees_all() && view.all)).then_some(caller.subject.as_str())
}

/// All hosts.
pub(super) fn hosts(core: &Core, base: &str, view: &View) -> Markup {
    let (now_ms, names) = (core.now_ms(), core.class_names());
    let (hosts, total) = core.ranked_hosts(&view.text, view.skip(), ROWS);
    let tally = core.host_tally();
    html! {
        p.totals {
            (count(tally.values().sum(), "host"))
            @for (state, number) in &tally { " · " (number) " " (state) }
        }
        section #hosts aria-labelledby="hosts-title" {
            h2 #hosts-title { "Hosts" }
            @if hosts.is_empty() { p.none { "No host yet, or none that fits." } }
            @for host in &hosts { (host_card(core, host, now_ms, base, &names)) }
            (pages(view, total, base, "host"))
        }
    }
}

/// Which part of a list this is, with links to the others.
pub(super) fn pages(view: &View, total: usize, base: &str, what: &str) -> Markup {
    let last = total.div_ceil(ROWS).max(1);
    if last == 1 && view.page == 1 {
        return html! {};
    }
    let first_row = view.skip() + 1;
    let last_row = (view.skip() + ROWS).min(total);
    html! {
        nav.pages aria-label={ "pages of " (what) "s" } {
            @if view.page > 1 { a rel="prev" href={ (base) (view.at_page(view.page - 1).link()) } { "Previous" } }
            span { @if first_row <= total { (first_row) " to " (last_row) " of " } (count(total as u64, what)) }
            @if view.page < last { a rel="next" href={ (base) (view.at_page(view.page + 1).link()) } { "Next" } }
        }
    }
}

/// A job in the list.
fn job_card(job: &JobView, now_ms: u64, base: &str) -> Markup {
    html! {
        article.job data-job=(job.job) data-key={ "job" (job.job) } {
            header {
                h3 { a href={ (base) (View::of(Subject::Job(job.job)).link()) } { (job.name) } }
                " " small { "job " (job.job) " · " (job.owner) " · priority " (job.priority) }
                (parts::state(job.state.as_str()))
            }
            (progress(job))
            p.reason { (job.reason) " · " (ago(job.since_ms, now_ms)) }
            (errors(job, now_ms, base))
            (strip(job, base))
        }
    }
}

/// How far a job is.
pub(super) fn progress(job: &JobView) -> Markup {
    html! {
        progress max=(job.segments) value=(job.progress) aria-label={ "segments of job " (job.job) } {}
        p {
            (job.progress) " of " (count(job.segments, "segment"))
            @if let Some(left) = job.left_ms.filter(|_| !job.state.is_final()) { ", " (span(left)) " left" }
        }
    }
}

/// Errors since the last boundary.
pub(super) fn errors(job: &JobView, now_ms: u64, base: &str) -> Markup {
    html! {
        @if !job.errors.is_empty() {
            ul.errors {
                @for error in &job.errors {
                    li {
                        a href={ (base) (View::of(Subject::Host(error.host)).link()) } { (error.name) " (host " (error.host) ")" }
                        " " (error.outcome) ": " (error.message) " · " (ago(error.at_ms, now_ms))
                    }
                }
            }
        }
    }
}

/// The hosts that a job passed through.
pub(super) fn strip(job: &JobView, base: &str) -> Markup {
    html! {
        @if !job.stays.is_empty() {
            p.strip {
                @for stay in &job.stays {
                    a class={ "stay hue" (parts::hue(stay.class)) } href={ (base) (View::of(Subject::Host(stay.host)).link()) }
                        title=(stay.outcome.map_or("now", |outcome| outcome.as_str())) {
                        "host " (stay.host) " · " (stay.to_segment - stay.from_segment)
                    }
                }
            }
        }
    }
}

/// A host in the list.
fn host_card(core: &Core, host: &HostView, now_ms: u64, base: &str, names: &ClassNames) -> Markup {
    html! {
        article.host data-host=(host.host) data-key={ "host" (host.host) } {
            header {
                h3 { a href={ (base) (View::of(Subject::Host(host.host)).link()) } { (host.name) } }
                " " small { "host " (host.host) " · " (host.reliability) " (" (host.reliability_why) ")" }
                (parts::state(host.state.as_str()))
            }
            (hours(host))
            (devices(core, host, base, names))
            p.reason { "seen " (ago(host.last_seen_ms, now_ms)) " · " (count(host.boundaries, "boundary").replace("boundarys", "boundaries")) " · " (count(u64::from(host.errors), "error")) }
        }
    }
}

/// When a host was online during the last day.
pub(super) fn hours(host: &HostView) -> Markup {
    let tenths = host.hours_per_day_tenths;
    html! {
        p.strip {
            span.hours role="img" aria-label={ "online during the last " (count(host.hours_percent.len() as u64, "hour")) ", " (tenths / 10) "." (tenths % 10) " hours a day" } {
                @for percent in &host.hours_percent { i class={ "hour p" (percent / 25) } {} }
            }
            small { (tenths / 10) "." (tenths % 10) " h a day" }
        }
    }
}

/// What each device of a host does.
pub(super) fn devices(core: &Core, host: &HostView, base: &str, names: &ClassNames) -> Markup {
    html! {
        @for device in &host.devices {
            p.device {
                (device.id) " "
                @for class in &device.classes { (parts::class(*class, names)) " " }
                @match (device.attempt.and_then(|attempt| core.job_of(attempt)), &device.idle) {
                    (Some(job), _) => { a href={ (base) (View::of(Subject::Job(job)).link()) } { "job " (job) } }
                    (None, Some(why)) => { span.reason { (why) } }
                    (None, None) => {}
                }
            }
        }
    }
}
