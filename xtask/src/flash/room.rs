//! Room on the disk for what NVIDIA's tools make of the board's root.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::host::Host;
use crate::report::Report;

const GIB: u64 = 1 << 30;

/// A root with NVIDIA's packages takes about 7 GiB, by what owners of boards say. For each of two slots `flash.sh` writes it as an image and as a
/// sparse image, and `l4t_create_images_for_kernel_flash.sh` packs it once more: six times in all. The rest is for firmware, logs and roots that
/// somebody added to.
///
/// **Source**: `create_fsimg` and `build_fsimg` in `flash.sh`, `package_images` in the other, both of Jetson Linux 36.2.
const NEEDED: u64 = 48 * GIB;

/// What an earlier flashing left of that, which the next one writes over.
const LEFT_OVER: [&str; 6] = [
    "bootloader/system.img",
    "bootloader/system.img.raw",
    "bootloader/system.img_b",
    "bootloader/system.img_b.raw",
    "tools/kernel_flash/images/external/system.img",
    "tools/kernel_flash/images/external/system.img_b",
];

/// How much room there is, where it is enough.
pub(super) fn check(host: &Host, l4t: &Path) -> Result<String, Report> {
    let Some(free) = (host.available)(l4t) else {
        let what = format!("how much room the disk of `{}` has cannot be told", l4t.display());
        return Err(Report::failure(what, format!("look what `df {}` says", l4t.display())));
    };
    // Blocks and not lengths: the images have holes.
    let files = LEFT_OVER.iter().filter_map(|file| std::fs::metadata(l4t.join(file)).ok());
    let left_over: u64 = files.map(|facts| facts.blocks() * 512).sum();
    let free_and_left_over = free.saturating_add(left_over);
    if free_and_left_over >= NEEDED {
        return Ok(format!("{} GiB", free_and_left_over / GIB));
    }
    let what = format!(
        "too little room on the disk of `{}`: {} GiB, and NVIDIA's tools make up to {} GiB of images there",
        l4t.display(),
        free_and_left_over / GIB,
        NEEDED / GIB
    );
    Err(Report::failure(what, "make room there, or move `Linux_for_Tegra` to a larger disk as root (`sudo cp -a`)"))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;

    #[test]
    fn too_little_room_is_told_in_figures() {
        let mut tree = MadeUp::good();
        assert_eq!(check(&tree.host(), &tree.l4t()).ok().as_deref(), Some("100 GiB"));
        tree.available = |_| Some(NEEDED - 1);
        let told = failure(check(&tree.host(), &tree.l4t()));
        assert!(
            told.contains(": 47 GiB, and NVIDIA's tools make up to 48 GiB") && told.contains("hint: make room"),
            "{told}"
        );
        tree.available = |_| None;
        assert!(failure(check(&tree.host(), &tree.l4t())).contains("hint: look what `df "));
    }

    #[test]
    fn what_the_last_flashing_left_is_written_over() {
        let mut tree = MadeUp::good();
        tree.available = |_| Some(NEEDED - 1);
        // Long enough to have a block wherever this runs.
        tree.write("l4t/bootloader/system.img_b.raw", &"an image ".repeat(10_000));
        assert!(check(&tree.host(), &tree.l4t()).is_ok());
    }
}
