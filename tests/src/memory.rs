//! What the kernel says of the memory of a process.

/// A figure of a process in KiB: `VmRSS` is what it has, `VmHWM` the most that it has had.
///
/// # Panics
/// There is no such process, or no such figure.
#[must_use]
pub fn kib(process: u32, figure: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let value = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).expect("a figure");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}
