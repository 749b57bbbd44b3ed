//! The report's screen.

use super::{assert_has, shown};

#[test]
fn a_report_stands_in_80_cells_and_in_200() {
    for size in [(80, 24), (200, 50)] {
        let all = shown(size, "report");
        assert_has(
            &all,
            &[
                "report: 7d",
                "cases begun since 2026-11-14 ",
                "12345 seen and 4567 answered: 36 %; first answer median 12m34s, p90 1d01h",
                "seen answd    % median   p90 overd reopn once turnd",
                "12345  4567 36 % 12m34s 1d01h    17    98 3210    12",
            ],
        );
    }
    // Every table and what its words mean.
    let all = shown((80, 120), "report");
    assert_has(
        &all,
        &[
            "by rep",
            "回線 担当",
            "elsewhere",
            "by cause",
            "outage",
            "77 min  https://x.com/jo_m/status/1  Charter internet is down",
            "by hour of the day",
            "14:00",
            "what is counted",
            "answered % answered of seen, in whole percent, the nearest.",
        ],
    );
    for line in all.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with('|'), "nothing stands over the border: {line}");
    }
}
