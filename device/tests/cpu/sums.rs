//! Buffers that a pass only adds to: each thread may keep its own copy, and nobody can tell.

use device::SessionOptions;

use crate::support::{Case, Random};

/// Every way to add: lanes side by side, all to one word, scattered, strided, whole rows, masked, subtracted, out of bounds, in loops.
const KERNEL: &str = "
@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> rows: array<array<atomic<i32>, 3>>;
@group(0) @binding(3) var<storage, read_write> total: atomic<u32>;
@group(0) @binding(4) var<storage, read_write> seen: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> quads: array<array<atomic<i32>, 4>>;
@compute @workgroup_size(50)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let k = key[id.x];
    atomicAdd(&bins[k % 1000u], k);
    atomicAdd(&bins[1000u + l], k * 3u);
    for (var i = 0u; i < k % 5u; i++) {
        atomicAdd(&rows[(id.x + i) % 700u][0], i32(k));
        atomicSub(&rows[(id.x + i) % 700u][1], i32(k >> 1u));
        atomicAdd(&rows[l][2], 7);
        if ((k & 8u) != 0u) { atomicAdd(&bins[id.x % 64u + 2000u], 1u); }
    }
    atomicAdd(&total, k);
    if ((k & 1u) == 1u) { atomicSub(&total, 5u); }
    atomicAdd(&bins[k], 11u);
    // Sums of a whole row at once: nothing is computed between them.
    let q = k % 777u;
    let word = i32(k);
    let eighth = i32(k >> 3u);
    atomicAdd(&quads[q][0], word);
    atomicSub(&quads[q][1], 3);
    atomicAdd(&quads[q][2], eighth);
    if ((k & 2u) != 0u) {
        for (var i = 0u; i < 4u; i++) {
            let t = (id.x + i) % 705u;
            let turn = i32(i);
            atomicAdd(&quads[t][0], 1);
            atomicAdd(&quads[t][1], turn);
            atomicAdd(&quads[t][2], word);
            atomicSub(&quads[t][3], 9);
        }
    }
    let before = atomicAdd(&seen[k % 16u], 1u);
    if (before > 4000000000u) { atomicAdd(&bins[3u], 1u); }
}";

const GROUPS: u32 = 90;

fn case() -> Case {
    let mut random = Random(11);
    let count = (GROUPS * 50) as usize;
    let key: Vec<u32> = (0..count).map(|_| random.word()).collect();
    let start = |random: &mut Random, count: usize| -> Vec<u32> { (0..count).map(|_| random.word()).collect() };
    let (bins, rows, total) = (start(&mut random, 3000), start(&mut random, 2100), start(&mut random, 1));
    let quads = start(&mut random, 2800);
    Case::new(KERNEL, vec![key, bins, rows, total, vec![0; 16], quads], GROUPS)
}

/// What the packages' reader says: an atomic out of bounds does nothing.
fn expected(case: &Case) -> Vec<Vec<u32>> {
    let mut all = case.buffers.clone();
    let key = all[0].clone();
    for (id, k) in key.iter().enumerate() {
        let (id, k, l) = (id as u32, *k, id as u32 % 50);
        let mut add = |buffer: usize, index: u32, value: u32| {
            if let Some(word) = all[buffer].get_mut(index as usize) {
                *word = word.wrapping_add(value);
            }
        };
        add(1, k % 1000, k);
        add(1, 1000 + l, k.wrapping_mul(3));
        for i in 0..k % 5 {
            add(2, (id + i) % 700 * 3, k);
            add(2, (id + i) % 700 * 3 + 1, (k >> 1).wrapping_neg());
            add(2, l * 3 + 2, 7);
            if k & 8 != 0 {
                add(1, id % 64 + 2000, 1);
            }
        }
        add(3, 0, k);
        if k & 1 == 1 {
            add(3, 0, 5u32.wrapping_neg());
        }
        add(1, k, 11);
        // A row out of bounds is no row.
        let mut add_row = |row: u32, words: [u32; 4]| (0..4).for_each(|i| add(5, row * 4 + i, words[i as usize]));
        add_row(k % 777, [k, 3u32.wrapping_neg(), k >> 3, 0]);
        for i in (0..4).filter(|_| k & 2 != 0) {
            add_row((id + i) % 705, [1, i, k, 9u32.wrapping_neg()]);
        }
        add(4, k % 16, 1);
    }
    all
}

