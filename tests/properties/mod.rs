//! Laws that hold for every network, rule and optimizer, on random ones.
//!
//! Each property is tried on 256 cases, or as many as `PROPTEST_CASES` says, from a fixed seed, or
//! from that of `PROPTEST_RNG_SEED`.

/// Networks of maps on both kinds of numbers.
mod convolution;
/// What may be written in a file, and what is read back.
mod files;
/// What holds of networks while they learn.
mod learning;
/// Configurations of the reference, drawn at random.
mod reference;
/// Legal experiments, drawn at random.
mod strategy;

use std::env;

use proptest::test_runner::{Config, RngSeed};

/// How many cases of each property are tried, and from which seed.
fn cases() -> Config {
    let mut config = Config {
        // A case that fails is printed, and becomes a test by hand.
        failure_persistence: None,
        max_shrink_iters: 1000,
        ..Config::default()
    };
    if env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(117_159);
    }
    config
}
