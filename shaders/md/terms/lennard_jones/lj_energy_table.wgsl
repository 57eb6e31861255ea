// Lennard-Jones coefficients from a table, a row for each pair of types: (4 eps sigma^6, 4 eps sigma^12, energy at the cutoff, 0).

override types_count: u32;

@group(0) @binding(5) var<storage, read> energy_table: array<vec4<f32>>;

fn lj_energy(type_a: u32, type_b: u32) -> vec3<f32> {
    return energy_table[type_a * types_count + type_b].xyz;
}
