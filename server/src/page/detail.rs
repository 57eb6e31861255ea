//! One job, and one host, with all that is known of it.

use std::sync::Arc;

use maud::{Markup, html};
use protocol::HostId;
use protocol::http::job::{Change, Verification};
use protocol::http::lease::ChainLine;
use protocol::http::{HostView, JobView};
use scheduler::Core;

use super::parts::{self, ClassNames, ago, count, span};
use super::view::{Subject, View};
use super::{actions, lists, plot};
use crate::frame::atoms::Atoms;
use crate::observables::Series;

/// Stretches of checked segments that are shown, the newest first.
const SPANS_MAX: usize = 50;

/// What of a job is not in its view.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Its changes of state, oldest first.
    pub(super) changes: Vec<Change>,
    /// Its newest boundaries, oldest first.
    pub(super) boundaries: Vec<ChainLine>,
    /// Its observables, as far as they were read.
    pub(super) observables: Option<Arc<Series>>,
    /// The particles of its package that a picture shows.
    pub(super) particles: Option<Arc<Atoms>>,
}

/// One job.
pub(super) fn job(job: &JobView, history: &History, now_ms: u64, base: &str, names: &ClassNames) -> Markup {
    let computed = span(job.computed_ms);
    html! {
        article.job.one data-job=(job.job) aria-labelledby="job-title" {
            header {
                h2 #job-title { (job.name) }
                " " small { "job " (job.job) " · " (job.owner) " · priority " (job.priority) }
                (parts::state(job.state.as_str()))
            }
            (lists::progress(job))
            p.reason { (job.reason) " · " (ago(job.since_ms, now_ms)) }
            (lists::errors(job, now_ms, base))
            (actions::buttons(job, base))
            dl {
                (fact("submitted", &ago(job.submitted_ms, now_ms)))
                (fact("computed", &format!("{computed}, {:.1} MB moved", job.moved_bytes as f64 / 1e6)))
                (fact("safe", &format!("{} of {}, step {}", job.segment, count(job.segments, "segment"), job.step)))
                @if let Some(deadline) = job.deadline_ms.filter(|at| *at > now_ms) { (fact("due in", &span(deadline - now_ms))) }
                @if let Some(class) = job.class { dt { "class" } dd { (parts::class(class, names)) } }
                @if let Some(after) = job.after {
                    dt { "starts from" } dd { a href={ (base) (View::of(Subject::Job(after)).link()) } { "job " (after) } }
                }
                @if !job.tags.is_empty() {
                    dt { "tags" }
                    dd { @for tag in &job.tags { a.chip href={ (base) (View { text: tag.clone(), ..View::of(Subject::Jobs) }.link()) } { (tag) } " " } }
                }
                dt { "package" } dd { code { (job.package) } " (" (job.tier) ")" }
                @if let Some(chain) = job.chain { dt { "digest" } dd { code { (chain) } } }
            }
            @if let Some(series) = &history.observables { (plot::plots(series, job.segment)) }
            @if let Some(atoms) = &history.particles { (frame(job, atoms, base)) }
            h3 { "Hosts it passed through" }
            @if job.stays.is_empty() { p.none { "None yet." } }
            (lists::strip(job, base))
            (checks(&job.verification, job.segment, base))
            h3 { "Changes" }
            ol.changes {
                @for change in history.changes.iter().rev().take(50) {
                    li { (parts::state(change.state.as_str())) " " (change.reason) " · " (ago(change.at_ms, now_ms)) }
                }
            }
            @if !history.boundaries.is_empty() {
                h3 { "Chain" }
                div.scroll tabindex="0" role="region" aria-label="table of boundaries" { table {
                    thead { tr { th scope="col" { "segment" } th scope="col" { "step" } th scope="col" { "digest" } th scope="col" { "checked" } } }
                    tbody {
                        @for line in history.boundaries.iter().rev() {
                            tr {
                                td { (line.entry.segment) } td { (line.entry.step) } td { code { (line.entry.digest) } }
                                td { (mark(&job.verification, line.entry.segment, base)) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// The place of the picture of the last frame, with what it shows in words; the script draws it.
fn frame(job: &JobView, atoms: &Atoms, base: &str) -> Markup {
    let Some(checkpoint) = job.checkpoint else { return html! {} };
    let number = |kind: usize| atoms.kinds.iter().filter(|other| usize::from(**other) == kind).count();
    let kinds: Vec<String> = atoms
        .names
        .iter()
        .enumerate()
        .map(|(kind, name)| format!("{} {name}", number(kind)))
        .collect();
    let mut shown = format!("{} of {}", atoms.rows.len(), count(atoms.total as u64, "particle"));
    if !atoms.without.is_empty() {
        shown.push_str(&format!(", without {}", atoms.without));
    }
    html! {
        h3 { "Last frame" }
        figure.frame data-key="frame" {
            canvas #frame width="960" height="720" tabindex="0" role="img" aria-label={ (shown) ": " (kinds.join(", ")) }
                data-frame={ (base) "/jobs/" (job.job) "/frame?of=" (checkpoint) } {}
            figcaption { small {
                (shown) "; segment " (job.segment) ". Drag or the arrow keys turn it; + and −, or the wheel once it was clicked, zoom; 0 goes back."
            } }
        }
    }
}

/// One host; with its buttons for an operator.
pub(super) fn host(core: &Core, host: &HostView, base: &str, is_operator: bool) -> Markup {
    let (now_ms, names) = (core.now_ms(), core.class_names());
    let chance = |at: usize| format!("{} %", host.chance_ppm[at] / 10_000);
    html! {
        article.host.one data-host=(host.host) aria-labelledby="host-title" {
            header {
                h2 #host-title { (host.name) }
                " " small { "host " (host.host) " · " (host.reliability) " (" (host.reliability_why) ")" }
                (parts::state(host.state.as_str()))
            }
            p.reason { (host.reason) }
            @if let Some(why) = &host.banned { p.errors { "banned: " (why) } }
            @if is_operator { (actions::host_buttons(host, base)) }
            (lists::hours(host))
            h3 { "Devices" }
            (lists::devices(core, host, base, &names))
            h3 { "History" }
            dl {
                (fact("known since", &ago(host.first_seen_ms, now_ms)))
                (fact("seen", &ago(host.last_seen_ms, now_ms)))
                (fact("still there in an hour, a day, a week", &format!("{}, {}, {}", chance(0), chance(1), chance(2))))
                (fact("boundaries", &host.boundaries.to_string()))
                (fact("attempts that ended well", &host.successes.to_string()))
                (fact("errors", &host.errors.to_string()))
                (fact("stops", &format!("{} announced, {} not, given up {} times", host.planned_stops, host.unplanned_stops, host.losses)))
                @if let Some(mean) = host.rtt_mean_ms { (fact("round trip", &format!("{mean} ms"))) }
                (fact("clock ahead of the server's", &format!("{} ms", host.clock_skew_ms)))
            }
        }
    }
}

/// What second hosts have confirmed of a job; nothing where no check is wanted and none was made.
fn checks(found: &Verification, committed: u64, base: &str) -> Markup {
    if found.spans.is_empty() && found.segments == 0 {
        return html! {};
    }
    html! {
        h3 { "Checks" }
        p { (found.segments) " of " (count(committed, "segment")) " computed by a second host to the same digest"
            @if found.open > 0 { ", " (count(found.open, "check")) " under way" } }
        ol.checks {
            @for span in found.spans.iter().rev().take(SPANS_MAX) {
                li {
                    "segments " (span.first) " to " (span.last) ", " (host_link(span.host, base)) ": "
                    @match span.confirmed_by {
                        Some(second) => { "✓ confirmed by " (host_link(second, base)) }
                        None => { (span.note) }
                    }
                }
            }
        }
    }
}

/// The mark of one boundary: which host confirmed it.
fn mark(found: &Verification, segment: u64, base: &str) -> Markup {
    let span = found.spans.iter().find(|span| (span.first..=span.last).contains(&segment));
    html! {
        @if let Some(second) = span.and_then(|span| span.confirmed_by) { "✓ " (host_link(second, base)) }
    }
}

fn host_link(host: HostId, base: &str) -> Markup {
    html! { a href={ (base) (View::of(Subject::Host(host)).link()) } { "host " (host) } }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

#[cfg(test)]
mod tests {
    use protocol::http::job::VerifiedSpan;

    use super::*;

    #[test]
    fn a_boundary_is_marked_with_the_host_that_confirmed_it_and_no_other_is() {
        let span = |first, last, confirmed_by, note: &str| VerifiedSpan {
            first,
            last,
            host: HostId(1),
            confirmed_by,
            note: note.into(),
        };
        let found = Verification {
            segments: 4,
            open: 1,
            spans: vec![span(1, 4, Some(HostId(7)), ""), span(5, 9, None, "open <b>")],
            ..Verification::default()
        };
        for (segment, marked) in [(0, false), (1, true), (4, true), (5, false), (10, false)] {
            let text = mark(&found, segment, "/lab").into_string();
            assert_eq!(
                text.contains("✓") && text.contains("/lab/hosts/7"),
                marked,
                "{segment}: {text}"
            );
        }
        let text = checks(&found, 9, "/lab").into_string();
        assert!(
            text.contains("4 of 9 segments") && text.contains("1 check under way"),
            "{text}"
        );
        assert!(text.contains("open &lt;b&gt;") && !text.contains("<b>"), "{text}");
        assert!(checks(&Verification::default(), 9, "").into_string().is_empty());
    }
}
