//! Writes a pack: look at every photograph, join near-duplicates, split, and put it all in one folder.
//!
//! Photographs pass through: what stays in memory is a fingerprint of 0.8 KB and the place of each, beside the manifest's rows.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use clothingid_shared::{files, picture};
use rayon::prelude::*;

use super::PackError;
use super::blocks::{self, BLOCKS_FILE, BlockWriter};
use super::duplicates::{Duplicate, duplicates};
use super::fingerprint::Fingerprint;
use super::header::{DUPLICATES_FILE, FORM, HEADER_FILE, Header, INDEX_FILE, PHOTOS_FILE, PackedSource, VERSION};
use super::leaks::Leaks;
use super::lists::{Stored, write_duplicates, write_index};
use super::pack::checksum;
use super::places::Places;
use crate::import::check::chain;
use crate::import::progress::Progress;
use crate::import::split::{collision, split};
use crate::import::{Fractions, Manifest, Part, Problems, Row};

/// Photographs that are read and looked at together.
const CHUNK: usize = 512;

/// How a pack is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BuildOptions {
    /// Shares of the parts.
    pub fractions: Fractions,
    /// Seed of the split.
    pub seed: u64,
    /// What becomes of photographs that cannot be packed.
    pub unfit: Unfit,
}

/// What becomes of photographs that cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There will be no pack, and all of them are named.
    Refuse,
    /// They are named and left out.
    LeaveOut,
}

/// What came of it.
#[derive(Debug)]
pub struct Built {
    /// Photographs in the pack.
    pub photos: usize,
    /// Pairs that show the same picture.
    pub duplicates: Vec<Duplicate>,
    /// Of these, the pairs that joined two groups.
    pub leaks: Leaks,
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

/// All of them.
struct Written<'a> {
    stored: Vec<Stored<'a>>,
    /// The fingerprint of each.
    prints: Vec<Fingerprint>,
    /// The checksum of each block.
    sums: Vec<u32>,
}

/// Builds the pack of a manifest in a folder. `stop` is looked at between chunks.
///
/// # Errors
/// When nothing could be packed, a photograph is unfit and none may be left out, photographs that belong together are in two parts of
/// the manifest, a file could not be written, or the user stopped it.
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
    let Written { stored, prints, sums } = store(manifest, &places, &mut problems, progress, stop)?;
    if options.unfit == Unfit::Refuse && !problems.is_empty() {
        places.abandon()?;
        return Err(PackError::Unfit { photos: manifest.rows.len(), problems });
    }
    if stored.is_empty() {
        return Err(PackError::Empty { path: manifest.root.clone() });
    }

    progress.begin("comparing photographs", 1);
    let pairs = duplicates(&prints);
    progress.step();
    progress.end();
    drop(prints);
    let joins: Vec<(usize, usize)> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
    let rows: Vec<&Row> = stored.iter().map(|stored| stored.row).collect();
    let split = split(&rows, &joins, options.fractions, options.seed);
    if let Some((first, second)) = collision(&rows, &split.clusters) {
        places.abandon()?;
        return Err(in_two_parts(&rows, &pairs, first, second));
    }

    let photos_byte_len = stored.last().map_or(0, |last| last.offset + last.byte_len);
    let index_sha256 = write_index(&places.partial.join(INDEX_FILE), &stored, &split)?;
    write_duplicates(&places.partial.join(DUPLICATES_FILE), &rows, &pairs)?;
    manifest.taxonomies.write(&places.partial)?;
    let blocks = blocks::to_csv(&sums);
    files::write_atomic(&places.partial.join(BLOCKS_FILE), &blocks)?;
    problems.write(&places.partial)?;
    let header = Header {
        form: FORM.into(),
        version: VERSION,
        written_by: concat!("clothingid-train ", env!("CARGO_PKG_VERSION")).into(),
        photos: rows.len(),
        photos_byte_len,
        index_sha256,
        blocks_sha256: Some(files::sha256_hex(&blocks)),
        seed: options.seed,
        fractions: options.fractions,
        duplicate_pairs: pairs.len(),
        sources: manifest
            .sources
            .iter()
            .map(|(key, facts)| PackedSource { key: key.clone(), facts: facts.clone().into() })
            .collect(),
        taxonomies: manifest.taxonomies.identity(),
    };
    let header_path = places.partial.join(HEADER_FILE);
    let header = serde_json::to_vec_pretty(&header)
        .map_err(|error| PackError::Form { path: header_path.clone(), reason: error.to_string() })?;
    files::write_atomic(&header_path, &header)?;
    places.commit()?;
    Ok(Built { photos: rows.len(), leaks: Leaks::of(&rows, &pairs), duplicates: pairs, problems })
}

