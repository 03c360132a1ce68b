//! An open device: everything that is created on it is created here, and counted; its faults are kept for the next who asks.

use super::adapter::{AdapterChoice, find};
use super::pipelines::Pipelines;
use crate::network::gpu::GpuError;
use crate::network::gpu::limits::Limits;
use crate::network::gpu::recording::Text;
use std::borrow::Cow;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use wgpu::{
    AdapterInfo, BindGroup, BindGroupDescriptor, BindGroupEntry, BindGroupLayout, BindGroupLayoutDescriptor,
    BindGroupLayoutEntry, BindingResource, BindingType, Buffer, BufferBinding, BufferBindingType, BufferDescriptor,
    BufferUsages, ComputePipeline, ComputePipelineDescriptor, DeviceDescriptor, DeviceLostReason, DeviceType, Features,
    MapMode, PipelineLayout, PipelineLayoutDescriptor, PollError, PollType, Queue, ShaderModuleDescriptor,
    ShaderSource, ShaderStages, SubmissionIndex,
};

/// How long the device may take before it counts as lost: far beyond what a software adapter needs for a frame.
const PATIENCE: Duration = Duration::from_secs(30);

/// The folder of compiled kernels in the state folder.
const PIPELINES: &str = "gpu-kernels";

/// Activations that a kernel reads at most.
const MOST_READS: usize = 2;

/// An adapter's device.
pub(in crate::network::gpu) struct Device {
    info: AdapterInfo,
    driver: String,
    limits: Limits,
    pub(super) device: wgpu::Device,
    pub(super) queue: Queue,
    /// For kernels that read one activation, two, and so on.
    layouts: Vec<(BindGroupLayout, PipelineLayout)>,
    pipelines: OnceLock<Pipelines>,
    created: AtomicUsize,
    faults: Arc<Faults>,
}

/// What the driver said when nobody asked.
#[derive(Debug, Default)]
struct Faults {
    is_lost: AtomicBool,
    first: Mutex<Option<String>>,
}

impl Faults {
    fn note(&self, message: String) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
    }
}

