// Large connected sets of distance constraints, by color. Host: kernels/src/md/motion/constraint_sets.rs. Bindings of the files that need it:
// `set_ranges`: for each set SET_WORDS words: where its atoms begin in `set_atoms`, their number, where the rows of each color begin, and where the last color
// ends (colors that a set does not have are empty). `set_atoms`: tags. `set_rows`: the two atoms' tags, the bits of L^2 (nm^2), 0.
// Constraints of one color share no atom and are solved side by side; colors follow each other behind a barrier.

// Colors of the set that has most.
override set_colors: u32;

const SET_WORDS: u32 = 20u;
const SET_INVOCATIONS: u32 = 64u;
// Chains and rings of bonds lose a factor of 3 or more of their error in each; the floor of f32 is reached after some 15.
const SET_SWEEPS: u32 = 48u;

fn set_dot(a: vec3<f32>, b: vec3<f32>) -> f32 {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
