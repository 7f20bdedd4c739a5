//! Which synapses of a layer exist.

use burn::config::Config;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Which inputs each unit of a layer hears. A missing synapse is 0 and stays so.
#[derive(Config, Debug, PartialEq)]
pub enum Mask {
    /// Each synapse exists with this probability, independently of the others.
    Random {
        /// From 0 to 1.
        density: f64,
    },
    /// Inputs and units are cut into as many groups of neighbours, and the units of a group hear the
    /// inputs of their group alone.
    Blocks {
        /// How many groups there are.
        count: usize,
    },
    /// True where a synapse exists: a row for each input, in it a value for each unit.
    Given(Vec<Vec<bool>>),
}

impl Mask {
    /// The mask as a matrix `[input, unit]`, row by row.
    ///
    /// # Panics
    ///
    /// If the density is not between 0 and 1, if inputs or units cannot be cut into that many equal
    /// groups, or if a given mask has another shape.
    pub(super) fn draw(&self, [inputs, units]: [usize; 2], random: &mut ChaCha8Rng) -> Vec<bool> {
        match self {
            Self::Random { density } => {
                assert!(
                    (0.0..=1.0).contains(density),
                    "the density of a mask is {density}; accepted: 0 to 1"
                );
                (0..inputs * units)
                    .map(|_| random.random::<f64>() < *density)
                    .collect()
            }
            Self::Blocks { count } => {
                assert!(
                    *count > 0 && inputs.is_multiple_of(*count) && units.is_multiple_of(*count),
                    "{inputs} inputs and {units} units cannot be cut into {count} equal groups"
                );
                let [input_group, unit_group] = [inputs / count, units / count];
                (0..inputs * units)
                    .map(|at| at / units / input_group == at % units / unit_group)
                    .collect()
            }
            Self::Given(rows) => {
                assert!(
                    rows.len() == inputs && rows.iter().all(|row| row.len() == units),
                    "a mask has a row for each of {inputs} inputs with a value for each of {units} units"
                );
                rows.concat()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn draw(mask: Mask, shape: [usize; 2]) -> Vec<bool> {
        mask.draw(shape, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn blocks_connect_neighbours_alone() {
        let (o, x) = (false, true);
        let expected = [x, x, o, o, o, o, x, x];
        assert_eq!(draw(Mask::Blocks { count: 2 }, [2, 4]), expected);
    }

    #[test]
    fn a_random_mask_has_its_density() {
        let exists = draw(Mask::Random { density: 0.3 }, [100, 100]);
        let part = exists.iter().filter(|&&it| it).count() as f64 / 1e4;
        // Three standard deviations of a binomial of 10,000.
        assert!((part - 0.3).abs() < 0.014, "{part}");
    }

    #[test]
    #[should_panic(expected = "cannot be cut into 3 equal groups")]
    fn unequal_groups_are_refused() {
        draw(Mask::Blocks { count: 3 }, [6, 4]);
    }
}
