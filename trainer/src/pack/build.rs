//! Writes a pack: look at every photograph, join near-duplicates, split, and put it all in one folder.
//!
//! Everything is written into a folder `.NAME.partial` beside the target and moved into place at the end, so that a kill at any line
//! leaves either the old pack or none, never a torn one. The next run removes what a killed one left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clothingid_shared::{files, picture};
use rayon::prelude::*;
use serde::Serialize;

use super::PackError;
use super::duplicates::{Duplicate, Kind, duplicates};
use super::fingerprint::Fingerprint;
use super::index::IndexLine;
use super::pack::{
    DUPLICATES_FILE, FORM, HEADER_FILE, Header, INDEX_FILE, PHOTOS_FILE, PackedSource, VERSION, checksum,
};
use crate::import::check::chain;
use crate::import::manifest::to_csv;
use crate::import::progress::Progress;
use crate::import::split::split;
use crate::import::{Fractions, ImportError, Manifest, Problems, Row};

/// Photographs that are read and looked at together.
const CHUNK: usize = 512;

/// How a pack is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuildOptions {
    /// Shares of the parts.
    pub fractions: Fractions,
    /// Seed of the split.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Built {
    /// Photographs in the pack.
    pub photos: usize,
    /// Pairs that show the same picture.
    pub duplicates: Vec<Duplicate>,
    /// Of these, pairs that joined two groups.
    pub joined: usize,
    /// What could not be packed.
    pub problems: Problems,
}

/// One photograph, looked at.
struct Seen {
    bytes: Vec<u8>,
    print: Fingerprint,
    width: u32,
    height: u32,
}

/// A line of `duplicates.csv`.
#[derive(Serialize)]
struct DuplicateLine<'a> {
    first: &'a str,
    second: &'a str,
    kind: Kind,
    levels: f64,
    first_group: &'a str,
    second_group: &'a str,
}

