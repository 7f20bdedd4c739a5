//! Inhibition that balances an excitation.

use crate::numbers::Rows;

/// The weights of [`Balance`](crate::spec::Balance), from the excitation `[pre, post]` that they balance
/// and that of the interneurons, `[pre, interneurons]`.
///
/// # Shapes
///
/// - result: `[interneurons, post]`
pub(crate) fn balanced<R: Rows>(excitation: &R, through: &R) -> R {
    let [_, interneurons] = through.dims();
    let heard = through.clone().mean_of_column().mean_of_row() * interneurons as f64;
    let mean = excitation.clone().mean_of_column() / -heard;
    R::stacked(vec![mean; interneurons])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::HostRows;

    #[test]
    fn what_the_inputs_have_in_common_cancels() {
        // Two inputs, three units, two interneurons.
        let excitation = HostRows::from_values(&[1.0, 2.0, 0.0, 3.0, 0.0, 0.5], [2, 3]);
        let through = HostRows::from_values(&[1.0, 2.0, 3.0, 2.0], [2, 2]);
        // Means 2, 1 and 0.25; the interneurons hear 2 and 2 on average, 4 together.
        let weights = balanced(&excitation, &through).to_values();
        assert_eq!(weights, [-0.5, -0.25, -0.0625, -0.5, -0.25, -0.0625]);
    }
}
