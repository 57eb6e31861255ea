//! The local page's HTML.

use maud::{DOCTYPE, Markup, html};

use crate::agent::view::{DeviceStatus, JobStatus, Status};
use crate::console::progress::{duration, figures};

/// The whole page around its content.
pub(super) fn document(content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Baton on this machine" }
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
            }
            body {
                header { h1 { "Baton on this machine" } span #live role="status" {} }
                main {
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
            p.small {
                @match status.host { Some(host) => { "host " (host) } None => { "not registered yet" } }
                " at " (status.server)
            }
            @if let Some(newer) = &status.newer { p.why { (newer) } }
            @if let Some(why) = &status.why_not { p.why { (why) } }
            @if let Some(waits) = &status.waits { p.why { (waits) } }
            @for transfer in &status.transfers { p.small { (transfer) } }
            @for device in &status.devices { (self::device(device)) }
        }
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
            p { b { (job.name) } " " small { "job " (job.job) } " " span.state { (job.phase) } }
            progress max=(job.steps) value=(job.step) aria-label={ "steps of job " (job.job) } {}
            p.small {
                "step " (job.step) " of " (job.steps)
                @if let Some(speed) = job.steps_per_s { " · " (figures(speed)) " steps/s" }
                @if let Some(left) = job.left_s { " · " (duration(left)) " left" }
                @if let Some(boundary) = job.boundary_s { " · boundary in " (duration(boundary)) }
                @if let Some(told) = &job.told { " · " (told) }
            }
            p.small { (job.committed) " of " (job.segments) " segments are safe on the server" }
        }
    }
}
