//! Good files for each reader of outside bytes: what its fuzz target and the mutations of the replay test start from.

use crate::made_up::{embedded, identity, product, write};
use crate::{photographs, rig};
use clothingid_device::catalogue::index::{Keeper, sidecar};
use clothingid_device::catalogue::store::{Author, Correction};
use clothingid_device::catalogue::{Role, Store, edition};
use clothingid_shared::bundle::Bundle;

/// The example of minisign's own page.
const PUBLIC_KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// Good files for a reader.
///
/// **Panics** when there is no such reader, and when a file cannot be read or made.
#[must_use]
pub fn of(reader: &str) -> Vec<Vec<u8>> {
    let read =
        |path: std::path::PathBuf| std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match reader {
        "photo" => photographs::photos_below(&rig::corpus().join("files")).into_iter().map(read).collect(),
        // libFuzzer holds in memory what it has found: megabytes of weights each time would fill it, and nobody reads them here.
        "bundle" => {
            let mut bundle = shipped();
            bundle.network.truncate(1000);
            bundle.golden.truncate(2);
            vec![bundle.to_bytes().expect("a small bundle")]
        }
        "network" => vec![shipped().network],
        "catalogue_csv" => {
            let exports = rig::workspace().join("device/src/catalogue/csv/exports");
            vec![
                read(rig::demo().join("catalogue.csv")),
                b"sku;title;photo\n\"1\";\"a\"\"b\";x.jpg\r\n".to_vec(),
                read(exports.join("shopify.csv")),
                read(exports.join("woocommerce.csv")),
            ]
        }
        "catalogue_zip" => ["good", "one-folder", "code-page-437", "in-front", "large-form"]
            .map(|name| read(rig::workspace().join(format!("fuzz/saved/catalogue_zip/{name}.zip"))))
            .into(),
        "catalogue_file" => [false, true].map(catalogue).into(),
        "catalogue_index" => vec![index()],
        "config" => vec![b"[camera]\nfolder = \"photos\"\nframes_per_second = 2.5\n# end\n".to_vec()],
        "update_index" => vec![
            format!(
                "serial = 41\n[[update]]\nkind = \"system\"\nserial = 12\nversion = \"2026.11\"\nfile = \"a.raucb\"\nbytes = 3145728\n\
                 sha256 = \"{}\"\nboards = [\"generic-arm64\"]\n[[key]]\npublic = \"{PUBLIC_KEY}\"\n[[retired]]\nid = \"E7620F1842B4E81F\"\n",
                "0".repeat(64)
            )
            .into_bytes(),
            PUBLIC_KEY.into(),
            // The example of minisign's own page.
            b"untrusted comment: signature from minisign secret key\nRUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n\
              trusted comment: timestamp:1633700835\tfile:test\tprehashed\n\
              wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==\n"
                .to_vec(),
        ],
        "staff_form" => vec![
            b"token=t&do=take&code=4006381333931&name=Linen+shirt".to_vec(),
            b"--part\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nt\r\n--part\r\nContent-Disposition: form-data; \
              name=\"photo\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\r\n--part--\r\n"
                .to_vec(),
        ],
        other => panic!("no seed for `{other}`"),
    }
}

fn shipped() -> Bundle {
    clothingid_device::network::read_bundle(Some(&rig::bundle())).expect("the shipped bundle")
}

/// A catalogue with a history, or an edition of it.
fn catalogue(is_edition: bool) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, edition) = (folder.path().join("c.db"), folder.path().join("edition"));
    let whose = identity("one");
    let mut store = Store::open_or_create(&path).expect("a catalogue");
    let writes = ["A", "B"].map(|sku| write(&whose, product(sku, "t"), &[("a.jpg".to_owned(), sku.into())]));
    store.commit(&whose, &writes, &[]).expect("a commit");
    let bytes = b"query".to_vec();
    let says = vec![("A".to_owned(), Role::Counter), ("B".to_owned(), Role::Mistaken)];
    store.correct(&whose, &[Correction { embedded: embedded(&whose, &bytes), bytes, says }]).expect("a correction");
    store.sign(Author::default());
    store.remove("A").expect("a removal");
    if is_edition {
        let _ = edition::write::write(&store, &edition, None).expect("an edition");
    }
    drop(store);
    std::fs::read(if is_edition { edition } else { path }).expect("a file")
}

/// The index beside a catalogue.
fn index() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.db");
    std::fs::write(&path, catalogue(false)).expect("to write the catalogue");
    let mut keeper = Keeper::read(&Store::open(&path).expect("it opens"), &identity("one")).expect("an index");
    keeper.save(&path).expect("to write it");
    std::fs::read(sidecar::beside(&path)).expect("a file")
}
