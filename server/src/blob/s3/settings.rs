//! What is said of a bucket: its name and prefix by `--blobs`, everything else by the environment, under the names that S3's other clients use.

use std::fmt;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, RetryConfig};

use super::http::Connector;

/// A request is tried again for so long: a store that restarts is waited for, and a client's request still gets its answer.
const RETRIED_FOR: Duration = Duration::from_secs(20);
/// Fewest and most characters of a bucket's name.
const BUCKET_CHARS: std::ops::RangeInclusive<usize> = 3..=63;

/// A bucket, and what the keys of all blobs in it begin with.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    bucket: String,
    prefix: Path,
    /// Variables instead of the process's environment.
    environment: Option<Vec<(String, String)>>,
}

impl Settings {
    /// Reads `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// It is none: what was expected.
    pub fn parse(url: &str) -> Result<Self, String> {
        let expected = || format!("{url}: expected s3://BUCKET or s3://BUCKET/PREFIX");
        let rest = url.strip_prefix("s3://").ok_or_else(expected)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !BUCKET_CHARS.contains(&bucket.len()) || !bucket.chars().all(is_named) {
            return Err(expected());
        }
        let prefix = Path::parse(prefix).map_err(|error| format!("{}: {error}", expected()))?;
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix,
            environment: None,
        })
    }

    /// The same with variables such as `AWS_ENDPOINT_URL` instead of those of the process's environment.
    pub fn with_environment(self, variables: Vec<(String, String)>) -> Self {
        Self {
            environment: Some(variables),
            ..self
        }
    }

    /// What the keys of all blobs begin with.
    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    fn variables(&self) -> Vec<(String, String)> {
        self.environment.clone().unwrap_or_else(|| std::env::vars().collect())
    }

    /// Whether a key is given. Without one a role of the machine is asked for.
    pub(super) fn has_key(&self) -> bool {
        self.variables()
            .iter()
            .any(|(name, value)| name == "AWS_ACCESS_KEY_ID" && !value.is_empty())
    }

    /// A client of the bucket. Nothing is asked yet.
    ///
    /// # Errors
    /// A variable cannot be, by its name.
    pub(super) fn client(&self) -> Result<AmazonS3, object_store::Error> {
        let mut builder = AmazonS3Builder::new();
        for (name, value) in self.variables() {
            let key: Option<AmazonS3ConfigKey> = match name.starts_with("AWS_") {
                true => name.to_ascii_lowercase().parse().ok(),
                false => None,
            };
            if let Some(key) = key {
                builder = builder.with_config(key, value);
            }
        }
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        };
        builder
            .with_bucket_name(&self.bucket)
            .with_http_connector(Connector)
            .with_retry(RetryConfig {
                backoff,
                max_retries: 20,
                retry_timeout: RETRIED_FOR,
            })
            .build()
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_ref() {
            "" => write!(f, "s3://{}", self.bucket),
            prefix => write!(f, "s3://{}/{prefix}", self.bucket),
        }
    }
}

/// Without the variables: secrets are among them.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
