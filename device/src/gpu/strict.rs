//! Our own SPIR-V: naga with options of our own; in the portable tier also `NoContraction` on every floating-point result, and the float
//! controls that a driver offers.
//!
//! Invariant: the instructions depend on the WGSL, the overrides and the crates' versions alone, never on a driver. Whether a
//! driver honours them is measured by probes, not assumed.

use std::collections::BTreeMap;

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{ResourceBinding, ShaderStage};
use rspirv::binary::Assemble;
use rspirv::dr::{Instruction, Operand};
use rspirv::spirv::{Capability, Decoration, ExecutionMode, Op};
use wgsl::Bound;

use crate::{DeviceError, PassDesc};

/// SPIR-V of Vulkan 1.2, the oldest that the portable tier accepts.
const SPIRV_VERSION: (u8, u8) = (1, 5);

/// Whether the portable tier can run on an adapter: Vulkan from 1.2 on.
pub(super) fn is_possible(adapter: &wgpu::Adapter) -> bool {
    #[expect(unsafe_code, reason = "wgpu does not tell the Vulkan version itself")]
    // SAFETY: the raw adapter is only asked for its properties, nothing of it is destroyed.
    let raw = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() };
    let version = raw.map_or(0, |raw| raw.physical_device_capabilities().properties().api_version);
    // Vulkan's packing: 7 bits of major number above 10 of minor above 12 of patch.
    version >> 12 >= (1 << 10 | 2) && adapter.features().contains(wgpu::Features::PASSTHROUGH_SHADERS)
}

/// Float controls that a driver offers for 32 bits. Denormals are left alone: no driver at hand offers both modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Controls {
    /// Infinities, NaN and the sign of zero go through arithmetic as in IEEE 754.
    preserve: bool,
    /// Round to nearest, ties to even.
    nearest: bool,
    /// See [`crate::SessionOptions::loose`].
    loose: bool,
}

impl Controls {
    /// Of the class-bound tier: the driver may contract and fold as it likes.
    pub(super) fn stock() -> Self {
        Self {
            loose: true,
            ..Self::default()
        }
    }

    /// These, or none and no decoration either.
    pub(super) fn or_loose(self, loose: bool) -> Self {
        let none = Self {
            loose,
            ..Self::default()
        };
        if loose { none } else { self }
    }
}

/// What an adapter's driver offers.
pub(super) fn controls(adapter: &wgpu::Adapter) -> Controls {
    let mut offered = ash::vk::PhysicalDeviceFloatControlsProperties::default();
    {
        let mut properties = ash::vk::PhysicalDeviceProperties2::default().push_next(&mut offered);
        #[expect(unsafe_code, reason = "wgpu does not tell float controls")]
        // SAFETY: the raw adapter is only asked for its properties, which Vulkan 1.1 and later can tell; nothing of it is destroyed.
        unsafe {
            let Some(raw) = adapter.as_hal::<wgpu::hal::api::Vulkan>() else {
                return Controls::default();
            };
            let instance = raw.shared_instance().raw_instance();
            instance.get_physical_device_properties2(raw.raw_physical_device(), &mut properties);
        }
    }
    Controls {
        preserve: offered.shader_signed_zero_inf_nan_preserve_float32 != 0,
        nearest: offered.shader_rounding_mode_rte_float32 != 0,
        loose: false,
    }
}

