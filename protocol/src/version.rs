//! Versions of programs, as servers and agents tell them to each other: three numbers.

use std::fmt;
use std::str::FromStr;

/// A version, in its order. What stands behind `-` or `+` does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version([u64; 3]);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "found {:?}, expected a version of three numbers such as 0.2.0",
                text.chars().take(40).collect::<String>()
            )
        };
        let mut parts = text.split(['-', '+']).next().unwrap_or_default().split('.');
        let mut number = || -> Option<u64> {
            let part = parts.next()?;
            let is_plain = (1..=9).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
            is_plain.then(|| part.parse().ok()).flatten()
        };
        let numbers = [number(), number(), number()];
        match (numbers, parts.next()) {
            ([Some(major), Some(minor), Some(patch)], None) => Ok(Self([major, minor, patch])),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_ordered_by_number_and_anything_else_is_refused() {
        let version = |text: &str| text.parse::<Version>();
        assert!(version("0.10.0").unwrap() > version("0.9.3").unwrap());
        assert_eq!(version("1.2.3-rc.1+x").unwrap(), version("1.2.3").unwrap());
        assert_eq!(version("01.2.3").unwrap().to_string(), "1.2.3");
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "x.y.z",
            "1.2.-3",
            "1.2.3 ",
            "+1.2.3",
            "1.2.9999999999",
            "1.0.0.\u{1b}",
        ] {
            assert!(version(wrong).is_err(), "{wrong:?}");
        }
    }
}
