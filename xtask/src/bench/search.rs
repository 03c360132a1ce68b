//! `cargo xtask bench search`: our search beside faiss, usearch and Qdrant Edge on the same vectors, in one run, on one thread each.
//!
//! For each size `search.py` makes the vectors, and each rival its index, once. Then all sides take turns, several rounds over, each in a
//! process of its own that opens what was made and answers every query: what disturbs the machine for a while disturbs all of them, and the
//! memory is that of answering. Ours keeps no file, and quantises the rows in each turn. Each side has two turns a round: all rows may answer,
//! then those behind a filter, one in ten. In the end one judge compares all answers with the exact ones. Every sample is kept in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::ExitCode;

use super::samples::{Contender, all_ms, cannot, keep, quantile};
use super::{appliance, ask, figure};
use crate::cargo::workspace;
use crate::report::Report;

const USAGE: &str = "cargo xtask bench search [--embeddings CATALOGUE] [--python PROGRAM] [--rounds N] [--rows A,B] [--dims A,B] [--profile NAME] [--keep FILE]";

/// Runtime, form, and the form whose index it searches.
const RIVALS: [(&str, &str, &str); 7] = [
    ("faiss", "flat", "flat"),
    ("faiss", "int8", "int8"),
    ("usearch", "exact", "hnsw"),
    ("usearch", "hnsw", "hnsw"),
    ("qdrant-edge", "float", "float"),
    ("qdrant-edge", "int8", "int8"),
    ("qdrant-edge", "hnsw", "hnsw"),
];
/// What every least time is compared with.
const COMPARED_WITH: &str = "faiss int8";

/// Which rows may answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answering {
    All,
    /// Those behind the filter.
    Filtered,
}

const BOTH: [Answering; 2] = [Answering::All, Answering::Filtered];

impl Answering {
    /// For the script.
    fn flag(self) -> Option<&'static str> {
        (self == Self::Filtered).then_some("--filter")
    }

    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::All => "all may answer",
            Self::Filtered => "those behind the filter may answer",
        }
    }
}

/// What is asked for.
struct Asked {
    embeddings: Option<PathBuf>,
    python: String,
    rounds: usize,
    rows: Vec<usize>,
    dims: Vec<usize>,
    profile: String,
    keep: PathBuf,
}

impl Asked {
    fn parse(rest: &[String]) -> Result<Self, Report> {
        let mut asked = Self {
            embeddings: None,
            python: "python3".to_owned(),
            rounds: 5,
            rows: vec![1_000, 10_000, 100_000, 1_000_000],
            dims: vec![128, 256],
            profile: "release".to_owned(),
            keep: workspace().join("target/bench/search.jsonl"),
        };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Report::usage(format!("`{word}` needs a value: {USAGE}")));
            match word.as_str() {
                "--embeddings" => asked.embeddings = Some(value()?.into()),
                "--python" => asked.python.clone_from(value()?),
                "--rounds" => asked.rounds = number(value()?)?,
                "--rows" => asked.rows = numbers(value()?)?,
                "--dims" => asked.dims = numbers(value()?)?,
                "--profile" => asked.profile.clone_from(value()?),
                "--keep" => asked.keep = value()?.into(),
                other => {
                    return Err(Report::usage(format!(
                        "`bench search` does not take `{other}`: {USAGE}; ours alone is `clothingid bench search`"
                    )));
                }
            }
        }
        Ok(asked)
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, Report> {
    text.split(',').map(number).collect()
}

fn number(text: &str) -> Result<usize, Report> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Report::usage(format!("`{text}` is no positive number")))
}

/// Runs the benchmark.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    let asked = Asked::parse(rest)?;
    let check = Command::new(&asked.python).args(["-c", "import faiss, numpy, qdrant_edge, usearch"]).output();
    if !check.is_ok_and(|output| output.status.success()) {
        return Err(Report::failure(
            format!("`{}` has no faiss, numpy, qdrant_edge and usearch", asked.python),
            "in an environment of its own: `python3 -m venv E && E/bin/pip install faiss-cpu numpy qdrant-edge-py usearch`, then `--python E/bin/python`",
        ));
    }
    let program = appliance(&asked.profile)?;
    // Gigabytes for a million rows: not for a temporary folder in memory.
    let work = workspace().join(format!("target/bench/search-{}", std::process::id()));
    let result = measure(&asked, &program, &work);
    let _ = fs::remove_dir_all(&work);
    result?;
    println!("every sample: {}", asked.keep.display());
    Ok(ExitCode::SUCCESS)
}

