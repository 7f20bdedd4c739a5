//! A window of its own for every unit of a map.

use super::Convolution;
use crate::spec::Kernel;

/// The windows of a convolution, heard by each unit through weights of its own; see
/// [`GeometrySpec::Local`](crate::spec::GeometrySpec::Local).
///
/// Weights are `[synapses of a window, units]`, the units map by map and line by line. A synapse beyond the
/// border does not exist; its weight is 0, and nothing is heard through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// What each unit hears.
    pub windows: Convolution,
}

impl Local {
    /// The windows between two populations.
    ///
    /// # Errors
    ///
    /// One sentence if the kernel does not lead from the one to the other.
    pub fn new(kernel: Kernel, input: [usize; 3], output: [usize; 3]) -> Result<Self, String> {
        let windows = Convolution::new(kernel, input, output)?;
        Ok(Self { windows })
    }

    /// Units that hear.
    pub fn units(&self) -> usize {
        self.windows.output[0].saturating_mul(self.windows.places())
    }

    /// How many synapses exist.
    pub fn synapses(&self) -> usize {
        let Convolution { input, output, .. } = self.windows;
        let heard = |axis: usize| -> usize {
            let lines = 0..self.windows.kernel.size;
            let inside = lines.map(|at| self.windows.inside(at, input[axis], output[axis]));
            inside.map(|[first, last]| last - first.min(last)).sum()
        };
        input[0] * output[0] * heard(1) * heard(2)
    }

    /// True where all windows lie inside the maps.
    pub(crate) fn is_whole(&self) -> bool {
        self.synapses() == self.windows.fan_in() * self.units()
    }

    /// Whether a synapse of the window exists at each place.
    pub(crate) fn exists(&self, synapse: usize) -> impl Iterator<Item = bool> + use<> {
        let Convolution { input, output, .. } = self.windows;
        let [_, row, column] = self.windows.synapse(synapse);
        let rows = self.windows.inside(row, input[1], output[1]);
        let columns = self.windows.inside(column, input[2], output[2]);
        let across = output[2];
        (0..self.windows.places()).map(move |place| {
            let (y, x) = (place / across, place % across);
            (rows[0]..rows[1]).contains(&y) && (columns[0]..columns[1]).contains(&x)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synapses_beyond_the_border_are_not_counted() {
        // Windows of 3 x 3 on maps of 3 x 3: of nine at the middle, six at an edge, four at a corner.
        let local = Local::new(Kernel::same(3), [2, 3, 3], [5, 3, 3]).unwrap();
        assert_eq!(local.synapses(), 2 * 5 * (9 + 4 * 6 + 4 * 4));
        assert!(!local.is_whole());
        let corner: Vec<bool> = local.exists(9).collect();
        let inside = [false, false, false, false, true, true, false, true, true];
        assert_eq!(corner, inside);
        let kernel = Kernel {
            size: 2,
            stride: 1,
            padding: 0,
        };
        let whole = Local::new(kernel, [2, 3, 3], [5, 2, 2]).unwrap();
        assert!(whole.is_whole());
        assert_eq!(whole.synapses(), 8 * 20);
    }

    #[test]
    fn strides_leave_out_places() {
        let kernel = Kernel {
            size: 3,
            stride: 2,
            padding: 1,
        };
        // Three places a line of 5, at -1, 1 and 3: 2, 3 and 2 of each line are inside.
        let local = Local::new(kernel, [1, 5, 5], [1, 3, 3]).unwrap();
        assert_eq!(local.synapses(), 7 * 7);
    }
}
