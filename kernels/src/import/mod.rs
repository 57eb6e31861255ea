//! Other programs' files as a molecular system.
