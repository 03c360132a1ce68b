//! A board in a virtual machine: an image that `cargo xtask image` made, flashed to a disk, started by UEFI.
//!
//! Nothing of the machine of the tests is in it. What the tests ask goes through a shell of systemd's on the second serial port, for which the
//! image is made with `systemd.debug_shell` (`xtask/src/test/board_image.rs`); it is the image that is shipped but for that. Power is cut by ending QEMU.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start, or a command, may take: the processor is emulated, and the machine may do other things too.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the console shows once at each start, when nothing of the firmware runs and the journal is passed on.
const STARTED: &str = "Reached target basic.target";

/// Room for the data partition.
const DATA_MIB: u64 = 1536;

/// Where UEFI's code lies, and the variables that a new board has.
const UEFI: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"];

/// The folder with image and bundle, which the suite has made.
///
/// # Panics
/// It is not named.
#[must_use]
pub fn folder() -> PathBuf {
    let folder = std::env::var_os("CLOTHINGID_BOARD_IMAGE");
    folder.expect("`CLOTHINGID_BOARD_IMAGE`: run this as `cargo xtask test --suite image`").into()
}

/// The file in [`folder`] that ends so.
///
/// # Panics
/// There is none.
#[must_use]
pub fn made(end: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder()).expect("the image's folder").flatten();
    let mut paths = entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(end));
    paths.next().unwrap_or_else(|| panic!("no `…{end}` in `{}`", folder().display()))
}

/// A board with its disk. Dropping it takes its power.
#[derive(Debug)]
pub struct VirtualBoard {
    place: tempfile::TempDir,
    qemu: Option<Child>,
    shell: Option<UnixStream>,
    /// Questions so far: an answer that comes late is not taken for that to the next.
    asked: u32,
    /// How often it has started since it was given power.
    starts: usize,
    /// Disks that are plugged in besides.
    sticks: Vec<PathBuf>,
}

impl VirtualBoard {
    /// A board whose disk has the image, and that has never been started.
    ///
    /// # Panics
    /// The image is not there.
    #[must_use]
    pub fn flashed() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let disk = place.path().join("disk.img");
        let copy = ["--sparse=always", "--reflink=auto"];
        let status = Command::new("cp").args(copy).arg(made(".img")).arg(&disk).status();
        assert!(status.is_ok_and(|status| status.success()), "the image cannot be copied");
        let file = std::fs::OpenOptions::new().write(true).open(&disk).expect("the disk");
        let length = file.metadata().expect("its length").len();
        file.set_len(length + (DATA_MIB << 20)).expect("room for data");
        std::fs::copy(UEFI[1], place.path().join("vars.fd")).expect("UEFI's variables");
        Self { place, qemu: None, shell: None, asked: 0, starts: 0, sticks: Vec::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Plugs in a disk, from the next start on: a file with a file system.
    pub fn plug(&mut self, stick: &Path) {
        self.sticks.push(stick.to_owned());
    }

    /// Gives it power.
    ///
    /// # Panics
    /// QEMU does not start.
    pub fn power_on(&mut self) {
        let at = |name: &str| self.path(name).display().to_string();
        let _ = std::fs::remove_file(self.path("shell"));
        let _ = std::fs::remove_file(self.path("monitor"));
        // A test that is killed leaves no emulator behind.
        let watched = format!(
            "qemu-system-x86_64 \"$@\" & while kill -0 {} && kill -0 $!; do sleep 0.2; done 2>/dev/null; kill -9 $! 2>/dev/null",
            std::process::id()
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &watched, "qemu"])
            .args(["-machine", "q35,accel=tcg", "-cpu", "max", "-m", "1536", "-smp", "2"])
            .args(["-display", "none", "-nodefaults", "-vga", "std"])
            // A cable to a network from which nothing can be reached.
            .args(["-nic", "user,model=virtio-net-pci,restrict=on"])
            .args(["-device", "i6300esb"])
            .args(["-drive", &format!("if=pflash,format=raw,readonly=on,file={}", UEFI[0])])
            .args(["-drive", &format!("if=pflash,format=raw,file={}", at("vars.fd"))])
            // What was written when the power goes is on the disk, and nothing else.
            .args(["-drive", &format!("if=virtio,format=raw,cache=writethrough,file={}", at("disk.img"))])
            .args(["-serial", &format!("file:{}", at("console.txt"))])
            .args(["-serial", &format!("unix:{},server,nowait", at("shell"))])
            .args(["-monitor", &format!("unix:{},server,nowait", at("monitor"))])
            .args(["-device", "qemu-xhci"]);
        for (number, stick) in self.sticks.iter().enumerate() {
            command.args(["-drive", &format!("if=none,id=stick{number},format=raw,file={}", stick.display())]);
            command.args(["-device", &format!("usb-storage,drive=stick{number}")]);
        }
        let _ = std::fs::remove_file(self.path("console.txt"));
        self.qemu = Some(command.stdin(Stdio::null()).spawn().expect("a shell"));
        self.starts = 0;
        self.connect();
        self.started(1);
    }

    /// Takes its power away in this moment.
    pub fn cut_power(&mut self) {
        self.shell = None;
        if let Some(mut qemu) = self.qemu.take() {
            // By name, and not the watcher, whose words have QEMU's in them: it ends when QEMU has let go of its disks.
            let pattern = self.path("disk.img").display().to_string();
            let _ = Command::new("pkill").args(["-9", "-f", &format!("^qemu-system-x86_64 .*{pattern}")]).status();
            let _ = qemu.wait();
        }
    }