fn measure(asked: &Asked, program: &Path, work: &Path) -> Result<(), Report> {
    let mut lines = String::new();
    for &dims in &asked.dims {
        for &rows in &asked.rows {
            fs::create_dir_all(work).map_err(|error| cannot("make a folder for vectors and indexes", error))?;
            let size = Size { asked, work, rows, dims };
            eprintln!("{rows} rows of {dims} values: the vectors");
            let about = ask(&mut size.make())?;
            let mut sides = size.sides(program)?;
            for round in 0..asked.rounds {
                for side in sides.iter_mut().flatten() {
                    eprintln!("{rows} rows of {dims} values, round {}: {}", round + 1, side.contender.name);
                    let line = ask(&mut side.contender.command)?;
                    side.take(&line)?;
                    lines.push_str(line.trim());
                    lines.push('\n');
                }
            }
            keep(&asked.keep, &lines)?;
            for (sides, answering) in sides.iter_mut().zip(BOTH) {
                size.judge(sides, answering)?;
                println!("\n{rows} rows of {dims} values, {}, one thread: {}", answering.name(), about.trim());
                print!("{}", table(sides));
            }
            fs::remove_dir_all(work).map_err(|error| cannot("remove vectors and indexes", error))?;
        }
    }
    Ok(())
}

/// One size: its vectors and what searches them.
struct Size<'a> {
    asked: &'a Asked,
    work: &'a Path,
    rows: usize,
    dims: usize,
}

impl Size<'_> {
    /// Vectors and queries, for every side.
    fn files(&self, mut command: Command) -> Command {
        command.args(["--dims", &self.dims.to_string(), "--vectors"]).arg(self.work.join("vectors.f32"));
        command.arg("--queries").arg(self.work.join("queries.f32"));
        command
    }

    fn wanted(&self) -> PathBuf {
        self.work.join("wanted.bytes")
    }

    fn script(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.asked.python);
        command.arg(workspace().join("xtask/bench/search.py")).args(words).arg("--wanted").arg(self.wanted());
        self.files(command)
    }

    fn make(&self) -> Command {
        let mut command = self.script(&["make", "--rows", &self.rows.to_string()]);
        command.arg("--truth").arg(self.work.join("truth.f32"));
        if let Some(catalogue) = &self.asked.embeddings {
            command.arg("--embeddings").arg(catalogue);
        }
        command
    }

    fn rival(&self, runtime: &str, form: &str, index: &str) -> Command {
        let mut command = self.script(&[runtime, form]);
        command.arg("--index").arg(self.work.join(format!("{runtime}-{index}")));
        command
    }

    fn ours(&self, program: &Path, answering: Answering) -> Side {
        let mut command = Command::new(program);
        command.args(["bench", "search", "--json", "--samples"]);
        if answering == Answering::Filtered {
            command.arg("--wanted").arg(self.wanted());
        }
        Side::new("clothingid".to_owned(), self.files(command))
    }

    /// Ours and the rivals, whose indexes are made on the way: without the filter and with it.
    fn sides(&self, program: &Path) -> Result<[Vec<Side>; 2], Report> {
        let mut sides = BOTH.map(|answering| vec![self.ours(program, answering)]);
        let mut builds: Vec<(&str, &str, f64)> = Vec::new();
        for (runtime, form, index) in RIVALS {
            let built = builds.iter().find(|(of, made, _)| (*of, *made) == (runtime, index)).map(|(_, _, took)| *took);
            let build_ms = match built {
                Some(build_ms) => build_ms,
                None => {
                    eprintln!("{} rows of {} values: the index of {runtime} {index}", self.rows, self.dims);
                    figure(&ask(self.rival(runtime, index, index).arg("--build"))?, "build_ms")?
                }
            };
            builds.push((runtime, index, build_ms));
            for (sides, answering) in sides.iter_mut().zip(BOTH) {
                let mut command = self.rival(runtime, form, index);
                command.args(answering.flag());
                let mut side = Side::new(format!("{runtime} {form}"), command);
                side.build.push(build_ms);
                sides.push(side);
            }
        }
        Ok(sides)
    }

    /// Gives each side its recall.
    fn judge(&self, sides: &mut [Side], answering: Answering) -> Result<(), Report> {
        let answers = self.work.join("answers.jsonl");
        keep(&answers, &sides.iter().map(|side| side.last.as_str()).collect::<String>())?;
        let mut command = self.script(&["judge"]);
        command.args(answering.flag()).arg("--truth").arg(self.work.join("truth.f32")).arg("--answers").arg(&answers);
        let judged = ask(&mut command)?;
        if judged.lines().count() != sides.len() {
            return Err(Report::failure("not every side was judged", judged));
        }
        for (side, line) in sides.iter_mut().zip(judged.lines()) {
            side.recall = [figure(line, "recall_at_1")?, figure(line, "recall_at_10")?];
        }
        Ok(())
    }
}

