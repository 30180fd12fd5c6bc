//! How well a battery of questions, or two coders, agree with themselves (§ 8).
use std::collections::BTreeMap;

/// Cronbach's alpha of a battery, weighted; over those who answered every item. `None` for fewer than two items, fewer than two
/// such respondents, or a battery without variation.
#[must_use]
pub fn cronbach_alpha(respondents: &[Vec<Option<f64>>], weights: &[f64]) -> Option<f64> {
    let complete: Vec<(Vec<f64>, f64)> = respondents
        .iter()
        .zip(weights)
        .filter_map(|(items, w)| Some((items.iter().copied().collect::<Option<Vec<f64>>>()?, *w)))
        .collect();
    let items = complete.first()?.0.len();
    if items < 2 || complete.len() < 2 {
        return None;
    }
    let total: f64 = complete.iter().map(|(_, w)| w).sum();
    let variance = |value: &dyn Fn(&[f64]) -> f64| {
        let mean = complete.iter().map(|(row, w)| w * value(row)).sum::<f64>() / total;
        complete.iter().map(|(row, w)| w * (value(row) - mean).powi(2)).sum::<f64>() / total
    };
    let of_sum = variance(&|row| row.iter().sum());
    let of_items: f64 = (0..items).map(|i| variance(&|row| row[i])).sum();
    let k = items as f64;
    (of_sum > 1e-12 * of_items.max(f64::MIN_POSITIVE)).then(|| k / (k - 1.0) * (1.0 - of_items / of_sum))
}

/// Below this a theme is not published as a share.
pub const LEAST_AGREEMENT: f64 = 0.667;

/// Krippendorff's alpha for nominal codes: each unit with the codes that its coders gave (absent codes left out).
/// `None` when no unit has two codes, or all codes are the same (then nothing could disagree).
#[must_use]
pub fn krippendorff_alpha(units: &[Vec<u32>]) -> Option<f64> {
    let mut values: BTreeMap<u32, f64> = BTreeMap::new();
    let mut disagreement = 0.0;
    let mut n = 0.0;
    for codes in units.iter().filter(|codes| codes.len() > 1) {
        let m = codes.len() as f64;
        let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
        codes.iter().for_each(|code| *counts.entry(*code).or_default() += 1.0);
        let same: f64 = counts.values().map(|c| c * (c - 1.0)).sum();
        disagreement += (m * (m - 1.0) - same) / (m - 1.0);
        n += m;
        counts.into_iter().for_each(|(code, count)| *values.entry(code).or_default() += count);
    }
    let same: f64 = values.values().map(|c| c * (c - 1.0)).sum();
    let expected = n * (n - 1.0) - same;
    (expected > 0.0).then(|| 1.0 - (n - 1.0) * disagreement / expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_items_have_alpha_one_and_a_constant_battery_none() {
        let same: Vec<Vec<Option<f64>>> = (1..6).map(|v| vec![Some(f64::from(v)); 3]).collect();
        assert!((cronbach_alpha(&same, &[1.0; 5]).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(cronbach_alpha(&vec![vec![Some(3.0), Some(3.0)]; 5], &[1.0; 5]), None);
        assert_eq!(cronbach_alpha(&[vec![Some(1.0), None], vec![None, Some(1.0)]], &[1.0; 2]), None);
    }

    #[test]
    fn alpha_of_two_coders_equals_the_coincidence_table_by_hand() {
        let a = [1, 2, 3, 3, 2, 2, 4, 1, 2];
        let b = [1, 2, 3, 3, 2, 2, 4, 1, 3];
        let units: Vec<Vec<u32>> = a.iter().zip(b).map(|(a, b)| vec![*a, b]).collect();
        // 18 values, counts 4, 7, 5, 2; observed disagreement 2; expected 18·17 − (12 + 42 + 20 + 2) = 230.
        assert!((krippendorff_alpha(&units).unwrap() - (1.0 - 17.0 * 2.0 / 230.0)).abs() < 1e-12);
    }

    #[test]
    fn codes_without_variation_or_partners_have_no_alpha() {
        assert_eq!(krippendorff_alpha(&[vec![1, 1], vec![1, 1]]), None);
        assert_eq!(krippendorff_alpha(&[vec![1], vec![2]]), None);
    }
}
