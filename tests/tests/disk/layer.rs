//! The layer under SQLite: its own layer for files, with writes and lengths told to [`record`] and bounded by the room there is.
//!
//! Syncs are taken at the C library's door, because the folder is synced by the store itself and by SQLite's layer from within. They cost
//! nothing here: what the disk would hold is computed from the record, and no bytes of a test need outlive it.

#![expect(unsafe_code, reason = "SQLite's file layer is a table of C functions, and so is the door of the C library")]

use super::record;
use rusqlite::ffi;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI64, AtomicPtr, Ordering};
use std::sync::{Mutex, Once};

/// SQLite's own layer.
static OWN: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// What can be done to a file: as SQLite's own layer has it, and as ours has it in its place. There is one for each kind of lock.
static METHODS: Mutex<Vec<[&'static ffi::sqlite3_io_methods; 2]>> = Mutex::new(Vec::new());

/// Bytes that may still be written.
static ROOM: AtomicI64 = AtomicI64::new(i64::MAX);

/// From now on so many bytes can be written, freed ones not counted; nothing: as many as one likes.
pub(crate) fn leave_room(byte_len: Option<i64>) {
    ROOM.store(byte_len.unwrap_or(i64::MAX), Ordering::SeqCst);
}

/// Puts the layer under every connection that is opened from now on.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    // SAFETY: SQLite's own layer lives as long as the process, and so does ours, which is leaked: a copy with one function replaced, so that
    // sizes and versions are right whatever they are.
    ONCE.call_once(|| unsafe {
        let own = ffi::sqlite3_vfs_find(ptr::null());
        let mut ours = *own;
        ours.zName = c"recorded".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        OWN.store(own, Ordering::SeqCst);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), ffi::SQLITE_OK);
    });
}

/// SAFETY: called by SQLite, with what the function of the same name in its own layer takes.
unsafe extern "C" fn open(
    _layer: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    record::look();
    let own = OWN.load(Ordering::SeqCst);
    // SAFETY: the arguments are those that SQLite gave, and `own` is the layer that they were made for.
    let code = unsafe { ((*own).xOpen.expect("an open"))(own, name, file, flags, out_flags) };
    if code == ffi::SQLITE_OK {
        // SAFETY: an opened file has its functions in a table that is static in SQLite; SQLite goes through the file's pointer at each call.
        unsafe { (*file).pMethods = replaced(&*(*file).pMethods) };
        // SAFETY: a name ends with a zero byte; files without a name are SQLite's temporary ones.
        let path = (!name.is_null()).then(|| unsafe { Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())) });
        record::opened(file.addr(), path);
    }
    code
}

/// The same with our functions in it.
fn replaced(own: &'static ffi::sqlite3_io_methods) -> &'static ffi::sqlite3_io_methods {
    let mut all = METHODS.lock().expect("the methods");
    if let Some([_, ours]) = all.iter().find(|[known, _]| ptr::eq(*known, own)) {
        return ours;
    }
    let ours = ffi::sqlite3_io_methods { xWrite: Some(write), xTruncate: Some(truncate), ..*own };
    let ours: &_ = Box::leak(Box::new(ours));
    all.push([own, ours]);
    ours
}

/// SQLite's own for a file that has ours.
fn own_of(ours: *const ffi::sqlite3_io_methods) -> &'static ffi::sqlite3_io_methods {
    let all = METHODS.lock().expect("the methods");
    all.iter().find(|[_, known]| ptr::eq(*known, ours)).expect("a file that was opened here")[0]
}

/// SAFETY: called by SQLite on a file that [`open`] has opened, with `byte_len` readable bytes.
unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, byte_len: c_int, at: i64) -> c_int {
    if ROOM.fetch_sub(byte_len.into(), Ordering::SeqCst) < byte_len.into() {
        return ffi::SQLITE_FULL;
    }
    // SAFETY: by the caller.
    let slice = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(byte_len).expect("a length")) };
    record::wrote(file.addr(), at, slice);
    // SAFETY: by the caller; the function is the one that the file was opened with.
    unsafe { (own_of((*file).pMethods).xWrite.expect("a write"))(file, bytes, byte_len, at) }
}

/// SAFETY: called by SQLite on a file that [`open`] has opened.
unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, byte_len: i64) -> c_int {
    record::cut_to(file.addr(), byte_len);
    // SAFETY: by the caller; the function is the one that the file was opened with.
    unsafe { (own_of((*file).pMethods).xTruncate.expect("a truncate"))(file, byte_len) }
}

/// In the place of the C library's: the linker takes the program's own function first.
#[unsafe(no_mangle)]
extern "C" fn fsync(descriptor: c_int) -> c_int {
    record::synced(descriptor);
    0
}

/// As `fsync`: what a database reads again is in both.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    record::synced(descriptor);
    0
}