/// One library in one form, at one size.
struct Side {
    contender: Contender,
    /// Every sample, in milliseconds.
    all: Vec<f64>,
    build: Vec<f64>,
    memory: Vec<f64>,
    /// Memory before there were rows.
    empty: Vec<f64>,
    /// What it printed in the last turn; its answers are the same in all.
    last: String,
    /// At 1 and at 10.
    recall: [f64; 2],
}

impl Side {
    fn new(name: String, command: Command) -> Self {
        let [all, build, memory, empty] = [const { Vec::new() }; 4];
        let contender = Contender { name, command };
        Self { contender, all, build, memory, empty, last: String::new(), recall: [0.0; 2] }
    }

    fn take(&mut self, line: &str) -> Result<(), Report> {
        self.all.extend(all_ms(line)?);
        self.build.extend(figure(line, "build_ms"));
        self.memory.push(figure(line, "memory_mib")?);
        self.empty.push(figure(line, "empty_mib")?);
        line.clone_into(&mut self.last);
        Ok(())
    }
}

fn table(sides: &[Side]) -> String {
    let least = |side: &Side| quantile(&side.all, 0.0);
    let rival = sides.iter().find(|side| side.contender.name == COMPARED_WITH).map_or(f64::NAN, least);
    let mut text = "| engine | queries | queries a second | p50 ms | p99 ms | recall@1 | recall@10 | memory MiB, of it without rows | build s | least ms | \
                    least against faiss int8 |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for side in sides {
        let [one, ten] = side.recall;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand samples")]
        let a_second = 1000.0 * side.all.len() as f64 / side.all.iter().sum::<f64>();
        text.push_str(&format!(
            "| {} | {} | {a_second:.0} | {:.3} | {:.3} | {one:.3} | {ten:.4} | {:.0}, {:.0} | {:.2} | {:.3} | {:.2} |\n",
            side.contender.name,
            side.all.len(),
            quantile(&side.all, 0.5),
            quantile(&side.all, 0.99),
            quantile(&side.memory, 0.5),
            quantile(&side.empty, 0.5),
            quantile(&side.build, 0.5) / 1000.0,
            least(side),
            least(side) / rival
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Result<Asked, Report> {
        Asked::parse(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn sizes_are_lists_of_positive_numbers() {
        let given = asked("--rows 10,1000000 --dims 64").unwrap();
        assert_eq!((given.rows, given.dims), (vec![10, 1_000_000], vec![64]));
        for wrong in ["--rows", "--rows 10,", "--rows 0", "--dims x", "--rounds 0", "--json"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    /// No suite has the rivals.
    #[test]
    fn script_and_program_take_each_flag_that_they_are_given() {
        let asked = asked("--embeddings catalogue.db").unwrap();
        let size = Size { asked: &asked, work: Path::new("work"), rows: 1000, dims: 64 };
        let flags = |command: &Command| {
            let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
            words.filter(|word| word.starts_with("--")).collect::<Vec<_>>()
        };
        let given = [flags(&size.make()), flags(&size.rival("faiss", "int8", "int8"))].concat();
        assert_eq!(given.len(), 12);
        for flag in given {
            assert!(include_str!("../../bench/search.py").contains(&format!("add_argument(\"{flag}\"")), "`{flag}`");
        }
        let program = include_str!("../../../device/src/cli/bench.rs");
        for flag in flags(&size.ours("clothingid".as_ref(), Answering::Filtered).contender.command) {
            let field = format!("pub {}:", flag.trim_start_matches('-'));
            assert!(program.contains(&field), "`{flag}`");
        }
    }

    #[test]
    fn every_side_is_held_against_faiss_int8() {
        let mut sides = ["clothingid", "faiss int8"].map(|name| Side::new(name.to_owned(), Command::new(name)));
        let line = |ms: &str| format!("{{\"all_ms\":[{ms}],\"build_ms\":500,\"memory_mib\":30.2,\"empty_mib\":9.1}}\n");
        for (side, ms) in sides.iter_mut().zip(["1,2", "4,5"]) {
            side.take(&line(ms)).unwrap();
            side.recall = [1.0, 0.9995];
        }
        let table = table(&sides);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows[0], "| clothingid | 2 | 667 | 1.000 | 2.000 | 1.000 | 0.9995 | 30, 9 | 0.50 | 1.000 | 0.25 |");
        assert!(rows[1].ends_with("| 4.000 | 1.00 |"), "{table}");
    }
}
