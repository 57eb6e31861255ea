//! Quotients and remainders by constants, which four lanes compute by products, for all integers that could go wrong.

use crate::support::{Case, Random};

#[test]
fn constants_divide_as_the_host_does() {
    let mut random = Random(3);
    let mut divisors: Vec<u32> = vec![
        1,
        2,
        3,
        5,
        6,
        7,
        9,
        10,
        11,
        100,
        641,
        977,
        98_240,
        65_535,
        65_537,
        0x7fff_ffff,
    ];
    divisors.extend([0x8000_0000, 0x8000_0001, 0xaaaa_aaab, 0xffff_fffe, 0xffff_fffd]);
    divisors.extend((0..40).map(|k| (random.word() >> (k % 30)).max(1)));
    let mut dividends: Vec<u32> = vec![0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff, 0xffff_fffe];
    dividends.extend((0..32).flat_map(|k| [1u32 << k, (1u32 << k) - 1]));
    for divisor in &divisors {
        let most = u32::MAX / divisor * divisor;
        dividends.extend([*divisor, divisor - 1, most, most.wrapping_sub(1), divisor.wrapping_neg()]);
    }
    dividends.resize_with(1024, || random.word());
    for few in divisors.chunks(16) {
        let each = |k: usize, d: &u32| {
            let signed = i64::from(d.cast_signed());
            format!(
                "out[4u * ({k}u + 16u * id.x)] = x / {d}u; out[4u * ({k}u + 16u * id.x) + 1u] = x % {d}u;
                out[4u * ({k}u + 16u * id.x) + 2u] = bitcast<u32>(i / i32({signed}));
                out[4u * ({k}u + 16u * id.x) + 3u] = bitcast<u32>(i % i32({signed}));\n"
            )
        };
        let body: String = few.iter().enumerate().map(|(k, d)| each(k, d)).collect();
        let source = format!(
            "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
            @group(0) @binding(1) var<storage, read> dividends: array<u32>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let x = dividends[id.x]; let i = bitcast<i32>(x);
                {body}
            }}"
        );
        let out = Case::new(&source, vec![vec![0; 64 * 1024], dividends.clone()], 16).run();
        for (x, row) in dividends.iter().zip(out[0].chunks_exact(64)) {
            for (d, found) in few.iter().zip(row.chunks_exact(4)) {
                let (i, s) = (x.cast_signed(), d.cast_signed());
                let signed = [i.wrapping_div(s), i.wrapping_rem(s)].map(i32::cast_unsigned);
                assert_eq!(found, [x / d, x % d, signed[0], signed[1]], "{x} by {d}, {i} by {s}");
            }
        }
    }
}
