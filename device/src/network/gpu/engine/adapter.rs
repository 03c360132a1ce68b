//! Which graphics processor runs the network.

use crate::network::gpu::GpuError;
use std::path::Path;
use wgpu::{Adapter, AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor, InstanceFlags};

/// The variable that names an adapter, the only way to a software one.
const VARIABLE: &str = "CLOTHINGID_GPU_ADAPTER";

/// Which adapter is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The fastest kind that is no software.
    Hardware,
    /// One whose name has this in it, whatever it is: `llvmpipe` for Mesa's software.
    Named(String),
}

impl AdapterChoice {
    /// What `CLOTHINGID_GPU_ADAPTER` asks for; without it, hardware.
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(VARIABLE) {
            Ok(name) if !name.trim().is_empty() => Self::Named(name.trim().to_string()),
            _ => Self::Hardware,
        }
    }

    /// The place of the best one in a list.
    fn choose(&self, adapters: &[AdapterInfo]) -> Result<usize, GpuError> {
        let best = match self {
            Self::Hardware => {
                let ranks = adapters.iter().enumerate().map(|(place, info)| (rank(info.device_type), place));
                ranks.filter_map(|(rank, place)| Some((rank?, place))).min()
            }
            Self::Named(name) => {
                let wanted = name.to_lowercase();
                adapters.iter().position(|info| info.name.to_lowercase().contains(&wanted)).map(|place| (0, place))
            }
        };
        best.map(|(_, place)| place).ok_or_else(|| {
            let found = in_words(adapters);
            match self {
                Self::Hardware => GpuError::NoAdapter { found },
                Self::Named(asked) => GpuError::NotNamed { asked: asked.clone(), found },
            }
        })
    }
}

/// Order in which kinds of adapters are taken; none is for software.
fn rank(kind: DeviceType) -> Option<u8> {
    match kind {
        DeviceType::DiscreteGpu => Some(0),
        DeviceType::IntegratedGpu => Some(1),
        DeviceType::VirtualGpu => Some(2),
        DeviceType::Other => Some(3),
        DeviceType::Cpu => None,
    }
}

fn in_words(adapters: &[AdapterInfo]) -> String {
    if adapters.is_empty() {
        return "none at all".to_string();
    }
    let kind = |info: &AdapterInfo| if info.device_type == DeviceType::Cpu { " (software)" } else { "" };
    let names: Vec<String> = adapters.iter().map(|info| format!("`{}`{}", info.name, kind(info))).collect();
    names.join(", ")
}

/// Opens the driver and takes an adapter.
pub(super) fn find(choice: &AdapterChoice) -> Result<Adapter, GpuError> {
    let instance = Instance::new(InstanceDescriptor {
        backends: Backends::VULKAN,
        // Validation layers are for those who write drivers; wgpu checks what we do in any case.
        flags: InstanceFlags::empty(),
        ..InstanceDescriptor::new_without_display_handle()
    });
    let mut adapters = pollster::block_on(instance.enumerate_adapters(Backends::VULKAN));
    let infos: Vec<AdapterInfo> = adapters.iter().map(Adapter::get_info).collect();
    let place = choice.choose(&infos)?;
    Ok(adapters.swap_remove(place))
}

/// Name and driver of the adapter that would be taken. Where the system has no device of any graphics processor, its drivers are not asked:
/// loading them takes longer than a small board has at start.
///
/// # Errors
/// There is no such adapter.
pub(in crate::network) fn identity(choice: &AdapterChoice) -> Result<String, GpuError> {
    if *choice == AdapterChoice::Hardware && !has_device(Path::new("/dev")) {
        return Err(GpuError::NoAdapter { found: in_words(&[]) });
    }
    let info = find(choice)?.get_info();
    Ok(format!("{}, {} {}", info.name, info.driver, info.driver_info))
}

/// Whether a folder of devices has one of a graphics processor.
fn has_device(devices: &Path) -> bool {
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<String>>()
    };
    let is_node =
        |name: &String| ["nvidia", "nvhost", "nvgpu", "mali", "kgsl"].iter().any(|kind| name.starts_with(kind));
    names(devices).iter().any(is_node) || names(&devices.join("dri")).iter().any(|name| name.starts_with("renderD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_their_nodes() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_device(folder.path()));
        std::fs::create_dir(folder.path().join("dri")).unwrap();
        std::fs::create_dir(folder.path().join("dri/card0")).unwrap();
        assert!(!has_device(folder.path()), "a screen alone computes nothing");
        std::fs::create_dir(folder.path().join("dri/renderD128")).unwrap();
        assert!(has_device(folder.path()));
        let board = tempfile::tempdir().unwrap();
        std::fs::create_dir(board.path().join("nvhost-gpu")).unwrap();
        assert!(has_device(board.path()));
    }

    fn info(name: &str, kind: DeviceType) -> AdapterInfo {
        AdapterInfo { name: name.to_string(), ..AdapterInfo::new(kind, wgpu::Backend::Vulkan) }
    }

    #[test]
    fn software_is_taken_by_name_only() {
        let software = info("llvmpipe (LLVM 15.0.6, 256 bits)", DeviceType::Cpu);
        let integrated = info("Mali-G610", DeviceType::IntegratedGpu);
        let discrete = info("NVIDIA GeForce RTX 4090", DeviceType::DiscreteGpu);
        let all = [software.clone(), integrated, discrete];
        assert_eq!(AdapterChoice::Hardware.choose(&all).unwrap(), 2);
        assert_eq!(AdapterChoice::Hardware.choose(&all[..2]).unwrap(), 1);
        assert_eq!(AdapterChoice::Named("LLVMpipe".into()).choose(&all).unwrap(), 0);
        let said = [
            AdapterChoice::Hardware.choose(std::slice::from_ref(&software)).unwrap_err(),
            AdapterChoice::Hardware.choose(&[]).unwrap_err(),
            AdapterChoice::Named("radeon".into()).choose(&[software]).unwrap_err(),
        ];
        let said: Vec<String> = said.iter().map(|error| format!("{error}\nhint: {}", error.hint())).collect();
        insta::assert_snapshot!("adapters", said.join("\n"));
    }
}
