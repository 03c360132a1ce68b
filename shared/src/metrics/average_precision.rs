//! Mean average precision (mAP) of ranked answers.

/// Mean over queries of the average precision.
///
/// `relevance[q][r]` says whether query `q`'s answer at rank `r` is right; `relevant[q]` is how many right ones the gallery holds. Queries
/// without any are left out. Average precision is the mean of the precision at each right answer (Manning et al. 2008, section 8.4).
#[must_use]
pub fn mean_average_precision(relevance: &[Vec<bool>], relevant: &[usize]) -> f64 {
    let each: Vec<f64> = relevance
        .iter()
        .zip(relevant)
        .filter(|(_, relevant)| **relevant > 0)
        .map(|(answers, relevant)| average_precision(answers, *relevant))
        .collect();
    if each.is_empty() { 0.0 } else { each.iter().sum::<f64>() / each.len() as f64 }
}

fn average_precision(answers: &[bool], relevant: usize) -> f64 {
    let mut right = 0_usize;
    let mut sum = 0.0;
    for (rank, _) in answers.iter().enumerate().filter(|(_, is_right)| **is_right) {
        right += 1;
        sum += right as f64 / (rank + 1) as f64;
    }
    sum / relevant as f64
}

#[cfg(test)]
mod tests {
    use super::mean_average_precision;

    #[test]
    fn textbook_cases() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} against {b}");
        close(mean_average_precision(&[vec![true, false, true]], &[2]), (1.0 + 2.0 / 3.0) / 2.0);
        close(mean_average_precision(&[vec![false, true]], &[1]), 0.5);
        // One right answer is missing from the ranking altogether.
        close(mean_average_precision(&[vec![true]], &[2]), 0.5);
        // A query without a right answer in the gallery does not count.
        close(mean_average_precision(&[vec![false], vec![true]], &[0, 1]), 1.0);
        close(mean_average_precision(&[], &[]), 0.0);
    }
}
