//! Takes the records that came back into `studies/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::USAGE;
use crate::cargo::workspace;
use crate::report::Report;

/// Copies what `results/` (or `results.tar`) of a folder has and `studies/` has not.
pub(super) fn run(words: &[String]) -> Result<ExitCode, Report> {
    let [folder] = words else { return Err(Report::usage(format!("from which folder? {USAGE}"))) };
    let folder = PathBuf::from(folder);
    let results = folder.join("results");
    if !results.is_dir() && folder.join("results.tar").is_file() {
        let unpacked = Command::new("tar").arg("-xf").arg("results.tar").current_dir(&folder).status();
        if !unpacked.is_ok_and(|status| status.success()) {
            return Err(Report::failure("`results.tar` is not whole", "carry it back again"));
        }
    }
    if !results.is_dir() {
        let what = format!("`{}` has neither `results/` nor `results.tar`", folder.display());
        return Err(Report::failure(what, "run `bash run.sh` in it on the machine with the GPU"));
    }
    let studies = workspace().join("studies");
    let taken = take(&results, &studies).map_err(|error| {
        Report::failure("cannot take the records", "look at the cause; what was taken stays").caused_by(error)
    })?;
    for path in &taken.refused {
        eprintln!("left `{}`: `studies/` has another one of that name", path.display());
    }
    println!(
        "took {} files into {}, {} were there already; `clothingid-train study RECIPE --report-only` writes the report",
        taken.new,
        studies.display(),
        taken.same
    );
    Ok(if taken.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    new: usize,
    same: usize,
    refused: Vec<PathBuf>,
}

/// Copies records, lists of photographs and sheets. What is written anew from the records is left out; a record that differs stays as it is.
fn take(from: &Path, to: &Path) -> std::io::Result<Taken> {
    let mut taken = Taken::default();
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(path);
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_record = (name.starts_with("fold-") && name.ends_with(".json")) || name == "photos.csv";
            if !is_record && !name.ends_with(".jpg") {
                continue;
            }
            let target = to.join(&path);
            match fs::read(&target) {
                Ok(there) if there == fs::read(entry.path())? => taken.same += 1,
                Ok(_) => taken.refused.push(path),
                Err(_) => {
                    fs::create_dir_all(target.parent().unwrap_or(to))?;
                    let part = target.with_extension("part");
                    fs::copy(entry.path(), &part)?;
                    fs::rename(part, &target)?;
                    taken.new += 1;
                }
            }
        }
    }
    taken.refused.sort();
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_once_and_never_over_others() {
        let folder = std::env::temp_dir().join(format!("clothingid-collect-{}", std::process::id()));
        let (from, to) = (folder.join("results"), folder.join("studies"));
        fs::create_dir_all(from.join("poster/imagenet")).unwrap();
        for (name, text) in
            [("poster/imagenet/fold-0.json", "a"), ("poster/photos.csv", "p"), ("poster/report.md", "r")]
        {
            fs::write(from.join(name), text).unwrap();
        }
        assert_eq!(take(&from, &to).unwrap(), Taken { new: 2, ..Taken::default() });
        assert!(!to.join("poster/report.md").exists());
        assert_eq!(take(&from, &to).unwrap(), Taken { same: 2, ..Taken::default() });
        fs::write(from.join("poster/imagenet/fold-0.json"), "b").unwrap();
        let refused = vec![PathBuf::from("poster/imagenet/fold-0.json")];
        assert_eq!(take(&from, &to).unwrap(), Taken { same: 1, refused, ..Taken::default() });
        assert_eq!(fs::read_to_string(to.join("poster/imagenet/fold-0.json")).unwrap(), "a");
        fs::remove_dir_all(&folder).unwrap();
    }
}
