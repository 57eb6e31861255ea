//! Runs what is left of a run directory, for `run` and `resume` alike: device, progress, signals, and the report at the end.

use std::path::Path;

use clap::Args;
use device::{DeviceKind, SessionOptions};
use kernels::run::{Control, NonFinite, Outcome, Place, Prepared, Progress, RunDir, RunError, RunOptions};
use protocol::{HardwareClass, Tier};
use serde::Serialize;

use crate::console::output;
use crate::console::progress::{self, Display};
use crate::console::signals::Stop;
use crate::exit::{Exit, Usage, WrongClass};
use crate::local::choose::{self, Chosen};
use crate::local::cost;

/// How a run goes. Nothing here can change a bit of what comes out.
#[derive(Args, Debug)]
pub(crate) struct HowArgs {
    /// Device: `auto`, `cpu`, or an id that `baton devices` shows.
    #[arg(long, default_value = "auto", value_name = "ID")]
    pub(crate) device: String,
    /// Draw the observables and, for molecular systems, g(r) into DIR/plots at the end.
    #[arg(long)]
    pub(crate) plot: bool,
    /// Print one JSON document at the end, and no progress.
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads of the built-in CPU device; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Length aimed at for one submit to the device, milliseconds: shorter keeps a desktop smoother.
    #[arg(long, value_name = "MS", value_parser = submit_ms)]
    submit_ms: Option<f32>,
    #[arg(long, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    commands_per_submit: Option<u32>,
    #[arg(long, hide = true)]
    read_back_everywhere: bool,
    #[arg(long, hide = true, value_name = "SEED")]
    workgroup_order: Option<u64>,
    /// Compute in the CPU device's checked mode: the same bits, but many times slower, and a race, an access out of bounds, NaN, infinity or
    /// a read of scratch that was not written ends the run with the place in the source.
    #[arg(long)]
    checked: bool,
}

fn submit_ms(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if (0.1..=10_000.0).contains(&value) => Ok(value),
        _ => Err("expected milliseconds between 0.1 and 10000".into()),
    }
}

impl HowArgs {
    /// The device for work of a tier, `prefer` where there is a choice.
    ///
    /// # Errors
    /// No such device, it has no class in this tier, or it has no checked mode.
    pub(crate) fn device(&self, tier: Tier, prefer: Option<HardwareClass>) -> anyhow::Result<Chosen> {
        let wanted = match (self.checked, self.device.as_str()) {
            (true, "auto") => "cpu",
            (_, wanted) => wanted,
        };
        let chosen = choose::device(wanted, tier, prefer)?;
        if self.checked && chosen.device.info().kind != DeviceKind::BuiltInCpu {
            return Err(Usage(format!("--checked: device '{wanted}' has no checked mode; take --device cpu")).into());
        }
        Ok(chosen)
    }

    /// As the device takes it.
    pub(crate) fn session(&self) -> SessionOptions {
        SessionOptions {
            commands_per_submit_max: self.commands_per_submit.map(|count| count as usize),
            submit_ms: self.submit_ms,
            threads: self.threads.map(|count| count as usize),
            workgroup_order_seed: self.workgroup_order,
            checked: self.checked,
            ..SessionOptions::default()
        }
    }
}

/// From where to where a run directory's run goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Onward {
    /// The directory was there before.
    pub(crate) resumed: bool,
    /// Go on even on another hardware class.
    pub(crate) force_class: bool,
    /// Stop at this boundary, where it comes before the last that is planned.
    pub(crate) until: Option<u64>,
}

/// What a run says at its end.
#[derive(Debug, Serialize)]
pub(crate) struct RunSummary<'a> {
    dir: &'a Path,
    /// `finished` or `stopped`.
    pub(crate) outcome: &'static str,
    /// The package itself ended the run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    done: bool,
    segment: u64,
    segments: u64,
    step: u64,
    digest: String,
    device: &'a str,
    class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps_per_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ns_per_day: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_finite: Option<Marked>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plots: Vec<std::path::PathBuf>,
}

/// The first boundary of a run that holds NaN or infinity.
#[derive(Debug, Serialize)]
struct Marked {
    segment: u64,
    step: u64,
    #[serde(flatten)]
    value: NonFinite,
}

impl RunSummary<'_> {
    /// The exit code that it leads to.
    pub(crate) fn exit(&self) -> Exit {
        let mut marked = self.non_finite.iter();
        match (self.outcome, marked.all(|marked| marked.value.place != Place::State)) {
            ("finished", true) => Exit::Done,
            ("finished", false) => Exit::NonFinite,
            _ => Exit::Stopped,
        }
    }
}

