//! One kernel at every place of a map.

use crate::spec::Kernel;

/// A convolution between maps of known size; see
/// [`GeometrySpec::Convolution`](crate::spec::GeometrySpec::Convolution).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// `[maps, height, width]` that the kernel moves over.
    pub input: [usize; 3],
    /// `[maps, height, width]` of what it gives.
    pub output: [usize; 3],
    /// The kernel.
    pub kernel: Kernel,
}

/// The largest kernel and stride.
const LARGEST: usize = 4096;

impl Convolution {
    /// The convolution between two populations.
    ///
    /// # Errors
    ///
    /// One sentence if the kernel does not lead from the one to the other.
    pub fn new(kernel: Kernel, input: [usize; 3], output: [usize; 3]) -> Result<Self, String> {
        if ![kernel.size, kernel.stride]
            .iter()
            .all(|it| (1..=LARGEST).contains(it))
        {
            return Err(format!(
                "`kernel` is {} and `stride` {}; accepted: 1 to {LARGEST}",
                kernel.size, kernel.stride
            ));
        }
        if kernel.padding >= kernel.size {
            return Err(format!(
                "`padding` is {}; accepted: less than `kernel`, which is {}",
                kernel.padding, kernel.size
            ));
        }
        let [_, height, width] = input;
        let places = |side: usize| {
            let padded = side.saturating_add(kernel.padding.saturating_mul(2));
            let whole = padded.checked_sub(kernel.size)?;
            Some(whole / kernel.stride + 1)
        };
        let found = places(height).zip(places(width));
        let [_, out_height, out_width] = output;
        if found == Some((out_height, out_width)) {
            return Ok(Self {
                input,
                output,
                kernel,
            });
        }
        let given = match found {
            Some((height, width)) => format!("gives maps of {height} x {width}"),
            None => "is larger than the maps".to_owned(),
        };
        Err(format!(
            "a kernel of {} with stride {} and padding {} on maps of {height} x {width} {given}; \
             accepted: what gives {out_height} x {out_width}, the maps of the postsynaptic population",
            kernel.size, kernel.stride, kernel.padding
        ))
    }

    /// Synapses of a kernel: how many presynaptic units each unit hears.
    pub fn fan_in(&self) -> usize {
        let window = self.kernel.size.saturating_mul(self.kernel.size);
        self.input[0].saturating_mul(window)
    }

    /// Places of a map that the kernel gives.
    pub fn places(&self) -> usize {
        self.output[1].saturating_mul(self.output[2])
    }

    /// Whether each place hears the same place alone, so that a product of matrices mixes the maps.
    pub(crate) fn is_pointwise(&self) -> bool {
        let Kernel {
            size,
            stride,
            padding,
        } = self.kernel;
        [size, stride, padding] == [1, 1, 0]
    }

    /// The presynaptic map of a synapse of the kernel, and its row and column in the window.
    pub(crate) fn synapse(&self, synapse: usize) -> [usize; 3] {
        let side = self.kernel.size;
        [
            synapse / (side * side),
            synapse / side % side,
            synapse % side,
        ]
    }

    /// For the line `at` of the window: the first and last place, exclusive, at which it lies inside a map of
    /// `side` units, of `places` places.
    pub(crate) fn inside(&self, at: usize, side: usize, places: usize) -> [usize; 2] {
        let Kernel {
            stride, padding, ..
        } = self.kernel;
        let first = padding.saturating_sub(at).div_ceil(stride);
        let last = (side + padding).saturating_sub(at).div_ceil(stride);
        [first.min(places), last.min(places)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_from_kernel_stride_and_padding() {
        let kernel = Kernel {
            size: 3,
            stride: 2,
            padding: 1,
        };
        let convolution = Convolution::new(kernel, [4, 7, 8], [2, 4, 4]).unwrap();
        assert_eq!((convolution.fan_in(), convolution.places()), (36, 16));
        assert_eq!(convolution.synapse(14), [1, 1, 2]);
        // The first line of the window is outside at the first place, and inside at 1, 3 and 5.
        assert_eq!(convolution.inside(0, 7, 4), [1, 4]);
        assert_eq!(convolution.inside(2, 7, 4), [0, 3]);
        let error = Convolution::new(kernel, [4, 7, 8], [2, 7, 8]).unwrap_err();
        assert!(error.contains("gives maps of 4 x 4"), "{error}");
        let large = Kernel { size: 9, ..kernel };
        assert!(Convolution::new(large, [1, 3, 3], [1, 1, 1]).is_err());
        // Its square would not be a number any more.
        let endless = Kernel {
            size: 1 << 32,
            stride: 1000,
            padding: 1 << 31,
        };
        let error = Convolution::new(endless, [4, 7, 8], [2, 4, 4]).unwrap_err();
        assert!(error.contains("accepted: 1 to 4096"), "{error}");
    }
}
