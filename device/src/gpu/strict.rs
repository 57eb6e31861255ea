//! The portable tier's SPIR-V: naga with options of our own, then `NoContraction` on every floating-point result.
//!
//! Invariant: the words depend on the WGSL, the overrides and the crates' versions alone, never on a driver. Whether a
//! driver honours them is measured by probes, not assumed.

use std::collections::BTreeMap;

use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::{ResourceBinding, ShaderStage};
use rspirv::binary::Assemble;
use rspirv::dr::{Instruction, Operand};
use rspirv::spirv::{Decoration, Op};

use super::reflect::Stage;
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

/// The SPIR-V of a pass. Bindings are numbered by rank, as wgpu's Vulkan back end numbers them in its layouts.
pub(super) fn compile(stage: &Stage, pass: &PassDesc) -> Result<Vec<u32>, DeviceError> {
    let wrong = |what: String| DeviceError::Program(format!("pass '{}' does not become SPIR-V: {what}", pass.label));
    let binding_map: BTreeMap<_, _> = (0..)
        .zip(&stage.bindings)
        .map(|(rank, binding)| {
            let place = ResourceBinding {
                group: 0,
                binding: binding.number,
            };
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
    let words =
        spv::write_vec(&stage.naga, &stage.info, &options, Some(&pipeline)).map_err(|error| wrong(error.to_string()))?;
    without_contraction(&words).map_err(wrong)
}

/// Decorate every floating-point arithmetic result, so that no driver fuses, folds or reorders it.
fn without_contraction(words: &[u32]) -> Result<Vec<u32>, String> {
    let mut module = rspirv::dr::load_words(words).map_err(|error| error.to_string())?;
    let results: Vec<u32> = module
        .functions
        .iter()
        .flat_map(|function| &function.blocks)
        .flat_map(|block| &block.instructions)
        .filter(|instruction| is_float_arithmetic(instruction.class.opcode))
        .filter_map(|instruction| instruction.result_id)
        .collect();
    module.annotations.extend(results.into_iter().map(|id| {
        let operands = vec![Operand::IdRef(id), Operand::Decoration(Decoration::NoContraction)];
        Instruction::new(Op::Decorate, None, None, operands)
    }));
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
