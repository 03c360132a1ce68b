//! A bundle as bytes: the same bundle gives the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use super::golden::{Entry, TABLE, answers_name, answers_to_bytes};
use super::manifest::NAME;
use super::{Bundle, BundleError, BundleProblem, FileFacts};
use crate::embedding::ArithmeticClass;
use crate::files::{sha256_hex, write_atomic};

impl Bundle {
    /// The archive's bytes.
    ///
    /// # Errors
    /// [`BundleProblem::Content`] where the parts do not fit each other, for instance a golden photograph without an answer.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleProblem> {
        let files = self.files()?;
        let mut manifest = self.manifest.clone();
        manifest.files = files
            .iter()
            .map(|(name, bytes)| (name.clone(), FileFacts { sha256: sha256_hex(bytes), bytes: bytes.len() as u64 }))
            .collect();
        manifest.check()?;
        let json = serde_json::to_vec_pretty(&manifest).map_err(|error| content(NAME, &error))?;
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, NAME, &json)?;
        for (name, bytes) in &files {
            append(&mut archive, name, bytes)?;
        }
        archive.into_inner().map_err(|error| content(NAME, &error))
    }

    /// Writes the bundle, wholly or not at all.
    ///
    /// # Errors
    /// [`BundleError`] with the path.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        let bytes = self.to_bytes().map_err(|problem| BundleError::Refused { path: path.to_owned(), problem })?;
        Ok(write_atomic(path, &bytes)?)
    }

    /// Every file but `bundle.json`, by name.
    fn files(&self) -> Result<BTreeMap<String, Vec<u8>>, BundleProblem> {
        let mut files = BTreeMap::new();
        files.insert("network.onnx".to_owned(), self.network.clone());
        files.insert("MODEL_CARD.md".to_owned(), self.model_card.clone().into_bytes());
        for (name, text) in &self.licences {
            files.insert(format!("LICENSES/{name}"), text.clone().into_bytes());
        }
        let entries: Vec<Entry> = self
            .golden
            .iter()
            .map(|golden| Entry { name: golden.name.clone(), picture_sha256: golden.picture_sha256.clone() })
            .collect();
        files.insert(TABLE.to_owned(), serde_json::to_vec_pretty(&entries).map_err(|error| content(TABLE, &error))?);
        for golden in &self.golden {
            files.insert(golden.name.clone(), golden.photo.clone());
        }
        for class in [ArithmeticClass::Float, ArithmeticClass::Int8] {
            let answers: Vec<_> = self.golden.iter().filter_map(|golden| golden.answers.get(&class)).collect();
            if answers.len() != self.golden.len() {
                let detail = format!("{} answers for {} photographs", answers.len(), self.golden.len());
                return Err(BundleProblem::Content { name: answers_name(class), detail });
            }
            files.insert(answers_name(class), answers_to_bytes(answers.into_iter()));
        }
        Ok(files)
    }
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> Result<(), BundleProblem> {
    // No time, owner or machine in the header: equal content, equal bytes.
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    archive.append_data(&mut header, name, bytes).map_err(|error| content(name, &error))
}

fn content(name: &str, error: &dyn std::fmt::Display) -> BundleProblem {
    BundleProblem::Content { name: name.to_owned(), detail: error.to_string() }
}
