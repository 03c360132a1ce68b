//! What can go wrong on the way to a graphics processor, and what to do.

/// Why the engine `gpu` cannot be had, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// No adapter that may be taken without being named.
    #[error("no graphics processor: Vulkan shows {found}")]
    NoAdapter {
        /// The adapters that there are, in words.
        found: String,
    },
    /// The adapter that was asked for is not there.
    #[error("no graphics adapter `{asked}`: Vulkan shows {found}")]
    NotNamed {
        /// What was asked for.
        asked: String,
        /// The adapters that there are, in words.
        found: String,
    },
    /// Numbers that no kernel works in.
    #[error("no arithmetic `{asked}` on a graphics processor")]
    NoArithmetic {
        /// What was asked for.
        asked: String,
    },
    /// A layer is more than the adapter can do.
    #[error("the network's node `{node}` ({operator}, {shape}) needs {limit} of {needed}, `{adapter}` has {allowed}")]
    Limit {
        /// The adapter.
        adapter: String,
        /// The node in the ONNX file.
        node: String,
        /// What it computes.
        operator: &'static str,
        /// Its result.
        shape: String,
        /// Which limit, as WebGPU calls it.
        limit: &'static str,
        /// What the layer needs.
        needed: u64,
        /// What the adapter has.
        allowed: u64,
    },
    /// A layer's kernel needs what the adapter has not got.
    #[error(
        "the network's node `{node}` ({operator}, {shape}) needs the feature {feature}, which `{adapter}` has not got"
    )]
    Feature {
        /// The adapter.
        adapter: String,
        /// The node in the ONNX file.
        node: String,
        /// What it computes.
        operator: &'static str,
        /// Its result.
        shape: String,
        /// Which feature, as WebGPU calls it.
        feature: &'static str,
    },
    /// A layer that the kernels do not know.
    #[error("the network's node `{node}` ({operator}, {shape}) has no kernel: {problem}")]
    Node {
        /// The node in the ONNX file.
        node: String,
        /// What it computes.
        operator: &'static str,
        /// Its result.
        shape: String,
        /// What is missing.
        problem: &'static str,
    },
    /// The adapter gave no device.
    #[error("`{adapter}` gives no device")]
    Device {
        /// The adapter.
        adapter: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The driver refused something while the network was loaded.
    #[error("`{adapter}` refuses the network: {message}")]
    Refused {
        /// The adapter.
        adapter: String,
        /// In wgpu's words.
        message: String,
    },
    /// The device went away while it ran.
    #[error("`{adapter}` was lost: {message}")]
    Lost {
        /// The adapter.
        adapter: String,
        /// In wgpu's words.
        message: String,
    },
    /// A frame did not come back.
    #[error("`{adapter}` gave no answer within {seconds} s")]
    Late {
        /// The adapter.
        adapter: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl GpuError {
    /// What the user may do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoAdapter { .. } => {
                "install the board's Vulkan driver, or take `--engine cpu`; a software adapter runs only when \
                 `CLOTHINGID_GPU_ADAPTER` names it"
            }
            Self::NotNamed { .. } => "set `CLOTHINGID_GPU_ADAPTER` to a part of one of these names, or unset it",
            Self::NoArithmetic { .. } => {
                "set `CLOTHINGID_GPU_ARITHMETIC` to `int8`, `float32` or `float16`, or unset it"
            }
            Self::Limit { .. } | Self::Feature { .. } | Self::Node { .. } => {
                "take `--engine cpu`, which runs every network of a bundle"
            }
            Self::Device { .. } | Self::Refused { .. } => "update the board's graphics driver, or take `--engine cpu`",
            Self::Lost { .. } | Self::Late { .. } => {
                "see the kernel's messages (`dmesg`) for a fault of the graphics driver, or take `--engine cpu`"
            }
        }
    }
}