/// The SPIR-V of a pass. Bindings are numbered by rank, as wgpu's Vulkan back end numbers them in its layouts.
pub(super) fn compile(bound: &Bound, pass: &PassDesc, controls: Controls) -> Result<Vec<u32>, DeviceError> {
    let wrong = |what: String| DeviceError::Program(format!("pass '{}' does not become SPIR-V: {what}", pass.label));
    let numbers = bound.bindings.iter().map(|binding| binding.number);
    let binding_map: BTreeMap<_, _> = (0..)
        .zip(numbers.chain(bound.stage.unfinished.as_ref().map(|notes| notes.binding)))
        .map(|(rank, binding)| {
            let place = ResourceBinding { group: 0, binding };
            (
                place,
                spv::BindingInfo {
                    descriptor_set: 0,
                    binding: rank,
                    binding_array_size: None,
                },
            )
        })
        .collect();
    let options = spv::Options {
        lang_version: SPIRV_VERSION,
        flags: spv::WriterFlags::empty(),
        fake_missing_bindings: false,
        binding_map,
        capabilities: None,
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: BoundsCheckPolicy::Restrict,
            image_load: BoundsCheckPolicy::Restrict,
            binding_array: BoundsCheckPolicy::Restrict,
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::Polyfill,
        force_loop_bounding: true,
        emit_int_div_checks: true,
        ..spv::Options::default()
    };
    let pipeline = spv::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: pass.entry.clone(),
    };
    let words = spv::write_vec(&bound.stage.module, &bound.stage.info, &options, Some(&pipeline))
        .map_err(|error| wrong(error.to_string()))?;
    decorated(&words, controls).map_err(wrong)
}

/// Decorate every floating-point arithmetic result, so that no driver fuses, folds or reorders it, and ask for float controls.
fn decorated(words: &[u32], controls: Controls) -> Result<Vec<u32>, String> {
    let mut module = rspirv::dr::load_words(words).map_err(|error| error.to_string())?;
    let results: Vec<u32> = module
        .functions
        .iter()
        .flat_map(|function| &function.blocks)
        .flat_map(|block| &block.instructions)
        .filter(|instruction| is_float_arithmetic(instruction.class.opcode) && !controls.loose)
        .filter_map(|instruction| instruction.result_id)
        .collect();
    module.annotations.extend(results.into_iter().map(|id| {
        let operands = vec![Operand::IdRef(id), Operand::Decoration(Decoration::NoContraction)];
        Instruction::new(Op::Decorate, None, None, operands)
    }));
    let modes = [
        (
            controls.preserve,
            Capability::SignedZeroInfNanPreserve,
            ExecutionMode::SignedZeroInfNanPreserve,
        ),
        (controls.nearest, Capability::RoundingModeRTE, ExecutionMode::RoundingModeRTE),
    ];
    let entries: Vec<Operand> = module.entry_points.iter().map(|point| point.operands[1].clone()).collect();
    for (_, capability, mode) in modes.into_iter().filter(|(offered, ..)| *offered) {
        let operands = vec![Operand::Capability(capability)];
        module
            .capabilities
            .push(Instruction::new(Op::Capability, None, None, operands));
        for entry in &entries {
            let operands = vec![entry.clone(), Operand::ExecutionMode(mode), Operand::LiteralBit32(32)];
            module
                .execution_modes
                .push(Instruction::new(Op::ExecutionMode, None, None, operands));
        }
    }
    Ok(module.assemble())
}

