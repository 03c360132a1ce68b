//! Writes the folder that travels.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::USAGE;
use crate::cargo::{cargo, target, workspace};
use crate::report::Report;
use crate::setup::libtorch;

/// Largest part of a file of the data: what carries the folder may have limits.
const PART_BYTES: u64 = 40 << 20;
/// The script that runs there.
const SCRIPT: &str = include_str!("run.sh");
/// The recipe that travels where none is named.
const RECIPE: &str = "trainer/recipes/poster-cuda.toml";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Request {
    out: PathBuf,
    pack: PathBuf,
    recipes: Vec<PathBuf>,
    weights: Vec<(String, PathBuf)>,
}

impl Request {
    fn parse(words: &[String]) -> Result<Self, Report> {
        let (mut out, mut pack, mut request) = (None, None, Self::default());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Report::usage(format!("`{word}` needs a value: {USAGE}")));
            match word.as_str() {
                "--pack" => pack = Some(PathBuf::from(value()?)),
                "--recipe" => request.recipes.push(value()?.into()),
                "--weights" => {
                    let text = value()?;
                    let pair = text.split_once('=').map(|(name, file)| (name.to_owned(), PathBuf::from(file)));
                    request.weights.push(pair.ok_or_else(|| Report::usage(format!("`{text}` is not BACKBONE=FILE")))?);
                }
                folder if out.is_none() && !folder.starts_with('-') => out = Some(PathBuf::from(folder)),
                other => return Err(Report::usage(format!("`gpu pack` does not take `{other}`: {USAGE}"))),
            }
        }
        request.out = out.ok_or_else(|| Report::usage(format!("into which folder? {USAGE}")))?;
        request.pack = pack.ok_or_else(|| Report::usage(format!("which photographs? {USAGE}")))?;
        if request.recipes.is_empty() {
            request.recipes.push(workspace().join(RECIPE));
        }
        Ok(request)
    }
}

/// Builds the program and writes the folder.
pub(super) fn run(words: &[String]) -> Result<ExitCode, Report> {
    let request = Request::parse(words)?;
    if request.out.exists() {
        return Err(Report::failure(format!("`{}` is there already", request.out.display()), "name a new folder"));
    }
    let built = cargo().args(["build", "--profile", "ci", "--package", "clothingid-trainer"]).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(Report::failure("the trainer does not build", "see the compiler's words above"));
    }
    write(&request).map_err(|error| {
        let what = format!("cannot write the folder `{}`", request.out.display());
        Report::failure(what, "look at the cause, remove the folder and try again").caused_by(error)
    })?;
    println!(
        "wrote {}: carry it to a machine with torch {} for CUDA and run `bash run.sh` there; then `cargo xtask gpu collect {}`",
        request.out.display(),
        libtorch::VERSION,
        request.out.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn write(request: &Request) -> std::io::Result<()> {
    let out = &request.out;
    for folder in ["programs", "data", "recipes", "weights"] {
        fs::create_dir_all(out.join(folder))?;
    }
    let program = out.join("programs/clothingid-train");
    fs::copy(target().join("ci/clothingid-train"), &program)?;
    // A smaller program travels faster; without the tool it runs all the same.
    let _ = Command::new("strip").arg(&program).status();
    for name in ["pack.json", "index.csv", "photos.bin"] {
        split(&request.pack.join(name), &out.join("data"), name)?;
    }
    // Later packs have sums by block in a file of their own, and those of other objects than clothing their taxonomies.
    for entry in fs::read_dir(&request.pack)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("blocks") || name.starts_with("category") {
            split(&request.pack.join(&name), &out.join("data"), &name)?;
        }
    }
    for recipe in &request.recipes {
        fs::copy(recipe, out.join("recipes").join(recipe.file_name().unwrap_or_default()))?;
    }
    for (name, file) in &request.weights {
        fs::copy(file, out.join("weights").join(format!("{name}.safetensors")))?;
    }
    fs::write(out.join("run.sh"), SCRIPT.replace("@TORCH@", libtorch::VERSION))?;
    let sums = Command::new("sh")
        .current_dir(out)
        .args([
            "-c",
            "find programs data recipes weights run.sh -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum",
        ])
        .output()?;
    if !sums.status.success() {
        return Err(std::io::Error::other(String::from_utf8_lossy(&sums.stderr).trim().to_owned()));
    }
    fs::write(out.join("checksums.txt"), sums.stdout)
}

/// Copies a file in parts of at most [`PART_BYTES`]: `NAME.000`, `NAME.001` and so on.
fn split(from: &Path, folder: &Path, name: &str) -> std::io::Result<()> {
    let source = File::open(from)?;
    let mut left = source.metadata()?.len();
    let mut number = 0;
    loop {
        let mut part = File::create_new(folder.join(format!("{name}.{number:03}")))?;
        left -= std::io::copy(&mut (&source).take(PART_BYTES), &mut part)?;
        part.flush()?;
        number += 1;
        if left == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_request_names_folder_photographs_and_what_else_travels() {
        let request =
            Request::parse(&words("out --pack p --recipe a.toml --weights squeezenet=s.safetensors")).unwrap();
        assert_eq!((request.out, request.pack), (PathBuf::from("out"), PathBuf::from("p")));
        assert_eq!(request.recipes, [PathBuf::from("a.toml")]);
        assert_eq!(request.weights, [("squeezenet".to_owned(), PathBuf::from("s.safetensors"))]);
        for wrong in ["", "out", "--pack p", "out --pack p --weights x", "out other --pack p", "out --pack"] {
            assert!(Request::parse(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_put_together_are_the_file() {
        let folder = std::env::temp_dir().join(format!("clothingid-split-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let bytes: Vec<u8> = (0..PART_BYTES + 5).map(|i| (i % 251) as u8).collect();
        fs::write(folder.join("whole"), &bytes).unwrap();
        split(&folder.join("whole"), &folder, "x").unwrap();
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        assert_eq!([read("x.000"), read("x.001")].concat(), bytes);
        assert!(!folder.join("x.002").exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_script_is_whole() {
        let checked = Command::new("bash").args(["-n", "-c", SCRIPT]).status().unwrap();
        assert!(checked.success());
        assert!(SCRIPT.contains("@TORCH@"));
    }
}
