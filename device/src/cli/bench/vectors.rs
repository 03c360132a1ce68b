//! Search alone on vectors from files: `cargo xtask bench search` gives the same ones to every library.
//!
//! A file is rows of little-endian float32 values, one after the other, and nothing else. As in the appliance the int8 rows are in memory, and
//! the float rows of the best hundred are read for each query; from this file and not from the store, so the store's share is not in the figure.
//! A filter is a file, too: a byte a row.
//!
//! Promise: any bytes are an answer or an error. A file that is no whole number of rows, holds more than a board's memory takes or a row
//! without a direction is refused; memory is in proportion to the rows.

use super::{Args, LONGEST, MOST_VALUES, WARM_UP, memory_mib, milliseconds, quantile_ms};
use crate::catalogue::scan::{Candidates, Mask, RERANKED, Rerank, Rows};
use crate::cli::{Outcome, Report, print_line};
use clothingid_shared::embedding::{Embedding, EmbeddingError};
use serde::Serialize;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error;

/// Rows that answer a query.
const TOP: usize = 10;

/// A file that cannot be searched.
#[derive(Debug, Error)]
pub(super) enum VectorsError {
    /// It cannot be opened or read.
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Its size is no whole number of rows, or none.
    #[error("`{}` has {byte_len} bytes, expected rows of {row_len}", path.display())]
    NotRows { path: PathBuf, byte_len: u64, row_len: u64 },
    /// More than fits.
    #[error("`{}` has {values} values, expected at most {MOST_VALUES}", path.display())]
    TooMany { path: PathBuf, values: u64 },
    /// Not a byte for each row.
    #[error("`{}` has {byte_len} bytes, expected {rows}", path.display())]
    NotWanted { path: PathBuf, byte_len: u64, rows: usize },
    /// A row has no direction.
    #[error("row {row} of `{}` is no embedding", path.display())]
    NoEmbedding { path: PathBuf, row: usize, source: EmbeddingError },
}

impl VectorsError {
    fn report(&self) -> Report {
        Report::of(self).hint(match self {
            Self::NotWanted { .. } => "`--wanted` is a byte for each row of `--vectors`: 0 where it may not answer",
            _ => "a file of vectors is rows of `--dims` little-endian float32 values, and nothing else",
        })
    }
}

/// A file of rows.
struct RowFile {
    path: PathBuf,
    file: File,
    rows: usize,
    dims: usize,
}

impl RowFile {
    fn open(path: &Path, dims: usize) -> Result<Self, VectorsError> {
        let path = path.to_owned();
        // A pipe or a device has a size of 0; opening a pipe would wait for its writer.
        let byte_len = match std::fs::metadata(&path) {
            Ok(facts) => facts.len(),
            Err(source) => return Err(VectorsError::Read { path, source }),
        };
        let row_len = 4 * dims.max(1) as u64;
        if byte_len == 0 || byte_len % row_len != 0 {
            return Err(VectorsError::NotRows { path, byte_len, row_len });
        }
        // As the scan pads them.
        let values = byte_len / row_len * (dims as u64).next_multiple_of(64);
        if values > MOST_VALUES {
            return Err(VectorsError::TooMany { path, values });
        }
        #[expect(clippy::cast_possible_truncation, reason = "fewer rows than values, and their count has a bound")]
        let rows = (byte_len / row_len) as usize;
        match File::open(&path) {
            Ok(file) => Ok(Self { path, file, rows, dims }),
            Err(source) => Err(VectorsError::Read { path, source }),
        }
    }

    /// Hands out every row with its int8 form, in order.
    fn each(&self, mut take: impl FnMut(&[f32], Embedding)) -> Result<(), VectorsError> {
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let (mut bytes, mut floats) = (vec![0; self.dims * 4], Vec::new());
        for row in 0..self.rows {
            reader.read_exact(&mut bytes).map_err(|source| self.unreadable(source))?;
            decode(&bytes, &mut floats);
            let embedding = Embedding::quantise(&floats).map_err(|source| VectorsError::NoEmbedding {
                path: self.path.clone(),
                row,
                source,
            })?;
            take(&floats, embedding);
        }
        Ok(())
    }

    /// One row, read where it lies.
    fn row(&self, row: i64, bytes: &mut [u8], floats: &mut Vec<f32>) -> Result<(), VectorsError> {
        let offset = row.cast_unsigned() * bytes.len() as u64;
        self.file.read_exact_at(bytes, offset).map_err(|source| self.unreadable(source))?;
        decode(bytes, floats);
        Ok(())
    }

