//! A virtual machine with a kernel of its own, for devices that the machine of the tests does not have: cameras and screens.
//!
//! It runs the programs of this machine, whose root folder it mounts read-only, under Debian's kernel with `vivid` (a virtual camera),
//! `v4l2loopback`, cameras on USB (`vhci_hcd`, `uvcvideo`), a graphics adapter and one without outputs (`vgem`). `tests/machine/make.sh` makes it;
//! `cargo xtask setup --system` calls that. The processor is emulated, so that it runs wherever QEMU does, some thirty times slower: nothing here
//! measures time. [`Machine::stock`] has a system of its own instead, as Debian makes it, and none of ours.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the machine may take to start: seconds where nothing else runs.
const START: Duration = Duration::from_secs(240);

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(420);

/// Memory of the machine, in MiB.
const MEMORY: &str = "1536";

/// Whose programs a machine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    /// Those of the machine that starts it.
    Hosts,
    /// Its own: Debian's, with systemd.
    Stock,
}

/// The files that a machine is started from.
#[must_use]
pub fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CLOTHINGID_MACHINE").unwrap_or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        cache.expect("`HOME` or `XDG_CACHE_HOME`").join("clothingid/machine")
    })
}

/// A running machine. Dropping it ends it.
#[derive(Debug)]
pub struct Machine {
    qemu: Child,
    share: tempfile::TempDir,
    commands: AtomicU32,
}

