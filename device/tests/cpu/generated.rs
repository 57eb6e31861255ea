//! Random programs: the same bits on one thread and two, in order and permuted, and on
//! Vulkan drivers. `BATON_GENERATED` sets how many (20 without it), `BATON_GENERATED_FROM` the first seed.

use std::fmt::Write;

use device::SessionOptions;
use protocol::Tier;

use crate::drivers::drivers;
use crate::support::{Case, Random};

struct Generator {
    random: Random,
    text: String,
    loops: u32,
    names: u32,
    /// In a function other than `main`.
    inner: bool,
}

impl Generator {
    fn atom(&mut self) -> String {
        match self.random.below(8) {
            // Not a constant expression: those are refused where they overflow.
            0 => format!("(l * 0u + {}u)", self.random.below(40)),
            1 => "i".to_owned(),
            2 => "l".to_owned(),
            3 => format!("t[{}u]", self.random.below(8)),
            _ => format!("v{}", self.random.below(4)),
        }
    }

    fn expression(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return self.atom();
        }
        let (a, b) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.random.below(14) {
            0 | 1 => format!("({a} + {b})"),
            2 => format!("({a} - {b})"),
            3 => format!("({a} * {b})"),
            4 => format!("({a} ^ {b})"),
            5 => format!("({a} % ({b} % 9u))"),
            6 => format!("({a} / ({b} % 5u))"),
            7 => format!("({a} << ({b} % 32u))"),
            8 => format!("min({a}, {b})"),
            9 => format!("t[{a} % 8u]"),
            10 => format!("select({a}, {b}, {})", self.condition(1)),
            11 => format!("reverseBits({a} | {b})"),
            12 => format!("u32(f32({a} % 1000u) * 0.5 + f32({b} % 77u))"),
            _ if self.inner => format!("countOneBits({a} ^ {b})"),
            _ => format!("f{}({a}, {b} % 7u)", self.random.below(2)),
        }
    }

    fn condition(&mut self, depth: u32) -> String {
        let (a, b) = (self.expression(depth), self.expression(depth));
        match self.random.below(6) {
            0 => format!("{a} < {b}"),
            1 => format!("{a} % 3u == {b} % 3u"),
            2 => format!("({a} & 1u) != 0u && {b} > 5u"),
            3 => format!("({a} & 2u) == 0u || {b} % 2u == 1u"),
            // The same for all invocations.
            4 => format!("g.x % {}u == 0u", 1 + self.random.below(3)),
            _ => format!("{a} >= {b}"),
        }
    }

    fn block(&mut self, depth: u32, in_loop: bool) {
        for _ in 0..=self.random.below(3) {
            self.statement(depth, in_loop);
        }
    }

    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}");
    }

    fn statement(&mut self, depth: u32, in_loop: bool) {
        let choice = self.random.below(if depth == 0 { 5 } else { 13 });
        match choice {
            0..=2 => {
                let (v, e) = (self.random.below(4), self.expression(2));
                self.line(&format!("v{v} = {e};"));
            }
            3 => {
                let (at, e) = (self.expression(1), self.expression(2));
                self.line(&format!("t[{at} % 8u] += {e};"));
            }
            4 if in_loop => {
                let word = if self.random.below(2) == 0 { "break" } else { "continue" };
                let c = self.condition(1);
                self.line(&format!("if ({c}) {{ {word}; }}"));
            }
            4 | 5 if !self.inner => {
                let (at, e) = (self.random.below(4), self.expression(1));
                self.line(&format!("atomicAdd(&total[{at}u], {e});"));
            }
            6..=8 => {
                let c = self.condition(2);
                self.line(&format!("if ({c}) {{"));
                self.block(depth - 1, in_loop);
                if self.random.below(2) == 0 {
                    self.line("} else {");
                    self.block(depth - 1, in_loop);
                }
                self.line("}");
            }
            9 | 10 if self.loops < 3 => {
                self.loops += 1;
                self.names += 1;
                let (k, e) = (self.names, self.expression(1));
                let bound = if self.random.below(2) == 0 {
                    format!("{e} % 5u")
                } else {
                    "3u".to_owned()
                };
                self.line(&format!(
                    "let n{k} = {bound}; for (var k{k} = 0u; k{k} < n{k}; k{k}++) {{ v0 += k{k};"
                ));
                self.block(depth - 1, true);
                self.line("}");
                self.loops -= 1;
            }
            11 => {
                let e = self.expression(2);
                self.line(&format!("switch {e} % 4u {{ case 0u: {{"));
                self.block(depth - 1, false);
                self.line("} case 2u, 3u: {");
                self.block(depth - 1, false);
                self.line("} default: {");
                self.block(depth - 1, false);
                self.line("} }");
            }
            _ => {
                let (c, e) = (self.condition(1), self.expression(1));
                let end = if self.inner {
                    format!("return {e};")
                } else {
                    format!("v1 = {e} + 1u;")
                };
                self.line(&format!("if ({c}) {{ {end} }}"));
            }
        }
    }

    fn exchange(&mut self) {
        let (e, by) = (self.expression(2), 1 + self.random.below(60));
        self.line(&format!(
            "w[l] = {e}; workgroupBarrier(); v3 = v3 ^ w[(l + {by}u) % SIZE]; workgroupBarrier();"
        ));
    }

    fn program(seed: u64) -> (String, u32) {
        let mut this = Self {
            random: Random(seed),
            text: String::new(),
            loops: 0,
            names: 0,
            inner: true,
        };
        let size = [1, 3, 8, 30, 64][this.random.below(5) as usize];
        this.line("@group(0) @binding(0) var<storage, read> a: array<u32>;");
        this.line("@group(0) @binding(1) var<storage, read_write> out: array<u32>;");
        this.line("@group(0) @binding(2) var<storage, read_write> total: array<atomic<u32>, 4>;");
        this.line(&format!("const SIZE = {size}u; var<workgroup> w: array<u32, {size}>;"));
        for f in 0..2 {
            this.line(&format!(
                "fn f{f}(i: u32, l: u32) -> u32 {{ let g = vec3(l); var t: array<u32, 8>;"
            ));
            this.line("var v0 = i; var v1 = l; var v2 = 3u; var v3 = i * l;");
            this.block(2, false);
            this.line("return v0 ^ v1 + v2 * v3; }");
        }
        this.inner = false;
        this.line(&format!("@compute @workgroup_size({size})"));
        this.line("fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32,");
        this.line("@builtin(workgroup_id) g: vec3<u32>) { let i = id.x; var t: array<u32, 8>;");
        this.line("var v0 = a[i]; var v1 = a[i / 2u]; var v2 = l; var v3 = 1u;");
        for _ in 0..3 {
            this.block(3, false);
            match this.random.below(3) {
                0 => this.exchange(),
                1 => {
                    this.line("for (var turn = 0u; turn < 2u + g.x % 2u; turn++) {");
                    this.block(2, false);
                    this.exchange();
                    this.line("}");
                }
                _ => {}
            }
        }
        this.line("var sum = v0 * 3u + v1 * 5u + v2 * 7u + v3;");
        this.line("for (var k = 0u; k < 8u; k++) { sum = sum * 31u + t[k]; } out[i] = sum; }");
        (this.text.replace("v0 ^ v1 + v2 * v3", "(v0 ^ v1) + v2 * v3"), size)
    }
}

