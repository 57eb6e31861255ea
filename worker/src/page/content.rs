//! The local page's HTML.

use std::path::Path;

use maud::{DOCTYPE, Markup, html};

use super::preferences::{FIELDS, Field, Kind};
use crate::agent::view::{DeviceStatus, JobStatus, ShareStatus, Status, percents};
use crate::console::progress::{duration, figures};

/// A whole page around its main part; with the script that keeps it live, or without.
fn document(main: &Markup, is_live: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Baton on this machine" }
                link rel="stylesheet" href="/page.css";
                @if is_live { script src="/page.js" defer {} }
            }
            body {
                header {
                    h1 { "Baton on this machine" }
                    nav aria-label="main" {
                        a href="/" aria-current=[is_live.then_some("page")] { "Now" }
                        " " a href="/preferences" aria-current=[(!is_live).then_some("page")] { "Preferences" }
                    }
                    @if is_live { span #live role="status" {} }
                }
                main { (main) }
            }
        }
    }
}

/// The page of what the agent does.
pub(super) fn main_page(content: &Markup) -> Markup {
    let main = html! {
        section aria-labelledby="say-title" {
            h2 #say-title { "Tell it" }
            div.say {
                form method="post" action="/say" { button name="what" value="pause" { "Pause" } }
                form method="post" action="/say" {
                    input type="hidden" name="hours" value="2";
                    button name="what" value="pause" { "Pause for two hours" }
                }
                form method="post" action="/say" { button name="what" value="resume" { "Compute" } }
                form method="post" action="/say" { button name="what" value="finish" { "Finish its jobs and end" } }
            }
        }
        div #content { (content) }
    };
    document(&main, true)
}

/// The form of preferences, with the projects' shares, and with what was wrong in it. Without fields the file cannot be read, and there is no form.
pub(super) fn preferences(
    config: &Path,
    (fields, shares): (&[String], &[(String, String)]),
    mark: &str,
    wrong: Option<&str>,
) -> Markup {
    let main = html! {
        h2 { "Preferences" }
        p.small {
            "In " code { (config.display().to_string()) } ", section [worker]; an empty field is what is usual. The agent takes them within seconds. What it was started with, as options or "
            "in its environment, goes before them."
        }
        @if let Some(wrong) = wrong { p.why role="alert" { (wrong) } }
        @if !fields.is_empty() {
            form.preferences method="post" action="/preferences" {
                input type="hidden" name="of" value=(mark);
                @for (place, (server, share)) in shares.iter().enumerate() {
                    @let id = format!("share-{place}");
                    p {
                        label for=(id) { "Share of " (server) }
                        input id=(id) name=(id) value=(share) inputmode="numeric" autocomplete="off";
                    }
                }
                @for (field, value) in FIELDS.iter().zip(fields) { (self::field(field, value)) }
                button { "Save" }
            }
        }
    };
    document(&main, false)
}

fn field(field: &Field, value: &str) -> Markup {
    html! {
        p {
            label for=(field.key) { (field.label) @if let Kind::Number(units) = field.kind { ", " (units) } }
            @match field.kind {
                Kind::YesNo => {
                    select id=(field.key) name=(field.key) {
                        @for choice in ["", "yes", "no"] {
                            option value=(choice) selected[choice == value] { @if choice.is_empty() { "as usual" } @else { (choice) } }
                        }
                    }
                }
                Kind::Number(_) => { input id=(field.key) name=(field.key) value=(value) inputmode="decimal" autocomplete="off"; }
                Kind::Texts(between) => {
                    input id=(field.key) name=(field.key) value=(value) autocomplete="off" aria-describedby={ (field.key) "-help" };
                    small id={ (field.key) "-help" } {
                        @if field.key == "schedule" { "such as mon-fri 18:00-08:00; sat,sun" } @else { "several with “" (between) "” between them" }
                    }
                }
            }
        }
    }
}