    fn unreadable(&self, source: io::Error) -> VectorsError {
        VectorsError::Read { path: self.path.clone(), source }
    }
}

fn decode(bytes: &[u8], into: &mut Vec<f32>) {
    into.clear();
    into.extend(bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)));
}

/// A query and its int8 form.
type Query = (Vec<f32>, Embedding);

/// What is searched: int8 rows in memory, float rows in their file.
struct Vectors {
    file: RowFile,
    rows: Rows,
    /// The rows that may answer.
    wanted: Mask,
}

impl Vectors {
    fn open(path: &Path, dims: usize, wanted: Option<&Path>) -> Result<Self, VectorsError> {
        let file = RowFile::open(path, dims)?;
        let wanted = wanted.map_or_else(|| Ok(Mask::all(file.rows)), |path| mask(path, file.rows))?;
        let mut rows = Rows::new(dims);
        file.each(|_, embedding| {
            // Each row of the file has `dims` values: it is taken, and the numbers of the rows are the file's.
            let _ = rows.push(&embedding);
        })?;
        Ok(Self { file, rows, wanted })
    }

    /// The rows nearest to a query, best first, found by the catalogue's own scan and re-rank.
    fn nearest(&self, (floats, quantised): &Query) -> Result<Vec<i64>, VectorsError> {
        let mut best = Candidates::of(RERANKED, 0);
        let place = |row, _| Some((i64::try_from(row).unwrap_or(i64::MAX), 0));
        self.rows.scan(&mut quantised.into(), &self.wanted, place, &mut best);
        let mut hits = best.into_hits();
        let mut bytes = vec![0; self.file.dims * 4];
        Rerank::default().order(&mut hits, floats, |row, into| self.file.row(row, &mut bytes, into).map(|()| true))?;
        Ok(hits.into_iter().take(TOP).map(|hit| hit.id).collect())
    }
}

