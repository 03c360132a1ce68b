//! Cameras of a real kernel: real garments go through `vivid` (YUYV, NV12, RGB), `v4l2loopback` (MJPEG) and USB (all four) into the real program, in a virtual
//! machine.
//!
//! One machine serves nearly all tests, one after another; each loads the drivers that it needs and finds no camera of the one before.

#[path = "camera/appliance.rs"]
mod appliance;
#[path = "camera/screen.rs"]
mod screen;
#[path = "camera/usb.rs"]
mod usb;

use appliance::{PROGRAM, assert_sees, camera_state, counter, machine, start, started};
use clothingid_tests::Machine;
use clothingid_tests::virtual_camera::{feed_loopback, feed_vivid};
use screen::{
    assert_as_reviewed, assert_on_screen, assert_the_card_with_an_output_is_used, assert_the_screen_has_one_owner,
};
use serde_json::Value;

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn nodes_are_told_apart_in_words() {
    let machine = machine();
    machine.run("modprobe vivid n_devs=2 node_types=0x61d1d,0x1 multiplanar=1,2; modprobe v4l2loopback video_nr=21 exclusive_caps=1; sleep 1");
    let text = machine.run(&format!("{PROGRAM} camera"));
    println!("{text}");
    for words in [
        "is a camera (YUYV, NV12, RGB3, BGR3)",
        "takes pictures and gives none",
        "gives data about pictures and no pictures",
        "gives pictures only in several planes",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("port:vivid.0"), "{text}");
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn a_garment_and_a_lost_camera_are_on_the_screen_by_drm_and_by_the_framebuffer() {
    let machine = machine();
    // Before the camera, whose own overlay would be the first framebuffer otherwise. The first card only computes and has no output.
    machine.run("[ -e /sys/module/bochs ] || { modprobe vgem; modprobe bochs; }; sleep 1; echo 0 > /sys/class/graphics/fbcon/cursor_blink");
    for (output, device) in [("drm", "/dev/dri/card1"), ("fbdev", "/dev/fb0")] {
        feed_vivid(&machine, 0, "yuyv");
        start(
            &machine,
            &format!(
                "[camera]\ndevice = '/dev/video0'\nwidth = 640\nheight = 480\nformat = 'yuyv'\n[screen]\noutput = '{output}'\n"
            ),
        );
        assert_sees(&machine, 0);
        let shown = assert_on_screen(&machine, &format!("{output}-garment"));
        assert_as_reviewed(&shown, "garment");
        if output == "drm" {
            assert_the_card_with_an_output_is_used(&machine);
        }
        assert_the_screen_has_one_owner(&machine, output, device);
        machine.run("pkill -x v4l2-ctl; sleep 0.3; echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind");
        camera_state(&machine, "lost");
        let lost = assert_on_screen(&machine, &format!("{output}-lost"));
        assert_as_reviewed(&lost, "lost");
        machine.run("pkill -x clothingid; sleep 1; modprobe -r vivid");
    }
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn garments_are_recognised_in_yuyv_nv12_and_rgb_and_the_camera_may_come_and_go() {
    let machine = machine();
    feed_vivid(&machine, 0, "yuyv");
    // Ranges are read, and the wish is brought into them.
    start(
        &machine,
        "[camera]\ndevice = 'port:vivid.0'\nwidth = 640\nheight = 480\nformat = 'yuyv'\n[camera.controls]\nsaturation = 120\ngain = 9999\n",
    );
    assert_sees(&machine, 0);
    assert_eq!(machine.run("v4l2-ctl -d /dev/video0 -C saturation,gain"), "saturation: 120\ngain: 255\n");
    let log = machine.run("cat /tmp/clothingid.log");
    assert!(log.contains("gives YUYV 640×480"), "{log}");
    assert!(log.contains("gain is set to 255: 9999 is not in its range from 0 to 255"), "{log}");

    feed_vivid(&machine, 1, "yuyv");
    assert_sees(&machine, 1);

    machine.run("pkill -x v4l2-ctl; sleep 0.3; echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind");
    let lost = camera_state(&machine, "lost");
    assert!(lost["camera_problem"].as_str().is_some_and(|words| words.contains("camera")), "{lost}");
    assert_eq!(counter(&machine, "camera_losses"), 1);
    // It is back with its first input, which shows no garment: the program sleeps until the other one is chosen.
    machine.run("pkill -STOP -x clothingid; echo vivid.0 > /sys/bus/platform/drivers/vivid/bind; sleep 0.5");
    feed_vivid(&machine, 0, "yuyv");
    machine.run("pkill -CONT -x clothingid");
    camera_state(&machine, "ok");
    assert_sees(&machine, 0);
    assert_eq!(machine.run("v4l2-ctl -d /dev/video0 -C saturation"), "saturation: 120\n", "set again");

    for (garment, format, words) in [(1, "nv12", "gives NV12 640×480"), (0, "rgb3", "gives RGB3 640×480")] {
        machine.run("pkill -x clothingid");
        feed_vivid(&machine, garment, format);
        let name = format.trim_end_matches('3');
        start(&machine, &format!("[camera]\ndevice = '/dev/video0'\nwidth = 640\nheight = 480\nformat = '{name}'\n"));
        assert_sees(&machine, garment);
        let log = machine.run("cat /tmp/clothingid.log");
        assert!(log.contains(words), "{log}");
    }
}

/// The least and the largest brightness that the staff's page offers.
fn brightness(machine: &Machine) -> (String, String) {
    let page = machine.run("curl -s --max-time 60 -b /tmp/jar http://127.0.0.1:8080/staff/light");
    let of = |name: &str| {
        let field = page.split("name=\"value-brightness\"").nth(1)?.split('>').next()?;
        field.split(&format!("{name}=\"")).nth(1)?.split('"').next().map(str::to_owned)
    };
    match (of("min"), of("max")) {
        (Some(least), Some(most)) => (least, most),
        // The camera is away for a moment.
        _ => (String::new(), String::new()),
    }
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn the_staff_lock_the_camera_as_it_is_and_it_stays_so() {
    let machine = machine();
    feed_vivid(&machine, 0, "yuyv");
    machine.run(&format!(
        "v4l2-ctl -d /dev/video0 -c gain_automatic=1 -c contrast=99; mkdir -p /tmp/state
         printf '482915\\n' | XDG_DATA_HOME=/tmp/state {PROGRAM} staff set-pin"
    ));
    let config = "[camera]\ndevice = 'port:vivid.0'\nwidth = 640\nheight = 480\nformat = 'yuyv'\n";
    start(&machine, config);
    assert_sees(&machine, 0);
    machine.staff_form("/staff/login", "pin=482915&to=/staff/light");
    let controls = "v4l2-ctl -d /dev/video0 -C gain_automatic,contrast";
    assert_eq!(machine.run(controls), "gain_automatic: 1\ncontrast: 99\n", "looking changes nothing");
    machine.staff_form("/staff/light", "do=lock");
    machine.soon("the gain is locked", || machine.run(controls).starts_with("gain_automatic: 0").then_some(()));
    // The range of the brightness is the input's own, and the page shows what it is now.
    machine.soon("the input's range", || (brightness(&machine) == ("384".into(), "639".into())).then_some(()));
    machine.staff_form("/staff/light", "do=set&value-contrast=140&value-brightness=500");
    machine.soon("the contrast is set", || machine.run(controls).ends_with("contrast: 140\n").then_some(()));
    assert_eq!(machine.run("v4l2-ctl -d /dev/video0 -C brightness"), "brightness: 500\n");

    // The camera is unplugged and comes back as it was made; then the program is started anew.
    let is_set = || (machine.run(controls) == "gain_automatic: 0\ncontrast: 140\n").then_some(());
    machine.run("pkill -x v4l2-ctl; sleep 0.3; echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind");
    camera_state(&machine, "lost");
    machine.run("echo vivid.0 > /sys/bus/platform/drivers/vivid/bind");
    machine.soon("set again after the camera's return", is_set);
    // Its first input has another range: the wish is brought into it, and that is said.
    let ranges = machine.soon("the other range", || Some(brightness(&machine)).filter(|(least, _)| least == "0"));
    assert_eq!(ranges.1, "255");
    assert_eq!(machine.run("v4l2-ctl -d /dev/video0 -C brightness"), "brightness: 255\n");
    // It is said with the first picture.
    machine.soon("that the wish was brought into the range", || {
        let said = "brightness is set to 255: 500 is not in its range from 0 to 255";
        machine.run("cat /tmp/clothingid.log").contains(said).then_some(())
    });
    machine.run("pkill -x clothingid; sleep 1; v4l2-ctl -d /dev/video0 -c gain_automatic=1 -c contrast=99");
    start(&machine, config);
    machine.soon("set again after the program's", is_set);
    machine.staff_form("/staff/login", "pin=482915&to=/staff/light");
    machine.staff_form("/staff/light", "do=free");
    machine.soon("left to the camera", || machine.run(controls).starts_with("gain_automatic: 1").then_some(()));
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn the_first_that_gives_pictures_is_taken_mjpeg_is_read_and_corrupt_pictures_are_passed_over() {
    let machine = machine();
    feed_loopback(&machine, 0);
    // One before it gives its pictures to another program.
    machine.run(
        "modprobe vivid n_devs=1 node_types=0x1; sleep 1
         setsid v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=1000000 > /tmp/busy.log 2>&1 & sleep 2",
    );
    let cameras = machine.run(&format!("{PROGRAM} camera"));
    assert_eq!(cameras.matches(" is a camera (").count(), 2, "{cameras}");
    start(&machine, "[camera]\ndevice = 'auto'\nwidth = 640\nheight = 480\n");
    assert_sees(&machine, 0);
    let log = machine.run("cat /tmp/clothingid.log");
    assert!(log.contains("gives MJPG 640×480"), "{log}");
    let open = machine.run("ls -l /proc/$(pgrep -x clothingid)/fd");
    assert!(open.contains("/dev/video21") && !open.contains("/dev/video0"), "{open}");
    // The other program goes on: should this one look for a camera again, it finds the same.
    let before = counter(&machine, "frames_corrupt");
    machine.run("head -c 4000 /mnt/0.jpg > /tmp/torn.jpg; mv /tmp/torn.jpg /tmp/frame.jpg");
    machine.soon("corrupt frames", || (counter(&machine, "frames_corrupt") > before).then_some(()));
    feed_loopback(&machine, 1);
    assert_sees(&machine, 1);
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn injected_errors_are_survived() {
    // One machine at a time: their processors are emulated.
    let _waits = machine();
    // In a machine of its own: they leave the driver itself in disorder.
    let machine = started();
    feed_vivid(&machine, 0, "yuyv");
    start(&machine, "[camera]\ndevice = '/dev/video0'\nwidth = 640\nheight = 480\nformat = 'yuyv'\n");
    assert_sees(&machine, 0);
    // The driver drops half of its pictures, and says of some that they are damaged.
    machine.run("v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=50");
    machine.soon("lost frames", || (counter(&machine, "frames_lost") > 0).then_some(()));
    machine.run("v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0");
    let corrupt = counter(&machine, "frames_corrupt");
    machine.run("v4l2-ctl -d /dev/video0 -c inject_v4l2_buf_flag_error=1");
    machine.soon("damaged frames", || (counter(&machine, "frames_corrupt") > corrupt).then_some(()));
    // The stream ends with an error; it is begun anew.
    let losses = counter(&machine, "camera_losses");
    machine.run("v4l2-ctl -d /dev/video0 -c inject_fatal_streaming_error=1");
    machine.soon("a loss", || (counter(&machine, "camera_losses") > losses).then_some(()));
    camera_state(&machine, "ok");
    // The next start of a stream fails once.
    machine.run("v4l2-ctl -d /dev/video0 -c inject_vidioc_streamon_error=1 -c inject_fatal_streaming_error=1");
    machine.soon("a second loss", || (counter(&machine, "camera_losses") > losses + 1).then_some(()));
    camera_state(&machine, "ok");
    let frames = counter(&machine, "frames");
    machine.soon("frames again", || (counter(&machine, "frames") > frames + 10).then_some(()));
    let log = machine.run("cat /tmp/clothingid.log");
    assert!(!log.contains("panicked") && !log.contains("a fault in the program"), "{log}");
    assert_eq!(machine.run("pgrep -xc clothingid").trim(), "1");
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn cameras_that_cannot_be_used_are_said_clearly() {
    let machine = machine();
    machine.run("modprobe vivid n_devs=2 node_types=0x61d1d,0x1 multiplanar=1,2; sleep 1");
    let of = |arguments: &str| {
        let (status, text) = machine.try_run(&format!("{PROGRAM} camera --frames 2 {arguments}"));
        assert_eq!(status, 1, "{text}");
        text
    };
    let node = |words: &str| {
        let list = machine.run(&format!("{PROGRAM} camera"));
        let line = list.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {list}"));
        line.split('`').nth(1).expect("a node").to_owned()
    };
    assert!(of("--try /dev/video99").contains("camera `/dev/video99` is gone"), "{}", of("--try /dev/video99"));
    assert!(of("--try /dev/null").contains("`/dev/null` is no camera"));
    assert!(of("--try serial:none").contains("there is no camera that is the one with serial number none"));
    let planar = of(&format!("--try {}", node("several planes")));
    assert!(planar.contains("V4L2 multi-planar") && planar.contains("clothingid-csi-camera.service"), "{planar}");
    let output = of(&format!("--try {}", node("takes pictures")));
    assert!(output.contains("takes pictures and gives none"), "{output}");

    machine.run("setsid v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=100000 > /tmp/busy.log 2>&1 & sleep 2");
    let busy = of("--try /dev/video0");
    assert!(busy.contains("camera `/dev/video0` is in use") && busy.contains("fuser /dev/video0"), "{busy}");
    machine.run("pkill -x v4l2-ctl; sleep 0.5");

    machine.put("config.toml", b"[camera]\nformat = 'mjpeg'\n");
    let format = of("--try /dev/video0 --config /mnt/config.toml");
    assert!(format.contains("camera `/dev/video0` has no mjpeg"), "{format}");
    let tried = machine.run(&format!("{PROGRAM} camera --try /dev/video0 --frames 5 --json"));
    let tried: Value = serde_json::from_str(tried.lines().last().expect("a line")).expect("JSON");
    assert_eq!(tried["frames"], 5, "{tried}");
    assert!(tried["controls"].as_array().is_some_and(|controls| controls.len() >= 4), "{tried}");
}

#[test]
#[ignore = "needs the virtual machine: `cargo xtask test --suite camera`"]
fn a_camera_that_comes_and_goes_leaves_nothing_behind() {
    let machine = machine();
    machine.run("modprobe vivid n_devs=1 node_types=0x1");
    start(&machine, "[camera]\ndevice = 'port:vivid.0'\nwidth = 640\nheight = 480\n");
    camera_state(&machine, "ok");
    let comes_and_goes = |times: usize| {
        for _ in 0..times {
            machine.run("echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind");
            camera_state(&machine, "lost");
            machine.run("echo vivid.0 > /sys/bus/platform/drivers/vivid/bind");
            camera_state(&machine, "ok");
        }
        // Files, in which the driver's buffers are; memory in KiB.
        let held = machine.run("cd /proc/$(pgrep -x clothingid); ls fd | wc -l; grep -c /dev/video maps; awk '/^VmRSS/ { print $2 }' status");
        let held: Vec<u64> = held.lines().map(|line| line.parse().expect("a number")).collect();
        (held[0], held[1], held[2])
    };
    let (files, maps, before) = comes_and_goes(2);
    let (files_after, maps_after, after) = comes_and_goes(15);
    assert_eq!((files_after, maps_after), (files, maps));
    assert!(after < before + 5 * 1024, "{before} KiB, then {after}");
    assert_eq!(counter(&machine, "camera_losses"), 17);
    machine.run("pkill -x clothingid");
}
