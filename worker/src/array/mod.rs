//! Arrays: several runs of one package that differ in what the package lets be set, begun, resumed, submitted and fetched as one.
//!
//! | module | owns |
//! |---|---|
//! | [`choice`] | `--set`, `--sweep`, `--replicas`: which runs these are |
//! | [`dir`] | the array's folder: `array.json`, a run directory for each run |
//! | [`table`] | `results.csv`: one row a run |
//! | [`local`] | running an array on this machine |
//!
//! Invariant: a run's package is the array's package with the run's values, and has the digest that `array.json` records. So each run is an ordinary
//! run directory, with the chain that `baton run PACKAGE --set …` gives alone.

pub(crate) mod choice;
pub(crate) mod dir;
pub(crate) mod local;
pub(crate) mod table;
