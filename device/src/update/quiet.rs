//! Whether a customer is there: the appliance says in a file in memory when it was last used, by the clock that counts since the machine started.

use clothingid_shared::files::{self, FileError};
use rustix::time::{ClockId, clock_gettime};
use std::path::PathBuf;
use std::time::Duration;

/// Without a customer for so long, the shop is quiet; where the configuration does not say otherwise.
pub const QUIET: Duration = Duration::from_secs(300);

/// Since the machine started, sleep included; nobody sets this clock.
#[must_use]
pub fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
}

/// The file; `$RUNTIME_DIRECTORY` is set by systemd.
fn file(of_service: Option<PathBuf>) -> PathBuf {
    of_service.filter(|folder| folder.is_absolute()).unwrap_or_else(|| "/run/clothingid".into()).join("used")
}

fn of_service() -> Option<PathBuf> {
    std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from)
}

/// Says that the appliance was last used at this time since the machine started. Without systemd's folder nobody is told.
///
/// # Errors
/// The file cannot be written.
pub fn say_used(at: Duration) -> Result<(), FileError> {
    match of_service() {
        None => Ok(()),
        Some(folder) => files::write_atomic(&file(Some(folder)), at.as_secs().to_string().as_bytes()),
    }
}

/// For how long nobody has used the appliance; nothing where none says so.
#[must_use]
pub fn unused_for() -> Option<Duration> {
    let text = files::read_text_at_most(&file(of_service()), 64).ok()?;
    let used = Duration::from_secs(text.trim().parse().ok()?);
    Some(since_boot().saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_systemds() {
        assert_eq!(file(None), PathBuf::from("/run/clothingid/used"));
        assert_eq!(file(Some("/run/x".into())), PathBuf::from("/run/x/used"));
        assert_eq!(file(Some("x".into())), PathBuf::from("/run/clothingid/used"));
        assert!(since_boot() > Duration::ZERO);
    }
}