fn mask(path: &Path, rows: usize) -> Result<Mask, VectorsError> {
    let unreadable = |source| VectorsError::Read { path: path.to_owned(), source };
    let byte_len = std::fs::metadata(path).map_err(unreadable)?.len();
    if byte_len != rows as u64 {
        return Err(VectorsError::NotWanted { path: path.to_owned(), byte_len, rows });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Ok(Mask::of(bytes.into_iter().map(|byte| byte != 0)))
}

fn queries(path: &Path, dims: usize) -> Result<Vec<Query>, VectorsError> {
    let mut queries = Vec::new();
    RowFile::open(path, dims)?.each(|floats, embedding| queries.push((floats.to_vec(), embedding)))?;
    Ok(queries)
}

#[derive(Debug, Serialize)]
struct Line {
    bench: &'static str,
    engine: &'static str,
    rows: usize,
    /// Of these, those that may answer.
    wanted: usize,
    dims: u32,
    /// Until the first query could be asked: every row read from its file and quantised.
    build_ms: f64,
    median_ms: f64,
    p99_ms: f64,
    min_ms: f64,
    samples: usize,
    /// Before there were rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_ms: Option<Vec<f64>>,
    /// The rows that answer each query, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Vec<Vec<i64>>>,
}

/// Answers every query once, after a warm-up.
///
/// # Errors
/// A file cannot be read or holds no rows of `--dims` values.
pub(super) fn run(args: &Args, rows: &Path, asked: &Path, wanted: Option<&Path>) -> Result<Outcome, Report> {
    let line = measured(args, rows, asked, wanted).map_err(|error| error.report())?;
    print_line(&if args.json {
        serde_json::to_string(&line)?
    } else {
        format!(
            "search   median {:.3} ms, 99th percentile {:.3} ms, least {:.3} ms ({} queries, {} rows of {} values, ready after {:.0} ms)",
            line.median_ms, line.p99_ms, line.min_ms, line.samples, line.rows, line.dims, line.build_ms
        )
    })?;
    Ok(Outcome::Done)
}

fn measured(args: &Args, rows: &Path, asked: &Path, wanted: Option<&Path>) -> Result<Line, VectorsError> {
    let queries = queries(asked, args.dims as usize)?;
    let empty_mib = memory_mib("VmRSS:");
    let begun = Instant::now();
    let vectors = Vectors::open(rows, args.dims as usize, wanted)?;
    let build_ms = milliseconds(begun.elapsed());
    let Answers { times, found } = answer(&vectors, &queries)?;
    let mut sorted = times.clone();
    sorted.sort_unstable();
    let [min_ms, median_ms, p99_ms] = [0.0, 0.5, 0.99].map(|share| quantile_ms(&sorted, share));
    Ok(Line {
        bench: "search",
        engine: "clothingid",
        rows: vectors.rows.len(),
        wanted: vectors.wanted.count(),
        dims: args.dims,
        build_ms,
        median_ms,
        p99_ms,
        min_ms,
        samples: times.len(),
        empty_mib,
        memory_mib: memory_mib("VmHWM:"),
        all_ms: args.samples.then(|| times.into_iter().map(milliseconds).collect()),
        found: args.samples.then_some(found),
    })
}

/// What was found, and how long it took, query by query.
struct Answers {
    times: Vec<Duration>,
    found: Vec<Vec<i64>>,
}

fn answer(vectors: &Vectors, queries: &[Query]) -> Result<Answers, VectorsError> {
    let begun = Instant::now();
    for query in queries.iter().cycle() {
        black_box(vectors.nearest(query)?);
        if begun.elapsed() >= WARM_UP {
            break;
        }
    }
    let (begun, mut answers) = (Instant::now(), Answers { times: Vec::new(), found: Vec::new() });
    for query in queries {
        if begun.elapsed() >= LONGEST {
            break;
        }
        let started = Instant::now();
        let found = vectors.nearest(query)?;
        answers.times.push(started.elapsed());
        answers.found.push(found);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files::write_atomic;

    fn file(folder: &Path, rows: &[[f32; 2]]) -> PathBuf {
        let path = folder.join("rows.f32");
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        write_atomic(&path, &bytes).unwrap();
        path
    }

    #[test]
    fn every_query_is_answered_with_the_nearest_rows_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), &[[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]]);
        let vectors = Vectors::open(&path, 2, None).unwrap();
        let answers = answer(&vectors, &queries(&path, 2).unwrap()).unwrap();
        assert_eq!(answers.found, [[0, 2, 1], [1, 2, 0], [2, 1, 0]]);
        assert_eq!(answers.times.len(), 3);
    }

    #[test]
    fn only_wanted_rows_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (path, wanted) = (file(folder.path(), &[[0.0, 1.0], [1.0, 0.0], [0.8, 0.6]]), folder.path().join("wanted"));
        write_atomic(&wanted, &[1, 0, 1]).unwrap();
        let vectors = Vectors::open(&path, 2, Some(&wanted)).unwrap();
        assert_eq!(answer(&vectors, &queries(&path, 2).unwrap()).unwrap().found, [[0, 2], [2, 0], [2, 0]]);
        let said = [&[1, 0][..], &[1, 0, 1, 1, 1]].map(|bytes| {
            write_atomic(&wanted, bytes).unwrap();
            match Vectors::open(&path, 2, Some(&wanted)) {
                Ok(_) => "taken".to_owned(),
                Err(error) => error.report().to_string().replace(&*folder.path().to_string_lossy(), "DIR"),
            }
        });
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn int8_alone_does_not_decide() {
        let folder = tempfile::tempdir().unwrap();
        // Both rows and the query have the same int8 values, and of these the scale of row 0 is larger.
        let path = file(folder.path(), &[[1.0, 0.0], [1.0, 0.0035]]);
        let query = (vec![1.0, 0.0035], Embedding::quantise(&[1.0, 0.0035]).unwrap());
        let vectors = Vectors::open(&path, 2, None).unwrap();
        assert_eq!(vectors.rows.best(&query.1, 1)[0].id, 0);
        assert_eq!(vectors.nearest(&query).unwrap(), [1, 0]);
    }

    #[test]
    fn what_is_no_file_of_vectors_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path, dims| match Vectors::open(path, dims, None) {
            Ok(_) => "taken".to_owned(),
            Err(error) => error.report().to_string().replace(&*folder.path().to_string_lossy(), "DIR"),
        };
        let zero = file(folder.path(), &[[1.0, 0.0], [0.0, 0.0]]);
        let all = [said(&folder.path().join("none"), 2), said("/dev/null".as_ref(), 2), said(&zero, 3), said(&zero, 2)];
        insta::assert_snapshot!(all.join("\n"));
    }
}
