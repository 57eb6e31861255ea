//! `baton-server simulate`: reads parameters and traces, runs the comparison or the fault simulation, writes the report.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use simulate::faults::{self, Mutant};
use simulate::{Parameters, calibration, comparison, page, trace, variations};

/// Bytes of a parameter file and of a trace, at most.
const PARAMETERS_MAX: u64 = 1 << 20;
const TRACE_MAX: u64 = 1 << 30;

/// What to simulate.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Parameters, a TOML file; what it does not name has its default.
    #[arg(long)]
    parameters: Option<PathBuf>,
    /// Hosts as they were recorded, a CSV file with the columns host,from,to,speed,class.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Seed of all random numbers.
    #[arg(long)]
    seed: Option<u64>,
    /// Hosts at every time.
    #[arg(long)]
    hosts: Option<u64>,
    /// Servers that share hosts and jobs evenly and know nothing of each other.
    #[arg(long)]
    servers: Option<u64>,
    /// Days simulated.
    #[arg(long)]
    days: Option<u64>,
    /// Threads, for policies and servers side by side; as many as there are cores if it is not given. The outcome does not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Only this policy; given several times, only these.
    #[arg(long, value_name = "POLICY", value_parser = clap::builder::PossibleValuesParser::new(comparison::POLICIES), conflicts_with_all = ["sensitivity", "html"])]
    policy: Vec<String>,
    /// Also with other boundaries, job sizes, bandwidth, classes and hosts, one after the other.
    #[arg(long)]
    sensitivity: bool,
    /// Write all figures to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the report to this file, HTML that needs nothing else.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Play worlds under faults instead: from this seed on.
    #[arg(long, conflicts_with_all = ["trace", "parameters", "json", "html", "sensitivity", "hosts", "servers", "days", "policy", "threads"])]
    faults: Option<u64>,
    /// How many of them.
    #[arg(long, default_value_t = 100, requires = "faults")]
    seeds: u64,
    /// With a part that works wrongly on purpose, to see how many seeds it takes to find it; or `all`.
    #[arg(long, requires = "faults")]
    mutant: Option<String>,
}

/// Runs the simulation.
///
/// # Errors
/// A file that cannot be read or is wrong, a broken invariant.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.faults {
        Some(first) => play(first, arguments),
        None => compare(arguments),
    }
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("standard output")
}

fn read(path: &Path, most: u64) -> anyhow::Result<(String, String)> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).with_context(|| name.clone())?;
    let mut text = String::new();
    file.take(most + 1).read_to_string(&mut text).with_context(|| name.clone())?;
    anyhow::ensure!(text.len() as u64 <= most, "{name}: more than {most} bytes");
    Ok((name, text))
}

fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    let given = arguments
        .parameters
        .as_deref()
        .map(|path| read(path, PARAMETERS_MAX))
        .transpose()?;
    let mut parameters = match given {
        Some((name, text)) => Parameters::read(&name, &text)?,
        None => Parameters::default(),
    };
    parameters.seed = arguments.seed.unwrap_or(parameters.seed);
    parameters.hosts = arguments.hosts.unwrap_or(parameters.hosts);
    parameters.servers = arguments.servers.unwrap_or(parameters.servers);
    parameters.days = arguments.days.unwrap_or(parameters.days);
    // What the command line says is held to the same limits.
    let parameters = Parameters::read("command line", &parameters.toml()?)?;
    let recorded = match arguments.trace.as_deref() {
        Some(path) => {
            let (name, text) = read(path, TRACE_MAX)?;
            Some(trace::read(&name, &text)?)
        }
        None => None,
    };
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.map_or_else(cores, usize::from);
    let began = Instant::now();
    let asked = |name: &&str| arguments.policy.is_empty() || arguments.policy.iter().any(|policy| policy == name);
    let policies: Vec<&str> = comparison::POLICIES.into_iter().filter(asked).collect();
    let found = comparison::compare_some(&parameters, recorded.as_deref(), &policies, threads).map_err(anyhow::Error::msg)?;
    let seconds = began.elapsed().as_secs_f64();
    say(&page::markdown(&found.policies))?;
    let events: u64 = found.policies.iter().map(|policy| policy.events + policy.core_events).sum();
    let core: u64 = found.policies.iter().map(|policy| policy.core_events).sum();
    let rate = events as f64 / seconds.max(1e-9);
    say(&format!(
        "{events} events, {core} of them the core's, in {seconds:.1} s: {rate:.0} a second"
    ))?;
    let variations = match arguments.sensitivity {
        true => variations::variations(&parameters, recorded.as_deref(), threads).map_err(anyhow::Error::msg)?,
        false => Vec::new(),
    };
    for (name, variation) in &variations {
        say(&format!("## {name}\n\n{}", page::markdown(&variation.policies)))?;
    }
    let calibration = calibration::measure(&parameters);
    for row in &calibration.rows {
        say(&format!("{}: {:.2}; the paper: {}", row.what, row.simulated, row.paper))?;
    }
    if let Some(path) = &arguments.json {
        let all = serde_json::json!({ "comparison": found, "variations": variations, "calibration": calibration });
        std::fs::write(path, serde_json::to_vec_pretty(&all)?).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &arguments.html {
        let html = page::render(&found, &variations, &calibration).map_err(anyhow::Error::msg)?;
        std::fs::write(path, html).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The faults of a world, a line each.
fn lines(broken: &faults::Broken) -> String {
    let lines: Vec<String> = broken.script.iter().map(|struck| format!("  {struck}")).collect();
    lines.join("\n")
}

fn play(first: u64, arguments: &Arguments) -> anyhow::Result<()> {
    let last = first.checked_add(arguments.seeds).context("--seeds: too many")?;
    let wanted = arguments.mutant.as_deref();
    let mutants: Vec<Mutant> = match wanted {
        None => Vec::new(),
        Some("all") => Mutant::ALL.to_vec(),
        Some(name) => {
            let known = Mutant::ALL.map(|mutant| format!("{mutant:?}"));
            let found = Mutant::ALL.into_iter().find(|mutant| format!("{mutant:?}") == name);
            vec![found.with_context(|| format!("--mutant: found {name:?}, expected all or one of {}", known.join(", ")))?]
        }
    };
    for mutant in mutants {
        let found = (first..last).find_map(|seed| faults::play(seed, Some(mutant)).err());
        match found {
            Some(broken) => {
                let (seeds, struck) = (broken.seed - first + 1, broken.script.len());
                let least = faults::shrink(&broken, Some(mutant));
                say(&format!(
                    "{mutant:?}: found after {seeds} seeds, by {} of {struck} faults: {}\n{}",
                    least.script.len(),
                    least.what,
                    lines(&least)
                ))?;
            }
            None => anyhow::bail!("{mutant:?}: not found in {} seeds", arguments.seeds),
        }
    }
    if wanted.is_some() {
        return Ok(());
    }
    let began = Instant::now();
    let played = match faults::campaign(first..last, None) {
        Ok(played) => played,
        Err(broken) => {
            let least = faults::shrink(&broken, None);
            let (few, struck) = (least.script.len(), broken.script.len());
            say(&format!("{few} of its {struck} faults are enough:\n{}", lines(&least)))?;
            return Err(least.into());
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    say(&format!(
        "{} worlds, {} events ({} of the core), {} jobs; {} messages lost, {} requests twice, {} agents and {} servers crashed, {} agents ended; \
         {} boundaries made up, jobs taken back {} times; {} jobs wrong, which say that nobody confirmed them, all others right; {seconds:.1} s, \
         {:.0} events a second; digest {:016x}",
        arguments.seeds,
        played.events,
        played.core_events,
        played.jobs,
        played.lost,
        played.twice,
        played.crashes,
        played.restarts,
        played.ended,
        played.made_up,
        played.taken_back,
        played.unconfirmed,
        played.events as f64 / seconds.max(1e-9),
        played.digest,
    ))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        _simulate: Arguments,
    }

    #[test]
    fn what_faults_have_no_use_for_is_refused_by_name() {
        let refused = |line: &str| match Line::try_parse_from(line.split(' ')) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        for option in ["--servers", "--threads", "--hosts", "--days"] {
            let found = refused(&format!("simulate --faults 0 {option} 2"));
            assert!(found.contains(&format!("cannot be used with '{option}")), "{found}");
        }
        assert!(refused("simulate --threads 0").contains("--threads"));
        assert_eq!(refused("simulate --servers 3 --threads 2"), "nothing");
    }
}
