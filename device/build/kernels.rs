//! Every WGSL file with every choice of its flags, made into a text and validated by naga, as wgpu does it when the text is loaded.
//!
//! Shapes and tiles are whatever a plan says, so here each constant is [`SAMPLE`] and each tile two long: what naga can reject (a name, a
//! type, a binding, an instruction that an adapter may lack) depends on the flags alone. That the texts of real plans are valid too, whatever
//! their shapes, is a unit test of the kernels.

use super::template::{Template, choices};
use super::unrolled::{self, Window};
use naga::front::wgsl;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess};
use std::collections::BTreeSet;

/// What each constant of a kernel is here.
const SAMPLE: usize = 4;

/// Length of each loop that is unrolled; a letter that is missing here is left in the text and fails.
const RANGES: [(char, usize); 6] = [('p', 2), ('q', 2), ('i', 4), ('h', 2), ('t', TAPS), ('v', TAPS.div_ceil(4))];

/// Taps of the window here.
const TAPS: usize = WINDOW.kernel * WINDOW.kernel;

const WINDOW: Window = Window { kernel: 3, stride: 2, before: 1, height: 8, width: 8 };

/// Validates a file with every choice of its flags; how many there are.
pub(super) fn validate(file: &str) -> Result<usize, String> {
    let choices = choices(file);
    for flags in &choices {
        validate_text(&filled_in(file, flags)).map_err(|error| match flags.join(", ") {
            set if set.is_empty() => error,
            set => format!("with {set}: {error}"),
        })?;
    }
    Ok(choices.len())
}

/// Validates one text; how many buffers it binds.
pub(super) fn validate_text(text: &str) -> Result<usize, String> {
    let module = wgsl::parse_str(text).map_err(|error| error.emit_to_string(text))?;
    // `unpack2x16float`, which every Vulkan adapter has; float16 itself is asked for by the text, and nothing else.
    let float16 = if text.contains("enable f16;") { Capabilities::SHADER_FLOAT16 } else { Capabilities::empty() };
    Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32 | float16)
        .validate(&module)
        .map_err(|error| error.emit_to_string(text))?;
    let bound = bindings(&module);
    // As the engine lays them out: parameters, the result, then what is read.
    let expected: BTreeSet<_> = (0..).map(|binding| (binding, binding == 1)).take(bound.len()).collect();
    if bound != expected {
        return Err(format!("bindings (place, is written) are {bound:?} and not {expected:?}"));
    }
    Ok(bound.len())
}

/// The file with these flags, and samples for all else.
fn filled_in(file: &str, flags: &[&str]) -> String {
    let (taps, rows) = (unrolled::taps(TAPS), unrolled::rows(WINDOW, 2));
    let texts = [("taps", taps.as_str()), ("rows", rows.as_str())];
    let fill = |constants: &[(&str, usize)]| {
        let template = Template { constants, ranges: &RANGES, texts: &texts, ..Template::default() };
        flags.iter().fold(template, |template, flag| template.flag(flag, true)).fill(file)
    };
    let bare = fill(&[]);
    fill(&constants(&bare).into_iter().map(|name| (name, SAMPLE)).collect::<Vec<_>>())
}

/// Names in capitals that the text uses and does not declare.
fn constants(text: &str) -> BTreeSet<&str> {
    let code = || text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let declared: BTreeSet<&str> =
        code().filter_map(|line| line.strip_prefix("const ")?.split_whitespace().next()).collect();
    let names = code().flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let is_constant = |name: &&str| {
        name.len() > 1
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    names.filter(is_constant).filter(|name| !declared.contains(name)).collect()
}

/// Place of each binding, and whether the kernel writes it.
fn bindings(module: &Module) -> BTreeSet<(u32, bool)> {
    let is_written = |space| match space {
        AddressSpace::Storage { access } => Some(access.contains(StorageAccess::STORE)),
        _ => None,
    };
    let variables = module.global_variables.iter().map(|(_, variable)| variable);
    variables.filter_map(|variable| Some((variable.binding.as_ref()?.binding, is_written(variable.space)?))).collect()
}
