//! Elementary functions as fixed sequences of rounded operations: the same bits on every machine.
//!
//! | module | owns |
//! |---|---|
//! | `exp` | exponentials and logarithms |
//! | `pow` | powers |
//! | `trig` | circular functions |
//! | `hyperbolic` | hyperbolic functions |
//!
//! They are of the class-bound tier alone; the portable tier has the exact library of `wgsl`. What they save, in nanoseconds an evaluation
//! (`cargo nextest run --release -p device --run-ignored all --no-capture elementary_functions`, one thread of an AMD EPYC, Zen 4): `exp` 3.0 beside 4.2, `log`
//! 5.6 beside 6.1, `pow` 10 beside 22, `atan2` 3.6 beside 16, `sin` 4 beside 27, `asinh` 6.5 beside 42.
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
