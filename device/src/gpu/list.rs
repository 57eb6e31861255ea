//! Which adapters there are, and what they say of themselves.
//!
//! Invariant: listing opens no device, and a machine without any graphics loader gives an empty list and no noise.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use wgpu::{Adapter, AdapterInfo, Backend, Backends, DeviceType, DownlevelFlags, Instance, InstanceDescriptor, InstanceFlags};

use super::open;
use crate::{Device, DeviceError, DeviceInfo, DeviceKind, Program, Session, SessionOptions};

/// The compilers between WGSL and a driver. A test holds it against `Cargo.lock`.
const COMPILER: &str = "naga 30.0.1, wgpu 30.0.1";

/// Allocations that would fill more than this share of a heap, in percent, are refused: a desktop must stay usable.
const MEMORY_SHARE_MAX: u8 = 95;

/// An adapter that can compute.
pub(super) struct Gpu {
    pub(super) adapter: Adapter,
    pub(super) info: DeviceInfo,
    /// Whether it leaves loops before their end, once that was measured.
    pub(super) cuts_loops: OnceLock<bool>,
}

impl Device for Gpu {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn open(&self, program: &Program, options: &SessionOptions) -> Result<Box<dyn Session>, DeviceError> {
        Ok(Box::new(open::open(self, program, options)?))
    }
}

/// Every adapter of this machine that can compute: Vulkan's first, then Metal's, DX12's and GL's.
///
/// DX12 adapters that Vulkan lists too are left out. GL does not say which card it stands on, so that its adapter
/// (`gl:0`) may be one that Vulkan lists as well.
pub fn list() -> Vec<Arc<dyn Device>> {
    devices(adapters())
}

/// As [`list`], without GL: starting it up takes time, and its library writes to standard error where there is no display.
pub fn list_without_gl() -> Vec<Arc<dyn Device>> {
    devices(adapters_on(Backends::VULKAN | Backends::METAL))
}

fn devices(adapters: Vec<Gpu>) -> Vec<Arc<dyn Device>> {
    adapters.into_iter().map(|gpu| Arc::new(gpu) as Arc<dyn Device>).collect()
}

pub(super) fn adapters() -> Vec<Gpu> {
    adapters_on(Backends::VULKAN | Backends::METAL | Backends::GL)
}

fn adapters_on(backends: Backends) -> Vec<Gpu> {
    // `counts` guards indirect dispatches. DX12 needs wgpu's own guard, too, for `num_workgroups` to be right.
    let mut found = enumerate(backends, InstanceFlags::empty());
    found.extend(enumerate(Backends::DX12, InstanceFlags::VALIDATION_INDIRECT_CALL));
    found.sort_by_key(|(_, info)| rank(info.backend));

    let by_vulkan: Vec<(u32, u32)> = found
        .iter()
        .filter(|(_, info)| info.backend == Backend::Vulkan)
        .map(|(_, info)| (info.vendor, info.device))
        .collect();
    found.retain(|(_, info)| info.backend != Backend::Dx12 || !by_vulkan.contains(&(info.vendor, info.device)));

    let mut numbers = BTreeMap::new();
    found
        .into_iter()
        .map(|(adapter, info)| {
            let number = numbers.entry(rank(info.backend)).or_insert(0_u32);
            let info = describe(&info, *number);
            *number += 1;
            Gpu {
                adapter,
                info,
                cuts_loops: OnceLock::new(),
            }
        })
        .collect()
}

fn enumerate(backends: Backends, flags: InstanceFlags) -> Vec<(Adapter, AdapterInfo)> {
    if !Instance::enabled_backend_features().intersects(backends) {
        return Vec::new();
    }
    let instance = Instance::new(InstanceDescriptor {
        backends,
        flags,
        memory_budget_thresholds: wgpu::MemoryBudgetThresholds {
            for_resource_creation: Some(MEMORY_SHARE_MAX),
            for_device_loss: None,
        },
        ..InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.enumerate_adapters(Backends::all()))
        .into_iter()
        .filter(can_compute)
        .map(|adapter| {
            let info = adapter.get_info();
            (adapter, info)
        })
        .collect()
}

fn can_compute(adapter: &Adapter) -> bool {
    adapter
        .get_downlevel_capabilities()
        .flags
        .contains(DownlevelFlags::COMPUTE_SHADERS)
        && adapter.limits().max_storage_buffers_per_shader_stage > 0
}

fn rank(backend: Backend) -> u8 {
    match backend {
        Backend::Vulkan => 0,
        Backend::Metal => 1,
        Backend::Dx12 => 2,
        Backend::Gl => 3,
        Backend::Noop | Backend::BrowserWebGpu => 4,
    }
}

fn describe(info: &AdapterInfo, number: u32) -> DeviceInfo {
    let backend = match info.backend {
        Backend::Vulkan => "vulkan",
        Backend::Metal => "metal",
        Backend::Dx12 => "dx12",
        Backend::Gl => "gl",
        Backend::Noop => "noop",
        Backend::BrowserWebGpu => "webgpu",
    };
    DeviceInfo {
        id: format!("{backend}:{number}"),
        name: info.name.clone(),
        backend: backend.to_owned(),
        kind: match info.device_type {
            DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
            DeviceType::IntegratedGpu | DeviceType::VirtualGpu => DeviceKind::IntegratedGpu,
            DeviceType::Cpu | DeviceType::Other => DeviceKind::SoftwareGpu,
        },
        vendor: info.vendor,
        device: info.device,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        compiler: COMPILER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiler_versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        let version = |name: &str| {
            let entry = format!("name = \"{name}\"\nversion = \"");
            let from = lock.find(&entry).expect("the lock file has the crate") + entry.len();
            lock[from..]
                .split('"')
                .next()
                .expect("a split gives at least one part")
                .to_owned()
        };
        assert_eq!(COMPILER, format!("naga {}, wgpu {}", version("naga"), version("wgpu")));
    }

    #[test]
    fn ids_are_unique_and_numbered_by_back_end() {
        let ids: Vec<String> = adapters().into_iter().map(|gpu| gpu.info.id).collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
    }
}