/// Looks at each photograph and writes its bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "the file is synced, in a folder that is moved into place when all is there"
)]
fn store<'a>(
    manifest: &'a Manifest,
    places: &Places,
    problems: &mut Problems,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<Written<'a>, PackError> {
    let path = places.partial.join(PHOTOS_FILE);
    let io = |action: &'static str| {
        let path = path.clone();
        move |cause| PackError::Io { action, path, cause }
    };
    let mut writer = BlockWriter::new(BufWriter::new(File::create(&path).map_err(io("create"))?));
    let mut stored = Vec::with_capacity(manifest.rows.len());
    let mut prints = Vec::with_capacity(manifest.rows.len());
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
                Ok((Seen { bytes, print, width, height }, checksum)) => {
                    writer.write_all(&bytes).map_err(io("write"))?;
                    let byte_len = bytes.len() as u64;
                    stored.push(Stored { row, offset, byte_len, checksum, width, height });
                    prints.push(print);
                    offset += byte_len;
                }
                Err(reason) => problems.push(&manifest.file(row), reason),
            }
        }
    }
    progress.end();
    let (writer, sums) = writer.finish();
    let file = writer.into_inner().map_err(|error| io("write")(error.into_error()))?;
    file.sync_all().map_err(io("sync"))?;
    Ok(Written { stored, prints, sums })
}

/// Two photographs of one cluster in two parts, with what joins them.
fn in_two_parts(rows: &[&Row], pairs: &[Duplicate], first: usize, second: usize) -> PackError {
    let words = |row: usize| {
        let row = rows.get(row).copied();
        let part = row.and_then(Row::assigned).unwrap_or(Part::Train);
        (row.map(|row| row.path.clone()).unwrap_or_default(), part, row)
    };
    let ((first_path, first_part, one), (second_path, second_part, other)) = (words(first), words(second));
    let shared = |of: fn(&Row) -> &str| one.map(of).filter(|name| Some(*name) == other.map(of));
    let link = match (shared(|row| &row.group), shared(|row| &row.item_id)) {
        (Some(group), _) => format!("they are of group `{group}`"),
        (None, Some(item)) => format!("they are of item `{item}`"),
        _ if pairs.iter().any(|pair| (pair.first, pair.second) == (first, second)) => {
            "they show the same picture".into()
        }
        _ => "others that show the same pictures join their groups".into(),
    };
    PackError::InTwoParts { first: first_path, first_part, second: second_path, second_part, link }
}

fn look(path: &Path) -> Result<Seen, String> {
    let bytes = files::read(path).map_err(|error| chain(&error))?;
    let picture = picture::decode(&bytes).map_err(|error| chain(&error))?;
    Ok(Seen { print: Fingerprint::of(&picture), width: picture.width(), height: picture.height(), bytes })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicBool;

    use super::{BuildOptions, Unfit, build};
    use crate::import::progress::Progress;
    use crate::import::{Part, Row};
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
        assert_eq!(built.leaks.count(), 6, "{:?}", built.duplicates);
        let listed = std::fs::read_to_string(out.join("duplicates.csv")).unwrap();
        assert_eq!(listed.lines().filter(|line| line.contains(",true,")).count(), 6, "{listed}");
        let pack = Pack::open(&out).unwrap();
        let part_of: BTreeMap<&str, Part> = pack.rows().iter().map(|row| (row.path.as_str(), row.part)).collect();
        for number in [1_u32, 2, 4, 5, 7, 8] {
            assert_eq!(part_of[format!("{number}.jpg").as_str()], part_of[format!("again{number}.jpg").as_str()]);
        }
    }

    #[test]
    fn bad_photographs_are_named_and_the_rest_packed_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = sample::manifest(folder.path(), 8);
        std::fs::remove_file(folder.path().join("1.jpg")).unwrap();
        std::fs::write(folder.path().join("2.jpg"), b"text").unwrap();
        let out = folder.path().join("pack");
        match sample::pack(&manifest, &out) {
            Err(PackError::Unfit { photos, problems }) => {
                assert_eq!((photos, problems.len()), (manifest.rows.len(), 2));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(),
            0
        );
        let options = BuildOptions { unfit: Unfit::LeaveOut, ..sample::OPTIONS };
        let built = build(&manifest, &out, options, &Progress::silent(), &AtomicBool::new(false)).unwrap();
        assert_eq!((built.photos, built.problems.len()), (manifest.rows.len() - 2, 2));
    }

    #[test]
    fn parts_of_the_manifest_are_kept_and_what_belongs_together_may_not_be_in_two() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = sample::manifest(folder.path(), 20);
        let out = folder.path().join("pack");
        // Item 0 has the rows 0, 1 and 2.
        for (row, part) in [(0, "report"), (3, "select"), (4, "train")] {
            manifest.rows[row].part = part.into();
        }
        sample::pack(&manifest, &out).unwrap();
        let parts: Vec<Part> = Pack::open(&out).unwrap().rows().iter().map(|row| row.part).collect();
        assert_eq!(parts[..5], [Part::Report, Part::Report, Part::Report, Part::Select, Part::Train]);
        let identity = Pack::open(&out).unwrap().identity().to_owned();

        manifest.rows[2].part = "train".into();
        let error = sample::pack(&manifest, &out).unwrap_err().to_string();
        assert_eq!(
            error,
            "`1.jpg` of part `report` and `3.jpg` of part `train` belong together: they are of group `i0`"
        );
        manifest.rows[2].part = String::new();
        // A copy of a photograph of another part.
        std::fs::copy(folder.path().join("4.jpg"), folder.path().join("5.jpg")).unwrap();
        let error = sample::pack(&manifest, &out).unwrap_err().to_string();
        assert!(error.ends_with("`5.jpg` of part `train` belong together: they show the same picture"), "{error}");
        assert_eq!(Pack::open(&out).unwrap().identity(), identity, "the old pack still stands");
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
        let options = BuildOptions { seed: 2, ..sample::OPTIONS };
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
