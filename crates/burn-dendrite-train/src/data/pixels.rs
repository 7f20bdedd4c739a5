//! Images that are looked at from elsewhere.

use super::ImageShape;
use super::augment::View;

/// The values of an image, plane after plane, that is looked at in another way; what comes into view
/// beside it is its border, which goes on.
pub(super) fn view<T: Pixel>(values: &[T], shape: ImageShape, view: View) -> Vec<T> {
    let ImageShape { height, width, .. } = shape;
    let turned: Vec<T>;
    let values = match view.affine {
        Some(matrix) => {
            let channels = values.chunks(height * width);
            turned = channels
                .flat_map(|channel| affine(channel, [height, width], matrix))
                .collect();
            &turned
        }
        None => values,
    };
    let moved =
        |place: usize, by: isize, size: usize| place.saturating_add_signed(-by).min(size - 1);
    let mut seen = Vec::with_capacity(values.len());
    for channel in values.chunks(height * width) {
        for row in 0..height {
            let row = moved(row, view.shift[0], height);
            for column in 0..width {
                let column = if view.is_flipped {
                    width - 1 - column
                } else {
                    column
                };
                seen.push(channel[row * width + moved(column, view.shift[1], width)]);
            }
        }
    }
    seen
}

/// A value that can be interpolated.
pub(super) trait Pixel: Copy {
    fn to_real(self) -> f32;
    fn from_real(value: f32) -> Self;
}

impl Pixel for u8 {
    fn to_real(self) -> f32 {
        f32::from(self)
    }

    fn from_real(value: f32) -> Self {
        value.round() as Self
    }
}

impl Pixel for f32 {
    fn to_real(self) -> f32 {
        self
    }

    fn from_real(value: f32) -> Self {
        value
    }
}

/// One plane under an affine map about its centre: where each place of it is taken from.
fn affine<T: Pixel>(
    values: &[T],
    [height, width]: [usize; 2],
    matrix: [[f32; 2]; 2],
) -> impl Iterator<Item = T> {
    let centre = [height, width].map(|size| (size as f32 - 1.0) / 2.0);
    let at = move |row: f32, column: f32| {
        // From below 0 to 0, as numbers are cast.
        let (row, column) = (
            (row as usize).min(height - 1),
            (column as usize).min(width - 1),
        );
        values[row * width + column].to_real()
    };
    (0..height * width).map(move |place| {
        let place = [(place / width) as f32, (place % width) as f32];
        let [row, column] = [place[0] - centre[0], place[1] - centre[1]];
        let source = [0, 1].map(|axis| {
            let [from_row, from_column] = matrix[axis];
            from_row * row + from_column * column + centre[axis]
        });
        let [top, left] = source.map(f32::floor);
        let [down, right] = [source[0] - top, source[1] - left];
        let line = |row| at(row, left) * (1.0 - right) + at(row, left + 1.0) * right;
        T::from_real(line(top) * (1.0 - down) + line(top + 1.0) * down)
    })
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
    fn a_view_is_turned_and_interpolated_about_the_centre() {
        let square = ImageShape {
            channels: 1,
            height: 3,
            width: 3,
        };
        let pixels = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0f32];
        let seen = |matrix| {
            let affine = Some(matrix);
            let looked = View {
                affine,
                ..View::default()
            };
            view(&pixels, square, looked)
        };
        assert_eq!(seen([[1.0, 0.0], [0.0, 1.0]]), pixels);
        // A quarter turn: the first row is what was the last column, from its upper end.
        assert_eq!(
            seen([[0.0, 1.0], [-1.0, 0.0]]),
            [30.0, 60.0, 90.0, 20.0, 50.0, 80.0, 10.0, 40.0, 70.0]
        );
        // Twice as large: corners are half-way between the centre and what was there.
        let large = seen([[0.5, 0.0], [0.0, 0.5]]);
        assert_eq!(
            large,
            [30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0]
        );
        // Half as large: the nearest places beside the centre are outside, where the border goes on.
        assert_eq!(seen([[2.0, 0.0], [0.0, 2.0]]), pixels);
    }

    #[test]
    fn a_view_moves_and_flips_every_channel() {
        let pixels = [1u8, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let seen = |shift, is_flipped| {
            let looked = View {
                shift,
                is_flipped,
                affine: None,
            };
            view(&pixels, SHAPE, looked)
        };
        assert_eq!(seen([0, 0], false), pixels);
        // One row down and one column to the right.
        assert_eq!(
            seen([1, 1], false),
            [1, 1, 2, 1, 1, 2, 11, 11, 12, 11, 11, 12]
        );
        assert_eq!(
            seen([0, -2], false),
            [3, 3, 3, 6, 6, 6, 13, 13, 13, 16, 16, 16]
        );
        let mirrored = [3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14];
        assert_eq!(seen([0, 0], true), mirrored);
        assert_eq!(
            seen([-1, 1], true),
            [5, 4, 4, 5, 4, 4, 15, 14, 14, 15, 14, 14]
        );
    }
}
