//! The seeded source of numbers: small, fast without optimisation, the same on every machine.
/// Where all of the municipality's accidents come from: Steele, Lea and Flood's SplitMix64.
///
/// Four years are a million draws. ChaCha8, built without optimisation, took most of the generator's time for them; nothing
/// here is secret, and six lines of our own give the same municipality for ever.
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xD134_2543_DE82_EF95))
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly between 0 and 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
    pub fn even(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.even() < probability
    }

    /// A whole number from 0 up to, not including, `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = limit.max(1) as u64;
        usize::try_from(((self.next_u64() >> 32) * limit) >> 32).unwrap_or(0)
    }

    /// A whole number between both ends, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// One of the words.
    pub fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    /// The place of one of the weights, by their size.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.even() * weights.iter().sum::<f64>();
        for (at, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return at;
            }
        }
        weights.len() - 1
    }

    /// Nearly normal with mean 0 and standard deviation 1: four even numbers out of one draw, since half a million of them
    /// are needed and a logarithm each would be felt in a debug build. Never beyond ±3.47.
    pub fn normal(&mut self) -> f64 {
        let bits = self.next_u64();
        let quarter = |shift: u32| f64::from(u16::try_from((bits >> shift) & 0xFFFF).unwrap_or(0));
        let sum = quarter(0) + quarter(16) + quarter(32) + quarter(48);
        (sum / 65_535.0 - 2.0) * 3.0_f64.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn the_normal_draws_have_mean_zero_and_deviation_one() {
        let mut chance = Chance::new(7);
        let draws: Vec<f64> = (0..20_000).map(|_| chance.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|d| d * d).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn below_reaches_both_ends_only() {
        let mut chance = Chance::new(7);
        let draws: std::collections::BTreeSet<usize> = (0..500).map(|_| chance.below(5)).collect();
        assert_eq!(draws.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
}
