//! `cargo xtask flash --board NAME --l4t DIR`: is all well for flashing a Jetson, and what flashes it.
//!
//! The checks, in this order; the first that fails ends it with the one thing to do next:
//!
//! 1. [`host`]: this PC is one that NVIDIA's tools are made for.
//! 2. [`l4t`]: NVIDIA's folder `Linux_for_Tegra`, its release, the board's root in it.
//! 3. [`deb`]: our package for the board.
//! 4. [`room`]: the disk has room for what NVIDIA's tools make.
//! 5. [`cable`]: one board is plugged in, the right one, in recovery mode.
//!
//! [`lines`] has NVIDIA's commands, which are printed, and with `--run` run. Whether a board has one slot or two cannot be asked in recovery mode: the
//! command makes two, and what shows them on the board afterwards is printed too.
//!
//! The checks are tested on made-up trees; nobody has run this against a board.

mod cable;
mod deb;
mod host;
mod l4t;
mod lines;
#[cfg(test)]
mod made_up;
mod room;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::boards;
use crate::report::Report;
use cable::Product;
use host::Host;
use lines::Line;

/// What was asked for.
struct Request {
    board: &'static Product,
    /// NVIDIA's folder `Linux_for_Tegra`.
    l4t: PathBuf,
    package: Option<PathBuf>,
    is_run: bool,
}

impl Request {
    /// Reads `--board NAME --l4t DIR [--package FILE.deb] [--run]`.
    fn parse(arguments: &[String]) -> Result<Self, Report> {
        let (mut board, mut l4t, mut package, mut is_run) = (None, None, None, false);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| Report::usage(format!("`{argument}` needs a value")));
            match argument.as_str() {
                "--board" => board = Some(value()?),
                "--l4t" => l4t = Some(PathBuf::from(value()?)),
                "--package" => package = Some(PathBuf::from(value()?)),
                "--run" => is_run = true,
                other => return Err(Report::usage(format!("`flash` does not take `{other}`"))),
            }
        }
        let name = board.ok_or_else(|| Report::usage("`flash` needs a board: `--board NAME`"))?;
        let board = cable::of_board(name).ok_or_else(|| {
            Report::usage(format!("`flash` is for `{}`, not for `{name}`", cable::boards().join("` and `")))
        })?;
        let l4t = l4t.ok_or_else(|| Report::usage("`flash` needs NVIDIA's folder `Linux_for_Tegra`: `--l4t DIR`"))?;
        Ok(Self { board, l4t, package, is_run })
    }
}

/// What the checks found, and what flashes the board.
struct Plan {
    found: Vec<String>,
    /// Where the lines are run.
    folder: PathBuf,
    lines: Vec<Line>,
    /// What is done on the board then.
    afterwards: String,
}

/// Checks, prints, and runs where that was asked for.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let request = Request::parse(arguments)?;
    let host = Host::default();
    let plan = check(&host, &request)?;
    for found in &plan.found {
        eprintln!("{found}");
    }
    if request.board.board.is_some_and(|name| boards::open(name).is_ok_and(|board| !board.tried)) {
        eprintln!("untried: nobody has flashed this board with these lines for us yet");
    }
    follow(&host, &plan, request.is_run)?;
    eprintln!("then: {}", plan.afterwards);
    Ok(ExitCode::SUCCESS)
}

/// Prints the lines; where they are run, up to the first that fails.
fn follow(host: &Host, plan: &Plan, is_run: bool) -> Result<(), Report> {
    println!("cd {}", lines::quoted(&plan.folder.display().to_string()));
    plan.lines.iter().try_for_each(|line| {
        println!("{line}");
        if is_run { line.run(host, &plan.folder) } else { Ok(()) }
    })
}