/// Builds the pack of a manifest in a folder. `stop` is looked at between chunks.
///
/// # Errors
/// When nothing could be packed, a file could not be written, or the user stopped it.
#[expect(
    clippy::disallowed_methods,
    reason = "the file is synced, in a folder that is moved into place when all is there"
)]
pub fn build(
    manifest: &Manifest,
    out: &Path,
    options: BuildOptions,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<Built, PackError> {
    let places = Places::of(out)?;
    places.clean()?;
    files::create_folder(&places.partial)?;
    let mut problems = Problems::default();
    let photos_path = places.partial.join(PHOTOS_FILE);
    let io = |action: &'static str, path: &Path| {
        let path = path.to_path_buf();
        move |cause| PackError::Io { action, path, cause }
    };
    let mut writer = BufWriter::new(File::create(&photos_path).map_err(io("create", &photos_path))?);
    let mut rows: Vec<Row> = Vec::with_capacity(manifest.rows.len());
    let mut extents: Vec<(u64, u64)> = Vec::with_capacity(manifest.rows.len());
    let mut prints: Vec<Fingerprint> = Vec::with_capacity(manifest.rows.len());
    let mut checksums: Vec<String> = Vec::with_capacity(manifest.rows.len());
    let mut offset = 0_u64;
    progress.begin("packing photographs", manifest.rows.len());
    for chunk in manifest.rows.chunks(CHUNK) {
        if stop.load(Ordering::Relaxed) {
            return Err(PackError::Stopped);
        }
        let seen: Vec<Result<(Seen, String), String>> = chunk
            .par_iter()
            .map(|row| {
                let seen = look(&manifest.file(row)).map(|seen| {
                    let sum = checksum(&seen.bytes);
                    (seen, sum)
                });
                progress.step();
                seen
            })
            .collect();
        for (row, seen) in chunk.iter().zip(seen) {
            match seen {
                Ok((seen, sum)) => {
                    writer.write_all(&seen.bytes).map_err(io("write", &photos_path))?;
                    let byte_len = seen.bytes.len() as u64;
                    extents.push((offset, byte_len));
                    offset += byte_len;
                    rows.push(Row { width: seen.width, height: seen.height, ..row.clone() });
                    prints.push(seen.print);
                    checksums.push(sum);
                }
                Err(reason) => problems.push(&manifest.file(row), reason),
            }
        }
    }
    progress.end();
    if rows.is_empty() {
        return Err(PackError::Empty { path: manifest.root.clone() });
    }
    writer.flush().map_err(io("write", &photos_path))?;
    writer
        .into_inner()
        .map_err(|error| io("write", &photos_path)(error.into_error()))?
        .sync_all()
        .map_err(io("sync", &photos_path))?;

    progress.begin("comparing photographs", 1);
    let pairs = duplicates(&prints, &checksums);
    progress.step();
    progress.end();
    let joins: Vec<(usize, usize)> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
    let parts = split(&rows, &joins, options.fractions, options.seed);

    let mut items: BTreeMap<&str, usize> = BTreeMap::new();
    let mut lines = Vec::with_capacity(rows.len());
    for ((index, row), ((offset, length), checksum)) in rows.iter().enumerate().zip(extents.iter().zip(checksums)) {
        let next = items.len();
        let item = *items.entry(row.item_id.as_str()).or_insert(next);
        lines.push(IndexLine {
            offset: *offset,
            length: *length,
            checksum,
            part: parts.parts[index],
            item,
            group: parts.clusters[index],
            path: row.path.clone(),
            source: row.source.clone(),
            label: row.label.clone(),
            cat14: row.cat14.clone(),
            cat26: row.cat26.clone(),
            item_id: row.item_id.clone(),
            group_id: row.group.clone(),
            view: row.view.clone(),
            split: row.split.clone(),
            width: row.width,
            height: row.height,
            note: row.note.clone(),
        });
    }
    let csv_bytes = |path: &Path, bytes: Result<Vec<u8>, csv::Error>| {
        bytes.map_err(|cause| PackError::from(ImportError::Csv { path: path.to_path_buf(), cause }))
    };
    let index_path = places.partial.join(INDEX_FILE);
    let index = csv_bytes(&index_path, to_csv(&lines))?;
    files::write_atomic(&index_path, &index)?;
    let duplicates_path = places.partial.join(DUPLICATES_FILE);
    let listed: Vec<DuplicateLine<'_>> = pairs.iter().filter_map(|pair| describe(&rows, pair)).collect();
    files::write_atomic(&duplicates_path, &csv_bytes(&duplicates_path, to_csv(&listed))?)?;
    problems.write(&places.partial)?;
    let header = Header {
        form: FORM.into(),
        version: VERSION,
        written_by: concat!("clothingid-train ", env!("CARGO_PKG_VERSION")).into(),
        photos: rows.len(),
        photos_byte_len: offset,
        index_sha256: files::sha256_hex(&index),
        seed: options.seed,
        fractions: options.fractions,
        duplicate_pairs: pairs.len(),
        sources: manifest
            .sources
            .iter()
            .map(|(key, facts)| PackedSource { key: key.clone(), facts: facts.clone().into() })
            .collect(),
    };
    let header_path = places.partial.join(HEADER_FILE);
    let header = serde_json::to_vec_pretty(&header)
        .map_err(|error| PackError::Form { path: header_path.clone(), reason: error.to_string() })?;
    files::write_atomic(&header_path, &header)?;
    places.commit()?;
    let joined = pairs.iter().filter(|pair| rows[pair.first].group != rows[pair.second].group).count();
    Ok(Built { photos: rows.len(), duplicates: pairs, joined, problems })
}

fn describe<'a>(rows: &'a [Row], pair: &Duplicate) -> Option<DuplicateLine<'a>> {
    let (first, second) = (rows.get(pair.first)?, rows.get(pair.second)?);
    let levels = (pair.levels * 100.0).round() / 100.0;
    Some(DuplicateLine {
        first: &first.path,
        second: &second.path,
        kind: pair.kind,
        levels,
        first_group: &first.group,
        second_group: &second.group,
    })
}

fn look(path: &Path) -> Result<Seen, String> {
    let bytes = files::read(path).map_err(|error| chain(&error))?;
    let picture = picture::decode(&bytes).map_err(|error| chain(&error))?;
    Ok(Seen { print: Fingerprint::of(&picture), width: picture.width(), height: picture.height(), bytes })
}

/// The folders that take part in writing a pack.
struct Places {
    out: PathBuf,
    partial: PathBuf,
    old: PathBuf,
}

impl Places {
    fn of(out: &Path) -> Result<Self, PackError> {
        let name = out.file_name().ok_or_else(|| PackError::Occupied { path: out.to_path_buf() })?;
        let named = |ending: &str| {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(ending);
            out.with_file_name(hidden)
        };
        let places = Self { out: out.to_path_buf(), partial: named(".partial"), old: named(".old") };
        // A folder that holds anything but a pack is not ours to replace.
        let is_pack = out.join(HEADER_FILE).is_file();
        let is_empty = std::fs::read_dir(out).map_or(!out.exists(), |mut entries| entries.next().is_none());
        if is_pack || is_empty { Ok(places) } else { Err(PackError::Occupied { path: places.out }) }
    }

