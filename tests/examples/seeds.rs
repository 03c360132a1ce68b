//! The good files that fuzzing starts from: `cargo run --profile ci -p clothingid-tests --example seeds -- DIR` writes `DIR/TARGET/seed-N`.

use std::path::PathBuf;

use clothingid_tests::readers::READERS;
use clothingid_tests::seeds;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds DIR");
        std::process::exit(2);
    };
    for (name, _) in READERS {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::of(name).into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
