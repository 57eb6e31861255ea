//! One file a command: its arguments, and what it does. Each returns how it ended. Those of [`network`] need a server, or are one's volunteer.

pub(crate) mod analyse;
pub(crate) mod chain;
pub(crate) mod devices;
pub(crate) mod evaluate;
pub(crate) mod export;
mod export_package;
pub(crate) mod import;
pub(crate) mod minimize;
pub(crate) mod new;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod settings;
pub(crate) mod verify;
mod verify_proof;

#[cfg(feature = "network")]
mod class;
#[cfg(feature = "network")]
mod fetch;
#[cfg(feature = "network")]
mod fetch_array;
#[cfg(feature = "network")]
mod fetch_part;
#[cfg(feature = "network")]
mod job;
#[cfg(feature = "network")]
mod jobs;
#[cfg(feature = "network")]
mod key;
#[cfg(feature = "network")]
pub(crate) mod network;
#[cfg(feature = "network")]
mod operator;
#[cfg(feature = "network")]
mod remote;
#[cfg(feature = "network")]
mod service;
#[cfg(feature = "network")]
mod steer;
#[cfg(feature = "network")]
mod submit;
#[cfg(feature = "network")]
mod submit_array;
#[cfg(feature = "network")]
mod target;
#[cfg(feature = "network")]
mod verified_by;
#[cfg(feature = "network")]
mod worker;

/// A length of time on the command line: `90`, `30s`, `20m`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let scale = match unit {
        "d" => 86_400.0,
        "h" => 3600.0,
        "m" => 60.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * scale);
    let seconds = seconds.filter(|seconds| (0.0..=366.0 * 86_400.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("{text:?}: expected a time such as 30s, 20m, 2h or 7d, at most a year"))?;
    Ok(std::time::Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_that_is_taken_is_a_year_at_most_and_reads_as_one(text in prop_oneof![any::<String>(), "-?[0-9.e]{0,12}[smhd]?"]) {
            if let Ok(time) = super::duration(&text) {
                prop_assert!(time <= Duration::from_hours(366 * 24));
                let said = crate::console::progress::duration(time.as_secs_f64());
                prop_assert!(said.starts_with(|c: char| c.is_ascii_digit()), "{said}");
            }
        }

        #[test]
        fn every_length_of_time_can_be_said(seconds in any::<f64>()) {
            let said = crate::console::progress::duration(seconds);
            prop_assert!(!said.is_empty() && !said.contains('-') && !said.contains("NaN"), "{said}");
        }
    }

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("30s", 30),
            ("20m", 1200),
            ("2h", 7200),
            ("1.5h", 5400),
            ("7d", 604_800),
        ] {
            assert_eq!(super::duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "h", "-1s", "1y", "inf", "nan", "1e30d", "é"] {
            assert!(super::duration(wrong).is_err(), "{wrong}");
        }
    }
}
