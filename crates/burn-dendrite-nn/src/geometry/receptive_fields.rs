//! Windows at random places, each heard by one unit.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Windows of an image at random places, one for each unit that hears; see
/// [`GeometrySpec::ReceptiveFields`](crate::spec::GeometrySpec::ReceptiveFields).
///
/// Weights are `[synapses of a window, units]`: those that exist and no others. Where the windows lie is drawn
/// once and kept with the weights: `heard`, `[synapses of a window, units]`, holds the number of the presynaptic
/// unit that each synapse comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveFields {
    /// `[maps, height, width]` of what is seen.
    pub image: [usize; 3],
    /// Side of a window.
    pub size: usize,
}

impl ReceptiveFields {
    /// Windows of `size` on an image.
    ///
    /// # Errors
    ///
    /// One sentence if there is no room for them.
    pub fn new(size: usize, image: [usize; 3]) -> Result<Self, String> {
        let [_, height, width] = image;
        let most = height.min(width);
        if size == 0 || size > most {
            return Err(format!("`size` is {size}; accepted: 1 to {most}"));
        }
        Ok(Self { image, size })
    }

    /// Units that are seen by some window or by none.
    pub fn seen(&self) -> usize {
        self.image.iter().product()
    }

    /// Synapses of a window.
    pub fn synapses(&self) -> usize {
        self.image[0].saturating_mul(self.size * self.size)
    }

    /// Which presynaptic units one window sees, in the order of its synapses: map by map and line by line.
    ///
    /// Ports `receptive_field_mask` of EIANN (Galloni et al. 2025): every place is equally likely.
    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> impl Iterator<Item = usize> + use<> {
        let Self {
            image: [maps, height, width],
            size,
        } = *self;
        let top = random.random_range(0..=height - size);
        let left = random.random_range(0..=width - size);
        let lines = (0..maps).flat_map(move |map| (0..size).map(move |row| [map, row]));
        lines.flat_map(move |[map, row]| {
            let first = (map * height + top + row) * width + left;
            first..first + size
        })
    }

    /// The weights among those of all pairs of units, `[units seen, units]`, with 0 where there is no synapse.
    pub(crate) fn among_all(&self, weight: Tensor<2>, heard: Tensor<2, Int>) -> Tensor<2> {
        let [_, units] = weight.dims();
        let none = Tensor::zeros([self.seen(), units], (&weight.device(), weight.dtype()));
        none.scatter(0, heard, weight, IndexingUpdateOp::Add)
    }
}

/// What stands for the synapses that exist in a matrix of all pairs of units.
pub(crate) fn of_synapses(all: Tensor<2>, heard: Tensor<2, Int>) -> Tensor<2> {
    all.gather(0, heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_window_is_a_square_of_every_map() {
        let fields = ReceptiveFields::new(3, [2, 6, 5]).unwrap();
        assert_eq!((fields.synapses(), fields.seen()), (18, 60));
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut corners = Vec::new();
        for _ in 0..200 {
            let seen: Vec<usize> = fields.draw(&mut random).collect();
            let (top, left) = (seen[0] / 5, seen[0] % 5);
            let square =
                |map: usize| (0..9).map(move |at| (map * 6 + top + at / 3) * 5 + left + at % 3);
            assert_eq!(seen, square(0).chain(square(1)).collect::<Vec<_>>());
            corners.push([top, left]);
        }
        // Four lines and three columns to begin at, and no others.
        corners.sort_unstable();
        corners.dedup();
        let all = (0..4).flat_map(|top| (0..3).map(move |left| [top, left]));
        assert_eq!(corners, all.collect::<Vec<_>>());
    }

    #[test]
    fn a_window_larger_than_the_image_is_refused() {
        for (size, image) in [(0, [1, 28, 28]), (29, [1, 28, 28]), (6, [3, 5, 32])] {
            let error = ReceptiveFields::new(size, image).unwrap_err();
            assert!(error.contains("accepted: 1 to "), "{error}");
        }
    }
}
