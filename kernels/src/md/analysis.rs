//! What a trajectory tells.
