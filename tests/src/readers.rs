//! The readers of outside bytes, each as a function that may return anything but must not panic.
//!
//! The fuzz targets and the replay test call the same functions.

use crate::made_up::{direction, identity};
use std::path::Path;

/// One reader.
pub type Reader = fn(&[u8]);

/// All readers by the names of their fuzz targets.
pub const READERS: [(&str, Reader); 10] = [
    ("photo", photo),
    ("bundle", bundle),
    ("network", network),
    ("catalogue_csv", catalogue_csv),
    ("catalogue_zip", catalogue_zip),
    ("catalogue_file", catalogue_file),
    ("catalogue_index", catalogue_index),
    ("config", config),
    ("update_index", update_index),
    ("staff_form", staff_form),
];

/// A photograph, all the way to the network's input.
pub fn photo(bytes: &[u8]) {
    if let Ok(picture) = clothingid_shared::picture::decode(bytes) {
        let contract = clothingid_shared::picture::PictureContract::default();
        let made = contract.make(&picture).expect("a decoded picture can be made");
        assert_eq!((made.width(), made.height()), (contract.side, contract.side));
    }
}

/// A bundle. One that is accepted must be written and read back as the same.
pub fn bundle(bytes: &[u8]) {
    if let Ok(bundle) = clothingid_shared::bundle::Bundle::from_bytes(bytes) {
        let again = bundle.to_bytes().expect("an accepted bundle can be written");
        let again = clothingid_shared::bundle::Bundle::from_bytes(&again).expect("and read");
        assert_eq!(again.network_sha256(), bundle.network_sha256());
    }
}

/// The ONNX file of a bundle, all the way to an engine. One that is accepted must run.
pub fn network(bytes: &[u8]) {
    use clothingid_device::network::{Answer, EngineChoice, open, read_bundle};
    use clothingid_shared::picture::Picture;

    let mut bundle = read_bundle(None).expect("the shipped bundle");
    bundle.network = bytes.to_vec();
    if let Ok(opened) = open(EngineChoice::Cpu, &bundle, 1) {
        let mut engine = opened.engine;
        let side = engine.side();
        // Larger ones run as well, and for seconds.
        if side <= 256 {
            // An answer that is no finite number is refused, which is fine.
            let _ = engine.run(&Picture::filled(side, side, [9, 200, 90]), &mut Answer::default());
        }
    }
}

/// A shop's catalogue file.
pub fn catalogue_csv(bytes: &[u8]) {
    // The listing or the error are both fine.
    let _ = clothingid_device::catalogue::csv::read("catalogue.csv", bytes);
}

/// The ZIP file of a catalogue's photographs, and all that is in it. A photograph has the size that was said before it was read.
pub fn catalogue_zip(bytes: &[u8]) {
    use clothingid_device::catalogue::photos::{PhotoSource, ZipPhotos};

    if let Ok(photos) = ZipPhotos::of(Path::new("photos.zip"), bytes.to_vec()) {
        for name in photos.names() {
            if let Ok(photo) = photos.read(name) {
                assert_eq!(photo.len() as u64, photos.byte_len(name), "{name}");
            }
            // Its name in other letters, and without its first folder.
            let _ = photos.read(&name.to_uppercase());
            let _ = photos.read(name.split_once('/').map_or("", |(_, rest)| rest));
        }
    }
}

/// A catalogue, or an edition of one, whoever wrote it: opened, looked at byte by byte, searched, and asked what an import would take of it.
pub fn catalogue_file(bytes: &[u8]) {
    use clothingid_device::catalogue::edition::Edition;
    use clothingid_device::catalogue::{Gallery, Search, Snapshot, Store};

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.db");
    std::fs::write(&path, bytes).expect("to write the input");
    if let Ok(edition) = Edition::open(&path) {
        let _ = edition.wanted("c.db", None);
    }
    let whose = identity("one");
    if let Ok(mut store) = Store::open(&path) {
        let _ = store.check();
        let _ = store.undo(None);
    }
    if let Ok(snapshot) = Snapshot::open(&path, &whose) {
        let _ = snapshot.search(&Search::of(&direction(&whose, b"any"), 5));
    }
}

/// The index beside a catalogue. Its checksum is made right first: otherwise nothing behind it would ever be read.
pub fn catalogue_index(bytes: &[u8]) {
    use clothingid_device::catalogue::index::{Finder, Keeper};

    let (of, whose) = (&bytes[..bytes.len().saturating_sub(4)], identity("one"));
    let summed = [of, &crc32fast::hash(of).to_le_bytes()].concat();
    for bytes in [bytes, &summed] {
        if let Some(keeper) = Keeper::of_bytes(bytes, &whose) {
            let mut finder = Finder::default();
            finder.query.set(&direction(&whose, b"any")).expect("a direction");
            keeper.index().find(&mut finder, None, 10, 10);
        }
    }
}

/// A configuration file.
pub fn config(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = clothingid_device::config::read::parse(Path::new("config.toml"), text);
    }
}

/// The index of updates; what is read is written and read again. The same bytes as a key and as a signature.
pub fn update_index(bytes: &[u8]) {
    use clothingid_device::signature;
    use clothingid_device::update::Index;
    if let Ok(index) = Index::parse("updates.toml", bytes) {
        let text = index.to_text().expect("an index has a form");
        assert_eq!(Index::parse("again", text.as_bytes()).as_ref(), Ok(&index));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = signature::read_signature(Path::new("updates.toml.minisig"), text);
        let _ = signature::public_key(text);
    }
}

/// What is sent to the staff's pages: as a form, as one with files between lines `--part`, and each of its values as what a scanner types, a file's
/// name, a price range and a token.
pub fn staff_form(bytes: &[u8]) {
    use axum::extract::{FromRequest, Multipart};
    use clothingid_device::page::staff::form::Fields;
    use clothingid_device::page::staff::form_files::{self, FILES};
    use clothingid_device::page::staff::gate;
    use clothingid_device::staff::{barcode, incoming};
    use clothingid_device::token::Token;

    let value = |text: &str| {
        if let Some(barcode::Code::Sound(code)) = barcode::read(text) {
            assert!(barcode::is_same(&code, &code), "{code}");
        }
        if let Some(name) = incoming::file_name(text) {
            assert!(!name.contains(['/', '\\']) && !name.starts_with('.'), "{name}");
        }
        if let Ok(token) = text.parse::<Token>() {
            assert_eq!(token.to_string(), text);
        }
        let _ = gate::is_ours(text);
    };
    let fields = Fields::read(bytes);
    for name in ["token", "code", "number", "pin", "name", "do"] {
        value(fields.get(name));
        fields.all(name).for_each(value);
    }
    value(&String::from_utf8_lossy(bytes));

    let request = axum::http::Request::builder()
        .header("content-type", "multipart/form-data; boundary=part")
        .body(axum::body::Body::from(bytes.to_vec()))
        .expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let form = Multipart::from_request(request, &()).await.expect("its head is right");
        if let Ok((fields, files)) = form_files::read(form, |fields| fields.get("token") == "t").await {
            assert!(fields.get("token") == "t" && files.len() <= FILES, "only a form of ours is taken");
        }
    });
}
