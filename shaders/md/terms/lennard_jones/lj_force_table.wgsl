// Lennard-Jones coefficients from a table, a row for each pair of types: (24 eps sigma^6, 48 eps sigma^12).

override types_count: u32;

@group(0) @binding(5) var<storage, read> force_table: array<vec2<f32>>;

fn lj_force(type_a: u32, type_b: u32) -> vec2<f32> {
    return force_table[type_a * types_count + type_b];
}
