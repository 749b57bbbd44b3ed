//! How far a post is assumed to go: a share of its author's followers, and the next hop as if its readers had as many
//! followers themselves.

/// Followers x percent.
pub fn reach(followers: u64, percent: u8) -> u64 {
    followers.saturating_mul(u64::from(percent)) / 100
}

/// Everybody reached passes it on to as many.
pub fn next_hop(followers: u64, percent: u8) -> u64 {
    let reach = reach(followers, percent);
    reach.saturating_mul(reach)
}

#[cfg(test)]
mod tests {
    use super::{next_hop, reach};

    #[test]
    fn four_hundred_followers_reach_eighty_and_they_six_thousand_four_hundred() {
        assert_eq!((reach(400, 20), next_hop(400, 20)), (80, 6_400));
        assert_eq!((reach(0, 20), next_hop(0, 20), reach(u64::MAX, 100)), (0, 0, u64::MAX / 100));
    }
}
