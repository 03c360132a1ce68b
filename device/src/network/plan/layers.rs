//! The plan as data. Activations are channel-last, `[H, W, C]`, one picture.

use clothingid_shared::quantisation::Quantisation;

/// A whole network, ready for executors.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Side of the square picture, in pixels.
    pub side: u32,
    /// All activations; the first is the picture.
    pub values: Vec<Value>,
    /// Layers in running order.
    pub layers: Vec<Layer>,
    /// The three results: logits of both category heads and the normalised embedding.
    pub outputs: [ValueId; 3],
    /// Buffers that the activations share, in elements each.
    pub slots: Vec<usize>,
    /// Fusions that were expected and did not apply, for people.
    pub notes: Vec<String>,
}

/// An activation's place in [`Plan::values`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub usize);

/// One activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The ONNX node that makes it.
    pub name: String,
    /// Its lengths.
    pub shape: Shape,
    /// What its elements are.
    pub form: Form,
    /// The buffer in which it lies.
    pub slot: usize,
}

/// What the elements of an activation are in the arithmetic class `int8`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// Bytes that stand for real numbers.
    Bytes(Quantisation),
    /// Real numbers: logits and embedding.
    Floats,
}

impl Form {
    /// Size of a step; 1 of real numbers.
    #[must_use]
    pub fn scale(self) -> f32 {
        self.quantisation().scale
    }

    /// The byte that stands for zero; 0 of real numbers.
    #[must_use]
    pub fn zero_point(self) -> u8 {
        self.quantisation().zero_point
    }

    /// Scale and zero point; 1 and 0 of real numbers.
    #[must_use]
    pub fn quantisation(self) -> Quantisation {
        match self {
            Self::Bytes(quantisation) => quantisation,
            Self::Floats => Quantisation { scale: 1.0, zero_point: 0 },
        }
    }
}

/// The elements of one activation, as an executor made them.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Quantised.
    Bytes(Vec<u8>),
    /// Real numbers.
    Floats(Vec<f32>),
}

impl Elements {
    /// The bytes; none of real numbers.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Floats(_) => &[],
        }
    }

    /// The real numbers; none of bytes.
    #[must_use]
    pub fn floats(&self) -> &[f32] {
        match self {
            Self::Bytes(_) => &[],
            Self::Floats(floats) => floats,
        }
    }
}

/// Height, width and channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// Rows times columns.
    #[must_use]
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Number of elements.
    #[must_use]
    pub fn len(self) -> usize {
        self.pixels() * self.channels
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// One fused layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The ONNX node that it was made from.
    pub name: String,
    /// What is computed.
    pub operation: Operation,
    /// What is read: one value; two for `Add` and for a convolution with a residual; any number for `Concat`.
    pub inputs: Vec<ValueId>,
    /// What is made.
    pub output: ValueId,
}

/// What a layer computes.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Convolution over all channels; a linear layer is one of a single pixel.
    Dense(Convolution),
    /// Convolution of each channel by itself; a residual is never fused into it.
    Depthwise(Convolution),
    /// Sum of two values of one shape, and what bounds it.
    Add(Clamp),
    /// Concatenation along the channels.
    Concat,
    /// The largest value of each window; input and output have one quantisation.
    MaxPool(Pooling),
    /// Mean over all pixels.
    Mean,
    /// Division by the Euclidean norm; floats.
    Normalise,
}

/// What bounds a convolution's result. Integers need none: their quantisation saturates where the clamp does (checked).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamp {
    /// Nothing.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// A convolution with bias, and what is fused into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// How the window moves.
    pub geometry: Geometry,
    /// `[O, I/groups, k, k]`.
    pub weights_oihw: Vec<i8>,
    /// Size of a step of the weights, one for each output channel.
    pub scales: Vec<f32>,
    /// `[O]`, in steps of `x_scale · scales[o]`.
    pub bias: Vec<i32>,
    /// From sums to steps of the convolution's own result: `x_scale · scales[o] / y_scale`, for floats without `y_scale`.
    pub multipliers: Vec<f32>,
    /// The clamp, for executors in float.
    pub clamp: Clamp,
    /// A sum that was fused into it: its own result is rounded first, exactly as without the fusion.
    pub residual: Option<Residual>,
}

impl Convolution {
    /// The weights of each output, `[I/groups, k, k]`, in their order.
    pub fn rows(&self) -> impl Iterator<Item = &[i8]> {
        self.weights_oihw.chunks(self.row_len().max(1))
    }

    fn row_len(&self) -> usize {
        self.weights_oihw.len() / self.bias.len().max(1)
    }

    /// The weight of an output, an input of its group and a tap; 0 where there is no such one, as packed forms are padded.
    #[must_use]
    pub fn weight(&self, output: usize, input: usize, tap: usize) -> i8 {
        let (taps, row_len) = (self.geometry.taps(), self.row_len());
        let place = input * taps + tap;
        let is_there = tap < taps && place < row_len;
        self.weights_oihw.get(output * row_len + place).filter(|_| is_there).copied().unwrap_or_default()
    }

