//! The parts of depthwise kernels that are made tap by tap: which row and column each reads is settled here and not on the adapter.

use std::fmt::Write as _;

/// A window and what it slides over, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Border before the first row and column.
    pub(super) before: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// `tap7`, from the word in which it lies.
pub(super) fn taps(taps: usize) -> String {
    let mut text = String::new();
    for tap in 0..taps {
        let _ = writeln!(text, "    let tap{tap} = Sums(unpack4xI8(words{}[{}]));", tap / 4, tap % 4);
    }
    text
}

/// The input's rows and columns, each loaded once and added to every sum that reads it.
pub(super) fn rows(window: Window, pixels: usize) -> String {
    let Window { kernel, stride, before, height, width } = window;
    let mut text = String::new();
    for row in 0..kernel {
        let _ = writeln!(text, "    {{");
        // Rows and columns before the first are very large numbers.
        let _ = writeln!(text, "        let input_row = row * {stride}u + {row}u - {before}u;");
        let _ = writeln!(text, "        let is_row = input_row < {height}u;");
        let _ = writeln!(text, "        let start = select(0u, input_row, is_row) * {width}u;");
        for column in 0..(pixels - 1) * stride + kernel {
            let readers = (0..pixels).filter(|pixel| (pixel * stride..pixel * stride + kernel).contains(&column));
            let readers: Vec<usize> = readers.collect();
            if readers.is_empty() {
                continue;
            }
            let _ = writeln!(text, "        let at{column} = column * {stride}u + {column}u - {before}u;");
            let _ = writeln!(text, "        let is_in{column} = is_row && at{column} < {width}u;");
            let place = format!("(start + min(at{column}, {}u)) * QUADS + quad", width - 1);
            let _ = writeln!(text, "        let x{column} = select(border, load({place}), is_in{column});");
            for pixel in readers {
                let tap = row * kernel + column - pixel * stride;
                let _ = writeln!(text, "        sum{pixel} += x{column} * tap{tap};");
            }
        }
        let _ = writeln!(text, "    }}");
    }
    text
}