/// Run what is left, and say how it ended.
///
/// # Errors
/// As [`compute`].
pub(crate) fn drive(dir: &RunDir, chosen: &Chosen, how: &HowArgs, onward: &Onward) -> anyhow::Result<Exit> {
    let summary = compute(dir, chosen, how, onward, &Stop::listen()?)?;
    if how.json {
        output::json(&summary)?;
    } else {
        output::lines(words(&summary, dir))?;
    }
    Ok(summary.exit())
}

/// Run what is left, with progress on standard error.
///
/// # Errors
/// Whatever the run, its device or the plots failed with.
pub(crate) fn compute<'a>(
    dir: &'a RunDir,
    chosen: &'a Chosen,
    how: &HowArgs,
    onward: &Onward,
    stop: &Stop,
) -> anyhow::Result<RunSummary<'a>> {
    hardware(dir, chosen, onward.force_class)?;
    let options = RunOptions {
        session: how.session(),
        wait_at_boundaries: how.read_back_everywhere,
        force_class: onward.force_class,
        until: onward.until,
    };
    let prepared = dir.prepare(chosen.class, options)?;
    if onward.resumed && !how.json {
        heading(dir, chosen, &prepared);
    }
    let run = dir.package().manifest().run.clone();
    let segments = dir.config().segments;
    let nanoseconds = progress::nanoseconds_per_step(&run);
    let from = prepared.from().step;
    let until = onward.until.unwrap_or(segments).min(segments);
    let steps = until.checked_mul(run.steps_per_segment).ok_or_else(|| {
        let per_segment = run.steps_per_segment;
        Usage(format!(
            "{until} segments of {per_segment} steps are more steps than can be counted: expected fewer than 2^64"
        ))
    })?;
    let mut display = Display::new(from, steps, run.steps_per_segment, nanoseconds, how.json);
    let mut asked = 0;
    let mut kept = from;
    let mut warned = Vec::new();
    let mut observe = |progress: &Progress| {
        display.show(progress);
        kept = progress.boundary.as_ref().map_or(kept, |entry| entry.step);
        if let Some((step, value)) = &progress.non_finite
            && !warned.contains(&value.place)
        {
            warned.push(value.place);
            display.say(&warning(*step, value));
        }
        if let Some(made) = &progress.made_larger {
            display.say(&format!(
                "segment {} is computed again with {made}; the results do not depend on it",
                progress.segment
            ));
        }
        if stop.asked() > asked {
            asked = stop.asked();
            announce(&display, asked, progress, kept, run.steps_per_segment);
        }
        match asked {
            0 => Control::Continue,
            1 => Control::StopAtBoundary,
            _ => Control::StopNow,
        }
    };
    let ended = prepared.run(&*chosen.device, &mut observe);
    display.finish();
    let (outcome, done, entry) = match ended? {
        Outcome::Finished(entry) => ("finished", false, entry),
        Outcome::Done(entry) => ("finished", true, entry),
        Outcome::Stopped(entry) => ("stopped", false, entry),
    };
    let plots = if how.plot {
        crate::analysis::plot::of_run(dir, &dir.path().join("plots"))?
    } else {
        Vec::new()
    };
    let speed = display.overall();
    if let Some((steps_per_s, _)) = speed.filter(|(steps_per_s, _)| *steps_per_s > 0.0) {
        cost::write(dir, steps_per_s, &chosen.device.info().id)?;
    }
    Ok(RunSummary {
        dir: dir.path(),
        outcome,
        done,
        segment: entry.segment,
        segments,
        step: entry.step,
        digest: entry.digest.to_string(),
        device: &chosen.device.info().id,
        class: chosen.class.to_string(),
        steps_per_s: speed.map(|(steps, _)| steps),
        ns_per_day: speed.and_then(|(steps, _)| Some(progress::per_day(steps, nanoseconds?))),
        seconds: speed.map(|(_, seconds)| seconds),
        non_finite: first_marked(dir)?,
        plots,
    })
}

/// Where a resumed run goes on, and what is computed a second time.
fn heading(dir: &RunDir, chosen: &Chosen, prepared: &Prepared<'_>) {
    let info = chosen.device.info();
    let from = prepared.from().segment;
    output::note(format_args!(
        "{} · {} ({}) · from segment {from} of {}",
        dir.path().display(),
        info.id,
        info.name,
        dir.config().segments
    ));
    if let Some((until, why)) = prepared.computes_again_until() {
        output::note(format_args!(
            "segments {} to {until} are on record, and are computed again to the same digests: {why}",
            from + 1
        ));
    }
}

