//! Elementary functions as fixed sequences of rounded operations: the same bits on every machine.
//!
//! | module | owns |
//! |---|---|
//! | `exp` | exponentials and logarithms |
//! | `pow` | powers |
//! | `trig` | circular functions |
//! | `hyperbolic` | hyperbolic functions |
//!
//! Reductions and polynomials are those of Moshier's Cephes (single precision), which stay within about two units in the last
//! place; `pow` carries everything in two parts.

mod exp;
mod hyperbolic;
mod pow;
mod trig;

use crate::ir::{Builder, Value};

impl Builder {
    fn clamp_k(&mut self, x: Value, low: f32, high: f32) -> Value {
        let low = self.float(low);
        let raised = self.fmax(x, low);
        let high = self.float(high);
        self.fmin(raised, high)
    }

    /// The sign of `sign` on a value that is not negative.
    fn with_sign_of(&mut self, size: Value, sign: Value) -> Value {
        let sign = self.raw_bits(sign);
        let sign = self.and_k(sign, 0x8000_0000);
        let bits = self.raw_bits(size);
        let bits = self.or(bits, sign);
        self.bits_float(bits)
    }
}
