//! Chance from a seed: the same seed draws the same lots on every machine, and each question has a source of its
//! own, so that an answer of ours does not change what strangers do.

/// A small generator (SplitMix64): good enough for a scenario, useless for secrets.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The source for the `n`th thing of the kind `what`.
    pub(super) fn of(seed: u64, what: &str, n: u64) -> Self {
        // FNV-1a over everything that names the question.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in seed.to_be_bytes().into_iter().chain(what.bytes()).chain(n.to_be_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, `end`; 0 where `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(end)) >> 64).unwrap_or(0)
    }

    /// From 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or(0);
        f64::from(bits) / 4_294_967_296.0
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `of`, which must not be empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        let at = self.below(of.len() as u64);
        of[usize::try_from(at).unwrap_or(0)]
    }

    /// How many of something that happens `mean` times on average happened.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let mut count = 0;
        let mut left = mean.max(0.0);
        // Knuth's method multiplies probabilities; in steps of 30 they stay far from underflow.
        while left > 0.0 {
            let step = left.min(30.0);
            left -= step;
            let floor = (-step).exp();
            let mut product = self.unit();
            while product > floor {
                count += 1;
                product *= self.unit();
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn the_same_question_has_the_same_answer_and_another_has_another() {
        assert_eq!(Chance::of(7, "person", 3).next(), Chance::of(7, "person", 3).next());
        assert_ne!(Chance::of(7, "person", 3).next(), Chance::of(7, "person", 4).next());
        assert_ne!(Chance::of(7, "person", 3).next(), Chance::of(8, "person", 3).next());
    }

    #[test]
    fn poisson_has_the_mean_and_the_spread_it_is_named_for() {
        for mean in [0.2, 4.0, 75.0] {
            let draws: Vec<f64> = (0..4000).map(|n| f64::from(Chance::of(1, "p", n).poisson(mean))).collect();
            let average = draws.iter().sum::<f64>() / 4000.0;
            let variance = draws.iter().map(|d| (d - average).powi(2)).sum::<f64>() / 4000.0;
            assert!((average - mean).abs() < 0.06 * mean, "{mean}: {average}");
            assert!((variance - mean).abs() < 0.12 * mean, "{mean}: {variance}");
        }
        assert_eq!(Chance::of(1, "p", 0).poisson(0.0), 0);
    }
}
