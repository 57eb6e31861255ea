//! What a run of a liquid tells, in f64 on the host: none of it feeds back into a run.
//!
//! | module | owns |
//! |---|---|
//! | [`blocks`] | means of correlated series, with their error |
//! | [`fit`] | straight lines and parabolas through points |
//! | [`track`] | positions over time, followed through the periodic box |
//! | [`rdf`] | the radial distribution function |
//! | [`diffusion`] | mean square displacement and the diffusion coefficient |
//! | [`rmsd`] | how far a molecule is from what it was at first |
//! | [`torsion`] | torsion angles of four particles |
//! | [`of_run`] | all of it for a run directory |

pub(crate) mod blocks;
pub(crate) mod diffusion;
pub(crate) mod fit;
pub(crate) mod of_run;
pub(crate) mod rdf;
pub(crate) mod rmsd;
pub(crate) mod torsion;
pub(crate) mod track;
