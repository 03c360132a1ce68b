//! Categories that a pack cannot teach, said before hours are spent on it: with one photograph, with none, or with none to learn from.

use clothingid_shared::taxonomy::Taxonomy;

use super::{Pack, PackedRow};
use crate::import::Part;

/// One warning a line, for each taxonomy that the pack uses at all.
#[must_use]
pub fn warnings(pack: &Pack) -> Vec<String> {
    let of = |taxonomy: &Taxonomy, category: fn(&PackedRow) -> Option<usize>| {
        let mut counts = vec![(0, 0); taxonomy.len()];
        for row in pack.rows() {
            if let Some((all, train)) = category(row).and_then(|category| counts.get_mut(category)) {
                *all += 1;
                *train += usize::from(row.part == Part::Train);
            }
        }
        said(taxonomy, &counts)
    };
    let mut lines = of(&pack.taxonomies().category14, |row| row.cat14);
    lines.extend(of(&pack.taxonomies().category26, |row| row.cat26));
    lines
}

/// The warnings of a taxonomy whose categories have these photographs: of all parts, and of *train*.
fn said(taxonomy: &Taxonomy, counts: &[(usize, usize)]) -> Vec<String> {
    let named = |is_meant: fn(&(usize, usize)) -> bool| -> Vec<String> {
        let keys =
            counts.iter().enumerate().filter(|(_, count)| is_meant(count)).filter_map(|(at, _)| taxonomy.key(at));
        keys.map(|key| format!("`{key}`")).collect()
    };
    let size = taxonomy.len();
    let mut lines = Vec::new();
    if counts.iter().all(|(all, _)| *all == 0) {
        return lines;
    }
    let mut add = |keys: Vec<String>, what: &str| {
        if !keys.is_empty() {
            lines.push(format!("of {size} categories, {what}: {}", keys.join(", ")));
        }
    };
    add(
        named(|(all, _)| *all == 1),
        "these have one photograph, which can be learned from or asked about but not both",
    );
    add(named(|(all, train)| *all > 1 && *train == 0), "these have no photograph in the train part");
    add(named(|(all, _)| *all == 0), "these have no photograph and will not be learned");
    lines
}

#[cfg(test)]
mod tests {
    use clothingid_shared::taxonomy::Taxonomy;

    use super::{said, warnings};
    use crate::pack::{Pack, sample};

    #[test]
    fn one_photograph_none_and_none_to_learn_from_are_told_apart() {
        let taxonomy = Taxonomy::category14();
        let mut counts = vec![(9, 5); 14];
        assert!(said(&taxonomy, &counts).is_empty());
        (counts[0], counts[1], counts[2], counts[3]) = ((1, 1), (0, 0), (3, 0), (1, 0));
        let lines = said(&taxonomy, &counts);
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].starts_with("of 14 categories, these have one photograph")
                && lines[0].ends_with(": `tshirt`, `underwear`")
        );
        assert_eq!(lines[1], "of 14 categories, these have no photograph in the train part: `blouse_top`");
        assert!(lines[2].ends_with("will not be learned: `shirt`"));
        assert!(said(&taxonomy, &[(0, 0); 14]).is_empty(), "a taxonomy that is not used needs no warning");
    }

    #[test]
    fn a_pack_of_two_categories_says_which_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 20), &out).unwrap();
        let lines = warnings(&Pack::open(&out).unwrap());
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("`shirt`") && !lines[0].contains("`dress`"));
    }
}
