//! What a program under `strace` has written, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Calls that write, or begin to.
const CALLS: &str = "trace=openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,write,pwrite64,writev,\
                     pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,splice,truncate,ftruncate,memfd_create,connect";

/// Calls that the program has no use for: they would carry bytes that are not seen here.
const UNSEEN: [&str; 8] =
    ["memfd_create(", "sendfile(", "copy_file_range(", "splice(", "link(", "linkat(", "symlink(", "symlinkat("];

/// What `strace` is started with, before the program: every thread, in a file of its own (`LOG.THREAD`), so that no line is torn by another's; names
/// of files; so much of what is written that marks are seen.
#[must_use]
pub fn arguments(log: &str) -> [&str; 9] {
    ["-ff", "-yy", "-s", "600", "--seccomp-bpf", "-e", CALLS, "-o", log]
}

/// What `strace` wrote, of all threads.
///
/// # Panics
/// It cannot be read.
#[must_use]
pub fn text(log: &Path) -> String {
    let (folder, name) = (log.parent().expect("a folder"), log.file_name().expect("a name").display().to_string());
    let entries = std::fs::read_dir(folder).expect("the traces").flatten();
    let of_threads = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{name}.")));
    let texts = of_threads.map(|entry| std::fs::read(entry.path()).expect("a trace"));
    texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}

/// What was written.
#[derive(Debug, Default)]
pub struct Trace {
    /// Lines of the trace.
    pub lines: usize,
    /// Files that were opened to be written, or got another name, and are none that the appliance keeps.
    pub opened: BTreeSet<String>,
    /// Calls that wrote a mark to anything but a socket of the page.
    pub written: BTreeSet<String>,
    /// How often a mark went out through such a socket.
    pub shown: usize,
    /// Bytes that went out through such sockets.
    pub page_bytes: u64,
    /// Bytes that went anywhere else, by where: files that are kept, what the program says on its console, other processes.
    pub bytes: BTreeMap<String, u64>,
    /// Calls that leave the machine, or whose bytes are not seen.
    pub unseen: Vec<String>,
}

impl Trace {
    /// Reads what `strace` wrote, all of its files. `marks` are texts in what must not be written.
    #[must_use]
    pub fn read(text: &str, marks: &[&str]) -> Self {
        let mut trace = Self::default();
        for line in text.lines() {
            trace.lines += 1;
            let call = line.split_inclusive('(').next().unwrap_or_default();
            if UNSEEN.contains(&call) || call == "connect(" && !line.contains("AF_UNIX") {
                trace.unseen.push(line.to_owned());
            }
            if line.contains(" = -1 ") {
                continue;
            }
            let is_for_writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE"].iter().any(|flag| line.contains(flag));
            match call {
                "openat(" | "openat2(" if is_for_writing => trace.open(quoted(line).take(1), may_be_written),
                "creat(" => trace.open(quoted(line).take(1), may_be_written),
                "rename(" | "renameat(" | "renameat2(" => trace.open(quoted(line), is_kept),
                "write(" | "pwrite64(" | "writev(" | "pwritev(" | "pwritev2(" | "sendto(" | "sendmsg(" => {
                    trace.wrote(line, marks);
                }
                _ => {}
            }
        }
        trace
    }

