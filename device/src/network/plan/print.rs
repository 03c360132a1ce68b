//! The plan for people: one line a layer.

use super::layers::{Form, Layer, Operation, Plan, Shape, Value};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let multiply_adds: usize = self.layers.iter().map(|layer| self.multiply_adds(layer)).sum();
        let weights: usize =
            self.layers.iter().filter_map(|l| l.operation.convolution()).map(|c| c.weights_oihw.len()).sum();
        writeln!(
            f,
            "{} layers, {:.1} M multiply-adds, {:.2} M weights, {} buffers of {} KiB as bytes",
            self.layers.len(),
            multiply_adds as f64 / 1e6,
            weights as f64 / 1e6,
            self.slots.len(),
            self.slots.iter().sum::<usize>().div_ceil(1024)
        )?;
        for (place, layer) in self.layers.iter().enumerate() {
            writeln!(f, "{}", self.line(place, layer))?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        Ok(())
    }
}

impl Plan {
    fn line(&self, place: usize, layer: &Layer) -> String {
        let (from, to) = (self.input(layer), self.value(layer.output));
        let window = match &layer.operation {
            Operation::Dense(c) | Operation::Depthwise(c) if c.geometry.taps() > 1 => {
                format!("{}x{} /{}", c.geometry.kernel, c.geometry.kernel, c.geometry.stride)
            }
            Operation::MaxPool(pooling) => format!("{}x{} /{}", pooling.kernel, pooling.kernel, pooling.stride),
            _ => String::new(),
        };
        let residual = layer.operation.convolution().is_some_and(|c| c.residual.is_some());
        format!(
            "{place:3} {:10} {:8} {:>12} → {:12} slot {} {:26} {:7.2} M  {}{}",
            layer.operation.name(),
            window,
            from.shape.to_string(),
            to.shape.to_string(),
            to.slot,
            quantisation(to),
            self.multiply_adds(layer) as f64 / 1e6,
            layer.name,
            if residual { " + residual" } else { "" }
        )
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

fn quantisation(value: &Value) -> String {
    match value.form {
        Form::Bytes(q) => format!("u8 · {:.6} zero {}", q.scale, q.zero_point),
        Form::Floats => "f32".to_string(),
    }
}
