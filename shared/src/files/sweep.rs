//! What killed programs have left beside a file under names of their own.

use super::folder_of;
use std::fs;
use std::path::Path;

/// Removes what writers that are no more have left half written of `path`.
pub fn sweep_temporaries(path: &Path) {
    sweep(path, temporary);
}

/// The process of a name that `atomic` gives: `PID-COUNT.tmp`.
fn temporary(rest: &str) -> Option<u32> {
    rest.strip_suffix(".tmp")?.split_once('-')?.0.parse().ok()
}

/// Removes what processes that are no more have left beside `path`: files named as it is, a point, and what `process_of` takes the process from.
/// Best effort: what cannot be removed does no harm.
pub fn sweep(path: &Path, process_of: impl Fn(&str) -> Option<u32>) {
    sweep_of(path, process_of, |process| Path::new("/proc").join(process.to_string()).exists());
}

fn sweep_of(path: &Path, process_of: impl Fn(&str) -> Option<u32>, is_running: impl Fn(u32) -> bool) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let rest = file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.'));
        if rest.and_then(&process_of).is_some_and(|process| !is_running(process)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_atomic;

    #[test]
    fn only_what_a_dead_process_left_of_this_file_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let stay = ["a.db", "a.db-wal", "a.db.1-0.tmp", "b.db.2-0.tmp", "a.db.2-0.tmps", "a.db.x-0.tmp", "a.db.2.tmp"];
        let go = ["a.db.2-0.tmp", "a.db.2-17.tmp"];
        for name in stay.iter().chain(&go) {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        sweep_of(&folder.path().join("a.db"), temporary, |process| process == 1);
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = stay.map(str::to_owned);
        expected.sort();
        assert_eq!(left, expected);
        sweep_temporaries(Path::new("/nowhere/a.db"));
    }
}
