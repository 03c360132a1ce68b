//! What an adapter can do, held against what a recording needs: at load, so that no frame ever meets a limit.

use super::error::GpuError;
use super::recording::{ALIGNMENT, Dispatch, Recording};

/// The limits that matter here, named as in WebGPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_storage_buffer_binding_size: u64,
    pub(super) max_buffer_size: u64,
    pub(super) max_compute_workgroups_per_dimension: u64,
    pub(super) max_compute_invocations_per_workgroup: u64,
    pub(super) max_storage_buffers_per_shader_stage: u64,
    pub(super) min_storage_buffer_offset_alignment: u64,
    /// Whether it multiplies float16: a feature, and no limit, but asked for in the same way.
    pub(super) shader_f16: bool,
}

impl Limits {
    /// Refuses a recording that the adapter cannot run, with the first dispatch that is too much for it.
    pub(super) fn check(&self, adapter: &str, recording: &Recording) -> Result<(), GpuError> {
        for dispatch in &recording.dispatches {
            let needs_f16 = recording.texts.get(dispatch.text).is_some_and(|text| text.needs_f16);
            if needs_f16 && !self.shader_f16 {
                return Err(GpuError::Feature {
                    adapter: adapter.to_string(),
                    node: dispatch.node.clone(),
                    operator: dispatch.operator,
                    shape: dispatch.shape.to_string(),
                    feature: "shader-f16",
                });
            }
            if let Some((limit, needed, allowed)) = self.exceeded(recording, dispatch) {
                return Err(GpuError::Limit {
                    adapter: adapter.to_string(),
                    node: dispatch.node.clone(),
                    operator: dispatch.operator,
                    shape: dispatch.shape.to_string(),
                    limit,
                    needed,
                    allowed,
                });
            }
        }
        Ok(())
    }

    /// The first limit that a dispatch exceeds: its name, what is needed, what there is.
    fn exceeded(&self, recording: &Recording, dispatch: &Dispatch) -> Option<(&'static str, u64, u64)> {
        let slots = dispatch.reads.iter().chain([&dispatch.writes]);
        let slot = slots.filter_map(|slot| recording.slots.get(*slot)).max().copied().unwrap_or(0);
        let word = size_of::<u32>();
        let all_parameters = recording.parameters.len() * word;
        let (lanes, reads) = recording.texts.get(dispatch.text).map_or((0, 0), |text| (text.lanes, text.reads));
        let groups = dispatch.workgroups.iter().max().copied().unwrap_or(0);
        let most = [
            (
                "maxStorageBufferBindingSize",
                slot.max(dispatch.parameters.len() * word),
                self.max_storage_buffer_binding_size,
            ),
            ("maxBufferSize", slot.max(all_parameters), self.max_buffer_size),
            ("maxComputeWorkgroupsPerDimension", groups, self.max_compute_workgroups_per_dimension),
            ("maxComputeInvocationsPerWorkgroup", lanes, self.max_compute_invocations_per_workgroup),
            ("maxStorageBuffersPerShaderStage", reads + 2, self.max_storage_buffers_per_shader_stage),
        ];
        let as_number = |needed: usize| u64::try_from(needed).unwrap_or(u64::MAX);
        let exceeded = most.into_iter().map(|(name, needed, allowed)| (name, as_number(needed), allowed));
        // The other way round: the adapter asks, and parameters begin only at multiples of this.
        let alignment = self.min_storage_buffer_offset_alignment;
        let granted = as_number(ALIGNMENT);
        let is_aligned = alignment != 0 && granted.is_multiple_of(alignment);
        exceeded
            .into_iter()
            .find(|(_, needed, allowed)| needed > allowed)
            .or_else(|| (!is_aligned).then_some(("minStorageBufferOffsetAlignment", granted, alignment)))
    }
}

#[cfg(test)]
pub(super) const DEFAULTS: Limits = Limits {
    max_storage_buffer_binding_size: 128 << 20,
    max_buffer_size: 256 << 20,
    max_compute_workgroups_per_dimension: 65535,
    max_compute_invocations_per_workgroup: 256,
    max_storage_buffers_per_shader_stage: 8,
    min_storage_buffer_offset_alignment: 256,
    shader_f16: false,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::gpu::arithmetic::{ALL, Arithmetic};
    use crate::network::gpu::tiles;
    use crate::network::plan::Plan;
    use crate::network::read_bundle;

    #[test]
    fn the_shipped_network_needs_no_more_than_every_adapter_has() {
        let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
        for arithmetic in ALL {
            let recording = Recording::new(&plan, arithmetic, &tiles::DEFAULT).unwrap();
            DEFAULTS.check("any", &recording).unwrap();
            assert!(recording.dispatches.len() <= 60, "{}", recording.dispatches.len());
        }
    }

    #[test]
    fn each_limit_is_named_with_the_node() {
        let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
        let recording = Recording::new(&plan, Arithmetic::Float32, &tiles::DEFAULT).unwrap();
        let small = [
            Limits { max_storage_buffer_binding_size: 1 << 20, ..DEFAULTS },
            Limits { max_buffer_size: 1 << 22, ..DEFAULTS },
            Limits { max_compute_workgroups_per_dimension: 31, ..DEFAULTS },
            Limits { max_compute_invocations_per_workgroup: 32, ..DEFAULTS },
            Limits { max_storage_buffers_per_shader_stage: 3, ..DEFAULTS },
            Limits { min_storage_buffer_offset_alignment: 512, ..DEFAULTS },
        ];
        let mut said: Vec<String> =
            small.iter().map(|limits| limits.check("small board", &recording).unwrap_err().to_string()).collect();
        let halves = tiles::Tiles { half_products: true, ..tiles::DEFAULT };
        let recording = Recording::new(&plan, Arithmetic::Float16, &halves).unwrap();
        said.push(DEFAULTS.check("small board", &recording).unwrap_err().to_string());
        Limits { shader_f16: true, ..DEFAULTS }.check("small board", &recording).unwrap();
        insta::assert_snapshot!("limits", said.join("\n"));
    }
}
