//! Which runs of a package are asked for: values set, values swept, replicas with seeds of their own.
//!
//! Invariant: how many runs there are is known, and within the limit, before any of them is made.

use kernels::package::manifest::Number;
use kernels::package::{Package, Values, listed};

use crate::exit::Usage;

/// Runs of an array.
pub(crate) const RUNS_MAX: u64 = 10_000;
/// The setting that replicas count up.
const SEED: &str = "seed";

/// What is set of what the package lets be set.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ChoiceArgs {
    /// Set what the package lets be set: `--set temperature=90`; may be given several times. `baton settings PACKAGE` lists it.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A run for each value, as one array: `--sweep temperature=80:120:10` (first, last, step) or `--sweep temperature=80,95`. Several sweeps give
    /// every combination.
    #[arg(long = "sweep", value_name = "NAME=VALUES")]
    sweep: Vec<String>,
    /// So many runs of each combination that differ in the setting `seed`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    replicas: Option<u64>,
    /// Seed of the first replica; the next have the next. By default the package's own.
    #[arg(long, value_name = "SEED", requires = "replicas", allow_negative_numbers = true)]
    seed_from: Option<i64>,
}

/// What is to be run.
#[derive(Debug)]
pub(crate) enum Choice {
    /// One run, of this package.
    One(Box<Package>),
    /// An array: the values that each run has, and those that all have are in each as well.
    Array(Vec<Values>),
}

/// A name with the values that it takes in turn.
struct Axis {
    name: String,
    values: Vec<Number>,
}

impl ChoiceArgs {
    /// The runs of this package that are asked for.
    ///
    /// # Errors
    /// A name that the package does not let be set, a value that is none or out of bounds, a name twice, or too many runs ([`Usage`]); or a package that
    /// does not pass its checks with one run's values.
    pub(crate) fn of(&self, package: &Package) -> anyhow::Result<Choice> {
        let mut axes: Vec<Axis> = Vec::new();
        let mut add = |option: &str, given: &str, axis: Axis| {
            if axes.iter().any(|other| other.name == axis.name) {
                return Err(usage(option, given, format_args!("'{}' is set or swept twice", axis.name)));
            }
            axes.push(axis);
            Ok(())
        };
        for given in &self.set {
            let (name, value) = split("--set", given)?;
            let read = package.read_setting(name, value);
            let values = vec![read.map_err(|wrong| usage("--set", given, wrong))?];
            let name = name.to_owned();
            add("--set", given, Axis { name, values })?;
        }
        for given in &self.sweep {
            let (name, values) = split("--sweep", given)?;
            let read = texts(values).and_then(|texts| texts.iter().map(|text| package.read_setting(name, text)).collect());
            let values: Vec<Number> = read.map_err(|wrong| usage("--sweep", given, wrong))?;
            if let Some(twice) = values
                .iter()
                .enumerate()
                .find_map(|(at, value)| values[..at].contains(value).then_some(value))
            {
                return Err(usage(
                    "--sweep",
                    given,
                    format_args!("found {twice} twice, expected each value once"),
                ));
            }
            let name = name.to_owned();
            add("--sweep", given, Axis { name, values })?;
        }
        if let Some(replicas) = self.replicas {
            let values = self.seeds(package, replicas)?;
            let name = SEED.to_owned();
            add("--replicas", &replicas.to_string(), Axis { name, values })?;
        }
        if self.sweep.is_empty() && self.replicas.is_none() {
            let values: Values = axes.into_iter().map(|axis| (axis.name, axis.values[0])).collect();
            let package = if values.is_empty() {
                package.clone()
            } else {
                package.with_settings(&values)?
            };
            return Ok(Choice::One(Box::new(package)));
        }
        Ok(Choice::Array(combinations(&axes)?))
    }

    /// Whether a setting is given a value, or swept, or counted up by replicas.
    pub(crate) fn sets(&self, name: &str) -> bool {
        let given = self.set.iter().chain(&self.sweep);
        let mut names = given.filter_map(|given| Some(given.split_once('=')?.0));
        names.any(|given| given == name) || name == SEED && self.replicas.is_some()
    }

