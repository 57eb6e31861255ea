//! What a run's recorded outputs tell: physics, figures and files for other programs. Everything here reads a run directory; nothing feeds
//! back into a run.
//!
//! | module | owns |
//! |---|---|
//! | [`trajectory`] | frames and positions of a run directory, in physical units |
//! | [`observables`] | the table of observables |
//! | [`physics`] | g(r), diffusion, energy drift, in f64 |
//! | [`plot`] | figures as SVG |
//! | [`formats`] | XYZ, DCD, npy |

pub(crate) mod formats;
pub(crate) mod observables;
pub(crate) mod physics;
pub(crate) mod plot;
pub(crate) mod trajectory;