    /// Removes what a killed run left, and finishes its last move.
    fn clean(&self) -> Result<(), PackError> {
        remove(&self.partial)?;
        if self.old.exists() && !self.out.join(HEADER_FILE).is_file() {
            if self.out.exists() {
                remove(&self.out)?;
            }
            rename(&self.old, &self.out)?;
        }
        remove(&self.old)
    }

    /// Moves the finished pack into place.
    fn commit(&self) -> Result<(), PackError> {
        if self.out.exists() {
            rename(&self.out, &self.old)?;
        }
        rename(&self.partial, &self.out)?;
        let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let sync = File::open(parent).and_then(|folder| folder.sync_all());
        sync.map_err(|cause| PackError::Io { action: "sync", path: parent.to_path_buf(), cause })?;
        remove(&self.old)
    }
}

#[expect(clippy::disallowed_methods, reason = "moves a folder whose files are synced; the caller syncs the parent")]
fn rename(from: &Path, to: &Path) -> Result<(), PackError> {
    std::fs::rename(from, to).map_err(|cause| PackError::Io { action: "move", path: from.to_path_buf(), cause })
}

fn remove(folder: &Path) -> Result<(), PackError> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(PackError::Io { action: "remove", path: folder.to_path_buf(), cause })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicBool;

    use super::{BuildOptions, build};
    use crate::import::progress::Progress;
    use crate::import::{Fractions, Part, Row};
    use crate::pack::{Pack, PackError, sample};

    #[test]
    fn near_duplicates_never_cross_parts() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = sample::manifest(folder.path(), 40);
        // The same scenes again under other names, sizes and qualities, one of them mirrored.
        for number in [1_u32, 2, 4, 5, 7, 8] {
            let path = format!("again{number}.jpg");
            let mut picture = sample::photo(number, 200, 300);
            if number == 5 {
                crate::load::framing::flip(picture.rgb_mut(), 200);
            }
            std::fs::write(folder.path().join(&path), sample::jpeg(&picture)).unwrap();
            let name = format!("again{number}");
            manifest.rows.push(Row {
                path,
                source: "mine".into(),
                item_id: name.clone(),
                group: name,
                ..Row::default()
            });
        }
        let out = folder.path().join("pack");
        let built = sample::pack(&manifest, &out).unwrap();
        assert_eq!(built.joined, 6, "{:?}", built.duplicates);
        let pack = Pack::open(&out).unwrap();
        let part_of: BTreeMap<&str, Part> = pack.rows().iter().map(|row| (row.path.as_str(), row.part)).collect();
        for number in [1_u32, 2, 4, 5, 7, 8] {
            assert_eq!(part_of[format!("{number}.jpg").as_str()], part_of[format!("again{number}.jpg").as_str()]);
        }
    }

    #[test]
    fn bad_photographs_are_named_and_the_rest_packed() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = sample::manifest(folder.path(), 8);
        std::fs::remove_file(folder.path().join("1.jpg")).unwrap();
        std::fs::write(folder.path().join("2.jpg"), b"text").unwrap();
        let built = sample::pack(&manifest, &folder.path().join("pack")).unwrap();
        assert_eq!((built.photos, built.problems.len()), (manifest.rows.len() - 2, 2));
    }

    #[test]
    fn packing_again_replaces_what_a_killed_run_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = sample::manifest(folder.path(), 8);
        let out = folder.path().join("pack");
        let partial = folder.path().join(".pack.partial");
        std::fs::create_dir(&partial).unwrap();
        std::fs::write(partial.join("photos.bin"), b"torn").unwrap();
        sample::pack(&manifest, &out).unwrap();
        let first = Pack::open(&out).unwrap().identity().to_owned();
        // Killed between the two moves: only the old pack is there.
        std::fs::rename(&out, folder.path().join(".pack.old")).unwrap();
        let stopped = AtomicBool::new(true);
        let options = BuildOptions { fractions: Fractions::default(), seed: 2 };
        assert!(matches!(build(&manifest, &out, options, &Progress::silent(), &stopped), Err(PackError::Stopped)));
        assert_eq!(Pack::open(&out).unwrap().identity(), first);
        sample::pack(&manifest, &out).unwrap();
        assert_eq!(Pack::open(&out).unwrap().identity(), first, "the same input and seed give the same pack");
        assert!(!partial.exists() && !folder.path().join(".pack.old").exists());
        let other = folder.path().join("photos");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("mine.txt"), b"x").unwrap();
        assert!(matches!(sample::pack(&manifest, &other), Err(PackError::Occupied { .. })));
        assert!(other.join("mine.txt").exists());
    }
}