    fn seeds(&self, package: &Package, replicas: u64) -> anyhow::Result<Vec<Number>> {
        let given = replicas.to_string();
        let wrong = |message: String| usage("--replicas", &given, message);
        let Some(Number::Integer(own)) = package.setting(SEED) else {
            let known = listed(package.manifest().settings.keys().map(String::as_str));
            return Err(wrong(format!(
                "found no integer setting '{SEED}' in package '{}', so that all replicas would be one run; it lets be set: {known}",
                package.manifest().name
            )));
        };
        if replicas > RUNS_MAX {
            return Err(too_many(u128::from(replicas)));
        }
        let first = self.seed_from.unwrap_or(own);
        let seeds = (0..replicas.cast_signed()).map(|at| first.checked_add(at));
        let read = seeds.map(|seed| match seed {
            Some(seed) => package.read_setting(SEED, &seed.to_string()),
            None => Err(format!("{SEED}: expected seeds of 64 bits")),
        });
        read.collect::<Result<_, _>>().map_err(wrong)
    }
}

fn usage(option: &str, given: &str, wrong: impl std::fmt::Display) -> anyhow::Error {
    Usage(format!("{option} {}: {wrong}", given.escape_debug())).into()
}

fn too_many(runs: u128) -> anyhow::Error {
    Usage(format!(
        "found {runs} runs, expected at most {RUNS_MAX} in one array: sweep fewer values, or take several arrays"
    ))
    .into()
}

fn split<'a>(option: &str, given: &'a str) -> anyhow::Result<(&'a str, &'a str)> {
    let parts = given
        .split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty());
    parts.ok_or_else(|| usage(option, given, "expected NAME=VALUE"))
}

/// The values of a sweep as texts: `first:last:step`, last included where a step meets it; or values with commas between them. Each has as many decimals as the
/// most exact of the three has.
fn texts(values: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = values.split(':').collect();
    let [first, last, step] = *parts else {
        if parts.len() == 1 {
            let texts: Vec<String> = values.split(',').map(|text| text.trim().to_owned()).collect();
            let count = texts.len() as u128;
            return if count > u128::from(RUNS_MAX) {
                Err(format!("found {count} values, expected at most {RUNS_MAX}"))
            } else {
                Ok(texts)
            };
        }
        return Err(format!("found '{values}', expected FIRST:LAST:STEP or VALUE,VALUE,…"));
    };
    let number = |text: &str| {
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| format!("found '{text}', expected a number"))
    };
    let (from, to, by) = (number(first)?, number(last)?, number(step)?);
    let steps = (to - from) / by;
    if !(steps.is_finite() && steps >= 0.0 && by != 0.0) {
        return Err(format!(
            "found '{values}', expected steps that lead from the first value to the last"
        ));
    }
    // A step that meets the last value but for rounding meets it.
    let steps = (steps * (1.0 + 1e-12) + 1e-9).floor();
    if steps >= RUNS_MAX as f64 {
        return Err(format!("found {:.0} values, expected at most {RUNS_MAX}", steps + 1.0));
    }
    let decimals = |text: &str| {
        let plain = !text.contains(['e', 'E']);
        plain.then(|| text.split_once('.').map_or(0, |(_, decimals)| decimals.len()))
    };
    let decimals = decimals(first)
        .zip(decimals(step))
        .map(|(first, step)| first.max(step).min(17));
    let text = |at: usize| {
        let value = by.mul_add(at as f64, from);
        decimals.map_or_else(|| value.to_string(), |decimals| format!("{value:.decimals$}"))
    };
    Ok((0..=steps as usize).map(text).collect())
}

/// Every combination, the last axis varying fastest.
fn combinations(axes: &[Axis]) -> anyhow::Result<Vec<Values>> {
    let runs = axes
        .iter()
        .try_fold(1u128, |runs, axis| runs.checked_mul(axis.values.len() as u128));
    let runs = runs.unwrap_or(u128::MAX);
    if runs > u128::from(RUNS_MAX) {
        return Err(too_many(runs));
    }
    let mut all = vec![Values::new()];
    for axis in axes {
        let with = |values: &Values, value: Number| {
            let mut values = values.clone();
            values.insert(axis.name.clone(), value);
            values
        };
        all = all
            .iter()
            .flat_map(|values| axis.values.iter().map(|value| with(values, *value)))
            .collect();
    }
    Ok(all)
}

