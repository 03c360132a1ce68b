//! What a program under `strace` has written, and where.

use std::collections::BTreeSet;
use std::path::Path;

/// Calls that write, or begin to.
const CALLS: &str = "trace=openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,write,pwrite64,writev,\
                     pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,splice,truncate,ftruncate,memfd_create,connect";

/// Calls that the program has no use for: they would carry bytes that are not seen here.
const UNSEEN: [&str; 5] = ["memfd_create(", "sendfile(", "copy_file_range(", "link(", "symlink("];

/// What `strace` is started with, before the program: every thread, names of files, so much of what is written that marks are seen.
#[must_use]
pub fn arguments(log: &str) -> [&str; 9] {
    ["-f", "-yy", "-s", "600", "--seccomp-bpf", "-e", CALLS, "-o", log]
}

/// What was written.
#[derive(Debug, Default)]
pub struct Trace {
    /// Lines of the trace.
    pub lines: usize,
    /// Files that were opened to be written, or got another name, and are none that the appliance keeps.
    pub opened: BTreeSet<String>,
    /// Calls that wrote a mark to anything but a socket.
    pub written: BTreeSet<String>,
    /// How often a mark went out through a socket.
    pub shown: usize,
    /// Bytes that went into files that the appliance keeps.
    pub kept_bytes: u64,
    /// Calls that leave the machine, or whose bytes are not seen.
    pub unseen: Vec<String>,
}

impl Trace {
    /// Reads what `strace` wrote. `marks` are texts in what must not be written.
    #[must_use]
    pub fn read(text: &str, marks: &[&str]) -> Self {
        let mut trace = Self::default();
        for line in text.lines() {
            trace.lines += 1;
            let calls = |name: &str| line.contains(&format!(" {name}"));
            if UNSEEN.iter().any(|call| calls(call)) || calls("connect(") && !line.contains("AF_UNIX") {
                trace.unseen.push(line.to_owned());
            }
            if line.contains(" = -1 ") {
                continue;
            }
            let is_for_writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE"].iter().any(|flag| line.contains(flag));
            if ["openat(", "openat2("].iter().any(|call| calls(call)) && is_for_writing || calls("creat(") {
                trace.opened.extend(quoted(line).take(1).filter(|path| !may_be_written(path)).map(str::to_owned));
            }
            if ["rename(", "renameat(", "renameat2("].iter().any(|call| calls(call)) {
                trace.opened.extend(quoted(line).filter(|path| !is_kept(path)).map(str::to_owned));
            }
            if ["write(", "pwrite64(", "writev(", "pwritev(", "pwritev2(", "sendto(", "sendmsg("]
                .iter()
                .any(|call| calls(call))
            {
                trace.wrote(line, marks);
            }
        }
        trace
    }

    fn wrote(&mut self, line: &str, marks: &[&str]) {
        let target = line.split('<').nth(1).unwrap_or_default().split('>').next().unwrap_or_default();
        if is_kept(target) {
            let bytes = line.rsplit(" = ").next().and_then(|count| count.trim().parse::<u64>().ok());
            self.kept_bytes += bytes.unwrap_or_else(|| panic!("how much? {line}"));
        }
        if marks.iter().any(|mark| line.contains(mark)) {
            // What was asked for over the page goes back through its socket.
            if target.starts_with("TCP:") || target.starts_with("socket:") {
                self.shown += 1;
            } else {
                self.written.insert(line.to_owned());
            }
        }
    }

    /// No frame and no upload went anywhere but to who asked for it. A frame without a mark would be seen by how much was written, or that a file was
    /// opened for it.
    ///
    /// # Panics
    /// One did.
    pub fn assert_private(&self) {
        assert!(self.lines > 100, "the trace has {} lines", self.lines);
        assert_eq!(self.unseen, [""; 0]);
        assert!(self.opened.is_empty(), "opened to be written: {:#?}", self.opened);
        assert!(self.written.is_empty(), "{:#?}", self.written);
        assert!(self.kept_bytes < LEAST_FRAME, "{} bytes went into what is kept", self.kept_bytes);
    }
}

/// Less than any picture has bytes that a person would know again.
const LEAST_FRAME: u64 = 4096;

/// The texts in quotes of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

/// Files of the state folder that the appliance keeps: the catalogue with its index, and how many wrong PINs there were.
fn is_kept(path: &str) -> bool {
    let path = Path::new(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_in_state = path.parent().is_some_and(|folder| folder.ends_with("clothingid"));
    is_in_state && ["catalogue.", "staff.wrong"].iter().any(|start| name.starts_with(start))
}

/// What is kept, and devices, which keep nothing; shared memory lies among them and is none.
fn may_be_written(path: &str) -> bool {
    let is_device = path.starts_with("/dev/") && !path.starts_with("/dev/shm/");
    is_kept(path) || is_device || path.starts_with("/proc/self/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_seen_and_told_apart() {
        let text = r#"1 openat(AT_FDCWD</>, "/data/clothingid/catalogue.db-wal", O_RDWR|O_CREAT, 0644) = 5
1 openat(AT_FDCWD</>, "/data/clothingid/frame.jpg", O_WRONLY|O_CREAT, 0644) = 6
1 openat2(AT_FDCWD</>, "/tmp/raw", {flags=O_WRONLY|O_CREAT, mode=0600}, 24) = 7
1 openat(AT_FDCWD</>, "/tmp/not", O_WRONLY|O_CREAT, 0644) = -1 EROFS (Read-only file system)
1 openat(AT_FDCWD</>, "/dev/video0", O_RDWR) = 8
1 rename("/data/clothingid/catalogue.new", "/srv/x.jpg") = 0
1 write(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "a MARK b", 8) = 8
1 write(6</data/clothingid/frame.jpg>, "a MARK b", 8) = 8
1 pwrite64(5</data/clothingid/catalogue.db-wal>, "x", 4096, 0) = 4096
1 connect(3, {sa_family=AF_INET}, 16) = 0
1 connect(3, {sa_family=AF_UNIX}, 16) = 0
"#;
        let trace = Trace::read(text, &["MARK"]);
        let opened: Vec<&str> = trace.opened.iter().map(String::as_str).collect();
        assert_eq!(opened, ["/data/clothingid/frame.jpg", "/srv/x.jpg", "/tmp/raw"]);
        assert_eq!((trace.shown, trace.written.len(), trace.unseen.len(), trace.kept_bytes), (1, 1, 1, 4096));
    }
}
