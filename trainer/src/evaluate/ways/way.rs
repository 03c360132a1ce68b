//! How alike a query and a product are, one way or another.

use super::known::{Known, unit};
use super::looks::Look;

/// A way to compare a query with the photographs of a product.
#[derive(Debug, Clone, PartialEq)]
pub enum Way {
    /// The cosine of the query and the product's best photograph.
    Plain,
    /// The same with the mean of the query's embeddings in these looks.
    Looks(Vec<Look>),
    /// The plain cosine and this much of how far the network's categories of both photographs agree.
    Agreement(f64),
    /// The cosine of the query and the mean of the product's embeddings.
    Mean,
    /// The mean of the best photograph's cosine and the mean's.
    BestAndMean,
}

impl Way {
    /// The way in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Plain => "plain".to_owned(),
            Self::Looks(looks) => {
                let looks: Vec<&str> = looks.iter().map(|look| look.words()).collect();
                format!("mean of {}", looks.join(", "))
            }
            Self::Agreement(weight) => format!("cosine + {weight} of agreement"),
            Self::Mean => "mean of the photographs".to_owned(),
            Self::BestAndMean => "best photograph and mean, in halves".to_owned(),
        }
    }

    /// How alike a query and a product of these photographs are; a query that cannot be compared is like nothing.
    #[must_use]
    pub fn likeness(&self, known: &Known, query: usize, product: &[usize]) -> f64 {
        let own = &known.embeddings[query];
        let best = |by: &dyn Fn(usize) -> f64| product.iter().map(|&photo| by(photo)).fold(f64::NEG_INFINITY, f64::max);
        let plain = || best(&|photo| cosine(own, &known.embeddings[photo]));
        match self {
            Self::Plain => plain(),
            Self::Looks(looks) => {
                let seen = looks.iter().filter_map(|look| match look {
                    Look::Plain => Some(own),
                    look => known.looks.get(&(query, *look)),
                });
                let mean = mean(seen.map(Vec::as_slice));
                best(&|photo| cosine(&mean, &known.embeddings[photo]))
            }
            Self::Agreement(weight) => best(&|photo| {
                let agreement = agreement(&known.categories[query], &known.categories[photo]);
                cosine(own, &known.embeddings[photo]) + weight * agreement
            }),
            Self::Mean => cosine(own, &mean(product.iter().map(|&photo| known.embeddings[photo].as_slice()))),
            Self::BestAndMean => f64::midpoint(plain(), Self::Mean.likeness(known, query, product)),
        }
    }
}

/// Of embeddings of unit length.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    f64::from(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>())
}

/// The direction of the mean.
fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for row in rows {
        sum.resize(row.len(), 0.0);
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    unit(&sum)
}

/// How far two distributions agree: 1 where they are equal, 0 where they share nothing. **Source**: Bhattacharyya 1943.
fn agreement(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).sqrt()).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Known, Look, Way, agreement};

    /// A query (0), two photographs of a product (1, 2) and one of another (3).
    fn known() -> Known {
        Known {
            samples: Vec::new(),
            embeddings: vec![vec![1.0, 0.0], vec![0.6, 0.8], vec![0.6, -0.8], vec![0.8, 0.6]],
            categories: vec![vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0], vec![0.5, 0.5]],
            looks: BTreeMap::from([((0, Look::Mirrored), vec![0.0, 1.0])]),
        }
    }

    #[test]
    fn every_way_is_its_formula() {
        let known = known();
        let half = 0.5f64.sqrt();
        for (way, product, expected) in [
            (Way::Plain, &[1, 2][..], 0.6),
            (Way::Plain, &[3], 0.8),
            (Way::Looks(vec![Look::Plain, Look::Mirrored]), &[1, 2], (0.6 + 0.8) * half),
            (Way::Looks(vec![Look::Plain]), &[3], 0.8),
            (Way::Agreement(0.5), &[1, 2], 1.1),
            (Way::Agreement(0.0), &[1, 2], 0.6),
            (Way::Agreement(1.0), &[3], 0.8 + half),
            // The two photographs' mean is the query's own direction.
            (Way::Mean, &[1, 2], 1.0),
            (Way::BestAndMean, &[1, 2], 0.8),
            (Way::Plain, &[], f64::NEG_INFINITY),
        ] {
            let found = way.likeness(&known, 0, product);
            assert!(found == expected || (found - expected).abs() < 1e-6, "{way:?} {product:?}: {found}");
        }
    }

    #[test]
    fn distributions_agree_wholly_or_not_at_all() {
        assert!((agreement(&[0.3, 0.7], &[0.3, 0.7]) - 1.0).abs() < 1e-12);
        assert_eq!(agreement(&[1.0, 0.0], &[0.0, 1.0]), 0.0);
    }
}
