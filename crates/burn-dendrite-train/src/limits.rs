//! How large the numbers are that a user may give.
//!
//! All of these are far beyond what anybody has trained, and far below what would overflow, or start
//! more than a machine can bear: a larger number is a slip of the keyboard.

/// Passes over the training samples.
pub const MOST_EPOCHS: usize = 1_000_000;
/// Samples of a batch, from one event of a run to the next, or of a window that is timed.
pub const MOST_SAMPLES: usize = 1_000_000_000;
/// Batches of one step of the optimizer, or windows that are timed.
pub const MOST_BATCHES: usize = 1_000_000;
/// Seeds of a study: each is a run of every network.
pub const MOST_SEEDS: usize = 10_000;
/// Threads of a process, or processes side by side.
pub const MOST_WORKERS: usize = 1024;
/// The largest seed of a run: weights and orders of samples are drawn from 32 bits, into which the
/// seeds that follow from it have to fit, or two runs would be the same one.
pub const LARGEST_SEED: u64 = u32::MAX as u64 - 66_048;

/// Whether a count that is called `name` is from 1 to `most`.
///
/// # Errors
///
/// One sentence with the accepted values.
pub fn check_count(name: &str, count: usize, most: usize) -> Result<(), String> {
    if count == 0 {
        return Err(format!("`{name}` is 0; accepted: 1 or more"));
    }
    if count > most {
        return Err(format!("`{name}` is {count}; accepted: 1 to {most}"));
    }
    Ok(())
}

/// The same for several; those that are not given are in order.
///
/// # Errors
///
/// One sentence for the first that is not.
pub fn check_counts<const N: usize>(
    counts: [(&str, Option<usize>, usize); N],
) -> Result<(), String> {
    let given = counts
        .into_iter()
        .filter_map(|(name, count, most)| Some((name, count?, most)));
    given
        .into_iter()
        .try_for_each(|(name, count, most)| check_count(name, count, most))
}

/// Whether a seed of a run is one that differs from all others.
///
/// # Errors
///
/// One sentence with the accepted values.
pub fn check_seed(name: &str, seed: u64) -> Result<(), String> {
    if seed > LARGEST_SEED {
        Err(format!("`{name}` is {seed}; accepted: 0 to {LARGEST_SEED}"))
    } else {
        Ok(())
    }
}

/// A number of threads or processes, as an argument of a program.
///
/// # Errors
///
/// A few words with the accepted values.
pub fn workers(text: &str) -> Result<std::num::NonZeroUsize, String> {
    let workers = text.parse().ok().and_then(std::num::NonZeroUsize::new);
    workers
        .filter(|workers| workers.get() <= MOST_WORKERS)
        .ok_or_else(|| format!("accepted: 1 to {MOST_WORKERS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        assert_eq!(check_count("n", 1, 7), Ok(()));
        assert_eq!(check_count("n", 7, 7), Ok(()));
        let counts = |count| check_counts([("given", count, 7), ("none", None, 7)]);
        assert_eq!(counts(None), Ok(()));
        assert_eq!(
            counts(Some(0)).unwrap_err(),
            "`given` is 0; accepted: 1 or more"
        );
        assert_eq!(
            counts(Some(8)).unwrap_err(),
            "`given` is 8; accepted: 1 to 7"
        );
        assert_eq!(workers("1024").unwrap().get(), 1024);
        for refused in ["0", "1025", "-1", "many", "18446744073709551616"] {
            assert_eq!(workers(refused).unwrap_err(), "accepted: 1 to 1024");
        }
    }

    #[test]
    fn no_two_seeds_are_the_same_in_32_bits() {
        // What a run makes of its seed: 66048 more for the weights, 256 more for the order.
        assert_eq!(LARGEST_SEED, 4_294_901_247);
        assert!(u32::try_from(LARGEST_SEED + 66_048).is_ok());
        assert!(check_seed("seed", LARGEST_SEED).is_ok() && check_seed("seed", 0).is_ok());
        let message = check_seed("seed", LARGEST_SEED + 1).unwrap_err();
        assert_eq!(message, "`seed` is 4294901248; accepted: 0 to 4294901247");
    }
}