    fn open<'a>(&mut self, paths: impl Iterator<Item = &'a str>, is_allowed: fn(&str) -> bool) {
        self.opened.extend(paths.filter(|path| !is_allowed(path)).map(str::to_owned));
    }

    fn wrote(&mut self, line: &str, marks: &[&str]) {
        let target = line.split('<').nth(1).unwrap_or_default().split('>').next().unwrap_or_default();
        let has_mark = marks.iter().any(|mark| line.contains(mark));
        // The last call of a thread may have no end.
        let bytes = line.rsplit(" = ").next().and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0);
        // What was asked for over the page goes back through its socket.
        if target.starts_with("TCP:") || target.starts_with("socket:") {
            self.shown += usize::from(has_mark);
            self.page_bytes += bytes;
            return;
        }
        // Eight bytes each, by which threads wake one another.
        if target != "anon_inode:[eventfd]" {
            *self.bytes.entry(target.to_owned()).or_default() += bytes;
        }
        if has_mark {
            self.written.insert(line.to_owned());
        }
    }

    /// No frame and no upload went anywhere but to who asked for it. One without a mark would be seen by how much was written, or that a file was opened
    /// for it.
    ///
    /// # Panics
    /// One did.
    pub fn assert_private(&self) {
        assert!(self.lines > 100, "the trace has {} lines", self.lines);
        assert_eq!(self.unseen, [""; 0]);
        assert!(self.opened.is_empty(), "opened to be written: {:#?}", self.opened);
        assert!(self.written.is_empty(), "{:#?}", self.written);
        assert!(self.bytes.values().all(|bytes| *bytes < LEAST_FRAME), "{:#?}", self.bytes);
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
        let text = r#"openat(AT_FDCWD</>, "/data/clothingid/catalogue.db-wal", O_RDWR|O_CREAT, 0644) = 5
openat(AT_FDCWD</>, "/data/clothingid/frame.jpg", O_WRONLY|O_CREAT, 0644) = 6
openat2(AT_FDCWD</>, "/tmp/raw", {flags=O_WRONLY|O_CREAT, mode=0600}, 24) = 7
openat(AT_FDCWD</>, "/tmp/not", O_WRONLY|O_CREAT, 0644) = -1 EROFS (Read-only file system)
openat(AT_FDCWD</>, "/dev/video0", O_RDWR) = 8
rename("/data/clothingid/catalogue.new", "/srv/x.jpg") = 0
linkat(AT_FDCWD</>, "/a", AT_FDCWD</>, "/b", 0) = 0
write(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "a MARK b", 8) = 8
write(6</data/clothingid/frame.jpg>, "a MARK b", 8) = 8
write(2<pipe:[7]>, "x", 4000) = 4000
write(2<pipe:[7]>, "x", 4000) = 4000
write(4<anon_inode:[eventfd]>, "x", 8) = 8
pwrite64(5</data/clothingid/catalogue.db-wal>, "x", 96, 0) = 96
pwrite64(5</data/clothingid/catalogue.db-wal>, "x", 96, 0 <unfinished ...>
connect(3, {sa_family=AF_INET}, 16) = 0
connect(3, {sa_family=AF_UNIX}, 16) = 0
"#;
        let trace = Trace::read(text, &["MARK"]);
        let opened: Vec<&str> = trace.opened.iter().map(String::as_str).collect();
        assert_eq!(opened, ["/data/clothingid/frame.jpg", "/srv/x.jpg", "/tmp/raw"]);
        assert_eq!((trace.shown, trace.page_bytes, trace.written.len(), trace.unseen.len()), (1, 8, 1, 2));
        let bytes: Vec<(&str, u64)> = trace.bytes.iter().map(|(target, bytes)| (target.as_str(), *bytes)).collect();
        let expected =
            [("/data/clothingid/catalogue.db-wal", 96), ("/data/clothingid/frame.jpg", 8), ("pipe:[7]", 8000)];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn whatever_is_not_private_is_told() {
        let private = || Trace { lines: 101, bytes: [("pipe:[7]".to_owned(), 4000)].into(), ..Trace::default() };
        private().assert_private();
        let spoilings: [fn(&mut Trace); 5] = [
            |trace| trace.lines = 100,
            |trace| trace.opened.extend(["/tmp/raw".to_owned()]),
            |trace| trace.written.extend(["a MARK b".to_owned()]),
            |trace| trace.bytes.extend([("/data/clothingid/catalogue.db".to_owned(), 614_400)]),
            |trace| trace.unseen.push("splice(".to_owned()),
        ];
        for spoil in spoilings {
            let mut trace = private();
            spoil(&mut trace);
            assert!(std::panic::catch_unwind(|| trace.assert_private()).is_err(), "{trace:?}");
        }
    }
}
