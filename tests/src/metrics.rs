//! What `/metrics` says.

/// The value of a counter or a gauge without labels, by its name behind `clothingid_`.
///
/// # Panics
/// There is none of this name.
#[must_use]
pub fn value(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix("clothingid_")?.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}