/// `temperature=90 seed=2`.
pub(crate) fn words(values: &Values) -> String {
    let words: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        kernels::examples::load("gray-scott").expect("a shipped package")
    }

    fn args(set: &[&str], sweep: &[&str], replicas: Option<u64>) -> ChoiceArgs {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ChoiceArgs {
            set: owned(set),
            sweep: owned(sweep),
            replicas,
            seed_from: None,
        }
    }

    #[test]
    fn steps_are_the_decimals_that_people_wrote() {
        for (text, values) in [
            ("80:120:10", vec!["80", "90", "100", "110", "120"]),
            ("0.05:0.06:0.004", vec!["0.050", "0.054", "0.058"]),
            ("0.1:0.3:0.1", vec!["0.1", "0.2", "0.3"]),
            ("3:1:-1", vec!["3", "2", "1"]),
            ("5:5:1", vec!["5"]),
            ("1, 2,4", vec!["1", "2", "4"]),
        ] {
            assert_eq!(texts(text).unwrap(), values, "{text}");
        }
        for (text, part) in [
            ("1:2", "expected FIRST:LAST:STEP"),
            ("1:2:3:4", "expected FIRST:LAST:STEP"),
            ("1:2:0", "lead from the first value to the last"),
            ("1:2:-1", "lead from the first value to the last"),
            ("1:x:1", "found 'x', expected a number"),
            ("1:inf:1", "expected a number"),
            ("0:1:1e-9", "found 1000000001 values, expected at most 10000"),
            ("-1e308:1e308:1e-308", "expected"),
        ] {
            let message = texts(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn sweeps_give_every_combination_in_their_order() {
        let choice = args(&["diffusion_u=0.2"], &[], None).of(&package());
        let message = choice.expect_err("not a setting").to_string();
        assert!(
            message.contains("--set diffusion_u=0.2: found the unknown setting") && message.contains("'feed' and 'kill'"),
            "{message}"
        );
        let Ok(Choice::Array(runs)) = args(&[], &["kill=0.06,0.062", "feed=0.03:0.04:0.01"], None).of(&package()) else {
            panic!("expected an array");
        };
        let words: Vec<String> = runs.iter().map(words).collect();
        let expected = [
            "feed=0.03 kill=0.06",
            "feed=0.04 kill=0.06",
            "feed=0.03 kill=0.062",
            "feed=0.04 kill=0.062",
        ];
        assert_eq!(words, expected);
        let Ok(Choice::One(one)) = args(&["feed=0.03"], &[], None).of(&package()) else {
            panic!("expected one run");
        };
        assert_eq!(one.setting("feed"), Some(Number::Float(0.03)));
    }

    #[test]
    fn replicas_count_the_seed_up() {
        let ising = kernels::examples::load("ising").expect("a shipped package");
        let wanted = ChoiceArgs {
            seed_from: Some(5),
            ..args(&[], &[], Some(3))
        };
        let Ok(Choice::Array(runs)) = wanted.of(&ising) else {
            panic!("expected an array");
        };
        assert_eq!(runs.iter().map(words).collect::<Vec<_>>(), ["seed=5", "seed=6", "seed=7"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_before_anything_is_made() {
        for (wanted, part) in [
            (args(&["feed"], &[], None), "--set feed: expected NAME=VALUE"),
            (args(&["feed=much"], &[], None), "feed: found 'much', expected a number"),
            (args(&["feed=0.3"], &[], None), "found '0.3', expected 0.0 to 0.2"),
            (args(&["feed=0.1"], &["feed=0.1,0.2"], None), "'feed' is set or swept twice"),
            (args(&[], &["feed=0.1,0.1"], None), "found 0.1 twice"),
            (
                args(&[], &["feed=0:0.2:0.0002", "kill=0:0.2:0.0002"], None),
                "found 1002001 runs, expected at most 10000",
            ),
            (
                args(&[], &[], Some(3)),
                "found no integer setting 'seed' in package 'gray-scott'",
            ),
        ] {
            let error = wanted.of(&package()).expect_err(part);
            assert!(error.is::<Usage>(), "{error}");
            assert!(error.to_string().contains(part), "{part:?} is missing in: {error}");
        }
    }
}
