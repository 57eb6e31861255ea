//! A molecular system as a kernel package.
