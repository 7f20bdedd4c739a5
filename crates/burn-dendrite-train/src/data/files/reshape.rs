//! Images of other sizes, colours and orders of pixels.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma, Primitive};

use super::super::ImageShape;
use super::super::values::Values;
use super::{Colour, DataSpec, Fit};

/// What is done to every image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reshape {
    transpose: bool,
    colour: Colour,
    size: Option<[usize; 2]>,
    fit: Fit,
    background: [u8; 3],
}

/// An image, plane after plane and row after row.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) shape: ImageShape,
    pub(super) values: Values,
}

impl Reshape {
    pub(super) fn of(spec: &DataSpec) -> Self {
        Self {
            transpose: spec.transpose,
            colour: spec.colour,
            size: spec.size,
            fit: spec.fit,
            background: spec.background.unwrap_or_default(),
        }
    }

    /// Whether every image stays as it is.
    pub(super) fn is_nothing(&self) -> bool {
        !self.transpose && self.colour == Colour::AsIs && self.size.is_none()
    }

    /// The image as it is asked for.
    pub(super) fn apply(&self, picture: Picture) -> Picture {
        let shape = picture.shape;
        match picture.values {
            Values::Bytes(values) => {
                let planes = planes(values, shape);
                let background = self.background;
                let (shape, values) = self.planes(planes, shape, background);
                Picture {
                    shape,
                    values: Values::Bytes(values),
                }
            }
            Values::Reals(values) => {
                let planes = planes(values, shape);
                let background = self.background.map(|it| f32::from(it) / 255.0);
                let (shape, values) = self.planes(planes, shape, background);
                Picture {
                    shape,
                    values: Values::Reals(values),
                }
            }
        }
    }

    fn planes<T: Value>(
        &self,
        mut planes: Vec<Vec<T>>,
        mut shape: ImageShape,
        background: [T; 3],
    ) -> (ImageShape, Vec<T>) {
        if self.transpose {
            let ImageShape { height, width, .. } = shape;
            let turned = |plane: Vec<T>| -> Vec<T> {
                let places =
                    (0..width).flat_map(|column| (0..height).map(move |row| (row, column)));
                places
                    .map(|(row, column)| plane[row * width + column])
                    .collect()
            };
            planes = planes.into_iter().map(turned).collect();
            (shape.height, shape.width) = (width, height);
        }
        planes = self.coloured(planes);
        shape.channels = planes.len();
        if let Some(size) = self.size {
            let background = match planes.len() {
                3 => background.to_vec(),
                count => vec![T::grey(background); count],
            };
            let planes_of_size = planes.into_iter().zip(background);
            planes = planes_of_size
                .map(|(plane, background)| self.resized(plane, shape, size, background))
                .collect();
            [shape.height, shape.width] = size;
        }
        (shape, planes.concat())
    }

    fn coloured<T: Value>(&self, planes: Vec<Vec<T>>) -> Vec<Vec<T>> {
        match (self.colour, planes.as_slice()) {
            (Colour::Grey, [red, green, blue]) => {
                let pixels = red.iter().zip(green).zip(blue);
                let grey = pixels.map(|((red, green), blue)| T::grey([*red, *green, *blue]));
                vec![grey.collect()]
            }
            (Colour::Rgb, [grey]) => vec![grey.clone(); 3],
            _ => planes,
        }
    }

    /// A plane of this height and width.
    fn resized<T: Value>(
        &self,
        plane: Vec<T>,
        shape: ImageShape,
        size: [usize; 2],
        background: T,
    ) -> Vec<T> {
        let from = [shape.height, shape.width];
        if from == size {
            return plane;
        }
        match self.fit {
            Fit::Stretch => T::scale(plane, from, size),
            Fit::Crop => {
                let part = largest_within(size, from);
                T::scale(cut(&plane, from, part), part, size)
            }
            Fit::Pad => {
                let part = largest_within(from, size);
                let image = T::scale(plane, from, part);
                let mut padded = vec![background; size[0] * size[1]];
                let [top, left] = [0, 1].map(|axis| (size[axis] - part[axis]) / 2);
                for (row, values) in image.chunks(part[1]).enumerate() {
                    let start = (top + row) * size[1] + left;
                    padded[start..start + part[1]].copy_from_slice(values);
                }
                padded
            }
        }
    }
}

/// The largest height and width of these proportions within a height and width.
fn largest_within(proportions: [usize; 2], within: [usize; 2]) -> [usize; 2] {
    let [height, width] = proportions.map(|it| it as f64);
    let scale = (within[0] as f64 / height).min(within[1] as f64 / width);
    let fits = |side: f64, within: usize| ((side * scale).round() as usize).clamp(1, within);
    [fits(height, within[0]), fits(width, within[1])]
}

/// The part of this height and width around the centre of a plane.
fn cut<T: Copy>(plane: &[T], [height, width]: [usize; 2], part: [usize; 2]) -> Vec<T> {
    let [top, left] = [(height - part[0]) / 2, (width - part[1]) / 2];
    let rows = plane.chunks(width).skip(top).take(part[0]);
    rows.flat_map(|row| row[left..left + part[1]].iter().copied())
        .collect()
}

