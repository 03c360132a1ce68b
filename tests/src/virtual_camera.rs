//! The cameras of the virtual machine: real garments as frames, and how they come out of `vivid`, `v4l2loopback` and a camera on USB.

use crate::{Machine, rig};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

/// The size that `vivid`'s inputs have with the first of its digital timings.
const SIZE: (u32, u32) = (640, 480);

/// A photograph of the demo's camera in the middle of a frame, on white as in the shop.
///
/// # Panics
/// There is no such photograph.
#[must_use]
pub fn framed(photo: &str) -> RgbImage {
    let path = rig::demo().join("camera").join(photo);
    let photo = image::open(path).expect("a photograph of the demo").to_rgb8();
    let (width, height) = SIZE;
    let scaled = photo.width() * height / photo.height();
    let scaled = imageops::resize(&photo, scaled, height, FilterType::Triangle);
    let mut frame = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    imageops::overlay(&mut frame, &scaled, i64::from((width - scaled.width().min(width)) / 2), 0);
    frame
}

/// BT.601, limited range.
fn yuv(pixel: Rgb<u8>) -> [u8; 3] {
    let [r, g, b] = pixel.0.map(i32::from);
    let byte = |value: i32| u8::try_from((value + 128) / 256).expect("a byte");
    [
        byte(66 * r + 129 * g + 25 * b + (16 << 8)),
        byte(-38 * r - 74 * g + 112 * b + (128 << 8)),
        byte(112 * r - 94 * g - 18 * b + (128 << 8)),
    ]
}

/// Pairs of pixels: luma, blue, luma, red.
#[must_use]
fn yuyv(picture: &RgbImage) -> Vec<u8> {
    let pixels: Vec<_> = picture.pixels().map(|pixel| yuv(*pixel)).collect();
    pixels.as_chunks::<2>().0.iter().flat_map(|[left, right]| [left[0], left[1], right[0], left[2]]).collect()
}

/// All lumas, then blue and red of each four pixels.
#[must_use]
fn nv12(picture: &RgbImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let luma = picture.pixels().map(|pixel| yuv(*pixel)[0]);
    let places = (0..height).step_by(2).flat_map(|y| (0..width).step_by(2).map(move |x| (x, y)));
    let chroma = places.flat_map(|(x, y)| {
        let [_, u, v] = yuv(*picture.get_pixel(x, y));
        [u, v]
    });
    luma.chain(chroma).collect()
}

/// Puts a photograph of the demo's camera into the shared folder, as `GARMENT.yuyv`, `.nv12`, `.rgb3`, `.bgr3` and `.jpg`.
///
/// # Panics
/// There is no such photograph.
pub fn put_garment(machine: &Machine, garment: usize, photo: &str) {
    let picture = framed(photo);
    let put = |format: &str, bytes: &[u8]| machine.put(&format!("{garment}.{format}"), bytes);
    put("yuyv", &yuyv(&picture));
    put("nv12", &nv12(&picture));
    put("rgb3", picture.as_raw());
    let blue_first: Vec<u8> = picture.pixels().flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    put("bgr3", &blue_first);
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Jpeg).expect("a JPEG");
    put("jpg", file.get_ref());
}

/// `vivid` with an input that shows what its output is given: garments in a raw format, again and again. They are
/// the files `GARMENT.FORMAT` of the shared folder.
///
/// # Panics
/// The driver does not take them.
pub fn feed_vivid(machine: &Machine, garment: usize, format: &str) {
    let (width, height) = SIZE;
    machine.run(&format!(
        "pkill -x v4l2-ctl; sleep 0.3
         [ -e /sys/module/vivid ] || modprobe vivid n_devs=1 node_types=0x10101
         v4l2-ctl -d /dev/video0 -i 3 -c loop_video=1 -c osd_text_mode=2
         v4l2-ctl -d /dev/video1 -o 1
         v4l2-ctl -d /dev/video0 --set-dv-bt-timings index=0
         v4l2-ctl -d /dev/video1 --set-dv-bt-timings index=0
         cp /mnt/{garment}.{format} /tmp/frame
         setsid bash -c 'while :; do cat /tmp/frame; done' 2>/dev/null | \
         setsid v4l2-ctl -d /dev/video1 --set-fmt-video-out=width={width},height={height},pixelformat={} --stream-out-mmap=4 --stream-from=- > /tmp/feed.log 2>&1 &
         sleep 1",
        format.to_uppercase()
    ));
}

/// `v4l2loopback`, fed with JPEG pictures as an MJPEG camera gives them: the files `GARMENT.jpg` of the shared folder.
///
/// The feed holds the device open: between two writers it is no camera, and a slow machine would look just then.
///
/// # Panics
/// The driver does not take them.
pub fn feed_loopback(machine: &Machine, garment: usize) {
    let (width, height) = SIZE;
    machine.run(&format!(
        "[ -e /sys/module/v4l2loopback ] || modprobe v4l2loopback video_nr=21 exclusive_caps=1 max_width=4096 max_height=4096
         v4l2-ctl -d /dev/video21 -c keep_format=1 -c sustain_framerate=1
         v4l2-ctl -d /dev/video21 --set-fmt-video-out=width={width},height={height},pixelformat=MJPG
         pkill -f feed.sh; cp /mnt/{garment}.jpg /tmp/frame.jpg
         printf 'exec 3>/dev/video21; while :; do dd if=/tmp/frame.jpg bs=1000000 count=1 status=none >&3; sleep 0.05; done' > /tmp/feed.sh
         setsid bash /tmp/feed.sh > /tmp/feed.log 2>&1 &
         sleep 1"
    ));
}

/// A camera on USB (`uvcvideo`, by `vhci_hcd`) at one of the controller's ports, from 0, with a serial number: two nodes, pictures and data about
/// them. It gives a picture of the shared folder, `GARMENT.jpg`, `.yuyv`, `.nv12` or `.bgr3`, and says in `/tmp/usb-PORT.log` what it is asked for.
///
/// # Panics
/// The kernel does not find it.
pub fn plug_in(machine: &Machine, port: usize, serial: &str, garment: usize) {
    machine.run(&format!(
        "modprobe vhci_hcd; modprobe uvcvideo
         nodes=$(($(ls /sys/class/video4linux | wc -l) + 2))
         setsid /mnt/usb_camera {port} {serial} /mnt/{garment} > /tmp/usb-{port}.log 2>&1 &
         for _ in $(seq 600); do [ $(ls /sys/class/video4linux | wc -l) -ge $nodes ] && exit 0; sleep 0.1; done
         cat /tmp/usb-{port}.log; dmesg | tail -20; exit 1"
    ));
}

/// Takes all cameras off USB.
///
/// # Panics
/// Some stay.
pub fn unplug(machine: &Machine) {
    machine.run("pkill -x usb_camera; for _ in $(seq 600); do ls /sys/class/video4linux | grep -q . || exit 0; sleep 0.1; done; exit 1");
}
