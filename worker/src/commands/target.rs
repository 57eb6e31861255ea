//! What a command is about: a job by its number, or an array of jobs by its name.
//!
//! Invariant: an array on a server is all jobs of one owner that carry its name as a tag. They are submitted together, and each of them is an ordinary job.

use std::collections::BTreeMap;
use std::str::FromStr;

use kernels::package::Values;
use kernels::package::manifest::Number;
use protocol::JobId;
use protocol::http::{JobView, Listed};

use super::remote;
use crate::net::{Client, NetError};

/// What names of arrays begin with.
const PREFIX: &str = "array-";

/// A job or an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A job.
    Job(JobId),
    /// An array.
    Array(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of_array = |key: &str| (8..=32).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_hexdigit());
        match (text.parse(), text.strip_prefix(PREFIX)) {
            (Ok(job), _) => Ok(Self::Job(job)),
            (_, Some(key)) if of_array(key) => Ok(Self::Array(text.to_owned())),
            _ => Err("expected a job's number, or an array's name such as array-3f9a01bc".into()),
        }
    }
}

/// A name for a new array, from a key that no other submission has.
pub(crate) fn new_array(key: &str) -> String {
    format!("{PREFIX}{}", &key[..key.len().min(12)])
}

/// What a job of an array has set, by its tags `name=value`.
pub(crate) fn settings(job: &JobView) -> Values {
    let pairs = job.tags.iter().filter_map(|tag| tag.split_once('='));
    let values = pairs.map(|(name, value)| (name.to_owned(), number(value)));
    values.collect::<BTreeMap<_, _>>()
}

fn number(text: &str) -> Number {
    let integer = text.parse().map(Number::Integer).ok();
    let float = || text.parse().map(Number::Float).ok();
    integer.or_else(float).unwrap_or(Number::Bool(text == "true"))
}

/// All jobs of an array, in their order.
///
/// # Errors
/// There is none of this name, or the server is away.
pub(crate) async fn jobs(client: &Client, array: &str) -> Result<Vec<JobView>, NetError> {
    let mut jobs: Vec<JobView> = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let path = format!("/v1/jobs?tag={array}&cursor={cursor}");
        let page: Listed<JobView> = remote::patiently(|| client.get(&path)).await?;
        jobs.extend(page.items);
        match page.next {
            Some(next) => cursor = next,
            None if jobs.is_empty() => {
                return Err(NetError::Setup(format!(
                    "there is no {array} of yours on this server; `baton jobs` lists jobs with their arrays"
                )));
            }
            None => return Ok(jobs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_jobs_and_names_are_arrays() {
        assert_eq!("17".parse(), Ok(Target::Job(JobId(17))));
        assert_eq!("array-0123456789ab".parse(), Ok(Target::Array("array-0123456789ab".into())));
        assert_eq!(new_array("0123456789abcdef"), "array-0123456789ab");
        for wrong in [
            "",
            "array-",
            "array-xyz",
            "array-../../../etc",
            "argon",
            "-1",
            "array-0123&all=true",
        ] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
