//! Single pairs with coefficients of their own.

pub mod part;
pub mod twin;