impl Device {
    /// Opens the device of an adapter.
    ///
    /// # Errors
    /// There is no such adapter, or it gives no device.
    pub(in crate::network::gpu) fn open(choice: &AdapterChoice) -> Result<Self, GpuError> {
        let adapter = find(choice)?;
        let info = adapter.get_info();
        // All that the adapter has: the defaults are those of the weakest.
        let descriptor = DeviceDescriptor {
            required_limits: adapter.limits(),
            // Times by layer where the adapter has a clock, kernels on disk where the driver gives them away, products of float16.
            required_features: adapter.features()
                & (Features::TIMESTAMP_QUERY | Features::PIPELINE_CACHE | Features::SHADER_F16),
            ..DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor))
            .map_err(|source| GpuError::Device { adapter: info.name.clone(), source: Box::new(source) })?;
        let faults = Arc::new(Faults::default());
        let (on_error, on_loss) = (faults.clone(), faults.clone());
        // Without this, wgpu would end the program at the first error.
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| on_error.note(error.to_string())));
        device.set_device_lost_callback(move |reason: DeviceLostReason, message| {
            on_loss.is_lost.store(true, Ordering::Release);
            on_loss.note(if message.is_empty() { format!("{reason:?}") } else { message });
        });
        let granted = device.limits();
        let limits = Limits {
            max_storage_buffer_binding_size: granted.max_storage_buffer_binding_size,
            max_buffer_size: granted.max_buffer_size,
            max_compute_workgroups_per_dimension: granted.max_compute_workgroups_per_dimension.into(),
            max_compute_invocations_per_workgroup: granted.max_compute_invocations_per_workgroup.into(),
            max_storage_buffers_per_shader_stage: granted.max_storage_buffers_per_shader_stage.into(),
            min_storage_buffer_offset_alignment: granted.min_storage_buffer_offset_alignment.into(),
            shader_f16: device.features().contains(Features::SHADER_F16),
        };
        let layouts = (1..=MOST_READS).map(|reads| layout(&device, reads)).collect();
        Ok(Self {
            driver: format!("{} {}", info.driver, info.driver_info),
            info,
            limits,
            device,
            queue,
            layouts,
            pipelines: OnceLock::new(),
            created: AtomicUsize::new(0),
            faults,
        })
    }

    /// The adapter's name.
    pub(in crate::network::gpu) fn adapter(&self) -> &str {
        &self.info.name
    }

    /// The driver's name and version.
    pub(in crate::network::gpu) fn driver(&self) -> &str {
        &self.driver
    }

    /// Whether the processor only plays a graphics processor.
    pub(in crate::network::gpu) fn is_software(&self) -> bool {
        self.info.device_type == DeviceType::Cpu
    }

    /// What the device can do.
    pub(in crate::network::gpu) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Buffers, bind groups and pipelines created so far.
    #[cfg(test)]
    pub(in crate::network::gpu) fn created(&self) -> usize {
        self.created.load(Ordering::Relaxed)
    }

    /// Takes the device away, as a driver's fault would.
    #[cfg(test)]
    pub(in crate::network::gpu) fn lose(&self) {
        self.device.destroy();
    }

    /// The first fault since the device was opened.
    ///
    /// # Errors
    /// [`GpuError::Lost`]: whatever it was, a device that had one is not trusted again.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        let first = self.faults.first.lock().unwrap_or_else(PoisonError::into_inner);
        match &*first {
            Some(message) => Err(self.lost(message)),
            None if self.faults.is_lost.load(Ordering::Acquire) => Err(self.lost("no reason given")),
            None => Ok(()),
        }
    }

    /// As [`Device::check`], while a network is loaded: a fault is then the network's or the driver's.
    pub(super) fn check_load(&self) -> Result<(), GpuError> {
        self.check().map_err(|error| match error {
            GpuError::Lost { adapter, message } if !self.faults.is_lost.load(Ordering::Acquire) => {
                GpuError::Refused { adapter, message }
            }
            error => error,
        })
    }

    /// Waits for what was submitted, or for all of it.
    ///
    /// # Errors
    /// [`GpuError::Late`], [`GpuError::Lost`].
    pub(super) fn wait(&self, submission_index: Option<SubmissionIndex>) -> Result<(), GpuError> {
        match self.device.poll(PollType::Wait { submission_index, timeout: Some(PATIENCE) }) {
            Err(PollError::Timeout) => {
                Err(GpuError::Late { adapter: self.info.name.clone(), seconds: PATIENCE.as_secs() })
            }
            Err(error) => Err(self.lost(&error.to_string())),
            Ok(_) => self.check(),
        }
    }

    /// A buffer to be read by [`Device::read`].
    pub(super) fn reader(&self, byte_len: u64) -> Buffer {
        let byte_len = usize::try_from(byte_len).unwrap_or(usize::MAX);
        self.buffer("read", byte_len, BufferUsages::MAP_READ | BufferUsages::COPY_DST, None)
    }

    /// Waits for everything and reads a buffer.
    ///
    /// # Errors
    /// As [`Device::wait`].
    pub(super) fn read(&self, buffer: &Buffer) -> Result<Vec<u8>, GpuError> {
        // Whether that worked is seen when the buffer is read.
        buffer.map_async(MapMode::Read, .., |_| {});
        self.wait(None)?;
        let view = buffer.get_mapped_range(..).map_err(|error| self.lost(&error.to_string()))?;
        Ok(view.to_vec())
    }

    /// That the device is gone.
    pub(super) fn lost(&self, message: &str) -> GpuError {
        GpuError::Lost { adapter: self.info.name.clone(), message: message.to_string() }
    }

    /// Creates a buffer of zeros, or of these bytes.
    pub(super) fn buffer(&self, label: &str, byte_len: usize, usage: BufferUsages, bytes: Option<&[u8]>) -> Buffer {
        self.created.fetch_add(1, Ordering::Relaxed);
        let is_mapped = bytes.is_some() || usage.contains(BufferUsages::MAP_WRITE);
        let size = u64::try_from(byte_len).unwrap_or(u64::MAX).max(4).next_multiple_of(4);
        let buffer = self.device.create_buffer(&BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: is_mapped,
        });
        if let Some(bytes) = bytes {
            match buffer.get_mapped_range_mut(..) {
                Ok(mut view) => view.slice(..bytes.len()).copy_from_slice(bytes),
                Err(error) => self.faults.note(error.to_string()),
            }
            buffer.unmap();
        }
        buffer
    }

    /// Compiles a kernel, with wgpu's checks on.
    pub(super) fn pipeline(&self, text: &Text) -> Option<ComputePipeline> {
        self.created.fetch_add(1, Ordering::Relaxed);
        let (_, layout) = self.layouts.get(text.reads.checked_sub(1)?)?;
        let module = self.device.create_shader_module(ShaderModuleDescriptor {
            label: Some(text.file),
            source: ShaderSource::Wgsl(Cow::Borrowed(&text.wgsl)),
        });
        Some(self.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some(text.file),
            layout: Some(layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: self.pipelines.get().map(Pipelines::cache),
        }))
    }

    /// From now on, kernels that were compiled at an earlier start are not compiled again.
    pub(super) fn read_kernels(&self, state: Option<&Path>) {
        let kept = state.and_then(|folder| Pipelines::open(&self.device, &self.info, &folder.join(PIPELINES)));
        if let Some(kept) = kept {
            self.pipelines.get_or_init(|| kept);
        }
    }

    /// Keeps what was compiled since [`Device::read_kernels`] for the next start.
    pub(super) fn keep_kernels(&self) {
        if let Some(pipelines) = self.pipelines.get() {
            pipelines.keep();
        }
    }

    /// Binds a part of the parameters, the result, and what is read.
    pub(super) fn bind(&self, parameters: BufferBinding<'_>, writes: &Buffer, reads: &[&Buffer]) -> Option<BindGroup> {
        self.created.fetch_add(1, Ordering::Relaxed);
        let (layout, _) = self.layouts.get(reads.len().checked_sub(1)?)?;
        let buffers = [writes].into_iter().chain(reads.iter().copied()).map(Buffer::as_entire_binding);
        let entries: Vec<BindGroupEntry<'_>> = (0..)
            .zip([BindingResource::Buffer(parameters)].into_iter().chain(buffers))
            .map(|(binding, resource)| BindGroupEntry { binding, resource })
            .collect();
        Some(self.device.create_bind_group(&BindGroupDescriptor { label: None, layout, entries: &entries }))
    }
}

/// Parameters, result, then what is read.
fn layout(device: &wgpu::Device, reads: usize) -> (BindGroupLayout, PipelineLayout) {
    let entry = |binding: u32| BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::COMPUTE,
        ty: BindingType::Buffer {
            ty: BufferBindingType::Storage { read_only: binding != 1 },
            has_dynamic_offset: false,
            min_binding_size: None::<NonZeroU64>,
        },
        count: None,
    };
    let entries: Vec<BindGroupLayoutEntry> = (0..).map(entry).take(2 + reads).collect();
    let group = device.create_bind_group_layout(&BindGroupLayoutDescriptor { label: None, entries: &entries });
    let pipeline = device.create_pipeline_layout(&PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    (group, pipeline)
}
