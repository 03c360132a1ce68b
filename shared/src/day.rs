//! Days as people and files name them: `2026-11-26`, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// The day of a time; 1970-01-01 for times before it.
///
/// **Source** H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
#[must_use]
pub fn day_of(time: SystemTime) -> String {
    let days = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / 86_400;
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_have_their_dates() {
        let of = |seconds| day_of(UNIX_EPOCH + Duration::from_secs(seconds));
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_454, "2026-01-01"),
            (20_783, "2026-11-26"),
        ] {
            assert_eq!(of(days * 86_400), date);
        }
        assert_eq!(of(4_102_444_799), "2099-12-31", "the last second");
        assert_eq!(day_of(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01");
    }
}
