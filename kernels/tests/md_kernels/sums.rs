//! Sums become 0, however many there are to a workgroup.

use crate::bench::Bench;
use crate::molecules::cell_of;

#[test]
fn every_sum_becomes_0_whatever_a_workgroup_clears() {
    for (words, piece) in [(1, 64), (63, 64), (1000, 64), (1000, 320), (4096, 1024), (1000, 1024)] {
        let mut bench = Bench::new(&cell_of([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]]));
        bench.integer("sums_words", words);
        bench.integer("sums_piece", piece);
        bench.integer("invocations", 64 * words.div_ceil(piece));
        bench.integers("sums", &[words], (0..words).map(|word| word as i32 - 7));
        bench.pass("clear_sums", &["md/terms/clear_sums.wgsl"], "invocations");
        let left = bench.everywhere(1).integers("sums");
        assert!(left.iter().all(|sum| *sum == 0), "{words} words in pieces of {piece}");
    }
}
