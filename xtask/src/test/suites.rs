//! The suites: what each holds, what it needs, and the commands that it is made of.

use super::Mode;
use super::board_image;
use super::count::Count;
use super::fuzz;
use super::step::{self, Ignored};
use super::unit;
use crate::arm64;
use crate::cargo::{is_in_path, workspace};
use crate::setup::packages::{has_browser, has_browser_driver, has_vulkan};
use crate::setup::{self, cargo_fuzz, libtorch, machine, onnxruntime};

const TRAINER: &str = "clothingid-trainer";

/// How the names of tests begin that need a browser.
const BROWSER_TESTS: &str = "a_browser";

/// How their definitions begin.
const IN_BROWSER: &str = "fn a_browser";

/// What the names of tests have in them that need a Vulkan adapter; they lie in `device/src/network/gpu/on_adapter`.
pub(super) const ADAPTER_TESTS: &str = "on_adapter";

/// A suite of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Suite {
    /// As in `--suite NAME`.
    pub(crate) name: &'static str,
    /// What it holds, for people.
    pub(crate) holds: &'static str,
    /// Files `tests/tests/NAME.rs` that belong to it.
    programs: &'static [&'static str],
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unit,
    Programs,
    Fuzz,
    Train,
    Browser,
    Gpu,
    Camera,
    Arm64,
    /// On a board in a virtual machine.
    Board,
}

/// All suites, in the order in which they run: what finds faults soonest comes first.
pub(crate) const SUITES: [Suite; 10] = [
    Suite { name: "unit", holds: "format, lints, tests beside the code", programs: &[], kind: Kind::Unit },
    Suite {
        name: "programs",
        holds: "the real programs on real and on bad files",
        programs: &[
            "photos",
            "messages",
            "catalogue",
            "staff_catalogue",
            "read_only_store",
            "engines",
            "readers",
            "allocations",
            "privacy",
            "screen",
            "live_faults",
            "bad_clients",
            "service",
            "package",
            "board_units",
            "slots",
            "support_file",
            "catalogue_kill",
            "reembed",
            "catalogue_disk",
            "catalogue_flips",
            "workspace",
        ],
        kind: Kind::Programs,
    },
    Suite { name: "fuzz", holds: "libFuzzer on every reader of outside bytes", programs: &[], kind: Kind::Fuzz },
    Suite {
        name: "train",
        holds: "a short training run, a small study, and the exported network against two other engines",
        programs: &["train", "train_faults", "objects", "study", "networks", "report", "parity"],
        kind: Kind::Train,
    },
    Suite {
        name: "browser",
        holds: "the page in a real browser",
        programs: &["kiosk", "staff", "lan", "first_start"],
        kind: Kind::Browser,
    },
    Suite { name: "gpu", holds: "the GPU engine on a Vulkan adapter", programs: &["gpu"], kind: Kind::Gpu },
    Suite {
        name: "camera",
        holds: "cameras and screens of a real kernel, and the package on a stock system, in a virtual machine",
        programs: &["camera", "stock_system"],
        kind: Kind::Camera,
    },
    Suite {
        name: "arm64",
        holds: "the program for boards, beside the one for this machine, by emulation",
        programs: &["arm64"],
        kind: Kind::Arm64,
    },
    Suite {
        name: "update",
        holds: "signed updates on the real programs, through faults",
        programs: &["update"],
        kind: Kind::Programs,
    },
    Suite {
        name: "image",
        holds: "a system image, started by UEFI in a virtual machine; new systems, good and bad, while its power fails",
        programs: &["board_image", "board_update"],
        kind: Kind::Board,
    },
];

impl Suite {
    /// Runs the suite as far as its needs are met, and says what is left out and how to get it.
    pub(crate) fn run(&self, mode: Mode) -> Count {
        match self.kind {
            Kind::Unit => unit::run(mode),
            Kind::Programs => self.with_programs(Ignored::Skip, &[], mode),
            Kind::Fuzz => match cargo_fuzz::ready() {
                Some(program) => fuzz::run(&program, mode),
                None => missing(fuzz::COUNT, "cargo-fuzz", "cargo xtask setup", mode),
            },
            Kind::Train => self.train(mode),
            Kind::Browser => self.browser(mode),
            Kind::Gpu => self.gpu(mode),
            Kind::Camera => self.camera(mode),
            Kind::Arm64 => self.arm64(mode),
            Kind::Board => self.board(mode),
        }
    }

    /// Builds the programs, then runs this suite's end-to-end tests on them.
    fn with_programs(&self, ignored: Ignored, environment: &[(&str, String)], mode: Mode) -> Count {
        match self.build() {
            Ok(arguments) => step::test(&arguments, ignored, environment, mode),
            Err(count) => count,
        }
    }

