//! Layers without weights: sum, concatenation, max pooling, mean, normalisation.

use super::header::{self, HEADER};
use super::template::Template;
use super::{Kernel, LANES, QUAD, Task, quads};
use crate::network::plan::Pooling;
use crate::network::plan::layers::Clamp;
use clothingid_shared::quantisation::table;

/// The kernel of a sum: `add_int8.wgsl`, `add_float.wgsl`.
pub(in crate::network::gpu) fn add(task: &Task<'_>, clamp: Clamp) -> Kernel {
    let invocations = task.to.shape.pixels() * quads(task.to.shape);
    let files = [("add_int8.wgsl", include_str!("add_int8.wgsl")), ("add_float.wgsl", include_str!("add_float.wgsl"))];
    let parameters = if task.is_int8() { header::int8(task, None) } else { header::float(task, Clamp::None, clamp) };
    linear(
        task,
        files,
        Template { constants: &[("INVOCATIONS", invocations), ("LANES", LANES)], ..Template::default() },
        parameters,
        invocations,
    )
}

/// The kernel of the part of a concatenation whose first channel is `first`: `concat_int8.wgsl`, `concat_float.wgsl`.
pub(in crate::network::gpu) fn concat(task: &Task<'_>, first: usize) -> Kernel {
    let (from, to) = (task.from.shape, task.to.shape);
    let touched = (first + from.channels).div_ceil(QUAD) - first / QUAD;
    let invocations = touched * to.pixels();
    let constants = [
        ("FIRST", first),
        ("CHANNELS", from.channels),
        ("TOUCHED", touched),
        ("INPUT_QUADS", quads(from)),
        ("OUTPUT_QUADS", quads(to)),
        ("INVOCATIONS", invocations),
        ("LANES", LANES),
        ("TABLE", HEADER),
    ];
    let files = [
        ("concat_int8.wgsl", include_str!("concat_int8.wgsl")),
        ("concat_float.wgsl", include_str!("concat_float.wgsl")),
    ];
    let parameters = if task.is_int8() {
        let table = table(task.from.form.quantisation(), task.to.form.quantisation());
        let words = table.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
        header::int8(task, None).into_iter().chain(words).collect()
    } else {
        header::float(task, Clamp::None, Clamp::None)
    };
    linear(
        task,
        files,
        Template { constants: &constants, ranges: &[('i', QUAD)], ..Template::default() },
        parameters,
        invocations,
    )
}

/// The kernel of a max pooling: `max_pool.wgsl`.
pub(in crate::network::gpu) fn max_pool(task: &Task<'_>, pooling: Pooling) -> Kernel {
    let (from, to) = (task.from.shape, task.to.shape);
    let invocations = to.pixels() * quads(to);
    let constants = [
        ("QUADS", quads(to)),
        ("INPUT_HEIGHT", from.height),
        ("INPUT_WIDTH", from.width),
        ("OUTPUT_WIDTH", to.width),
        ("KERNEL", pooling.kernel),
        ("STRIDE", pooling.stride),
        ("BORDER", pooling.border),
        ("INVOCATIONS", invocations),
        ("LANES", LANES),
    ];
    let file = ("max_pool.wgsl", include_str!("max_pool.wgsl"));
    let template = Template { constants: &constants, ..Template::default() }.flag("int8", task.is_int8());
    linear(task, [file, file], template, plain(task), invocations)
}

/// The kernel of a mean over all pixels: `mean_int8.wgsl`, `mean_float.wgsl`.
pub(in crate::network::gpu) fn mean(task: &Task<'_>) -> Kernel {
    let invocations = quads(task.to.shape);
    let constants = [("QUADS", invocations), ("PIXELS", task.from.shape.pixels()), ("LANES", LANES)];
    let files =
        [("mean_int8.wgsl", include_str!("mean_int8.wgsl")), ("mean_float.wgsl", include_str!("mean_float.wgsl"))];
    linear(task, files, Template { constants: &constants, ..Template::default() }, plain(task), invocations)
}

/// The kernel of a normalisation: `normalise.wgsl`.
pub(in crate::network::gpu) fn normalise(task: &Task<'_>) -> Kernel {
    let constants = [("QUADS", quads(task.to.shape)), ("LANES", LANES)];
    let template = Template { constants: &constants, ..Template::default() };
    let wgsl = template.fill(include_str!("normalise.wgsl"));
    let parameters = header::float(task, Clamp::None, Clamp::None);
    Kernel { file: "normalise.wgsl", wgsl, needs_f16: false, parameters, workgroups: [1, 1], lanes: LANES }
}

fn plain(task: &Task<'_>) -> Vec<u32> {
    if task.is_int8() { header::int8(task, None) } else { header::float(task, Clamp::None, Clamp::None) }
}

/// A kernel whose invocations are numbered along one axis; `files` for integers and for floats.
fn linear(
    task: &Task<'_>,
    [int8, float]: [(&'static str, &str); 2],
    template: Template<'_>,
    parameters: Vec<u32>,
    invocations: usize,
) -> Kernel {
    let (file, text) = if task.is_int8() { int8 } else { float };
    let wgsl = template.flag("half", task.is_half()).fill(text);
    Kernel { file, wgsl, needs_f16: false, parameters, workgroups: [invocations.div_ceil(LANES), 1], lanes: LANES }
}
