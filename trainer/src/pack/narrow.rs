//! A pack of fewer sources beside a whole one: only what may be passed on, divided as the whole one is.
//!
//! A network that was trained on the narrow pack can then be reported on with the whole pack's report part: neither has seen it.

use std::collections::HashMap;

use super::Pack;
use crate::import::{Manifest, Part};

/// Leaves out the rows of sources whose photographs may not be passed on, and says how many those were.
pub fn only_shippable(manifest: &mut Manifest) -> usize {
    let before = manifest.rows.len();
    let Manifest { rows, sources, .. } = manifest;
    rows.retain(|row| sources.get(&row.source).is_some_and(|facts| facts.may_ship));
    sources.retain(|key, _| rows.iter().any(|row| row.source == *key));
    before - rows.len()
}

/// Gives each row the part that its path has in `pack`, and says how many rows the pack does not have; those are drawn as ever.
pub fn parts_of(manifest: &mut Manifest, pack: &Pack) -> usize {
    let parts: HashMap<&str, Part> = pack.rows().iter().map(|row| (row.path.as_str(), row.part)).collect();
    let mut unknown = 0;
    for row in &mut manifest.rows {
        match parts.get(row.path.as_str()) {
            Some(part) => part.name().clone_into(&mut row.part),
            None => unknown += 1,
        }
    }
    unknown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{only_shippable, parts_of};
    use crate::pack::{Pack, sample};

    #[test]
    fn the_narrow_pack_has_what_may_ship_in_the_parts_of_the_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut manifest = sample::manifest(folder.path(), 40);
        let shippable = |key: &str| manifest.sources[key].may_ship;
        let expected = manifest.rows.iter().filter(|row| shippable(&row.source)).count();
        let whole = folder.path().join("whole");
        sample::pack(&manifest, &whole).unwrap();
        let whole = Pack::open(&whole).unwrap();
        let all = manifest.rows.len();
        assert_eq!(only_shippable(&mut manifest), all - expected);
        assert!(0 < expected && expected < all, "{expected} of {all}");
        assert_eq!(parts_of(&mut manifest, &whole), 0);
        let narrow = folder.path().join("narrow");
        sample::pack(&manifest, &narrow).unwrap();
        let narrow = Pack::open(&narrow).unwrap();
        let parts: BTreeMap<_, _> = whole.rows().iter().map(|row| (&row.path, row.part)).collect();
        assert!(narrow.rows().iter().all(|row| row.may_ship && parts[&row.path] == row.part));
        assert_eq!(narrow.rows().len(), expected);
        manifest.rows[0].path = "new.jpg".to_owned();
        assert_eq!(parts_of(&mut manifest, &whole), 1);
    }
}
