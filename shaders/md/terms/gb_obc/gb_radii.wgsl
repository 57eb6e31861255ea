// Born radii from descreening sums (OBC II, alpha = 1, beta = 0.8, gamma = 4.85), with what each atom has of the energy by itself:
//   psi = own * sum, t = tanh(psi - 0.8 psi^2 + 4.85 psi^3), 1/R = 1/own - t/radius = (0.009 nm / own + (1 - t)) / radius,
//   E = c q^2 / (2 R) + S (radius + 0.14 nm)^2 (radius / R)^6, c = -k_e (1/eps_in - 1/eps_out) (`gb_charges`), S = 4 pi E_0 (`gb_surface`).
// One invocation a slot. Needs gb.wgsl with its cell file.
// `gb_born`: by slot R (nm), R^2 times the change of -1/R with the sum (nm^2), dE/dR (kJ/mol/nm), E (kJ/mol).

override atoms: u32;
override gb_sum_unit: f32;
override gb_charges: f32;
override gb_surface: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> gb_kinds: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gb_sums: array<i32>;
@group(0) @binding(3) var<storage, read_write> gb_born: array<vec4<f32>>;

@compute @workgroup_size(64)
fn gb_radii(@builtin(global_invocation_id) id: vec3<u32>) {
    let slot = id.x;
    if slot >= atoms {
        return;
    }
    let a = gb_atom(sorted[slot]);
    let psi = a.own * (f32(gb_sums[slot]) * gb_sum_unit);
    // 1 - t by an exponential, which a driver's own is good enough for; of a buried atom nearly nothing is left of 1/own - t/radius.
    let x = clamp(psi * (1.0 + psi * (-0.8 + psi * 4.85)), -20.0, 20.0);
    let exponential = exp(-2.0 * x);
    let rest = 2.0 * exponential / (1.0 + exponential);
    let slope = a.own * (1.0 + psi * (-1.6 + psi * 14.55));
    let inverse = (0.009 / a.own + rest) / a.radius;
    let born = 1.0 / inverse;
    let chain = rest * (2.0 - rest) * slope / a.radius;
    let charges = 0.5 * gb_charges * a.charge * a.charge * inverse;
    let reach = a.radius + 0.14;
    let ratio = a.radius * inverse;
    let cube = ratio * ratio * ratio;
    let surface = gb_surface * (reach * reach) * (cube * cube);
    gb_born[slot] = vec4<f32>(born, born * born * chain, -(charges + 6.0 * surface) * inverse, charges + surface);
}
