//! Bundles of systems that a board is given.

use std::path::{Path, PathBuf};

use clothingid_shared::bundle::Bundle;
use clothingid_tests::command::tool;
use clothingid_tests::rig;
use clothingid_tests::virtual_board::{folder, made};

/// Systems that are signed as they should be and are not well, each the good one with another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unwell {
    /// The program ends as soon as it is started.
    Crashes,
    /// It starts, and never says that it is ready.
    Hangs,
    /// It works, and answers the golden photographs otherwise than the bundle promises.
    AnswersWrongly,
}

impl Unwell {
    /// The name of its bundle.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Crashes => "crashing.raucb",
            Self::Hangs => "hanging.raucb",
            Self::AnswersWrongly => "wrong.raucb",
        }
    }

    /// Puts its program into a system.
    fn spoil(self, root: &Path) {
        let program = root.join("usr/bin/clothingid");
        let script = match self {
            Self::Crashes => "#!/bin/sh\nexit 1\n",
            Self::Hangs => "#!/bin/sh\nexec sleep infinity\n",
            Self::AnswersWrongly => {
                std::fs::rename(&program, root.join("usr/bin/clothingid-itself")).expect("the program");
                std::fs::write(root.join("usr/share/clothingid/wrong.bundle"), wrong_answers()).expect("a bundle");
                "#!/bin/sh\n\
                 command=$1; shift\n\
                 if [ \"$command\" = doctor ]; then set -- --bundle /usr/share/clothingid/wrong.bundle \"$@\"; fi\n\
                 exec /usr/bin/clothingid-itself \"$command\" \"$@\"\n"
            }
        };
        std::fs::write(&program, script).expect("a program");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable).expect("its rights");
    }

    /// Its bundle, signed by the same key as the good one.
    pub(crate) fn bundle(self, place: &Path) -> PathBuf {
        let at = |name: &str| place.join(name).display().to_string();
        let bundle = made(".raucb").display().to_string();
        tool("unsquashfs", &["-no-progress", "-d", &at("bundle"), &bundle]);
        tool("unsquashfs", &["-no-progress", "-d", &at("root"), &at("bundle/root.img")]);
        self.spoil(&place.join("root"));
        std::fs::remove_file(place.join("bundle/root.img")).expect("the old root");
        let quickly = ["-noappend", "-no-progress", "-comp", "zstd", "-Xcompression-level", "1"];
        tool("mksquashfs", &[&[&*at("root"), &at("bundle/root.img")], &quickly[..]].concat());
        std::fs::remove_dir_all(place.join("root")).expect("the root's folder");
        let path = place.join(self.file());
        let [cert, key] = ["development.cert.pem", "development.key.pem"].map(|name| folder().join(name));
        sign(&place.join("bundle"), &path, &cert, &key);
        std::fs::remove_dir_all(place.join("bundle")).expect("the bundle's folder");
        path
    }
}

/// The bundle that ships, with golden answers that its network does not give.
fn wrong_answers() -> Vec<u8> {
    let mut bundle = Bundle::read(&rig::workspace().join("models/clothingid.bundle")).expect("the bundle");
    for golden in &mut bundle.golden {
        for answer in golden.answers.values_mut() {
            answer.category14[0] += 5.0;
        }
    }
    bundle.to_bytes().expect("a bundle")
}

fn sign(content: &Path, bundle: &Path, cert: &Path, key: &Path) {
    let [content, bundle, cert, key] = [content, bundle, cert, key].map(|path| path.display().to_string());
    tool("rauc", &["bundle", "--cert", &cert, "--key", &key, &content, &bundle]);
}

/// Two bundles that a board must not take: for another kind of board, and signed by somebody else. Each is small: neither is looked into.
pub(crate) fn strangers(place: &Path) -> [PathBuf; 2] {
    let content = place.join("small");
    std::fs::create_dir(&content).expect("a folder");
    let noise: Vec<u8> = (0..64_u32 << 10).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(content.join("root.img"), noise).expect("a root");
    let manifest = |compatible: &str| {
        let text = format!(
            "[update]\ncompatible={compatible}\nversion=9\n\n[bundle]\nformat=verity\n\n[image.rootfs]\nfilename=root.img\n"
        );
        std::fs::write(content.join("manifest.raucm"), text).expect("a manifest");
    };
    let [own_cert, own_key] = ["development.cert.pem", "development.key.pem"].map(|name| folder().join(name));
    let [cert, key] = ["stranger.cert.pem", "stranger.key.pem"].map(|name| place.join(name));
    let [cert_text, key_text] = [&cert, &key].map(|path| path.display().to_string());
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "36500", "-subj", "/CN=stranger"];
    tool("openssl", &[&request[..], &["-keyout", &key_text, "-out", &cert_text]].concat());
    let [other_board, other_key] = ["other-board.raucb", "other-key.raucb"].map(|name| place.join(name));
    manifest("clothingid-raspberry-pi-5");
    sign(&content, &other_board, &own_cert, &own_key);
    let _ = std::fs::remove_file(content.join("manifest.raucm"));
    manifest("clothingid-generic-x86-64");
    sign(&content, &other_key, &cert, &key);
    [other_board, other_key]
}
