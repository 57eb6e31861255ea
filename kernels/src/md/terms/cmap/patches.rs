//! Bicubic patches of an energy map: for each cell of the map 16 coefficients, from periodic cubic splines along each axis.

use crate::md::system::CmapGrid;

/// Sweeps in which the splines' slopes come to rest: each shortens what is missing to a third or less.
const SWEEPS: usize = 80;

/// Coefficients of all cells, kJ/mol: cell (i, j) is at i + size j, and its energy is Σ c[4 p + q] xᵖ yᑫ, x and y from 0 to 1 along the first and the
/// second angle.
pub fn patches(grid: &CmapGrid) -> Vec<[f64; 16]> {
    let size = grid.size;
    let value = &grid.energies_kj_mol;
    let along_x = slopes(value, size, [1, size]);
    let along_y = slopes(value, size, [size, 1]);
    let mixed = slopes(&along_x, size, [size, 1]);
    let cell = |index: usize| {
        let (i, j) = (index % size, index / size);
        let at = |di: usize, dj: usize| (i + di) % size + size * ((j + dj) % size);
        // Rows: value and slope at x = 0, then at x = 1; columns the same along y.
        let corner = |row: usize, column: usize| {
            let list = match (row % 2, column % 2) {
                (0, 0) => value,
                (1, 0) => &along_x,
                (0, 1) => &along_y,
                _ => &mixed,
            };
            list[at(row / 2, column / 2)]
        };
        let power = |place: usize| {
            let (along_x, along_y) = (HERMITE[place / 4], HERMITE[place % 4]);
            let columns = |row: usize| (0..4).map(|column| along_y[column] * corner(row, column)).sum::<f64>();
            (0..4).map(|row| along_x[row] * columns(row)).sum::<f64>()
        };
        std::array::from_fn(power)
    };
    (0..size * size).map(cell).collect()
}

/// Power p of the cubic with value and slope at 0 and value and slope at 1.
const HERMITE: [[f64; 4]; 4] = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [-3.0, -2.0, 3.0, -1.0],
    [2.0, 1.0, -2.0, 1.0],
];

/// Slopes of the periodic cubic splines through the lines of a map, per cell: d₋ + 4 d + d₊ = 3 (y₊ − y₋), solved by sweeps. `steps` are the
/// distances of neighbours in a line and of lines.
fn slopes(y: &[f64], size: usize, steps: [usize; 2]) -> Vec<f64> {
    let mut slopes = vec![0.0; y.len()];
    for line in 0..size {
        let at = |k: usize| line * steps[1] + k % size * steps[0];
        for _ in 0..SWEEPS {
            for k in 0..size {
                let (before, after) = (at(k + size - 1), at(k + 1));
                slopes[at(k)] = 0.25 * (3.0 * (y[after] - y[before]) - slopes[before] - slopes[after]);
            }
        }
    }
    slopes
}