impl Machine {
    /// Starts a machine that runs this one's programs, and waits until it takes commands.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(System::Hosts)
    }

    /// Starts a machine with a system as Debian makes it, in memory, and waits until it takes commands.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn stock() -> Self {
        Self::with(System::Stock)
    }

    fn with(system: System) -> Self {
        let share = tempfile::tempdir().expect("a folder");
        for name in ["in", "out"] {
            std::fs::create_dir(share.path().join(name)).expect("a folder");
        }
        let (files, place) = (folder(), share.path().display().to_string());
        // A test that is killed, and a machine that is never dropped, leave no emulator behind.
        let watched = format!(
            "qemu-system-x86_64 \"$@\" & while kill -0 {} && kill -0 $!; do sleep 1; done 2>/dev/null; kill $! 2>/dev/null",
            std::process::id()
        );
        // What the first process looks for, and where it finds the system.
        let (path, tag, more) = match system {
            System::Hosts => ("/".to_owned(), "host", ""),
            System::Stock => (files.display().to_string(), "stock", "stock"),
        };
        let qemu = Command::new("sh")
            .args(["-c", &watched, "qemu"])
            .args(["-machine", "q35,accel=tcg", "-cpu", "max", "-m", MEMORY, "-smp", "2"])
            .args(["-no-reboot", "-display", "none", "-nodefaults", "-device", "VGA", "-device", "qemu-xhci"])
            // A cable to a network from which nothing can be reached.
            .args(["-nic", "user,model=virtio-net-pci,restrict=on"])
            .args(["-serial", &format!("file:{place}/console.txt")])
            .args(["-monitor", &format!("unix:{place}/monitor,server,nowait")])
            .arg("-kernel")
            .arg(files.join("vmlinuz"))
            .arg("-initrd")
            .arg(files.join("initramfs.gz"))
            .args([
                "-virtfs",
                &format!("local,path={path},mount_tag={tag},security_model=none,readonly=on,multidevs=remap"),
            ])
            .args(["-virtfs", &format!("local,path={place},mount_tag=share,security_model=none,multidevs=remap")])
            .args(["-append", &format!("console=ttyS0 quiet panic=-1 mitigations=off {more}")])
            .stdin(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut machine = Self { qemu, share, commands: AtomicU32::new(0) };
        let end = Instant::now() + START;
        while !machine.shared("up").exists() {
            let ended = machine.qemu.try_wait().expect("QEMU's state");
            assert!(ended.is_none() && Instant::now() < end, "no machine ({ended:?}): {}", machine.console());
            std::thread::sleep(Duration::from_millis(100));
        }
        machine
    }

    /// A place in the folder that the machine has at `/mnt`.
    #[must_use]
    pub fn shared(&self, name: &str) -> PathBuf {
        self.share.path().join(name)
    }

    /// Puts a file into the folder that the machine has at `/mnt`.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.shared(name), bytes).expect("a shared file");
    }

    fn console(&self) -> String {
        std::fs::read_to_string(self.shared("console.txt")).unwrap_or_default()
    }

    /// Runs lines of a shell and gives their exit status and all that they printed.
    ///
    /// # Panics
    /// They take too long.
    pub fn try_run(&self, lines: &str) -> (i32, String) {
        let name = format!("{:04}", self.commands.fetch_add(1, Ordering::Relaxed));
        let half = self.shared(&format!("in/{name}.new"));
        std::fs::write(&half, lines).expect("a script");
        std::fs::rename(&half, self.shared(&format!("in/{name}.sh"))).expect("a script");
        let (status, end) = (self.shared(&format!("out/{name}.rc")), Instant::now() + PATIENCE);
        while !status.exists() {
            assert!(Instant::now() < end, "no end of:\n{lines}\n{}", self.console());
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = std::fs::read(self.shared(&format!("out/{name}.txt"))).expect("what it printed");
        let status = std::fs::read_to_string(status).expect("a status");
        (status.trim().parse().expect("a number"), String::from_utf8_lossy(&text).into_owned())
    }

    /// Runs lines of a shell that must succeed, and gives what they printed.
    ///
    /// # Panics
    /// They fail.
    pub fn run(&self, lines: &str) -> String {
        let (status, text) = self.try_run(lines);
        assert_eq!(status, 0, "{lines}\n{text}");
        text
    }

    /// What a program in the machine answers at an address of its page; nothing where it does not.
    pub fn get(&self, path: &str) -> Option<Value> {
        let (_, text) = self.try_run(&format!("curl -s --max-time 20 http://127.0.0.1:8080{path}"));
        serde_json::from_str(&text).ok()
    }

    /// Waits until `body` gives something.
    ///
    /// # Panics
    /// It does not within [`PATIENCE`].
    pub fn soon<T>(&self, what: &str, mut body: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = body() {
                return value;
            }
            if Instant::now() >= end {
                let (_, said) = self.try_run("cat /tmp/*.log; journalctl --no-pager -n 40; dmesg | tail -5");
                panic!("not within {} s: {what}\n{said}", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What a member of staff sends from a page of theirs: fields of a form. Who is logged in is kept in the machine.
    ///
    /// # Panics
    /// It is not taken.
    pub fn staff_form(&self, path: &str, fields: &str) {
        let status = self.run(&format!(
            "token=$(curl -s --max-time 60 -b /tmp/jar http://127.0.0.1:8080/staff/light | sed -n 's/.*name=\"token\" value=\"\\([0-9a-f]*\\)\".*/\\1/p' | head -n 1)
             curl -s --max-time 60 -b /tmp/jar -c /tmp/jar -o /dev/null -w '%{{http_code}}' -d \"token=$token&{fields}\" http://127.0.0.1:8080{path}"
        ));
        assert_eq!(status, "303", "{path} {fields}");
    }

    /// What the machine's screen shows, as a PNG file.
    ///
    /// # Panics
    /// QEMU does not answer.
    #[must_use]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let path = self.shared(&format!("{name}.png"));
        let _ = self.tell_emulator(&format!("screendump {} -f png", path.display()));
        path
    }

    /// Plugs a USB stick in: a file with a file system.
    ///
    /// # Panics
    /// QEMU does not answer.
    pub fn plug_stick(&self, stick: &Path) {
        let _ = self.tell_emulator(&format!("drive_add 0 if=none,id=stick,format=raw,file={}", stick.display()));
        let said = self.tell_emulator("device_add usb-storage,drive=stick,id=stick");
        assert!(!said.contains("rror") && !said.contains("not found"), "{said}");
    }

    /// Opens a way to the page for a browser on this machine, and gives the port of this machine at which it begins.
    ///
    /// For the program in the machine the browser is one on its own loopback: a relay stands between.
    ///
    /// # Panics
    /// QEMU or the machine does not open it.
    #[must_use]
    pub fn forward_page(&self) -> u16 {
        self.put("relay.sh", b"#!/bin/sh\nexec busybox nc 127.0.0.1 8080\n");
        self.run(
            "set -e
             modprobe virtio_net; cp /mnt/relay.sh /tmp; chmod +x /tmp/relay.sh
             for _ in $(seq 100); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
             busybox ip link set eth0 up; busybox ip addr replace 10.0.2.15/24 dev eth0
             setsid busybox nc -ll -p 8081 -e /tmp/relay.sh > /tmp/relay.log 2>&1 &
             for _ in $(seq 100); do grep -q ':1F91 .* 0A ' /proc/net/tcp /proc/net/tcp6 && exit 0; sleep 0.1; done
             cat /tmp/relay.log; exit 1",
        );
        let _ = self.tell_emulator("hostfwd_add tcp:127.0.0.1:0-10.0.2.15:8081");
        let said = self.tell_emulator("info usernet");
        let line = said.lines().find(|line| line.contains("HOST_FORWARD")).unwrap_or_else(|| panic!("{said}"));
        // State, descriptor, address and port here, address and port there.
        line.split_whitespace().nth(3).and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    }

    fn tell_emulator(&self, command: &str) -> String {
        let mut monitor = UnixStream::connect(self.shared("monitor")).expect("QEMU's monitor");
        monitor.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        // Each answer ends with a prompt; the first comes by itself.
        let _ = until_prompt(&mut monitor);
        monitor.write_all(format!("{command}\n").as_bytes()).expect("a command");
        until_prompt(&mut monitor)
    }
}

/// What QEMU's monitor says up to its next prompt, the typed command with it.
fn until_prompt(monitor: &mut UnixStream) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(b"(qemu) ") {
        monitor.read_exact(&mut byte).expect("QEMU's answer");
        text.push(byte[0]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::write(self.shared("end"), b"");
        let _ = self.qemu.wait();
    }
}