fn is_float_arithmetic(op: Op) -> bool {
    matches!(
        op,
        Op::FNegate
            | Op::FAdd
            | Op::FSub
            | Op::FMul
            | Op::FDiv
            | Op::FRem
            | Op::FMod
            | Op::VectorTimesScalar
            | Op::MatrixTimesScalar
            | Op::VectorTimesMatrix
            | Op::MatrixTimesVector
            | Op::MatrixTimesMatrix
            | Op::OuterProduct
            | Op::Dot
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use protocol::Tier;

    use super::*;
    use crate::{BufferDesc, ModuleDesc, Program, Resource, Underflow};

    /// Every operation on floats that WGSL has an operator for, and integers that must be left alone.
    const OPERATIONS: &str = "
        override scale: f32 = 1;
        @group(0) @binding(3) var<storage, read_write> x: array<f32>;
        @group(0) @binding(9) var<storage, read_write> n: array<u32>;
        fn inner(a: f32) -> f32 { return a * a + scale; }
        @compute @workgroup_size(1) fn main() {
            let v = vec3(x[0], x[1], x[2]);
            let m = mat3x3(v, v.yzx, v.zxy);
            n[0] = n[1] * n[2] + n[3];
            x[3] = -x[0] - x[1] / x[2] + inner(x[3] % x[4]);
            x[4] = dot(v * x[0], m * v) + (v * m).x + (m * m)[1].y + (m * x[5])[0].z;
            for (var i = 0; i < 3; i++) { x[5] += v[i]; }
        }";

    fn words(scale: f64) -> Vec<u32> {
        let buffer = |label: &str| BufferDesc {
            label: label.into(),
            size: 64,
            indirect: false,
        };
        let program = Program {
            tier: Tier::ClassBound,
            buffers: vec![buffer("x"), buffer("n")],
            modules: vec![ModuleDesc {
                label: "operations".into(),
                source: OPERATIONS.into(),
                underflow: Underflow::Checked,
            }],
            passes: vec![PassDesc {
                label: "operations".into(),
                module: 0,
                entry: "main".into(),
                overrides: BTreeMap::from([("scale".into(), scale)]),
                bindings: BTreeMap::from([(3, Resource::Buffer(0)), (9, Resource::Buffer(1))]),
            }],
        };
        // Operators as WGSL has them: the portable tier lowers most of them away.
        let bound = wgsl::open(&program, wgsl::Target::default()).unwrap();
        compile(&bound[0], &program.passes[0], Controls::default()).unwrap()
    }

    #[test]
    fn every_float_result_and_no_other_is_decorated() {
        let module = rspirv::dr::load_words(words(2.0)).unwrap();
        let is_decoration = |note: &&Instruction| note.operands.contains(&Operand::Decoration(Decoration::NoContraction));
        let decorated: BTreeSet<u32> = module
            .annotations
            .iter()
            .filter(is_decoration)
            .map(|note| note.operands[0].unwrap_id_ref())
            .collect();
        let float = |ty: u32| {
            let mut ty = ty;
            loop {
                let found = module
                    .types_global_values
                    .iter()
                    .find(|known| known.result_id == Some(ty))
                    .unwrap();
                match found.class.opcode {
                    Op::TypeFloat => return true,
                    Op::TypeVector | Op::TypeMatrix => ty = found.operands[0].unwrap_id_ref(),
                    _ => return false,
                }
            }
        };
        let mut seen = BTreeSet::new();
        for instruction in module
            .all_inst_iter()
            .filter(|one| one.result_type.is_some() && one.result_id.is_some())
        {
            let op = instruction.class.opcode;
            // What moves floats about without computing with them.
            let moves = matches!(
                op,
                Op::Constant
                    | Op::ConstantNull
                    | Op::ConstantComposite
                    | Op::Load
                    | Op::CompositeExtract
                    | Op::CompositeConstruct
                    | Op::Select
                    | Op::VectorExtractDynamic
                    | Op::VectorShuffle
                    | Op::FunctionCall
                    | Op::FunctionParameter
                    | Op::Function
                    | Op::Undef
            );
            let expected = float(instruction.result_type.unwrap()) && !moves;
            assert_eq!(decorated.contains(&instruction.result_id.unwrap()), expected, "{op:?}");
            if expected {
                seen.insert(format!("{op:?}"));
            }
        }
        let all = [
            "Dot",
            "FAdd",
            "FDiv",
            "FMul",
            "FNegate",
            "FRem",
            "FSub",
            "MatrixTimesMatrix",
            "MatrixTimesScalar",
        ];
        let more = ["MatrixTimesVector", "VectorTimesMatrix", "VectorTimesScalar"];
        assert_eq!(seen, all.into_iter().chain(more).map(str::to_owned).collect());
    }

    #[test]
    fn the_words_are_a_function_of_source_and_overrides() {
        assert_eq!(words(2.0), words(2.0));
        assert_ne!(words(2.0), words(3.0));
    }

    #[test]
    fn bindings_are_numbered_by_rank() {
        let module = rspirv::dr::load_words(words(2.0)).unwrap();
        let numbers: BTreeSet<u32> = module
            .annotations
            .iter()
            .filter(|note| note.operands.contains(&Operand::Decoration(Decoration::Binding)))
            .map(|note| note.operands[2].unwrap_literal_bit32())
            .collect();
        assert_eq!(numbers, BTreeSet::from([0, 1]));
    }
}