#[test]
fn sums_are_the_same_for_any_threads_and_any_order() {
    let case = case();
    let right = expected(&case);
    for threads in [1, 2, 3, 7] {
        for order in [None, Some(1), Some(99)] {
            let options = SessionOptions {
                threads: Some(threads),
                workgroup_order_seed: order,
                ..SessionOptions::default()
            };
            let found = case.run_with(&options).expect("it runs");
            for (buffer, (found, right)) in found.iter().zip(&right).enumerate() {
                let differs = found.iter().zip(right).position(|(a, b)| a != b);
                assert_eq!(differs, None, "buffer {buffer}, {threads} threads, order {order:?}");
            }
        }
    }
}

/// Few additions to a large buffer stay where they are: copies would cost more than they save.
#[test]
fn few_additions_to_a_large_buffer_are_right() {
    let source = "@group(0) @binding(0) var<storage, read_write> sum: array<atomic<u32>>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            atomicAdd(&sum[id.x * 1000u], id.x);
            atomicAdd(&sum[7], 1u);
        }";
    let case = Case::new(source, vec![vec![5; 100_000]], 20);
    for threads in [1, 4] {
        let options = SessionOptions {
            threads: Some(threads),
            ..SessionOptions::default()
        };
        let found = case.run_with(&options).expect("it runs");
        for (index, word) in found[0].iter().enumerate() {
            let id = index / 1000;
            let right = match index {
                7 => 5 + 80,
                _ if index.is_multiple_of(1000) && id < 80 => 5 + id,
                _ => 5,
            };
            assert_eq!(*word as usize, right, "word {index}, {threads} threads");
        }
    }
}

/// Sums beyond the caches are fetched a round ahead, by places that a list, read ahead, tells: sums are what they would be.
#[test]
fn sums_that_are_fetched_ahead_are_right() {
    const SLOTS: usize = 300_000;
    const ROUNDS: usize = 9;
    let source = "@group(0) @binding(0) var<storage, read> list: array<u32>;
        @group(0) @binding(1) var<storage, read_write> sums: array<array<atomic<u32>, 4>>;
        @compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            var next = list[9u * id.x];
            for (var k = 0u; k < 9u - id.x % 3u; k++) {
                let slot = min(next & 0xfffffffu, 299999u);
                next = list[9u * id.x + min(k + 1u, 8u)];
                atomicAdd(&sums[slot][0], id.x);
                atomicAdd(&sums[slot][1], 1u);
                atomicAdd(&sums[slot][2], k);
            }
        }";
    let (mut random, groups) = (Random(5), 40);
    let list: Vec<u32> = (0..32 * groups * ROUNDS)
        .map(|_| (random.word() << 28) | random.below(350_000))
        .collect();
    let mut right = vec![0u32; 4 * SLOTS];
    for (at, word) in list.iter().enumerate() {
        let (id, k) = (at / ROUNDS, at % ROUNDS);
        if k < ROUNDS - id % 3 {
            let slot = (*word as usize & 0xfff_ffff).min(SLOTS - 1);
            let words = [id, 1, k].map(|word| word as u32);
            (0..3).for_each(|i| right[4 * slot + i] = right[4 * slot + i].wrapping_add(words[i]));
        }
    }
    let case = Case::new(source, vec![list, vec![0; 4 * SLOTS]], groups as u32);
    for threads in [1, 2, 3] {
        let options = SessionOptions {
            threads: Some(threads),
            ..SessionOptions::default()
        };
        assert_eq!(case.run_with(&options).expect("it runs")[1], right, "{threads} threads");
    }
    assert_eq!(case.checked().expect("nothing is wrong")[1], right);
}

/// Checked mode sees the same additions: an index out of bounds is found, and so is nothing else.
#[test]
fn checked_mode_watches_sums() {
    let source = |index: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> sum: array<atomic<i32>>;
            @compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{ atomicAdd(&sum[{index}], 2); }}"
        )
    };
    let found = Case::new(&source("id.x % 5u"), vec![vec![0; 5]], 3)
        .checked()
        .expect("nothing is wrong");
    assert_eq!(found[0], [10, 10, 10, 10, 8]);
    let error = Case::new(&source("id.x"), vec![vec![0; 5]], 3)
        .checked()
        .expect_err("it is out of bounds");
    assert!(error.to_string().contains("index 5 of 5"), "{error}");
}