/// What the agent does; none where no agent runs.
pub(super) fn content(status: Option<&Status>) -> Markup {
    let Some(status) = status else {
        return html! { p { "No agent runs here now. What is asked for above holds for the next one." } };
    };
    let done = &status.contributed;
    html! {
        section aria-labelledby="now-title" {
            h2 #now-title { (status.name) }
            @if status.shares.is_empty() {
                p.small { (host(status.host)) " at " (status.server) }
            }
            @if let Some(newer) = &status.newer { p.why { (newer) } }
            @if let Some(why) = &status.why_not { p.why { (why) } }
            @if let Some(waits) = &status.waits { p.why { (waits) } }
            @for transfer in &status.transfers { p.small { (transfer) } }
            @for device in &status.devices { (self::device(device)) }
        }
        @if !status.shares.is_empty() { (shares(&status.shares)) }
        section aria-labelledby="done-title" {
            h2 #done-title { "Contributed" }
            dl {
                dt { "segments" } dd { (done.segments) }
                dt { "steps" } dd { (done.steps) }
                dt { "time" } dd { (duration(done.computed_ms as f64 / 1000.0)) }
                dt { "jobs to their end" } dd { (done.jobs) }
                @if let Some(verified) = status.verified {
                    dt { "segments verified until today" } dd { (verified.segments) }
                    dt { "their time on the operator's reference device" } dd { (duration(verified.seconds as f64)) }
                }
            }
        }
        @if !status.days.is_empty() {
            section aria-labelledby="days-title" {
                h2 #days-title { "Day by day" }
                table {
                    thead { tr { th scope="col" { "day (UTC)" } th scope="col" { "segments" } th scope="col" { "time" } th scope="col" { "jobs ended" } } }
                    tbody {
                        @for (ago, done) in &status.days {
                            tr {
                                td { (day(*ago)) } td { (done.segments) } td { (duration(done.computed_ms as f64 / 1000.0)) } td { (done.jobs) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn host(host: Option<u64>) -> String {
    host.map_or_else(|| "not registered yet".to_owned(), |host| format!("host {host}"))
}

/// The projects, and what each had of the time.
fn shares(shares: &[ShareStatus]) -> Markup {
    html! {
        section aria-labelledby="shares-title" {
            h2 #shares-title { "Projects" }
            table.shares {
                thead { tr { th scope="col" { "project" } th scope="col" { "share" } th scope="col" { "computed" } } }
                tbody {
                    @for (share, percent) in shares.iter().zip(percents(shares)) {
                        tr {
                            td {
                                (share.server) " " small { (host(share.host)) @if share.has_turn { " · takes the next job" } }
                                @if let Some(waits) = &share.waits { p.why { (waits) } }
                            }
                            td { (share.share) }
                            td { (duration(share.computed_ms as f64 / 1000.0)) " (" (percent) " %)" }
                        }
                    }
                }
            }
            p.small { a href="/preferences" { "Change the shares" } }
        }
    }
}

/// A day by how long ago it was.
fn day(ago: u64) -> String {
    match ago {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        ago => format!("{ago} days ago"),
    }
}

fn device(device: &DeviceStatus) -> Markup {
    html! {
        article {
            h3 { (device.name) " " small { (device.id) } }
            p.small { (device.classes.join(", ")) }
            @if let Some(why) = &device.idle { p.why { (why) } }
            @for job in &device.jobs { (self::job(job)) }
        }
    }
}

fn job(job: &JobStatus) -> Markup {
    html! {
        div.job {
            p { b { (job.name) } " " small { "job " (job.job) @if let Some(server) = &job.server { " of " (server) } } " " span.state { (job.phase) } }
            progress max=(job.steps) value=(job.step) aria-label={ "steps of job " (job.job) } {}
            p.small {
                "step " (job.step) " of " (job.steps)
                @if let Some(speed) = job.steps_per_s { " · " (figures(speed)) " steps/s" }
                @if let Some(temperature) = &job.temperature { " · " (temperature) }
                @if let Some(left) = job.left_s { " · " (duration(left)) " left" }
                @if let Some(boundary) = job.boundary_s { " · boundary in " (duration(boundary)) }
                @if let Some(told) = &job.told { " · " (told) }
            }
            p.small { (job.committed) " of " (job.segments) " segments are safe on the server" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_temperature_is_shown_where_its_package_has_one() {
        let shown = |temperature: Option<&str>| {
            let job = serde_json::json!({
                "job": 7, "name": "argon", "phase": "computing", "told": null, "step": 10, "steps": 100, "segment": 1, "committed": 1, "segments": 10,
                "temperature": temperature, "steps_per_s": 5.0, "left_s": 18.0, "boundary_s": 2.0,
            });
            let status: JobStatus = serde_json::from_value(job).expect("a job");
            super::job(&status).into_string()
        };
        assert!(
            shown(Some("94.3 K")).contains("steps/s · 94.3 K · 18 s left"),
            "{}",
            shown(Some("94.3 K"))
        );
        assert!(shown(None).contains("steps/s · 18 s left"), "{}", shown(None));
    }
}
