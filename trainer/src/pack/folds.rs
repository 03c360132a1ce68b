//! Divides a pack anew, in memory: each of the folds in turn is *report*, and the rest becomes *train*, *select* and *calibrate*.
//!
//! Over all folds every photograph is reported on once, by a network that never saw it or anything of its group.

use std::collections::BTreeMap;

use clothingid_shared::files;
use serde::Serialize;

use super::{Pack, PackError};
use crate::import::Part;
use crate::import::split::{Cluster, divide};

/// One of the folds of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Fold {
    /// Which, from 0.
    pub number: usize,
    /// Of how many.
    pub of: usize,
    /// Share of the rest that is *select*.
    pub select: f64,
    /// Share of the rest that is *calibrate*.
    pub calibrate: f64,
    /// Seed of the division.
    pub seed: u64,
}

/// What is divided for itself, so that no fold lacks a source or the retrieval test: source, garment or not, several photographs or one.
type Stratum = (usize, bool, bool);

impl Fold {
    /// The part of each row.
    #[must_use]
    pub fn parts(&self, pack: &Pack) -> Vec<Part> {
        let fold_of_group = self.divide(pack, |_| true, &vec![1.0; self.of.max(1)], self.seed);
        let is_report = |group: usize| fold_of_group.get(&group) == Some(&self.number);
        let shares = [1.0 - self.select - self.calibrate, self.select, self.calibrate];
        // Another seed for each fold: the rest is divided for itself.
        let seed = self.seed.wrapping_add(1 + self.number as u64);
        let rest = self.divide(pack, |group| !is_report(group), &shares, seed);
        let part = |group: usize| match rest.get(&group) {
            Some(&share) => Part::ALL[share],
            None => Part::Report,
        };
        pack.rows().iter().map(|row| part(row.group)).collect()
    }

    /// For each group of those wanted, the share that it went to.
    fn divide(
        &self,
        pack: &Pack,
        is_wanted: impl Fn(usize) -> bool,
        shares: &[f64],
        seed: u64,
    ) -> BTreeMap<usize, usize> {
        let mut views: BTreeMap<usize, usize> = BTreeMap::new();
        pack.rows().iter().for_each(|row| *views.entry(row.item).or_default() += 1);
        let mut groups: BTreeMap<usize, (usize, &str, Stratum)> = BTreeMap::new();
        for row in pack.rows().iter().filter(|row| is_wanted(row.group)) {
            let is_several = views.get(&row.item).is_some_and(|&views| views > 1);
            let stratum = (row.source, row.is_garment, is_several);
            let group = groups.entry(row.group).or_insert((0, &row.path, stratum));
            group.0 += 1;
            group.1 = group.1.min(&row.path);
            // A group over several strata counts for the one that is rarest: garments with several photographs.
            if (stratum.2, stratum.0, stratum.1) > (group.2.2, group.2.0, group.2.1) {
                group.2 = stratum;
            }
        }
        let mut strata: BTreeMap<Stratum, Vec<usize>> = BTreeMap::new();
        groups.iter().for_each(|(&number, (_, _, stratum))| strata.entry(*stratum).or_default().push(number));
        let total: f64 = shares.iter().sum();
        let shares: Vec<f64> = shares.iter().map(|share| share / total).collect();
        let mut chosen = BTreeMap::new();
        for members in strata.values() {
            let cluster = |number: &usize| Cluster { size: groups[number].0, name: groups[number].1, assigned: None };
            let named: Vec<Cluster<'_>> = members.iter().map(cluster).collect();
            chosen.extend(members.iter().copied().zip(divide(&named, &shares, seed)));
        }
        chosen
    }

    fn is_possible(&self) -> bool {
        let shares = [self.select, self.calibrate];
        self.number < self.of
            && self.of >= 2
            && shares.iter().all(|share| (0.0..1.0).contains(share))
            && shares.iter().sum::<f64>() < 1.0
    }
}

impl Pack {
    /// The same photographs, divided as a fold says. The identity tells the fold from the pack and from the other folds.
    ///
    /// # Errors
    /// The fold makes no sense, or the pack cannot be opened again.
    pub fn fold(&self, fold: &Fold) -> Result<Self, PackError> {
        let words = serde_json::to_string(fold).unwrap_or_default();
        if !fold.is_possible() {
            return Err(PackError::Form {
                path: self.folder().to_owned(),
                reason: format!("there is no fold {words}"),
            });
        }
        let identity = files::sha256_hex(format!("{} {words}", self.identity()).as_bytes());
        Ok(Self::open(self.folder())?.divided(&fold.parts(self), identity))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Fold;
    use crate::import::Part;
    use crate::pack::{Pack, sample};

    #[test]
    fn every_photograph_is_reported_on_once_and_no_group_is_in_two_parts() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 60), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let mut reported = vec![0; pack.rows().len()];
        let mut identities = BTreeSet::from([pack.identity().to_owned()]);
        for number in 0..5 {
            let fold = Fold { number, of: 5, select: 0.2, calibrate: 0.1, seed: 3 };
            let divided = pack.fold(&fold).unwrap();
            assert!(identities.insert(divided.identity().to_owned()), "each fold is a pack of its own");
            assert_eq!(divided.identity(), pack.fold(&fold).unwrap().identity());
            for part in Part::ALL {
                assert!(!divided.rows_in(part).is_empty(), "fold {number} has no `{part}`");
            }
            let groups = |part: Part| divided.rows_in(part).into_iter().map(|row| divided.rows()[row].group);
            let others = Part::ALL.into_iter().filter(|part| *part != Part::Report).flat_map(groups);
            let report: BTreeSet<usize> = groups(Part::Report).collect();
            assert!(others.into_iter().all(|group| !report.contains(&group)));
            divided.rows_in(Part::Report).into_iter().for_each(|row| reported[row] += 1);
        }
        assert!(reported.iter().all(|&times| times == 1), "{reported:?}");
        let none = Fold { number: 5, of: 5, select: 0.1, calibrate: 0.1, seed: 3 };
        assert!(pack.fold(&none).is_err());
    }
}