fn check(host: &Host, request: &Request) -> Result<Plan, Report> {
    let system = host::check(host)?;
    let l4t = l4t::check(host, &request.l4t)?;
    let package = deb::check(request.package.as_deref(), &l4t.folder)?;
    let room = room::check(host, &l4t.folder)?;
    let board = cable::check(host, request.board)?;
    let from = match &package.from {
        Some(from) => format!("`{}`, still to be copied to `rootfs/opt/`", from.display()),
        None => format!("`{}` in `rootfs/opt/`", package.name),
    };
    Ok(Plan {
        found: vec![
            format!("PC: {system}"),
            format!("NVIDIA's folder: Jetson Linux {}, root unpacked, NVIDIA's packages in it", l4t.release),
            format!("package: {from}"),
            format!("room: {room}"),
            format!("board: {board}"),
        ],
        lines: lines::of(&package),
        afterwards: format!(
            "on the board `sudo apt install /opt/{}`; `sudo nvbootctrl -t rootfs dump-slots-info` must name two slots",
            package.name
        ),
        folder: l4t.folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use made_up::{MadeUp, failure};

    fn parse(arguments: &[&str]) -> Result<Request, Report> {
        Request::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
    }

    fn request(tree: &MadeUp) -> Request {
        let l4t = tree.l4t().display().to_string();
        parse(&["--board", "jetson-orin-nano", "--l4t", &l4t]).unwrap_or_else(|report| panic!("{report}"))
    }

    #[test]
    fn requests_are_read_and_wrong_ones_named() {
        let read = parse(&["--run", "--board", "jetson-orin-nx", "--l4t", "x", "--package", "y.deb"]);
        let read = read.unwrap_or_else(|report| panic!("{report}"));
        assert_eq!(
            (read.board.id, read.l4t, read.package, read.is_run),
            ("7323", "x".into(), Some("y.deb".into()), true)
        );
        for (arguments, told) in [
            (&[][..], "needs a board"),
            (&["--board", "jetson-orin-nano"], "`--l4t DIR`"),
            (
                &["--board", "raspberry-pi-5", "--l4t", "x"],
                "for `jetson-orin-nx` and `jetson-orin-nano`, not for `rasp",
            ),
            (&["--board"], "`--board` needs a value"),
            (&["--fast"], "does not take `--fast`"),
        ] {
            assert!(failure(parse(arguments)).contains(told), "{arguments:?}");
        }
    }

    #[test]
    fn where_all_is_well_the_plan_says_what_was_found_and_what_to_run() {
        let tree = MadeUp::good();
        let plan = check(&tree.host(), &request(&tree)).unwrap_or_else(|report| panic!("{report}"));
        let found = plan.found.join("\n");
        for part in ["Ubuntu 22.04.5 LTS", "Linux 36.4.3", "clothingid_0.1.0_arm64.deb", "GiB", "Orin Nano 8 GB"] {
            assert!(found.contains(part), "{part}: {found}");
        }
        assert_eq!(plan.lines.len(), 2);
        assert!(plan.afterwards.contains("/opt/clothingid_0.1.0_arm64.deb") && plan.afterwards.contains("two slots"));
    }

    #[test]
    fn lines_are_run_up_to_the_first_that_fails_and_only_when_asked_for() {
        let tree = MadeUp::good();
        let mut host = tree.host();
        let plan = check(&host, &request(&tree)).unwrap_or_else(|report| panic!("{report}"));
        assert!(follow(&host, &plan, true).is_ok());
        host.sudo = "false".into();
        assert!(follow(&host, &plan, false).is_ok());
        assert!(failure(follow(&host, &plan, true)).contains("`sudo ./tools/l4t_flash_prerequisites.sh` failed"));
    }

    #[test]
    fn the_first_check_that_fails_is_the_one_told() {
        let mut tree = MadeUp::good();
        // Each is spoiled on top of those after it: what is told is always the earliest.
        tree.unplug("1-3");
        assert!(failure(check(&tree.host(), &request(&tree))).contains("no board"));
        tree.available = |_| Some(1 << 30);
        assert!(failure(check(&tree.host(), &request(&tree))).contains("room"));
        tree.remove("l4t/rootfs/opt/clothingid_0.1.0_arm64.deb");
        assert!(failure(check(&tree.host(), &request(&tree))).contains("package"));
        tree.remove("l4t/rootfs/etc/nv_tegra_release");
        assert!(failure(check(&tree.host(), &request(&tree))).contains("apply_binaries.sh"));
        tree.arch = "aarch64";
        assert!(failure(check(&tree.host(), &request(&tree))).contains("x86-64"));
    }
}
