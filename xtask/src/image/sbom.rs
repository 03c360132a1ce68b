//! What a system consists of, as CycloneDX 1.5: Debian's packages, and the crates of the program.

use std::path::Path;

use super::root::Root;
use super::{Image, unwritten, write};
use crate::cargo::workspace;
use crate::report::Report;

/// Writes the list.
pub(super) fn make(image: &Image<'_>, root: &Root, work: &Path) -> Result<(), Report> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| {
            Report::failure(format!("`{}` cannot be read", path.display()), "try again").caused_by(error)
        })
    };
    let mut components = debian(&read(&root.packages)?);
    components.extend(crates(&read(&workspace().join("Cargo.lock"))?)?);
    let path = work.join("cdx.json");
    let text = document(&image.version, &image.board.name, &components);
    let text = serde_json::to_string_pretty(&text).map_err(|error| unwritten(&path, error))?;
    write(&path, &(text + "\n"))
}

/// One a line: name, version, architecture, source package.
fn debian(text: &str) -> Vec<serde_json::Value> {
    let component = |line: &str| {
        let mut words = line.split(' ');
        let (name, version, arch, source) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(serde_json::json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": format!("pkg:deb/debian/{name}@{version}?arch={arch}"),
            "properties": [
                { "name": "debian:source", "value": source },
                { "name": "licence:text", "value": format!("/usr/share/doc/{name}/copyright") },
            ],
        }))
    };
    text.lines().filter_map(component).collect()
}

/// Those of the lock file that come from outside.
fn crates(lock: &str) -> Result<Vec<serde_json::Value>, Report> {
    let lock: toml::Table = toml::from_str(lock)
        .map_err(|error| Report::failure("`Cargo.lock` cannot be read", "check it out anew").caused_by(error))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let component = |package: &toml::Value| {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let (name, version, _) = (text("name")?, text("version")?, text("source")?);
        let hash = text("checksum").map(|sum| serde_json::json!([{ "alg": "SHA-256", "content": sum }]));
        Some(serde_json::json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
            "hashes": hash.unwrap_or_else(|| serde_json::json!([])),
        }))
    };
    Ok(packages.filter_map(component).collect())
}

fn document(version: &str, board: &str, components: &[serde_json::Value]) -> serde_json::Value {
    serde_json::json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": { "type": "firmware", "name": format!("clothingid-{board}"), "version": version },
        },
        "components": components,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_crates_are_named_with_where_they_are_from() {
        let packages = debian("systemd 252.39-1~deb12u2 amd64 systemd\nbroken\n");
        assert_eq!(packages.len(), 1);
        assert_eq!(packages[0]["purl"], "pkg:deb/debian/systemd@252.39-1~deb12u2?arch=amd64");
        let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).expect("the lock file");
        let crates = crates(&lock).map_err(|report| report.to_string()).expect("crates");
        let purls: Vec<&str> = crates.iter().filter_map(|one| one["purl"].as_str()).collect();
        assert!(purls.iter().any(|purl| purl.starts_with("pkg:cargo/tract-onnx@")), "{purls:?}");
        // The workspace's own are no parts from outside.
        assert!(!purls.iter().any(|purl| purl.contains("clothingid")), "{purls:?}");
    }
}