fn warning(step: u64, value: &NonFinite) -> String {
    match value.place {
        Place::State => format!("warning: at step {step} {value}; all that follows is computed from it"),
        Place::Output => format!("warning: at step {step} {value}"),
    }
}

/// The first boundary whose state holds NaN or infinity; the first whose outputs do, where no state does.
fn first_marked(dir: &RunDir) -> anyhow::Result<Option<Marked>> {
    let mut first: Option<Marked> = None;
    for line in dir.chain()? {
        let Some(value) = line.non_finite else { continue };
        let is_state = value.place == Place::State;
        if is_state || first.is_none() {
            first = Some(Marked {
                segment: line.entry.segment,
                step: line.entry.step,
                value,
            });
        }
        if is_state {
            break;
        }
    }
    Ok(first)
}

/// Refuse foreign hardware in words that say how it differs, and note in the run directory on which it goes on.
fn hardware(dir: &RunDir, chosen: &Chosen, force_class: bool) -> anyhow::Result<()> {
    let path = dir.path();
    let fingerprint = fpcheck::fingerprint(&*chosen.device, dir.package().manifest().tier)?;
    let chain = dir.chain()?;
    let mut classes = chain.iter().filter(|line| line.entry.segment > 0).map(|line| line.class);
    let Some(have) = classes.find(|class| *class != chosen.class).filter(|_| !force_class) else {
        return Ok(fpcheck::note_hardware(path, &fingerprint)?);
    };
    let here = chosen.class;
    let mut text = RunError::Class { have, here }.to_string();
    let differences = fpcheck::hardware_differences(path, have, &fingerprint);
    if !differences.is_empty() {
        text.push_str("\nthey differ (there, against here):");
    }
    for words in differences {
        text.push_str(&format!("\n  {words}"));
    }
    Err(WrongClass(text).into())
}

fn announce(display: &Display, asked: u32, progress: &Progress, kept: u64, steps_per_segment: u64) {
    if asked == 1 {
        let boundary = progress.step.div_ceil(steps_per_segment) * steps_per_segment;
        display.say(&format!(
            "stopping at the next boundary, step {boundary}; ask again to stop now and drop what follows step {kept}"
        ));
    } else {
        display.say(&format!("stopping now; the work since step {kept} is dropped"));
    }
}

fn words(report: &RunSummary<'_>, dir: &RunDir) -> Vec<String> {
    let at = report.dir.display();
    let mut lines = vec![match report.outcome {
        "finished" if report.done => format!(
            "finished: the package ended the run after segment {} of {}, step {}",
            report.segment, report.segments, report.step
        ),
        "finished" => format!("finished: {} steps in {} segments", report.step, report.segment),
        _ => format!(
            "stopped at the boundary after segment {} of {}, step {}",
            report.segment, report.segments, report.step
        ),
    }];
    lines.push(format!("  digest   {}", report.digest));
    if let (Some(steps), Some(seconds)) = (report.steps_per_s, report.seconds) {
        let day = report
            .ns_per_day
            .map(|ns| format!(", {} ns/day", progress::figures(ns)))
            .unwrap_or_default();
        let took = progress::duration(seconds);
        lines.push(format!(
            "  speed    {} steps/s{day}, {took} on {} (class {})",
            progress::figures(steps),
            report.device,
            report.class
        ));
    }
    lines.push(format!("  results  {at}"));
    if let Some(marked) = &report.non_finite {
        lines.push(format!("  {}", warning(marked.step, &marked.value)));
    }
    lines.extend(report.plots.iter().map(|plot| format!("  plot     {}", plot.display())));
    let (baton, at) = (output::called(), output::quoted(report.dir));
    lines.push("next:".into());
    if report.outcome == "stopped" {
        lines.push(format!("  {baton} resume {at}"));
    }
    lines.push(format!("  {baton} chain {at}"));
    let manifest = dir.package().manifest();
    if manifest.outputs.iter().any(|output| output.columns.is_empty()) {
        let format = if crate::analysis::trajectory::has_positions(dir.package()) {
            "xyz"
        } else {
            "npy"
        };
        lines.push(format!("  {baton} export {at} --format {format}"));
    }
    if crate::analysis::trajectory::has_positions(dir.package()) && report.outcome == "finished" {
        lines.push(format!("  {baton} analyse {at} --plot"));
    }
    lines
}