#[test]
fn generated_programs_give_the_same_bits_everywhere() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, count) = (
        number("BATON_GENERATED_FROM").unwrap_or(0),
        number("BATON_GENERATED").unwrap_or(20),
    );
    let drivers = drivers();
    let mut compared = 0;
    for seed in first..first + count {
        let (source, size) = Generator::program(seed);
        let groups = 5;
        let mut random = Random(seed);
        let a: Vec<u32> = (0..size * groups).map(|_| random.word() >> random.below(32)).collect();
        let mut case = Case::new(&source, vec![a, vec![0; (size * groups) as usize], vec![0; 4]], groups);
        case.tier = Tier::Portable;
        let mine = case.run_with(&SessionOptions {
            threads: Some(1),
            ..SessionOptions::default()
        });
        let mine = mine.unwrap_or_else(|error| panic!("seed {seed}: {error:?}\n{source}"));
        let permuted = SessionOptions {
            threads: Some(2),
            workgroup_order_seed: Some(seed),
            ..SessionOptions::default()
        };
        assert_eq!(
            case.run_with(&permuted).expect("it ran before"),
            mine,
            "seed {seed}, permuted\n{source}"
        );
        for device in &drivers {
            let theirs = case.run_on(device.as_ref(), &SessionOptions::default());
            let theirs = theirs.unwrap_or_else(|error| panic!("seed {seed}, {}: {error}\n{source}", device.info().name));
            for (buffer, (mine, theirs)) in mine.iter().zip(&theirs).enumerate() {
                let differs = mine.iter().zip(theirs).position(|(mine, theirs)| mine != theirs);
                assert_eq!(
                    differs,
                    None,
                    "seed {seed}, {}, buffer {buffer}\n{source}",
                    device.info().name
                );
            }
            compared += 1;
        }
        if (seed + 1).is_multiple_of(100) {
            println!("up to seed {seed}: the same bits");
        }
    }
    println!("{count} programs, {compared} comparisons with drivers");
}
