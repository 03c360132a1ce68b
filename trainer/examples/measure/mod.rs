//! What the measuring examples share.

/// Processor time of this program in seconds, all threads; ticks are a hundredth of a second on Linux.
pub(crate) fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let text = clothingid_shared::files::read_text(std::path::Path::new("/proc/self/stat"))?;
    let after_name = text.rsplit_once(')').ok_or("no `)` in /proc/self/stat")?.1;
    let ticks: f64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
