//! A head office: keys, bundles and editions, published by our own commands.

use clothingid_device::signature;
use clothingid_device::update::Index;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::files;
use clothingid_tests::{Rig, Run, rig};
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

/// Which network a new bundle has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// That of the program, under another name: its catalogue need not be embedded anew.
    Own,
    /// Another one.
    Other,
}

/// A head office with its folder for boards.
#[derive(Debug)]
pub(crate) struct Office {
    folder: PathBuf,
    key: RefCell<String>,
    made: Cell<u32>,
}

impl Office {
    pub(crate) fn new(folder: &Path) -> Self {
        files::create_folder(folder).expect("a folder");
        let key = folder.join("office.key").display().to_string();
        signature::make_keys(Path::new(&key)).expect("keys");
        let office = Self { folder: folder.to_owned(), key: RefCell::new(key), made: Cell::new(0) };
        office.publish(&[]);
        office
    }

    /// Where boards look.
    pub(crate) fn updates(&self) -> PathBuf {
        self.folder.join("updates")
    }

    pub(crate) fn public_key(&self) -> PathBuf {
        files::with_end(Path::new(&*self.key.borrow()), ".pub")
    }

    /// Another key.
    pub(crate) fn next_key(&self) -> String {
        self.made.set(self.made.get() + 1);
        let key = self.folder.join(format!("next-{}.key", self.made.get())).display().to_string();
        signature::make_keys(Path::new(&key)).expect("keys");
        key
    }

    /// Signs with this key from now on; with which before.
    pub(crate) fn sign_with(&self, key: &str) -> String {
        self.key.replace(key.to_owned())
    }

    pub(crate) fn publish(&self, arguments: &[&str]) {
        let folder = self.updates().display().to_string();
        let run =
            Run::new(rig::program("clothingid")).args(["update", "publish", &folder, "--key", &self.key.borrow()]);
        let _told = run.args(arguments).run().expect_code(0);
    }

    /// A file with a network of this name that answers as it should.
    pub(crate) fn bundle(&self, base: Base, name: &str) -> Bundle {
        let file = match base {
            Base::Own => rig::bundle(),
            Base::Other => rig::workspace().join("models/clean.bundle"),
        };
        let mut bundle = Bundle::read(&file).expect("a bundle");
        bundle.manifest.name = name.to_owned();
        bundle
    }

    /// Offers a bundle; its number.
    pub(crate) fn offer(&self, bundle: &Bundle) -> u64 {
        let (path, name) = (self.folder.join("new.bundle"), &bundle.manifest.name);
        bundle.write(&path).expect("a bundle");
        self.publish(&["--network", &path.display().to_string(), "--label", name]);
        self.index().updates.iter().find(|update| &update.version == name).expect("what is offered").serial
    }

    pub(crate) fn offer_network(&self, base: Base, name: &str) -> u64 {
        self.offer(&self.bundle(base, name))
    }

    /// Offers a catalogue of the demo shop's first so many products.
    pub(crate) fn offer_catalogue(&self, rig: &Rig, products: usize) {
        self.made.set(self.made.get() + 1);
        let at = |what: &str| self.folder.join(format!("{what}-{}", self.made.get())).display().to_string();
        let csv = std::fs::read_to_string(rig::demo().join("catalogue.csv")).expect("the demo's catalogue");
        let csv: Vec<&str> = csv.lines().take(products + 1).collect();
        rig.write(at("csv"), csv.join("\n"));
        let photos = rig::demo().join("photos").display().to_string();
        let (csv, db, edition) = (at("csv"), at("db"), at("edition"));
        let import = ["catalogue", "import", &csv, "--photos", &photos, "--catalogue", &db, "--engine", "cpu"];
        let _told = rig.clothingid(import).run().expect_code(0);
        let _told = rig.clothingid(["catalogue", "export", &edition, "--catalogue", &db]).run().expect_code(0);
        self.publish(&["--catalogue", &edition]);
    }

    pub(crate) fn index(&self) -> Index {
        let bytes = std::fs::read(self.updates().join("updates.toml")).expect("the index");
        Index::parse("updates.toml", &bytes).expect("an index")
    }

    /// Signs an index that no command of ours would make.
    pub(crate) fn sign(&self, index: &Index) {
        let path = self.updates().join("updates.toml");
        files::write_atomic(&path, index.to_text().expect("an index").as_bytes()).expect("the index");
        let key = signature::secret_key(Path::new(&*self.key.borrow())).expect("the key");
        let _path = signature::sign(&path, &key).expect("a signature");
    }
}
