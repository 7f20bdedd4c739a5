//! Inhibition that balances an excitation.

use super::{Geometry, Wiring};
use crate::numbers::Rows;

/// The weights of [`Balance`](crate::spec::Balance), from the excitation `[synapses, post]` that they balance
/// and that of the interneurons, `[synapses, interneurons]`; `wiring` is that of these two.
///
/// Where no place shares its weights with another one, each is balanced by the interneurons of its own.
///
/// # Shapes
///
/// - result: `[interneurons of a place, post]`
pub(crate) fn balanced<R: Rows>(excitation: &R, through: &R, wiring: &Wiring) -> R {
    let [_, interneurons] = through.dims();
    let mean = excitation.clone().mean_of_column();
    let heard = through.clone().mean_of_column();
    let (interneurons, heard) = match wiring.geometry {
        Geometry::Dense | Geometry::Convolution(_) | Geometry::ReceptiveFields(_) => {
            (interneurons, heard.mean_of_row() * interneurons as f64)
        }
        Geometry::Local(local) => {
            let places = local.windows.places();
            let cells = interneurons / places;
            (cells, sum_of_maps(heard, cells, mean.dims()[1] / places))
        }
    };
    (mean / -heard).repeated(interneurons)
}

/// The sum over all maps at each place, as each of `repeated` maps: `[1, maps · places]` to
/// `[1, repeated · places]`.
fn sum_of_maps<R: Rows>(units: R, maps: usize, repeated: usize) -> R {
    let places = units.dims()[1] / maps;
    let map = |map: usize| -> R {
        let order = (0..repeated).flat_map(|_| map * places..(map + 1) * places);
        units.clone().columns(&order.collect::<Vec<usize>>())
    };
    (1..maps).fold(map(0), |sum, at| sum + map(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geometry::Local, numbers::HostRows, spec::Kernel};

    #[test]
    fn what_the_inputs_have_in_common_cancels() {
        // Two inputs, three units, two interneurons.
        let excitation = HostRows::from_values(&[1.0, 2.0, 0.0, 3.0, 0.0, 0.5], [2, 3]);
        let through = HostRows::from_values(&[1.0, 2.0, 3.0, 2.0], [2, 2]);
        // Means 2, 1 and 0.25; the interneurons hear 2 and 2 on average, 4 together.
        let weights = balanced(&excitation, &through, &Wiring::default()).to_values();
        assert_eq!(weights, [-0.5, -0.25, -0.0625, -0.5, -0.25, -0.0625]);
    }

    #[test]
    fn every_place_is_balanced_by_its_own_interneurons() {
        // Two places, hearing a map of two by a kernel of 1: three maps of cells, two of interneurons.
        let local = Local::new(Kernel::same(1), [1, 1, 2], [3, 1, 2]).unwrap();
        let wiring = Wiring {
            geometry: Geometry::Local(local),
            ..Wiring::default()
        };
        let excitation = HostRows::from_values(&[4.0, 3.0, 2.0, 6.0, 0.0, 9.0], [1, 6]);
        let through = HostRows::from_values(&[1.0, 1.0, 3.0, 2.0], [1, 4]);
        // At the first place the interneurons hear 1 + 3, at the second 1 + 2.
        let weights = balanced(&excitation, &through, &wiring).to_values();
        let one = [-1.0, -1.0, -0.5, -2.0, 0.0, -3.0];
        assert_eq!(weights, [one, one].concat());
    }
}
