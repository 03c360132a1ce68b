//! The kernel's side of a framebuffer: its layout and its memory.
//!
//! **Source** `include/uapi/linux/fb.h`.
#![expect(unsafe_code, reason = "ioctls of a device and a mapping of its memory have no safe interface")]

use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, ioctl};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::ffi::c_ulong;
use std::ptr::NonNull;

const FBIOGET_VSCREENINFO: Opcode = 0x4600;
const FBIOGET_FSCREENINFO: Opcode = 0x4602;

/// What the kernel says of a framebuffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The first column of the memory that is seen.
    pub(super) x_offset: u32,
    /// The first row of the memory that is seen.
    pub(super) y_offset: u32,
    pub(super) bits_per_pixel: u32,
    /// Place and number of bits.
    pub(super) red: (u32, u32),
    pub(super) green: (u32, u32),
    pub(super) blue: (u32, u32),
    /// Bytes from one row to the next.
    pub(super) stride: u32,
    /// All of its memory.
    pub(super) byte_len: usize,
}

/// `struct fb_bitfield`
#[repr(C)]
#[derive(Clone, Copy)]
struct Bitfield {
    offset: u32,
    length: u32,
    msb_right: u32,
}

/// `struct fb_var_screeninfo`
#[repr(C)]
struct Variable {
    xres: u32,
    yres: u32,
    xres_virtual: u32,
    yres_virtual: u32,
    xoffset: u32,
    yoffset: u32,
    bits_per_pixel: u32,
    grayscale: u32,
    red: Bitfield,
    green: Bitfield,
    blue: Bitfield,
    transp: Bitfield,
    /// Timings and what we have no use for.
    rest: [u32; 20],
}

/// `struct fb_fix_screeninfo`
#[repr(C)]
struct Fixed {
    id: [u8; 16],
    smem_start: c_ulong,
    smem_len: u32,
    kind: u32,
    type_aux: u32,
    visual: u32,
    xpanstep: u16,
    ypanstep: u16,
    ywrapstep: u16,
    line_length: u32,
    mmio_start: c_ulong,
    mmio_len: u32,
    accel: u32,
    capabilities: u16,
    reserved: [u16; 2],
}

const _: () = assert!(size_of::<Variable>() == 160);
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Fixed>() == 80);

/// Asks the kernel for the layout.
pub(super) fn facts(fd: impl AsFd) -> Result<Facts, Errno> {
    // SAFETY: the kernel writes a `fb_var_screeninfo` of 160 bytes for this opcode, which `Variable` is, field by field; every value is valid.
    let variable = unsafe { ioctl(&fd, Getter::<FBIOGET_VSCREENINFO, Variable>::new()) }?;
    // SAFETY: as above, a `fb_fix_screeninfo`.
    let fixed = unsafe { ioctl(&fd, Getter::<FBIOGET_FSCREENINFO, Fixed>::new()) }?;
    let field = |field: Bitfield| (field.offset, field.length);
    Ok(Facts {
        width: variable.xres,
        height: variable.yres,
        x_offset: variable.xoffset,
        y_offset: variable.yoffset,
        bits_per_pixel: variable.bits_per_pixel,
        red: field(variable.red),
        green: field(variable.green),
        blue: field(variable.blue),
        stride: fixed.line_length,
        byte_len: fixed.smem_len as usize,
    })
}

/// A device's memory in ours, until it is dropped.
pub(super) struct Memory {
    start: NonNull<u8>,
    byte_len: usize,
}

// SAFETY: the mapping belongs to the process and not to a thread, and only its owner reaches it.
unsafe impl Send for Memory {}

impl Memory {
    /// Maps the first `byte_len` bytes of a device.
    pub(super) fn map(fd: impl AsFd, byte_len: usize) -> Result<Self, Errno> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping at a place that the kernel chooses; nothing of ours lies there.
        let start = unsafe { mmap(std::ptr::null_mut(), byte_len, access, flags, fd, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { start, byte_len })
    }

    /// The bytes. What is written there is seen.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the mapping has `byte_len` bytes and stays until the drop; bytes of any value are valid. Another process may draw into the same
        // memory: bytes are written here and never read back, so nothing hangs on what they are.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.byte_len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: what was mapped, once. A failure would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.byte_len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::files;
    use std::fs::File;
    use std::os::fd::OwnedFd;

    fn opened(path: &std::path::Path) -> OwnedFd {
        let flags = rustix::fs::OFlags::RDWR;
        rustix::fs::open(path, flags, rustix::fs::Mode::empty()).unwrap()
    }

    #[test]
    fn what_is_written_into_the_memory_is_in_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory");
        files::write_atomic(&path, &[0; 8192]).unwrap();
        let mut memory = Memory::map(opened(&path), 8192).unwrap();
        memory.bytes()[5000] = 7;
        drop(memory);
        assert_eq!(files::read(&path).unwrap()[5000], 7);
    }

    #[test]
    fn a_mapping_of_nothing_is_an_error_and_so_is_a_layout_of_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Memory::map(opened(file.path()), 0).is_err());
        assert_eq!(facts(File::open(file.path()).unwrap()).unwrap_err(), Errno::NOTTY);
    }
}
