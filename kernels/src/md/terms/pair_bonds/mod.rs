//! Single pairs with coefficients of their own.

pub mod twin;
