//! The segment loop with its one way across a boundary, and the run directory that keeps what comes out.