    /// Biases with `shift` times the sum of an output's weights, for executors that multiply bytes as they lie in memory (`shift` is minus
    /// the input's zero point) or shifted. Partial sums of any order fit 32 bits, which lowering checks.
    pub fn shifted_bias(&self, shift: i32) -> impl Iterator<Item = i32> {
        let sum = |row: &[i8]| row.iter().map(|w| i32::from(*w)).sum::<i32>();
        self.rows().zip(&self.bias).map(move |(row, bias)| bias + shift * sum(row))
    }

    /// The largest magnitude of any partial sum of products with bytes, centred or not, and the bias, of each output.
    pub fn largest_sums(&self) -> impl Iterator<Item = i64> {
        let largest = |row: &[i8]| 2 * 255 * row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>();
        self.rows().zip(&self.bias).map(move |(row, bias)| largest(row) + i64::from(bias.unsigned_abs()))
    }
}

/// A residual sum behind a convolution; the other summand is the layer's second input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// Quantisation of the convolution's own result.
    pub own: Quantisation,
    /// The clamp behind the sum, for executors in float.
    pub clamp: Clamp,
}

/// A square window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Side of the window.
    pub kernel: usize,
    /// Step along both axes.
    pub stride: usize,
    /// Zeros above and to the left.
    pub before: usize,
    /// Zeros below and to the right.
    pub after: usize,
}

impl Geometry {
    /// Elements of the window.
    #[must_use]
    pub fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// Whether each output pixel reads the input pixel in its own place and no other.
    #[must_use]
    pub fn is_pointwise(self) -> bool {
        self == Self { kernel: 1, stride: 1, before: 0, after: 0 }
    }

    /// Output length along one axis; none where the window is larger than the input.
    #[must_use]
    pub fn along(self, length: usize) -> Option<usize> {
        let rest = length.checked_add(self.before)?.checked_add(self.after)?.checked_sub(self.kernel)?;
        Some(rest.checked_div(self.stride)? + 1)
    }

    /// The input pixel that tap `tap` of output pixel `pixel` reads; none where that is border.
    #[must_use]
    pub fn source(self, from: Shape, to: Shape, pixel: usize, tap: usize) -> Option<usize> {
        let row = (pixel / to.width * self.stride + tap / self.kernel).checked_sub(self.before)?;
        let column = (pixel % to.width * self.stride + tap % self.kernel).checked_sub(self.before)?;
        (row < from.height && column < from.width).then(|| row * from.width + column)
    }
}

/// Square max pooling; the border never wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// Side of the window.
    pub kernel: usize,
    /// Step along both axes.
    pub stride: usize,
    /// Rows and columns around the input that the windows may cover besides.
    pub border: usize,
    /// Whether the last window may reach over the border.
    pub rounds_up: bool,
}

impl Pooling {
    /// Output length along one axis; none where a window could lie outside the input.
    #[must_use]
    pub fn along(self, length: usize) -> Option<usize> {
        if self.stride == 0 || self.border.checked_mul(2)? > self.kernel {
            return None;
        }
        let rest = length.checked_add(2 * self.border)?.checked_sub(self.kernel)?;
        let down = rest / self.stride + 1;
        // A window that would begin behind the input is none.
        let up = rest.div_ceil(self.stride);
        Some(if self.rounds_up && up * self.stride < length + self.border { up + 1 } else { down })
    }

    /// Rows or columns of the input, of `length`, in the window at `place` of the output.
    #[must_use]
    pub fn window(self, place: usize, length: usize) -> std::ops::Range<usize> {
        let start = place * self.stride;
        start.saturating_sub(self.border)..(start + self.kernel).saturating_sub(self.border).min(length)
    }
}

impl Operation {
    /// The convolution, where it is one.
    #[must_use]
    pub fn convolution(&self) -> Option<&Convolution> {
        match self {
            Self::Dense(convolution) | Self::Depthwise(convolution) => Some(convolution),
            _ => None,
        }
    }

    /// Its name in printed plans and tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense(convolution) if convolution.geometry.is_pointwise() => "pointwise",
            Self::Dense(_) => "dense",
            Self::Depthwise(_) => "depthwise",
            Self::Add(_) => "add",
            Self::Concat => "concat",
            Self::MaxPool(_) => "max pool",
            Self::Mean => "mean",
            Self::Normalise => "normalise",
        }
    }
}

impl Plan {
    /// The most channels that any value has.
    #[must_use]
    pub fn most_channels(&self) -> usize {
        self.values.iter().map(|value| value.shape.channels).max().unwrap_or(0)
    }

    /// The value at `id`.
    ///
    /// # Panics
    /// Never for an identifier of this plan.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "identifiers are made with the values and never outlive them")]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The value that a layer reads first; of a layer without inputs, which lowering never makes, the picture.
    #[must_use]
    pub fn input(&self, layer: &Layer) -> &Value {
        self.value(layer.inputs.first().copied().unwrap_or(ValueId(0)))
    }

    /// Multiply-adds of a layer.
    #[must_use]
    pub fn multiply_adds(&self, layer: &Layer) -> usize {
        let per_pixel = layer.operation.convolution().map_or(0, |c| c.weights_oihw.len());
        per_pixel * self.value(layer.output).shape.pixels()
    }
}