fn planes<T: Clone>(values: Vec<T>, shape: ImageShape) -> Vec<Vec<T>> {
    let planes = values.chunks(shape.height * shape.width);
    planes.map(<[T]>::to_vec).collect()
}

/// A value of a pixel.
trait Value: Primitive + 'static {
    /// The luminance of red, green and blue.
    fn grey(colour: [Self; 3]) -> Self;

    /// A plane in another height and width: each pixel the mean of those that it covers, weighted by
    /// their distance.
    fn scale(plane: Vec<Self>, from: [usize; 2], to: [usize; 2]) -> Vec<Self>;
}

/// Rec. 709.
fn luminance([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// A plane of values that the library takes for pixels.
fn scaled<T: Primitive + 'static>(
    plane: Vec<T>,
    [height, width]: [usize; 2],
    to: [usize; 2],
) -> Vec<T> {
    if [height, width] == to {
        return plane;
    }
    let image: Option<ImageBuffer<Luma<T>, Vec<T>>> =
        ImageBuffer::from_raw(width as u32, height as u32, plane);
    let image = image.expect("a plane has as many values as its height and width say");
    imageops::resize(&image, to[1] as u32, to[0] as u32, FilterType::Triangle).into_raw()
}

impl Value for u8 {
    fn grey(colour: [Self; 3]) -> Self {
        luminance(colour.map(f32::from)).round() as Self
    }

    fn scale(plane: Vec<Self>, from: [usize; 2], to: [usize; 2]) -> Vec<Self> {
        scaled(plane, from, to)
    }
}

impl Value for f32 {
    fn grey(colour: [Self; 3]) -> Self {
        luminance(colour)
    }

    fn scale(plane: Vec<Self>, from: [usize; 2], to: [usize; 2]) -> Vec<Self> {
        // The library takes numbers for pixels from 0 to 1, and cuts off what is not.
        let low = plane.iter().copied().fold(Self::INFINITY, Self::min);
        let high = plane.iter().copied().fold(Self::NEG_INFINITY, Self::max);
        let range = high - low;
        if !(range > 0.0 && range.is_finite()) {
            return vec![low; to[0] * to[1]];
        }
        let unit = plane.into_iter().map(|value| (value - low) / range);
        let scaled = scaled(unit.collect(), from, to);
        scaled
            .into_iter()
            .map(|value| low + value * range)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
        ImageShape {
            channels,
            height,
            width,
        }
    }

    fn bytes(text: &str, shape: ImageShape, pixels: &[u8]) -> (ImageShape, Vec<u8>) {
        let spec: DataSpec = toml::from_str(text).unwrap();
        let values = Values::Bytes(pixels.to_vec());
        let picture = Reshape::of(&spec).apply(Picture { shape, values });
        match picture.values {
            Values::Bytes(pixels) => (picture.shape, pixels),
            Values::Reals(_) => panic!("bytes stay bytes"),
        }
    }

    #[test]
    fn rows_and_columns_change_places() {
        let found = bytes(
            "transpose = true",
            shape(2, 2, 3),
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        );
        assert_eq!(
            found,
            (shape(2, 3, 2), vec![1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12])
        );
    }

    #[test]
    fn colours_become_grey_by_luminance_and_back() {
        // 0.2126 · 100 + 0.7152 · 50 + 0.0722 · 200 = 71.46.
        assert_eq!(
            bytes("colour = \"grey\"", shape(3, 1, 1), &[100, 50, 200]).1,
            [71]
        );
        let found = bytes("colour = \"rgb\"", shape(1, 1, 2), &[7, 9]);
        assert_eq!(found, (shape(3, 1, 2), vec![7, 9, 7, 9, 7, 9]));
    }

    #[test]
    fn a_size_of_other_proportions_is_cropped_padded_or_stretched_to() {
        // Two rows of four: the middle two columns are a square.
        let wide = [1, 10, 20, 90, 1, 10, 20, 90];
        assert_eq!(
            bytes("size = [2, 2]", shape(1, 2, 4), &wide).1,
            [10, 20, 10, 20]
        );
        let padded = bytes(
            "size = [4, 4]\nfit = \"pad\"\nbackground = [5, 5, 5]",
            shape(1, 2, 4),
            &wide,
        );
        let mut expected = vec![5; 4];
        expected.extend(wide);
        expected.extend([5; 4]);
        assert_eq!(padded, (shape(1, 4, 4), expected));
        let stretched = bytes(
            "size = [2, 1]\nfit = \"stretch\"",
            shape(1, 2, 2),
            &[0, 100, 50, 50],
        );
        assert_eq!(stretched, (shape(1, 2, 1), vec![50, 50]));
    }

    #[test]
    fn numbers_outside_0_to_1_are_scaled_as_well() {
        let spec: DataSpec = toml::from_str("size = [1, 1]\nfit = \"stretch\"").unwrap();
        let values = Values::Reals(vec![-3.0, 5.0]);
        let shape = shape(1, 1, 2);
        let Values::Reals(values) = Reshape::of(&spec).apply(Picture { shape, values }).values
        else {
            panic!("numbers stay numbers");
        };
        assert!((values[0] - 1.0).abs() < 1e-5, "{values:?}");
    }
}
