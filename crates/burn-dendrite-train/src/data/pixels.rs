//! Images that are looked at from elsewhere.

use super::ImageShape;
use super::augment::View;

/// The values of an image, plane after plane, that is looked at in another way; what comes into view
/// beside it is black.
pub(super) fn view<T: Copy + Default>(values: &[T], shape: ImageShape, view: View) -> Vec<T> {
    let ImageShape { height, width, .. } = shape;
    let moved = |place: usize, by: isize, size: usize| {
        let place = place.checked_add_signed(-by);
        place.filter(|place| *place < size)
    };
    let mut seen = Vec::with_capacity(values.len());
    for channel in values.chunks(height * width) {
        for row in 0..height {
            let row = moved(row, view.shift[0], height);
            for column in 0..width {
                let column = match view.is_flipped {
                    true => width - 1 - column,
                    false => column,
                };
                let place = row.zip(moved(column, view.shift[1], width));
                let value = place.map(|(row, column)| channel[row * width + column]);
                seen.push(value.unwrap_or_default());
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 2,
        width: 3,
    };

    #[test]
    fn a_view_moves_and_flips_every_channel() {
        let pixels = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let seen = |shift, is_flipped| view(&pixels, SHAPE, View { shift, is_flipped });
        assert_eq!(seen([0, 0], false), pixels);
        // One row down and one column to the right.
        assert_eq!(seen([1, 1], false), [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 11, 12]);
        assert_eq!(seen([0, -2], false), [3, 0, 0, 6, 0, 0, 13, 0, 0, 16, 0, 0]);
        let mirrored = [3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14];
        assert_eq!(seen([0, 0], true), mirrored);
        assert_eq!(seen([-1, 1], true), [5, 4, 0, 0, 0, 0, 15, 14, 0, 0, 0, 0]);
    }
}
