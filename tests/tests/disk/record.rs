//! What happens in one folder, in order.

use super::{layer, turn};
use std::collections::{BTreeMap, HashMap};
use std::ffi::c_int;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file whatever its name.
pub(crate) type FileNumber = usize;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Bytes were handed over for a place of the file.
    Write { file: FileNumber, at: usize, bytes: Vec<u8> },
    /// The file was given a length.
    Length { file: FileNumber, byte_len: usize },
    /// All of the file so far is on the disk.
    Sync { file: FileNumber },
    /// A name leads to this file, or to none any longer.
    Name { name: String, file: Option<FileNumber> },
    /// All names so far are on the disk.
    SyncNames,
    /// The test was told that this state is stored.
    Told { state: usize },
}

struct Recorder {
    folder: PathBuf,
    events: Vec<Event>,
    /// Inode and number of each name.
    names: BTreeMap<String, (u64, FileNumber)>,
    /// Files that SQLite has open, by the address of its handle.
    open: HashMap<usize, FileNumber>,
    next: FileNumber,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

/// Records while it lives.
pub(crate) struct Recording {
    _turn: MutexGuard<'static, ()>,
}

impl Recording {
    /// Of this folder, which is empty.
    pub(crate) fn of(folder: &Path) -> Self {
        let turn = turn();
        layer::leave_room(None);
        let folder = folder.canonicalize().expect("a folder");
        let recorder = Recorder { folder, events: Vec::new(), names: BTreeMap::new(), open: HashMap::new(), next: 0 };
        *recorder_of_all() = Some(recorder);
        Self { _turn: turn }
    }

    /// The test was told of this state.
    pub(crate) fn told(&self, state: usize) {
        with(|recorder| {
            recorder.look();
            recorder.events.push(Event::Told { state });
        });
    }

    /// All that happened.
    pub(crate) fn end(self) -> Vec<Event> {
        recorder_of_all().take().map(|recorder| recorder.events).expect("a recorder")
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        *recorder_of_all() = None;
    }
}

fn recorder_of_all() -> MutexGuard<'static, Option<Recorder>> {
    RECORDER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with(work: impl FnOnce(&mut Recorder)) {
    if let Some(recorder) = recorder_of_all().as_mut() {
        work(recorder);
    }
}

/// Looks which names there are.
pub(crate) fn look() {
    with(Recorder::look);
}

/// SQLite has opened a file.
pub(crate) fn opened(handle: usize, path: Option<&Path>) {
    with(|recorder| {
        recorder.look();
        let name = path.filter(|path| path.parent() == Some(&recorder.folder)).and_then(Path::file_name);
        let file = name.and_then(|name| recorder.names.get(name.to_str()?)).map(|(_, file)| *file);
        match file {
            Some(file) => recorder.open.insert(handle, file),
            // Another folder's file, where a handle of ours has been.
            None => recorder.open.remove(&handle),
        };
    });
}

/// SQLite has written.
pub(crate) fn wrote(handle: usize, at: i64, bytes: &[u8]) {
    with(|recorder| {
        if let Some(&file) = recorder.open.get(&handle) {
            let at = usize::try_from(at).expect("a place");
            recorder.events.push(Event::Write { file, at, bytes: bytes.to_vec() });
        }
    });
}

/// SQLite has given a file another length.
pub(crate) fn cut_to(handle: usize, byte_len: i64) {
    with(|recorder| {
        if let Some(&file) = recorder.open.get(&handle) {
            recorder.events.push(Event::Length { file, byte_len: usize::try_from(byte_len).expect("a length") });
        }
    });
}

/// Somebody has synced.
pub(crate) fn synced(descriptor: c_int) {
    with(|recorder| {
        // The kernel's own account of who that is, whatever its name is by now.
        let Ok(facts) = std::fs::metadata(format!("/proc/self/fd/{descriptor}")) else { return };
        recorder.look();
        if facts.ino() == recorder.folder.metadata().expect("the folder").ino() {
            recorder.events.push(Event::SyncNames);
        } else if let Some((_, file)) = recorder.names.values().find(|(inode, _)| *inode == facts.ino()) {
            recorder.events.push(Event::Sync { file: *file });
        }
    });
}

impl Recorder {
    /// Writes down the names that have come and gone: links and removals by the store itself pass no layer of SQLite's.
    fn look(&mut self) {
        let mut now = BTreeMap::new();
        for entry in std::fs::read_dir(&self.folder).expect("the folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            // SQLite's index of its journal is made anew after a power cut, whatever it held.
            if name.ends_with("-shm") {
                continue;
            }
            // Gone meanwhile.
            let Ok(facts) = entry.metadata() else { continue };
            let inode = facts.ino();
            // A second name of a file is a link or a new name of it.
            let known = self.names.get(&name).filter(|(old, _)| *old == inode);
            let known = known.or_else(|| self.names.values().find(|(old, _)| *old == inode)).map(|(_, file)| *file);
            let file = known.unwrap_or_else(|| {
                self.next += 1;
                self.next
            });
            now.insert(name, (inode, file));
        }
        for (name, &(_, file)) in &now {
            if self.names.get(name).is_none_or(|(_, old)| *old != file) {
                self.events.push(Event::Name { name: name.clone(), file: Some(file) });
            }
        }
        for name in self.names.keys().filter(|name| !now.contains_key(*name)) {
            self.events.push(Event::Name { name: name.clone(), file: None });
        }
        self.names = now;
    }
}