    /// Builds the programs and this suite's end-to-end tests, all at once; what the tests are started with, or the failure.
    fn build(&self) -> Result<Vec<&'static str>, Count> {
        let mut arguments = packages(libtorch::is_ready());
        for program in self.programs {
            arguments.extend(["--test", program]);
        }
        let mut built = arguments.clone();
        built.push("--bins");
        if step::build(&built) {
            Ok(arguments)
        } else {
            Err(Count::of_one(&format!("cargo build {}", built.join(" ")), false))
        }
    }

    fn train(&self, mode: Mode) -> Count {
        if !libtorch::is_ready() {
            return missing(self.test_count(), "libtorch", "cargo xtask setup", mode);
        }
        match onnxruntime::ready() {
            Some(folder) => {
                let folder = folder.display().to_string();
                let environment = [("CLOTHINGID_ONNXRUNTIME", folder)];
                self.with_programs(Ignored::Run, &environment, mode)
            }
            None => {
                println!("the comparison with ONNX Runtime is skipped; install it: `cargo xtask setup`");
                self.with_programs(Ignored::Skip, &[], mode)
            }
        }
    }

    fn browser(&self, mode: Mode) -> Count {
        let Some(need) = missing_for_pages() else {
            return self.with_programs(Ignored::Skip, &[], mode);
        };
        // The page's answers are also tested without a browser.
        let mut count = missing(self.count_lines(IN_BROWSER), need, "cargo xtask setup --system", mode);
        count += self.with_programs(Ignored::Without(BROWSER_TESTS), &[], mode);
        count
    }

    /// The tests beside the code that need a Vulkan adapter, then the program. The former are built as the suite `unit` builds, and one runs
    /// at a time: some measure the memory of their process.
    fn gpu(&self, mode: Mode) -> Count {
        if !has_vulkan() {
            let tests = adapter_tests() + self.test_count();
            return missing(tests, "a Vulkan adapter", "cargo xtask setup --system", mode);
        }
        let mut arguments = packages(libtorch::is_ready());
        arguments.extend(["--lib", ADAPTER_TESTS]);
        let mut count = step::test(&arguments, Ignored::Run, &[("RUST_TEST_THREADS", "1".to_owned())], mode);
        count += self.with_programs(Ignored::Run, &[], mode);
        count
    }

    /// In a machine of its own, whose start takes longer than any test.
    fn camera(&self, mode: Mode) -> Count {
        if !machine::is_ready() {
            let need = "the virtual machine (QEMU and Debian's kernel)";
            return missing(self.test_count(), need, "cargo xtask setup --system", mode);
        }
        let Some(need) = missing_for_pages() else {
            return self.with_programs(Ignored::Run, &[], mode);
        };
        // One of them also needs a browser.
        let mut count = missing(1, need, "cargo xtask setup --system", mode);
        count += self.with_programs(Ignored::RunWithout(BROWSER_TESTS), &[], mode);
        count
    }

    /// Builds the program for boards and runs it by emulation; with `--all` the tests beside the code of its kernels, too.
    ///
    /// Not with all suites at their CI size: it takes eleven minutes, which the sixty of all of them do not have.
    fn arm64(&self, mode: Mode) -> Count {
        if !mode.is_full && !mode.is_named {
            println!("skipped: it takes eleven minutes; run it: `cargo xtask test --suite arm64`, or with `--all`");
            return Count { skipped: self.test_count(), ..Count::default() };
        }
        if !setup::arm64::is_possible() {
            println!("skipped: the program for boards is built with Debian 12's packages, on Debian 12 for x86-64");
            return Count { skipped: self.test_count(), ..Count::default() };
        }
        let Ok(tools) = arm64::tools() else {
            let need = "what builds for 64-bit Arm, and runs it,";
            return missing(self.test_count(), need, "cargo xtask setup --system", mode);
        };
        let name = "cargo xtask arm64";
        println!("-- {name}");
        let program = match arm64::build(&tools, arm64::Profile::Quick) {
            Ok(program) => program,
            Err(report) => {
                eprint!("{report}");
                return Count::of_one(name, false);
            }
        };
        let mut count = Count::of_one(name, true);
        // Kernels against their definitions on shapes that the shipped network does not have; with the library built once more.
        if mode.is_full {
            let arguments =
                ["--locked", "--package", "clothingid-device", "--lib", "--", "network::cpu", "catalogue::scan"];
            let (profile, environment) = (arm64::Profile::Quick.name(), arm64::environment(&tools));
            count += step::test_in(profile, &arguments, Ignored::Skip, &environment, mode);
        }
        let environment = arm64::test_environment(&tools, &program);
        count += self.with_programs(Ignored::Run, &environment, mode);
        count
    }

    /// Makes the image of this machine's kind of board with the program of the tests, unless it is there, then starts it.
    ///
    /// Not with all suites at their CI size: it takes four gigabytes of disk and a quarter of an hour, which the sixty minutes of all of them do not have.
    fn board(&self, mode: Mode) -> Count {
        if !mode.is_full && !mode.is_named {
            println!(
                "skipped: it takes 4 GiB of disk and a quarter of an hour; run it: `cargo xtask test --suite image`, or with `--all`"
            );
            return Count { skipped: self.test_count(), ..Count::default() };
        }
        if !board_image::is_possible() {
            println!("skipped: images are made of Debian's packages, on Debian for x86-64");
            return Count { skipped: self.test_count(), ..Count::default() };
        }
        if let Some(need) = board_image::missing() {
            return missing(self.test_count(), need, "cargo xtask setup --system", mode);
        }
        let arguments = match self.build() {
            Ok(arguments) => arguments,
            Err(count) => return count,
        };
        println!("-- cargo xtask image --board {}", board_image::BOARD);
        match board_image::prepare() {
            Ok(folder) => {
                // One board at a time: two emulated ones would wait for each other.
                let environment =
                    [("CLOTHINGID_BOARD_IMAGE", folder.display().to_string()), ("RUST_TEST_THREADS", "1".to_owned())];
                step::test(&arguments, Ignored::Run, &environment, mode)
            }
            Err(report) => {
                eprint!("{report}");
                Count::of_one("cargo xtask image", false)
            }
        }
    }

    /// How many tests the suite's files hold, for when they cannot be run.
    fn test_count(&self) -> u64 {
        self.count_lines("#[test]")
    }

    /// How many lines of the suite's files begin like this; at least one.
    fn count_lines(&self, start: &str) -> u64 {
        let folder = workspace().join("tests").join("tests");
        let files = self.programs.iter().map(|name| folder.join(format!("{name}.rs")));
        let tests = |text: String| text.lines().filter(|line| line.starts_with(start)).count();
        let count: usize = files.filter_map(|file| std::fs::read_to_string(file).ok()).map(tests).sum();
        u64::try_from(count).unwrap_or(u64::MAX).max(1)
    }
}

