//! Short names for the builder's operations, so that formulas read as formulas.

use crate::ir::{Bin, Builder, Un, Value};

macro_rules! binary {
    ($($name:ident $op:ident),* $(,)?) => {
        impl Builder {
            $(pub(super) fn $name(&mut self, a: Value, b: Value) -> Value { self.bin(Bin::$op, a, b) })*
        }
    };
}

macro_rules! unary {
    ($($name:ident $op:ident),* $(,)?) => {
        impl Builder {
            $(pub(super) fn $name(&mut self, a: Value) -> Value { self.un(Un::$op, a) })*
        }
    };
}

binary!(
    fadd FAdd, fsub FSub, fmul FMul, fdiv FDiv, fmin FMin, fmax FMax, feq FEq, fne FNe, flt FLt, fle FLe,
    iadd IAdd, isub ISub, imul IMul, and And, or Or, xor Xor, shl Shl, shrs ShrS, shru ShrU,
    mins MinS, minu MinU, maxs MaxS, ieq IEq, ine INe, lts LtS, ltu LtU,
);

unary!(
    fneg FNeg, fabs FAbs, fsqrt FSqrt, fceil FCeil, ffloor FFloor, ftrunc FTrunc, fnearest FNearest,
    float_bits FloatBits, raw_bits RawBits, bits_float BitsFloat, signed_of FloatToS, unsigned_of FloatToU, float_of_s SToFloat, float_of_u UToFloat,
    iabs IAbs, inot INot, clz Clz, ctz Ctz, popcnt Popcnt, bool_int BoolToInt, not Not,
);

impl Builder {
    /// `a + k`
    pub(super) fn fadd_k(&mut self, a: Value, k: f32) -> Value {
        let k = self.float(k);
        self.fadd(a, k)
    }

    /// `a * k`
    pub(super) fn fmul_k(&mut self, a: Value, k: f32) -> Value {
        let k = self.float(k);
        self.fmul(a, k)
    }

    /// `a * b + c`, rounded twice.
    pub(super) fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        let product = self.fmul(a, b);
        self.fadd(product, c)
    }

    /// `((k0 * x + k1) * x + k2) …`
    pub(super) fn horner(&mut self, x: Value, coefficients: &[f32]) -> Value {
        let mut sum = self.float(coefficients[0]);
        for k in &coefficients[1..] {
            let product = self.fmul(sum, x);
            sum = self.fadd_k(product, *k);
        }
        sum
    }

    pub(super) fn iadd_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.iadd(a, k)
    }

    pub(super) fn and_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.and(a, k)
    }

    pub(super) fn or_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.or(a, k)
    }

    pub(super) fn shl_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.shl(a, k)
    }

    pub(super) fn shru_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.shru(a, k)
    }

    pub(super) fn shrs_k(&mut self, a: Value, k: u32) -> Value {
        let k = self.int(k);
        self.shrs(a, k)
    }

    /// `2^e` for an integer `e` in -126..=127.
    pub(super) fn exp2i(&mut self, e: Value) -> Value {
        let biased = self.iadd_k(e, 127);
        let bits = self.shl_k(biased, 23);
        self.bits_float(bits)
    }
}
