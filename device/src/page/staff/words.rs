//! Times, sizes and counts in words.

use super::render::say;
use crate::config::Language;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long ago, since a board may have no idea of its time zone.
#[must_use]
pub fn ago(language: Language, ago: Duration) -> String {
    let seconds = ago.as_secs();
    let (key, count) = match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => ("ago_now", 0),
        (0, 0, minutes) => ("ago_minutes", minutes),
        (0, hours, _) => ("ago_hours", hours),
        (days, ..) => ("ago_days", days),
    };
    say(language, key).replace("{count}", &count.to_string())
}

/// How long ago a time in seconds since 1970 is.
#[must_use]
pub fn since(language: Language, at: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ago(language, now.saturating_sub(Duration::from_secs(u64::try_from(at).unwrap_or(0))))
}

/// A size.
#[must_use]
pub fn bytes(count: u64) -> String {
    match count {
        0..=1_048_575 => format!("{} KiB", count >> 10),
        1_048_576..=1_073_741_823 => format!("{} MiB", count >> 20),
        _ => format!("{}.{} GiB", count >> 30, ((count % (1 << 30)) * 10) >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_by_people() {
        let at = |seconds| ago(Language::English, Duration::from_secs(seconds));
        assert_eq!([at(59), at(61), at(7300), at(200_000)], ["just now", "1 min ago", "2 h ago", "2 d ago"]);
        assert_eq!([bytes(1024), bytes(5 << 20), bytes(3 << 29)], ["1 KiB", "5 MiB", "1.5 GiB"]);
    }
}