/// What is missing of that which drives a page, if anything.
fn missing_for_pages() -> Option<&'static str> {
    let needs = [
        ("a Chromium", has_browser()),
        ("Node.js", is_in_path("node")),
        ("the browser's driver in `tests/browser`", has_browser_driver()),
    ];
    needs.into_iter().find(|(_, is_there)| !is_there).map(|(need, _)| need)
}

pub(super) fn missing(tests: u64, need: &str, command: &str, mode: Mode) -> Count {
    let as_root = if command.ends_with("--system") { " (as root)" } else { "" };
    println!("skipped: {need} is missing; install it: `{command}`{as_root}");
    if mode.is_ci {
        println!("with `CI=true` that is a failure");
    }
    Count::missed(need, tests, mode.is_ci)
}

/// How many tests there are that need an adapter; at least one.
fn adapter_tests() -> u64 {
    let folder = workspace().join("device/src/network/gpu").join(ADAPTER_TESTS);
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let tests = |text: String| text.lines().filter(|line| line.trim() == "#[test]").count();
    let count: usize = files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).map(tests).sum();
    u64::try_from(count).unwrap_or(u64::MAX).max(1)
}

/// What is built and tested together. Cargo gives a library the features that all packages of one command want of it: another selection would
/// build tract, rustls and all that stands on them anew.
pub(super) fn packages(with_trainer: bool) -> Vec<&'static str> {
    let mut packages = vec!["--workspace"];
    if !with_trainer {
        packages.extend(["--exclude", TRAINER]);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_to_end_test_belongs_to_one_suite_and_exists() {
        let folder = workspace().join("tests").join("tests");
        let mut listed: Vec<String> =
            SUITES.iter().flat_map(|suite| suite.programs).map(|name| format!("{name}.rs")).collect();
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .expect("tests/tests")
            .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
            .filter(|name| name.ends_with(".rs"))
            .collect();
        listed.sort();
        there.sort();
        assert_eq!(listed, there);
    }

    #[test]
    fn no_package_has_tests_that_no_suite_runs() {
        for package in ["shared", "trainer", "device", "xtask"] {
            assert!(!workspace().join(package).join("tests").exists(), "`{package}/tests` is in no suite");
        }
    }

    #[test]
    fn suites_are_those_of_the_contract() {
        let names = SUITES.map(|suite| suite.name);
        assert_eq!(
            names,
            ["unit", "programs", "fuzz", "train", "browser", "gpu", "camera", "arm64", "update", "image"]
        );
    }
}