    /// What it said on its console since it was last given power.
    #[must_use]
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path("console.txt")).unwrap_or_default()).into_owned()
    }

    /// Connects with the second serial port.
    fn connect(&mut self) {
        let end = Instant::now() + PATIENCE;
        self.shell = loop {
            if let Ok(stream) = UnixStream::connect(self.path("shell")) {
                stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
                break Some(stream);
            }
            assert!(Instant::now() < end, "no QEMU: {}", self.console());
            std::thread::sleep(Duration::from_millis(100));
        };
    }

    /// Waits until the board has started so many times more, by itself or not, and its shell answers. Nothing is asked before: UEFI and its
    /// loader read the serial ports too, and take letters for what their menus offer.
    ///
    /// # Panics
    /// It does not in time.
    pub fn started(&mut self, times: usize) {
        let wanted = self.starts + times;
        let end = Instant::now() + PATIENCE;
        while self.console().matches(STARTED).count() < wanted {
            assert!(Instant::now() < end, "no start; the console's end:\n{}", self.last_lines(40));
            std::thread::sleep(Duration::from_millis(200));
        }
        self.starts = wanted;
        // The question is told from the answer: a terminal shows both.
        while self
            .ask("echo it-is-$((40+2))", Duration::from_secs(5))
            .is_none_or(|(_, text)| !text.contains("it-is-42"))
        {
            assert!(Instant::now() < end, "no shell; the console's end:\n{}", self.last_lines(40));
        }
        // Nothing comes but what a program prints.
        let quiet = "stty -echo cols 500; bind 'set enable-bracketed-paste off'; export SYSTEMD_COLORS=0 SYSTEMD_PAGER=cat TERM=dumb";
        let _ = self.ask(quiet, Duration::from_secs(5));
    }

    fn last_lines(&self, count: usize) -> String {
        let console = self.console();
        let lines: Vec<&str> = console.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Sends a line and gives what it printed, and its exit status; nothing where that takes too long.
    fn ask(&mut self, line: &str, patience: Duration) -> Option<(i32, String)> {
        let shell = self.shell.as_mut()?;
        self.asked += 1;
        let number = self.asked;
        let (begin, end_of) = (format!("begin-{number}-1000\n"), format!("end-{number}-1000-"));
        let mut bytes = [0; 4096];
        // What came by itself, of a start say.
        shell.set_nonblocking(true).ok()?;
        while matches!(shell.read(&mut bytes), Ok(count) if count > 0) {}
        shell.set_nonblocking(false).ok()?;
        // The marks are told from the line that asks for them: a terminal may show both.
        // All on one line: a shell that prompts does so behind its end.
        let line =
            format!("echo begin-{number}-$((2*500)); {line}; status=$?; echo; echo end-{number}-$((2*500))-$status\n");
        shell.write_all(line.as_bytes()).ok()?;
        let (mut text, end) = (Vec::new(), Instant::now() + patience);
        while Instant::now() < end {
            match shell.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => text.extend_from_slice(&bytes[..count]),
                Err(_) => {}
            }
            let told = String::from_utf8_lossy(&text).replace('\r', "");
            if let Some((before, after)) = told.split_once(&end_of)
                && let Some((status, _)) = after.split_once('\n')
            {
                let text = before.split_once(&begin).map_or(before, |(_, text)| text);
                return Some((status.trim().parse().unwrap_or(1), text.trim_end().to_owned()));
            }
        }
        None
    }

    /// Runs a line of a shell: its exit status, and what it printed.
    ///
    /// # Panics
    /// It takes too long.
    pub fn try_run(&mut self, line: &str) -> (i32, String) {
        let told = self.ask(line, PATIENCE);
        told.unwrap_or_else(|| panic!("no end of `{line}`; the console's end:\n{}", self.last_lines(40)))
    }

    /// Runs a line of a shell that ends the shell too: a restart.
    pub fn tell(&mut self, line: &str) {
        let _ = self.ask(line, Duration::from_secs(3));
    }

    /// Runs a line of a shell that must succeed, and gives what it printed.
    ///
    /// # Panics
    /// It fails.
    pub fn run(&mut self, line: &str) -> String {
        let (status, text) = self.try_run(line);
        assert_eq!(status, 0, "`{line}`\n{text}\nthe console's end:\n{}", self.last_lines(40));
        text
    }

    /// Waits until a line of a shell succeeds, and gives what it printed then.
    ///
    /// # Panics
    /// It does not in time.
    pub fn soon(&mut self, line: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let (status, text) = self.try_run(line);
            if status == 0 {
                return text;
            }
            assert!(Instant::now() < end, "never: `{line}`\n{text}\nthe console's end:\n{}", self.last_lines(60));
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What its screen shows, as a PNG file.
    ///
    /// # Panics
    /// QEMU does not answer.
    #[must_use]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("{name}.png"));
        let mut monitor = UnixStream::connect(self.path("monitor")).expect("QEMU's monitor");
        monitor.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let prompt = |monitor: &mut UnixStream| {
            let (mut text, mut byte) = (Vec::new(), [0]);
            while !text.ends_with(b"(qemu) ") {
                monitor.read_exact(&mut byte).expect("QEMU's answer");
                text.push(byte[0]);
            }
        };
        prompt(&mut monitor);
        monitor.write_all(format!("screendump {} -f png\n", path.display()).as_bytes()).expect("a command");
        prompt(&mut monitor);
        path
    }
}

impl Drop for VirtualBoard {
    fn drop(&mut self) {
        self.cut_power();
    }
}
